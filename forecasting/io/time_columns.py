"""Guess of the time columns of a table: a date, a year and a month, numbered steps."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from forecasting.data.schema import Names, Schema
from forecasting.errors import AmbiguousColumns, InvalidTimestamps
from forecasting.io.csv_format import SERIES_ID_NAMES, Table
from forecasting.timestamps.parsing import (
    is_date_column,
    is_named_like_date,
    looks_like_date,
    may_be_dates,
    part_of_column,
    unreadable_column,
)
from forecasting.timestamps.parsing.words import says_date

TIME_NAMES = ("timestamp", "ds")
STEP_NAMES = ("t", "n", "step", "index", "idx", "i", "row", "nr", "no", "#", "k")
FINER = ("week", "day", "hour", "minute", "second")  # parts that join others
OPTION = "--time COL or data.time"


def guess_time(table: Table, requested: Schema, notes: list[str]) -> Names:
    """Guess the columns of the time; none where the rows are only numbered.

    Args:
        table: the table.
        requested: roles that are settled.
        notes: list to which the decision is added.

    Raises:
        AmbiguousColumns: several columns fit.
        InvalidTimestamps: a column looks like a date and cannot be read.
    """
    frame = table.frame
    free = [name for name in frame.columns if name not in requested.named]
    parts = _parts(frame, free)
    candidates = [name for name in TIME_NAMES if name in free]
    reason = "by its name"
    if not candidates:
        candidates = [name for name in free if is_date_column(name, frame[name])]
        finer = [name for name in candidates if parts.get("year") != name]
        candidates = finer or candidates
        reason = "the only date column"
    if len(candidates) > 1:
        raise AmbiguousColumns("time", candidates, frame.columns, OPTION)
    if candidates in ([], [parts.get("year")]):
        candidates = _year_and_part(frame, parts) or candidates
    is_sure = bool(candidates) and candidates != [parts.get("year")]
    others = [name for name in free if name not in candidates]
    _refuse_unread_dates(table, others, is_sure=is_sure)
    if not candidates:
        candidates = _guess_numbers(frame, free)
        reason = "its numbers are evenly spaced"
    if not candidates:
        _refuse_names_of_dates(table, free)
        notes.append("time: none, the rows are numbered 1, 2, 3, ...")
        return ()
    keys = _series_keys(frame, requested)
    columns = _refine(frame, candidates, parts, keys)
    if len(columns) > 1:
        shown = " and ".join(map(repr, columns))
        notes.append(f"time: {shown} together (by their names)")
    else:
        notes.append(f"time: {columns[0]!r} ({reason})")
    return tuple(columns)


def _parts(frame: pd.DataFrame, free: Sequence[str]) -> dict[str, str]:
    """Return the column of each part of dates, where only one holds it."""
    names: dict[str, list[str]] = {}
    for name in free:
        part = part_of_column(name, frame[name])
        if part is not None:
            names.setdefault(part, []).append(name)
    return {part: columns[0] for part, columns in names.items() if len(columns) == 1}


def _year_and_part(frame: pd.DataFrame, parts: dict[str, str]) -> list[str]:
    """Return a year with the month, week, quarter or day that belongs to it."""
    year = parts.get("year")
    if year is None:
        return []
    pairs = [
        [year, parts[part]]
        for part in ("month", "quarter", "week", "yearday")
        if part in parts
    ]
    if not pairs:
        return []
    return min(pairs, key=lambda pair: int(frame.duplicated(pair).sum()))


def _series_keys(frame: pd.DataFrame, requested: Schema) -> list[str]:
    named = requested.series_id or SERIES_ID_NAMES
    return [name for name in named if name in frame.columns]


def _refine(
    frame: pd.DataFrame, columns: list[str], parts: dict[str, str], keys: list[str]
) -> list[str]:
    """Add the columns of days and hours that tell repeated moments apart."""
    result = list(columns)
    for part in FINER:
        name = parts.get(part)
        if name is None or name in result or not _may_add(part, result, parts):
            continue
        repeated = int(frame.duplicated([*keys, *result]).sum())
        if not repeated or _tells_apart(frame, [*keys, *result], name):
            continue
        if int(frame.duplicated([*keys, *result, name]).sum()) < repeated:
            result.append(name)
    return result


def _may_add(part: str, columns: Sequence[str], parts: dict[str, str]) -> bool:
    is_parts = parts.get("year") in columns
    if part == "week":
        return False
    if part == "day":
        return is_parts and parts.get("month") in columns
    has_day = not is_parts or parts.get("day") in columns
    has_hour = part == "hour" or parts.get("hour") in columns
    return has_day and has_hour


def _tells_apart(frame: pd.DataFrame, keys: list[str], hour: str) -> bool:
    """Test if a column of text names series, so that hours are not needed."""
    return any(
        not frame.duplicated([*keys, name]).any()
        for name in frame.columns
        if name not in (*keys, hour) and not pd.api.types.is_numeric_dtype(frame[name])
    )


def _guess_numbers(frame: pd.DataFrame, free: Sequence[str]) -> list[str]:
    """Return a first column of even numbers beside other numbers: years or steps."""
    numeric = [name for name in free if pd.api.types.is_numeric_dtype(frame[name])]
    if len(numeric) < 2:
        return []
    first = free[0]
    if first in numeric and may_be_dates(first, frame[first]):
        return [first]
    named = [
        name
        for name in numeric
        if (name.strip().lower() in STEP_NAMES or says_date(name))
        and _are_steps(frame[name])
    ]
    return named if len(named) == 1 else []


def _are_steps(column: "pd.Series[float]") -> bool:
    """Test if numbers rise by one from row to row, or begin again."""
    values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    steps = np.diff(values)
    if len(steps) < 2 or np.isnan(values).any() or (values % 1 != 0).any():
        return False
    repeats = steps == 0
    return bool(((steps == 1) | repeats | (values[1:] == values[0])).all())


def _refuse_unread_dates(table: Table, names: Sequence[str], *, is_sure: bool) -> None:
    """Refuse columns of unread values in the shape of dates.

    Where the time is sure, only those that are named after dates.
    """
    for name in names:
        if is_sure and not says_date(name):
            continue
        example = looks_like_date(table.frame[name])
        if example is not None and not is_date_column(name, table.frame[name]):
            raise _unreadable(table, name, example)


def _refuse_names_of_dates(table: Table, names: Sequence[str]) -> None:
    """Refuse columns that are named after dates and hold none."""
    for name in names:
        column = table.frame[name]
        if is_named_like_date(name, column):
            raise _unreadable(table, name, str(column.dropna().iloc[0]))


def _unreadable(table: Table, name: str, example: str) -> InvalidTimestamps:
    text = table.frame[name].astype(str).str.strip()
    at = int(np.argmax((text == example).to_numpy()))
    return unreadable_column(name, example, table.where(at))
