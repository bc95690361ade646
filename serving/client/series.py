"""From what a caller has, a frame or plain lists, to the series of a request."""

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, TypedDict, Union

if TYPE_CHECKING:
    import pandas as pd

SERIES_ID, TIME, TARGET = "series_id", "timestamp", "target"


class _Required(TypedDict):
    id: str
    values: Sequence[float]


class Series(_Required, total=False):
    """One series as the service takes it."""

    timestamps: Sequence[str] | Sequence[int]
    past_covariates: Mapping[str, Sequence[Any]]
    known_covariates: Mapping[str, Sequence[Any]]
    static_covariates: Mapping[str, Any]


# A long frame with columns series_id, timestamp (each may be left out) and target; or
# values by series id; or series as `series_of` makes them; None: those of the training.
Data = Union["pd.DataFrame", Mapping[str, Sequence[float]], Sequence[Series], None]


def to_series(data: Data) -> list[Series] | None:
    """Return what a request carries for the data of a call.

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
    """Return the series of a long frame: one row an observation, oldest first.

    Rows without a target at the end of a series hold its known covariates ahead.

    Args:
        frame: the observations.
        time: column of dates or integer steps; default ``timestamp`` if there is one.
        target: column of the numbers to forecast.
        series_id: column that names the series; default ``series_id`` if there is one.
        past_covariates: columns known up to now.
        known_covariates: columns known over the horizon too.
        static_covariates: columns with one value a series.

    Raises:
        ValueError: a column is missing, or a value or the name of a series.
    """
    time = time or (TIME if TIME in frame else None)
    series_id = series_id or (SERIES_ID if SERIES_ID in frame else None)
    named = [time, target, series_id]
    named += [*past_covariates, *known_covariates, *static_covariates]
    missing = [name for name in named if name is not None and name not in frame]
    if missing:
        there = ", ".join(map(repr, frame.columns))
        raise ValueError(f"no column {missing[0]!r}; the frame has {there}")
    series: list[Series] = []
    for name, rows in _groups(frame, series_id, target):
        count = _observed(name, rows[target], ahead=bool(known_covariates))
        seen = rows.iloc[:count]
        one: Series = {"id": name, "values": _numbers(name, seen[target].tolist())}
        if time is not None:
            one["timestamps"] = _moments(seen[time])
        if past_covariates:
            one["past_covariates"] = {c: seen[c].tolist() for c in past_covariates}
        if known_covariates:
            one["known_covariates"] = {c: rows[c].tolist() for c in known_covariates}
        if static_covariates:
            one["static_covariates"] = {
                c: rows[c].tolist()[0] for c in static_covariates
            }
        series.append(one)
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


def _observed(name: str, target: "pd.Series[Any]", *, ahead: bool) -> int:
    """Return how many rows have a target, if those without are at the end only."""
    there = target.notna()
    count = int(there.sum())
    if count < len(target) and not (ahead and there.iloc[:count].all()):
        where = "before its last one" if ahead else "and no known covariates"
        raise ValueError(f"series {name!r} has rows without a target {where}")
    return count


def _numbers(name: str, values: Sequence[float]) -> list[float]:
    numbers = [float(value) for value in values]
    if not all(map(math.isfinite, numbers)):
        raise ValueError(f"series {name!r} has a value that is missing or infinite")
    return numbers


def _moments(column: "pd.Series[Any]") -> list[Any]:
    return [
        moment.isoformat() if isinstance(moment, date) else moment
        for moment in column.tolist()
    ]
