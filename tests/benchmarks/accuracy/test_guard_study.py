"""The study of the guard: rows, ratios, and files that are missing."""

import json

import numpy as np
import pandas as pd

from benchmarks.accuracy.guard_study import cut_pieces, main
from forecasting.data.panel import Panel


def write_months(folder, name):
    stamps = pd.date_range("2000-01-01", periods=72, freq="MS")
    season = np.tile([3.0, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8], 6)
    noise = np.random.default_rng(0).normal(size=72)
    frame = pd.DataFrame({"unique_id": "a", "ds": stamps, "y": 20 + season + noise})
    frame.to_csv(folder / name, index=False)


def test_a_row_compares_guarded_model_network_and_baselines(tmp_path, capsys):
    write_months(tmp_path, "airpassengers.csv")
    figures = tmp_path / "figures.jsonl"

    code = main(
        ["--data", str(tmp_path), "--cases", "airpassengers", "heart rate",
         "--presets", "guarded", "--cells", "rnn", "--steps", "2",
         "--json", str(figures)]
    )  # fmt: skip

    output = capsys.readouterr()
    (row,) = [json.loads(line) for line in figures.read_text().splitlines()]
    assert code == 0
    assert "heart rate: no heart_rate.csv, left out" in output.err
    assert "airpassengers" in output.out
    assert row["ratio"] == row["guarded"] / row[row["best"]]
    assert row[row["best"]] <= min(row["last_value"], row["seasonal_naive"])


def test_pieces_end_with_the_series():
    panel = Panel.from_values({"a": np.arange(100.0)})

    pieces = dict(cut_pieces("sunspots", panel, 2))

    assert list(pieces)[:2] == ["36 of sunspots from 0", "36 of sunspots from 64"]
    assert [len(piece.values) for piece in pieces.values()] == [36, 36, 48, 48, 60, 60]
    assert pieces["60 of sunspots from 40"].values[-1] == 99
