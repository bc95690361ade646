"""Command that scores the regressors on published windows with published results.

    python -m benchmarks.windows --data FOLDER

The windows of 5 observations in and 10 steps out of Chandra, Goyal and Gupta 2021,
IEEE Access 9, "Evaluation of deep learning models for multi-step ahead time series
prediction": files NAME_train.csv and NAME_test.csv with the columns Input1 to Input5
and Output1 to Output10. The regressors have default settings and are fitted to the
training windows alone; the test windows' outputs are read after all forecasts are made.
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
        name: name of the set.
        method: name of the forecasting method.
        median: median of the seeds' errors.
        min_error, max_error: the smallest and the largest of them.
        seconds: mean seconds per seed to fit and to forecast.
    """

    name: str
    method: str
    median: float
    min_error: float
    max_error: float
    seconds: float

    def to_json(self) -> str:
        """Return the result as a JSON object."""
        fields = self._asdict()
        keys = {"min_error": "least", "max_error": "most"}
        return json.dumps({keys.get(name, name): fields[name] for name in fields})


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
    options = parser.parse_args(arguments)
    try:
        if options.seeds < 1:
            raise SettingError("--seeds", options.seeds, "at least 1")
        for result in _score_sets(options.data, options.seeds):
            print(result.to_json() if options.json else _format_row(result))
    except ForecastingError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    return 0


def paper_rmse(actual: FloatArray, forecast: FloatArray) -> float:
    """Return the paper's error, sqrt(Σ (y - f)² / windows); 0 or more.

    The sum is over windows and steps, so it is sqrt(steps) times the usual RMSE.

    Args:
        actual: actual values, ``(windows, steps)``.
        forecast: forecasts, of the same shape.
    """
    return float(np.sqrt(((actual - forecast) ** 2).sum() / len(actual)))


def _score_sets(folder: Path, seeds: int) -> Iterator[Result]:
    available = [name for name in NAMES if (folder / f"{name}_train.csv").exists()]
    if not available:
        raise UnreadableData(
            folder,
            f"none of {', '.join(f'{name}_train.csv' for name in NAMES)} there",
            "Name the folder of the windows.",
        )
    for name in NAMES:
        if name in available:
            yield from _score_set(folder, name, seeds)
        else:
            print(f"{name}: no {name}_train.csv, left out", file=sys.stderr)


def _score_set(folder: Path, name: str, seeds: int) -> Iterator[Result]:
    inputs = _read(folder / f"{name}_train.csv", "Input")
    targets = _read(folder / f"{name}_train.csv", "Output")
    test_inputs = _read(folder / f"{name}_test.csv", "Input")
    forecasts = {
        "last value": [(np.repeat(test_inputs[:, -1:], targets.shape[1], 1), 0.0)],
        "least squares": [(_least_squares(inputs, targets, test_inputs), 0.0)],
    }
    for kind in REGRESSORS:
        forecasts[kind.__name__] = []
        for seed in range(seeds):
            start = time.perf_counter()
            regressor = kind(random_state=seed).fit(inputs, targets)
            forecast = regressor.predict(test_inputs)
            duration = time.perf_counter() - start
            forecasts[kind.__name__].append((forecast, duration))
            line = f"{name}: {kind.__name__}, seed {seed}, {duration:.0f} s"
            print(line, file=sys.stderr, flush=True)
    actual = _read(folder / f"{name}_test.csv", "Output")
    for method, runs in forecasts.items():
        errors = [paper_rmse(actual, forecast) for forecast, _ in runs]
        seconds = float(np.mean([duration for _, duration in runs]))
        median = float(np.median(errors))
        yield Result(name, method, median, min(errors), max(errors), seconds)


def _least_squares(
    inputs: FloatArray, targets: FloatArray, test_inputs: FloatArray
) -> FloatArray:
    """Forecast with one linear regression per step, with intercept."""

    def add_intercept(rows: FloatArray) -> FloatArray:
        return np.column_stack([rows, np.ones(len(rows))])

    weights = np.linalg.lstsq(add_intercept(inputs), targets, rcond=None)[0]
    return np.asarray(add_intercept(test_inputs) @ weights)


def _read(path: Path, prefix: str) -> FloatArray:
    """Return the columns of a CSV with a prefix, ``(windows, columns)``."""
    if not path.exists():
        raise UnreadableData(path, "no such file", "Put it beside the other files.")
    header = pd.read_csv(path, nrows=0).columns
    columns = [name for name in header if name.startswith(prefix)]
    if not columns:
        raise MissingColumns([f"{prefix}1"], header)
    frame = pd.read_csv(path, usecols=columns)[columns]
    values = frame.apply(pd.to_numeric, errors="coerce").to_numpy(dtype=np.float64)
    rows, positions = np.nonzero(~np.isfinite(values))
    if len(rows):
        where = [f"row {row + 1}" for row in rows]
        raise InvalidValues(
            columns[positions[0]], where, "no finite number", f"Mend {path}."
        )
    return np.asarray(values)


def _format_row(result: Result) -> str:
    name, method, *errors, seconds = result
    numbers = " | ".join(f"{error:.4f}" for error in errors)
    return f"| {name} | {method} | {numbers} | {seconds:.0f} |"


if __name__ == "__main__":
    sys.exit(main())
