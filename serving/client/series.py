"""Conversion of a frame or plain lists to the series of a request."""

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, TypedDict, Union

if TYPE_CHECKING:
    import pandas as pd

SERIES_ID, TIMESTAMP, TARGET = "series_id", "timestamp", "target"


class _Required(TypedDict):
    id: str
    values: Sequence[float]


class Series(_Required, total=False):
    """One series of a request."""

    timestamps: Sequence[str] | Sequence[int]
    past_covariates: Mapping[str, Sequence[Any]]
    known_covariates: Mapping[str, Sequence[Any]]
    static_covariates: Mapping[str, Any]


# A long frame with columns series_id, timestamp (each may be left out) and target; or
# values by series id; or series from `series_of`; None: the series of the training.
RequiredData = Union["pd.DataFrame", Mapping[str, Sequence[float]], Sequence[Series]]
Data = RequiredData | None


def to_series(data: Data) -> list[Series] | None:
    """Return the series of a request, or None for those of the training.

    Raises:
        ValueError: a value is missing, or a column.
    """
    if data is None:
        return None
    if isinstance(data, Mapping):
        return [
            {"id": str(name), "values": _numbers(str(name), values)}
            for name, values in data.items()
        ]
    if isinstance(data, Sequence):
        return list(data)
    return series_of(data)


def series_of(
    frame: "pd.DataFrame",
    *,
    time: str | None = None,
    target: str = TARGET,
    series_id: str | None = None,
    past_covariates: Sequence[str] = (),
    known_covariates: Sequence[str] = (),
    static_covariates: Sequence[str] = (),
) -> list[Series]:
    """Return the series of a long frame: one row per observation, oldest first.

    Rows without a target at the end of a series hold its future known covariates.

    Args:
        frame: the observations.
        time: column of dates or integer steps; default ``timestamp`` if there is one.
        target: column of the numbers to forecast.
        series_id: column that names the series; default ``series_id`` if there is one.
        past_covariates: columns known up to now.
        known_covariates: columns known over the horizon too.
        static_covariates: columns with one value per series.

    Raises:
        ValueError: a column is missing, or a value or the name of a series.
    """
    time = time or (TIMESTAMP if TIMESTAMP in frame else None)
    series_id = series_id or (SERIES_ID if SERIES_ID in frame else None)
    columns = [time, target, series_id]
    columns += [*past_covariates, *known_covariates, *static_covariates]
    missing = [name for name in columns if name is not None and name not in frame]
    if missing:
        names = ", ".join(map(repr, frame.columns))
        raise ValueError(f"no column {missing[0]!r}; the frame has {names}")
    series: list[Series] = []
    for name, rows in _groups(frame, series_id, target):
        count = _count_observed(name, rows[target], has_future=bool(known_covariates))
        past = rows.iloc[:count]
        item: Series = {"id": name, "values": _numbers(name, past[target].tolist())}
        if time is not None:
            item["timestamps"] = _format_timestamps(past[time])
        if past_covariates:
            item["past_covariates"] = {c: past[c].tolist() for c in past_covariates}
        if known_covariates:
            item["known_covariates"] = {c: rows[c].tolist() for c in known_covariates}
        if static_covariates:
            item["static_covariates"] = {
                c: rows[c].tolist()[0] for c in static_covariates
            }
        series.append(item)
    return series


def _groups(
    frame: "pd.DataFrame", series_id: str | None, target: str
) -> Iterator[tuple[str, "pd.DataFrame"]]:
    if series_id is None:
        yield target, frame
        return
    if frame[series_id].isna().any():
        raise ValueError(f"column {series_id!r} has rows that name no series")
    for name, rows in frame.groupby(series_id, sort=False):
        yield str(name), rows


def _count_observed(name: str, target: "pd.Series[Any]", *, has_future: bool) -> int:
    """Return the number of rows with a target.

    Raises:
        ValueError: a row without a target is not in the future part of the series.
    """
    observed = target.notna()
    count = int(observed.sum())
    if count < len(target) and not (has_future and observed.iloc[:count].all()):
        where = "before its last one" if has_future else "and no known covariates"
        raise ValueError(f"series {name!r} has rows without a target {where}")
    return count


def _numbers(name: str, values: Sequence[float]) -> list[float]:
    numbers = [float(value) for value in values]
    if not all(map(math.isfinite, numbers)):
        raise ValueError(f"series {name!r} has a value that is missing or infinite")
    return numbers


def _format_timestamps(column: "pd.Series[Any]") -> list[Any]:
    return [
        value.isoformat() if isinstance(value, date) else value
        for value in column.tolist()
    ]
