"""The speed of forecasts is measured beside the bare network and the data's size."""

import json

from benchmarks.forecasting import main, make_panel


def test_a_quick_run_prints_and_writes_what_forecasts_cost(tmp_path, capsys):
    code = main(["--quick", "--json", str(tmp_path / "speed.json")])

    figures = json.loads((tmp_path / "speed.json").read_text())
    printed = capsys.readouterr().out
    assert code == 0
    assert [row["model"] for row in figures["one"]] == [
        *("classic", "guarded: network", "guarded: halfway", "guarded: linear")
    ]
    assert all(0.1 < row["predict_ratio"] < 50 for row in figures["one"])
    (many,) = figures["many"]
    assert (many["normalization"], many["series"]) == ("standard", 100)
    assert 0 <= many["growth_mb"] < 1000
    assert "| guarded: linear | 5 | 2 |" in printed


def test_series_are_24_to_200_days_long_and_named_apart_from_each_other():
    panel = make_panel(50)

    assert panel.lengths.min() >= 24
    assert panel.lengths.max() <= 200
    assert len(set(panel.series_ids)) == 50
    assert len(make_panel(1).values) == 200
