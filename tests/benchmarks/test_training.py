"""The command that measures the speed of training, on its smallest jobs."""

import json

import pytest

from benchmarks.training import main


def test_the_command_prints_a_table_and_writes_its_results(tmp_path, capsys):
    path = tmp_path / "figures.json"

    code = main(["--quick", "--only", "batches", "hourly", "--json", str(path)])

    figures, printed = json.loads(path.read_text()), capsys.readouterr().out
    assert code == 0
    assert set(figures) == {"machine", "results", "skipped"}
    assert [each["row"] for each in figures["results"]] == ["batches"] * 3
    assert set(figures["results"][0]) == {
        *("row", "work", "against", "ours", "theirs", "unit"),
        *("ratio", "goal", "at_most", "met", "runs"),
    }
    assert figures["results"][2]["ours"] == 0  # bytes kept for a window
    assert printed.startswith("| row | work | against |")
    assert "Left out: hourly: m4_hourly: no --data FOLDER was given" in printed


def test_missing_peers_presets_and_sets_are_reported(tmp_path, capsys):
    rows = ["small", "hourly", "preset"]

    code = main(["--quick", "--data", str(tmp_path), "--only", *rows])

    printed = capsys.readouterr().out
    assert code == 0
    assert "Left out: small: NeuralForecast and Darts: no peers: `make p" in printed
    assert f"Left out: hourly: m4_hourly: not in {tmp_path}" in printed
    assert "Left out: preset: " in printed


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--peers", "nowhere"], "--peers must be the Python that `make peers` makes"),
        (["--data", "nowhere"], "--data must be a folder that exists"),
        (["--json", "nowhere/f.json"], "--json must be a file in a folder that"),
    ],
)
def test_bad_options_are_refused_before_the_work(capsys, options, message):
    code = main(["--only", "small", *options])

    assert code == 2
    assert message in capsys.readouterr().err
