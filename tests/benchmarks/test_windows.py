"""The regressors on windows that come cut, and the error of the paper."""

import json

import numpy as np
import pandas as pd
import pytest

from benchmarks.windows import main, paper_rmse

WAVE = np.sin(0.7 * np.arange(60)) + 0.05 * np.random.default_rng(0).normal(size=60)
COLUMNS = [*(f"Input{i}" for i in range(1, 6)), *(f"Output{i}" for i in range(1, 3))]


def write_windows(folder, name, outputs=None):
    rows = np.lib.stride_tricks.sliding_window_view(WAVE, len(COLUMNS))
    pd.DataFrame(rows[:40], columns=COLUMNS).to_csv(
        folder / f"{name}_train.csv", index=False
    )
    test = pd.DataFrame(rows[46:], columns=COLUMNS)
    if outputs is not None:
        test["Output2"] = outputs
    test.to_csv(folder / f"{name}_test.csv", index=False)
    return rows[46:]


def test_the_paper_takes_the_root_of_the_squares_over_windows_not_steps():
    actual = np.array([[1.0, 2.0], [3.0, 4.0]])

    assert paper_rmse(actual, actual + 1) == pytest.approx(np.sqrt(2))


def test_each_regressor_is_scored_beside_the_last_value(tmp_path, capsys):
    test = write_windows(tmp_path, "lazer")
    last = np.sqrt(((test[:, 5:] - test[:, 4:5]) ** 2).sum() / len(test))

    code = main(["--data", str(tmp_path), "--seeds", "1", "--json"])

    output = capsys.readouterr()
    results = [json.loads(line) for line in output.out.splitlines()]
    assert code == 0
    assert [row["method"] for row in results] == [
        *("last value", "least squares"),
        *("RNNRegressor", "LSTMRegressor", "GRURegressor"),
    ]
    assert results[0]["median"] == pytest.approx(last)
    assert all(row["median"] < last for row in results[1:])
    assert "sunspot: no sunspot_train.csv, left out" in output.err


def test_the_outputs_of_the_test_windows_are_read_after_the_forecasts(tmp_path, capsys):
    write_windows(tmp_path, "sunspot", outputs="behind the cutoff")

    code = main(["--data", str(tmp_path), "--seeds", "1"])

    errors = capsys.readouterr().err
    assert code == 2
    assert "GRURegressor, seed 0" in errors
    assert "column 'Output2': no finite number at row 1, row 2" in errors


@pytest.mark.parametrize(
    ("options", "message"),
    [([], "none of sunspot_train.csv, lazer_train.csv"), (["--seeds", "0"], "least 1")],
)
def test_bad_options_are_refused(tmp_path, capsys, options, message):
    code = main(["--data", str(tmp_path), *options])

    assert code == 2
    assert message in capsys.readouterr().err


def test_windows_without_a_test_part_are_refused(tmp_path, capsys):
    write_windows(tmp_path, "lazer")
    (tmp_path / "lazer_test.csv").unlink()

    code = main(["--data", str(tmp_path)])

    assert code == 2
    assert "lazer_test.csv: no such file" in capsys.readouterr().err
