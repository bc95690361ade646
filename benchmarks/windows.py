"""How accurate the three regressors are on windows that were published with results.

    python -m benchmarks.windows --data FOLDER

The windows of 5 observations in and 10 steps out of Chandra, Goyal and Gupta 2021,
IEEE Access 9, "Evaluation of deep learning models for multi-step ahead time series
prediction": files NAME_train.csv and NAME_test.csv with the columns Input1 to Input5
and Output1 to Output10. The regressors are left at their defaults and see the training
windows alone; the test windows' outputs are read when all forecasts are made.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from forecasting import GRURegressor, LSTMRegressor, RNNRegressor
from forecasting.errors import (
    ForecastingError,
    InvalidValues,
    MissingColumns,
    SettingError,
    UnreadableData,
)
from forecasting.types import FloatArray

NAMES = ("sunspot", "lazer", "acfinance")
REGRESSORS = (RNNRegressor, LSTMRegressor, GRURegressor)


class Result(NamedTuple):
    """The errors of one method on one set of windows.

    Attributes:
        name: of the set.
        method: who forecast.
        median: of the seeds' errors.
        least, most: the smallest and the largest of them.
        seconds: to fit and to forecast, a seed.
    """

    name: str
    method: str
    median: float
    least: float
    most: float
    seconds: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code: 0 done, 2 bad input."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.windows",
        description="Fit the regressors on published windows and score them.",
    )
    parser.add_argument(
        "--data", type=Path, required=True, help="folder of NAME_train.csv, _test.csv"
    )
    parser.add_argument("--seeds", type=int, default=5, help="fits of each; default 5")
    parser.add_argument("--json", action="store_true", help="print one object a row")
    asked = parser.parse_args(arguments)
    try:
        if asked.seeds < 1:
            raise SettingError("--seeds", asked.seeds, "at least 1")
        for result in _results(asked.data, asked.seeds):
            print(json.dumps(result._asdict()) if asked.json else _row(result))
    except ForecastingError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    return 0


def paper_rmse(actual: FloatArray, forecast: FloatArray) -> float:
    """Return the paper's error, sqrt(Σ (y - f)² / windows); 0 or more.

    The sum runs over windows and steps, so that it is sqrt(steps) times the usual one.

    Args:
        actual: ``(windows, steps)``.
        forecast: of the same shape.
    """
    return float(np.sqrt(((actual - forecast) ** 2).sum() / len(actual)))


def _results(folder: Path, seeds: int) -> Iterator[Result]:
    found = [name for name in NAMES if (folder / f"{name}_train.csv").exists()]
    if not found:
        raise UnreadableData(
            folder,
            f"none of {', '.join(f'{name}_train.csv' for name in NAMES)} there",
            "Name the folder of the windows.",
        )
    for name in NAMES:
        if name in found:
            yield from _results_of(folder, name, seeds)
        else:
            print(f"{name}: no {name}_train.csv, left out", file=sys.stderr)


def _results_of(folder: Path, name: str, seeds: int) -> Iterator[Result]:
    inputs = _read(folder / f"{name}_train.csv", "Input")
    targets = _read(folder / f"{name}_train.csv", "Output")
    asked = _read(folder / f"{name}_test.csv", "Input")
    made = {
        "last value": [(np.repeat(asked[:, -1:], targets.shape[1], 1), 0.0)],
        "least squares": [(_least_squares(inputs, targets, asked), 0.0)],
    }
    for kind in REGRESSORS:
        made[kind.__name__] = []
        for seed in range(seeds):
            began = time.perf_counter()
            regressor = kind(random_state=seed).fit(inputs, targets)
            forecast = regressor.predict(asked)
            spent = time.perf_counter() - began
            made[kind.__name__].append((forecast, spent))
            said = f"{name}: {kind.__name__}, seed {seed}, {spent:.0f} s"
            print(said, file=sys.stderr, flush=True)
    actual = _read(folder / f"{name}_test.csv", "Output")
    for method, forecasts in made.items():
        errors = [paper_rmse(actual, forecast) for forecast, _ in forecasts]
        seconds = float(np.mean([spent for _, spent in forecasts]))
        median = float(np.median(errors))
        yield Result(name, method, median, min(errors), max(errors), seconds)


def _least_squares(
    inputs: FloatArray, targets: FloatArray, asked: FloatArray
) -> FloatArray:
    """Forecast with one linear regression a step, intercept included."""

    def widen(rows: FloatArray) -> FloatArray:
        return np.column_stack([rows, np.ones(len(rows))])

    weights = np.linalg.lstsq(widen(inputs), targets, rcond=None)[0]
    return np.asarray(widen(asked) @ weights)


def _read(path: Path, prefix: str) -> FloatArray:
    """Return the columns of one prefix, ``(windows, columns)``."""
    if not path.exists():
        raise UnreadableData(path, "no such file", "Put it beside the other files.")
    header = pd.read_csv(path, nrows=0).columns
    columns = [name for name in header if name.startswith(prefix)]
    if not columns:
        raise MissingColumns([f"{prefix}1"], header)
    frame = pd.read_csv(path, usecols=columns)[columns]
    values = frame.apply(pd.to_numeric, errors="coerce").to_numpy(dtype=np.float64)
    rows, places = np.nonzero(~np.isfinite(values))
    if len(rows):
        where = [f"row {row + 1}" for row in rows]
        raise InvalidValues(
            columns[places[0]], where, "no finite number", f"Mend {path}."
        )
    return np.asarray(values)


def _row(result: Result) -> str:
    name, method, *errors, seconds = result
    numbers = " | ".join(f"{error:.4f}" for error in errors)
    return f"| {name} | {method} | {numbers} | {seconds:.0f} |"


if __name__ == "__main__":
    sys.exit(main())
