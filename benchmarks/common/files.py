"""Folders of series and files of forecasts, in CSV.

A folder holds ``train.csv`` or ``train.csv.gz`` and, for scoring, ``test.csv``:
``unique_id, ds, y``, each series oldest first. The timestamps ``ds`` are not read: sets
mix dates and steps. A file of forecasts has a row a series and step: ``unique_id,
step, y_hat`` and, where there are intervals, ``lower_80, upper_80, ...``.
"""

import re
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from forecasting.data.forecast import Forecast
from forecasting.data.panel import Panel
from forecasting.errors import (
    DataError,
    InvalidValues,
    MissingColumns,
    UnreadableData,
    join_shown,
)
from forecasting.types import FloatArray

Part = Literal["train", "test"]
OUTPUT_COLUMNS = {"series_id": "unique_id", "point": "y_hat"}
BOUNDS = ("lower", "upper")


def read_series(folder: Path, part: Part) -> Panel:
    """Return one part of a set, its series in the file's order.

    Raises:
        DataError: the file is missing or not a CSV of series.
    """
    frame = _read_csv(_find(folder, part), ("unique_id", "y"))
    by_series = frame.groupby("unique_id", sort=False)["y"]
    return Panel.from_values(
        {str(name): values.to_numpy() for name, values in by_series}
    )


def has_test_part(folder: Path) -> bool:
    """Return whether the folder has a test part to score with."""
    return any(path.exists() for path in _paths(folder, "test"))


def count_steps(folder: Path) -> int:
    """Return the number of rows of the test part's first series; no value is read.

    Raises:
        DataError: the file is missing or has no column ``unique_id``.
    """
    path = _find(folder, "test")
    ids = _read_csv(path, ("unique_id",))["unique_id"].to_numpy()
    return int((ids == ids[0]).sum())


def to_matrix(panel: Panel) -> FloatArray:
    """Return the values of a test part, ``(series, horizon)``.

    Raises:
        DataError: its series have different lengths.
    """
    if np.ptp(panel.lengths):
        raise DataError(
            "test part: every series must have the same number of rows; found "
            f"{panel.lengths.min()} to {panel.lengths.max()}. Score them apart."
        )
    return panel.values.reshape(len(panel), -1)


def write_forecasts(forecast: Forecast, path: Path) -> None:
    """Write a forecast as CSV."""
    frame = forecast.to_frame().drop(columns="timestamp").rename(columns=OUTPUT_COLUMNS)
    frame.to_csv(path, index=False)


def read_forecasts(path: Path, test: Panel) -> Forecast:
    """Return the forecasts of the test part's series and steps, in its order.

    Raises:
        DataError: the file is missing or not a CSV of forecasts, lacks a series or a
            step, or has one twice.
    """
    horizon = to_matrix(test).shape[1]
    table = _read_csv(path, ("unique_id", "step", "y_hat"))
    index = pd.MultiIndex.from_frame(table[["unique_id", "step"]])
    expected = pd.MultiIndex.from_product([test.series_ids, range(1, horizon + 1)])
    _check_complete(path, index, expected)
    table = table.set_index(index).loc[expected]
    names = ["y_hat", *_bounds(table)]
    for name in names:
        bad = expected[~np.isfinite(pd.to_numeric(table[name], errors="coerce"))]
        if len(bad):
            where = [f"series {series!r}, step {step}" for series, step in bad]
            raise InvalidValues(
                name, where, "no finite number", "Forecast every step with one."
            )
    columns = {name: table[name].to_numpy().reshape(-1, horizon) for name in names}
    lower = [name for name in names if name.startswith("lower_")]
    return Forecast(
        series_ids=test.series_ids,
        timestamps=None,
        points=columns["y_hat"],
        intervals={
            float(name[6:]): (columns[name], columns[f"upper_{name[6:]}"])
            for name in lower
        },
    )


def _bounds(table: pd.DataFrame) -> list[str]:
    """Return the names of the intervals' columns, lower and upper in turn."""
    matches = [re.fullmatch(r"lower_(\d+\.?\d*)", str(name)) for name in table]
    names = [f"{side}_{match[1]}" for match in matches if match for side in BOUNDS]
    absent = [name for name in names if name not in table]
    if absent:
        raise MissingColumns(absent, map(str, table.columns))
    return names


def _check_complete(path: Path, index: pd.MultiIndex, expected: pd.MultiIndex) -> None:
    absent = expected.difference(index, sort=False)
    if len(absent):
        where = join_shown((f"{series!r} step {step}" for series, step in absent))
        raise DataError(
            f"{path}: no forecast of series {where}; expected every step of every "
            "series of the test part. Forecast them all."
        )
    twice = index[index.duplicated()]
    if len(twice):
        where = join_shown((f"{series!r} step {step}" for series, step in twice))
        raise DataError(
            f"{path}: more than one forecast of series {where}. Keep one of each."
        )


def _find(folder: Path, part: Part) -> Path:
    for path in _paths(folder, part):
        if path.exists():
            return path
    raise UnreadableData(
        folder, f"no {part}.csv or {part}.csv.gz there", "Name the folder of a set."
    )


def _paths(folder: Path, part: Part) -> tuple[Path, Path]:
    return folder / f"{part}.csv", folder / f"{part}.csv.gz"


def _read_csv(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    """Read a CSV and check its columns; series named NA or 007 keep their names."""
    try:
        frame = pd.read_csv(
            path,
            dtype={"unique_id": str},
            keep_default_na=False,
            na_values={"y": [""], "y_hat": [""]},
        )
    except (OSError, UnicodeDecodeError, ValueError) as error:
        reason = f"it cannot be read as CSV ({error})"
        raise UnreadableData(path, reason, "Give a CSV with a header.") from error
    missing = [name for name in columns if name not in frame]
    if missing:
        raise MissingColumns(missing, map(str, frame.columns))
    if frame.empty:
        raise UnreadableData(path, "it has no rows", "Give a CSV with some.")
    return frame
