"""The study of first weights: a row a set, and sets that are unknown."""

import numpy as np
import pandas as pd

from benchmarks.accuracy.start_study import main


def write_set(folder, series=2, count=100):
    folder.mkdir()
    months = np.arange(count)
    frames = [
        pd.DataFrame(
            {
                "unique_id": f"s{i}",
                "ds": months,
                "y": 50 + 9 * np.sin(months * np.pi / 6 + i) + months % 7,
            }
        )
        for i in range(series)
    ]
    pd.concat(frames).to_csv(folder / "train.csv", index=False)


def test_a_row_shows_errors_and_seconds_of_each_start(tmp_path, capsys):
    write_set(tmp_path / "m3_monthly")

    code = main(["--data", str(tmp_path / "m3_monthly"), "--steps", "2"])

    rows = capsys.readouterr().out.splitlines()
    cells = rows[2].strip("| ").split(" | ")
    assert code == 0
    assert len(rows) == 3
    assert cells[:2] == ["m3_monthly", "2"]
    assert all(float(cell) >= 0 for cell in cells[2:])


def test_an_unknown_set_is_an_error(tmp_path, capsys):
    write_set(tmp_path / "mine")

    code = main(["--data", str(tmp_path / "mine")])

    assert code == 2
    assert "give a known set" in capsys.readouterr().err
