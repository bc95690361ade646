"""Timestamps over several columns: year and month, date and hour, and so on."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from forecasting.errors import InvalidTimestamps
from forecasting.timestamps.parsing.assembly import (
    Moments,
    assemble,
    expand_years,
    month_number,
)
from forecasting.timestamps.parsing.columns import (
    ParsedTimes,
    is_date_column,
    parse_timestamps,
)
from forecasting.timestamps.parsing.strptime import parse_time_format
from forecasting.timestamps.parsing.text import OPTION, Where, check_years
from forecasting.timestamps.parsing.words import plain, units_of_name

SAMPLE_ROWS = 1000
CLOCK = re.compile(
    r"(?P<hour>\d{1,2})(?:[:.h](?P<minute>\d{2})(?::(?P<second>\d{2})"
    r"(?:[.,](?P<fraction>\d+))?)?)?(?: ?(?P<half>[ap]\.?m\.?))?(?: ?(?:uhr|h))?"
)
NUMBERED = re.compile(r"[a-z]{0,8}\.? ?(\d{1,4})(?:\.0+)?")  # 3, Q3, W03, week 3, 3.0
RANGES = {
    "year": (1500, 2200),
    "quarter": (1, 4),
    "month": (1, 12),
    "week": (1, 53),
    "yearday": (1, 366),
    "day": (1, 31),
    "hour": (0, 24),
    "minute": (0, 59),
    "second": (0, 59),
}
COMBINATIONS = (  # beside the parts of a day
    {"date"},
    {"year"},
    {"year", "quarter"},
    {"year", "month"},
    {"year", "month", "day"},
    {"year", "week"},
    {"year", "yearday"},
)
INITIALS = {"y": "year", "q": "quarter", "m": "month", "w": "week", "d": "day"}
INITIALS |= {"h": "hour", "j": "jahr", "a": "ano"}
CLOCK_PARTS = {"hour", "minute", "second"}


def part_of_column(name: str, column: "pd.Series[Any]") -> str | None:
    """Return the part of dates that a column holds, by its name and a sample.

    Returns:
        ``year``, ``quarter``, ``month``, ``week``, ``yearday``, ``day``, ``hour``,
        ``minute`` or ``second``; None for anything else.
    """
    if pd.api.types.is_bool_dtype(column):
        return None
    units = units_of_name(name)
    if pd.api.types.is_datetime64_any_dtype(column):
        return None
    if not units and pd.api.types.is_numeric_dtype(column):
        return None
    texts = _texts(column.dropna().head(SAMPLE_ROWS))
    sample = list(dict.fromkeys(texts))
    if not sample:
        return None
    are_months = all(month_number(text.rstrip(".")) for text in sample)
    if are_months and (len(sample) > 1 or "month" in units):
        return "month"
    return next((unit for unit in units if _fits(unit, sample)), None)


def parse_time_columns(
    frame: pd.DataFrame, where: Where, time_format: str | None = None
) -> ParsedTimes:
    """Parse timestamps with parts in several columns.

    Args:
        frame: the columns, such as a year and a month, or a date and an hour.
        where: function from a row's position to its place in messages.
        time_format: as `Schema.time_format`, of the texts joined by spaces; of the
            date alone where it has no hour. None finds the parts by names and values.

    Raises:
        InvalidTimestamps: a column is no part of a date, or a value is missing or
            unreadable.
        SettingError: the format is none.
    """
    names = [str(name) for name in frame.columns]
    label = " ".join(names)
    for name in names:
        missing = np.flatnonzero(frame[name].isna())
        if len(missing):
            problem = f"{len(missing)} missing values, the first at {where(missing[0])}"
            raise InvalidTimestamps(name, problem, "Fill them in or delete the rows.")
    if time_format is not None and _is_whole(frame, time_format):
        joined = frame[names[0]].astype(str)
        for name in names[1:]:
            joined = joined + " " + frame[name].astype(str)
        return parse_timestamps(label, joined, where, time_format)
    units = {name: _unit(name, frame[name]) for name in names}
    _check_combination(units)
    if "date" in units.values():
        return _add_clock(frame, units, where, time_format)
    codes = frame.groupby(names, sort=False, observed=True).ngroup().to_numpy()
    distinct = frame.drop_duplicates(names)
    first = distinct.index.to_numpy()
    moments = _assemble(distinct, units)
    _check_parts(label, distinct, moments, lambda i: where(int(first[i])))
    return ParsedTimes(moments.wall[codes], [])


def _is_whole(frame: pd.DataFrame, time_format: str) -> bool:
    """Test if a format is that of all columns, and not of the date alone."""
    has_date = any(is_date_column(name, frame[name]) for name in frame.columns)
    has_year = any(
        part_of_column(name, frame[name]) == "year" for name in frame.columns
    )
    return has_year or not has_date or "hour" in parse_time_format(time_format).parts


def _texts(column: "pd.Series[Any]") -> list[str]:
    if pd.api.types.is_float_dtype(column) and (column % 1 == 0).all():
        column = column.astype(np.int64)
    return [plain(str(value).strip()) for value in column]


def _numbers(sample: Sequence[str]) -> "np.ndarray[Any, np.dtype[np.int64]] | None":
    matches = [NUMBERED.fullmatch(text) for text in sample]
    if not all(matches):
        return None
    return np.array([int(match[1]) for match in matches if match], dtype=np.int64)


def _fits(unit: str, sample: Sequence[str]) -> bool:
    if unit == "date":
        return False
    numbers = _numbers(sample)
    if unit == "hour" and (numbers is None or numbers.max() > 24):
        return _clock(sample) is not None
    if numbers is None:
        return False
    low, high = RANGES[unit]
    is_short_year = unit == "year" and 13 <= numbers.min() <= numbers.max() <= 99
    return bool(is_short_year or (low <= numbers.min() and numbers.max() <= high))


def _unit(name: str, column: "pd.Series[Any]") -> str:
    """Return the part of a requested column, which may have any name.

    Raises:
        InvalidTimestamps: it is neither a date nor a part of one.
    """
    full_name = INITIALS.get(plain(name.strip()), name)
    unit = part_of_column(full_name, column)
    if unit is not None:
        return unit
    if is_date_column(name, column):
        return "date"
    sample = list(dict.fromkeys(_texts(column.head(SAMPLE_ROWS))))
    if _clock(sample) is not None and all(":" in text for text in sample):
        return "hour"
    problem = f"{str(column.iloc[0])!r:.100} is neither a date nor a part of one"
    advice = (
        "Name the columns after their parts (Year, Quarter, Month, Week, Day, Hour), "
        f"or say the form of all of them, joined by spaces, with {OPTION}."
    )
    raise InvalidTimestamps(name, problem, advice)


def _check_combination(units: Mapping[str, str]) -> None:
    parts = set(units.values())
    if len(parts) == len(units) and parts - CLOCK_PARTS in COMBINATIONS:
        has_day = bool(parts & {"date", "day", "yearday"})
        if has_day or not parts & CLOCK_PARTS:
            return
    shown = ", ".join(f"{name!r} ({unit})" for name, unit in units.items())
    problem = f"no moments can be made of {shown}"
    advice = (
        "Name columns of one kind each: a date and a time; or a year with a month and "
        f"a day, a quarter or a week; or say their form with {OPTION}."
    )
    raise InvalidTimestamps(" ".join(units), problem, advice)


def _assemble(frame: pd.DataFrame, units: Mapping[str, str]) -> Moments:
    parts: dict[str, Sequence[str | None]] = {}
    for name, unit in units.items():
        texts = _texts(frame[name])
        if unit == "hour":
            parts |= _clock(texts) or {"hour": ["99"] * len(texts)}
        elif unit == "month" and _numbers(texts) is None:
            parts["name"] = [text.rstrip(".") for text in texts]
        else:
            numbers = _numbers(texts)
            values = numbers if numbers is not None else np.full(len(texts), -1)
            if unit == "year" and values.max() <= 99:
                values = expand_years(values)
            parts[unit] = list(map(str, values.tolist()))
    return assemble(parts)


def _clock(texts: Sequence[str]) -> dict[str, Sequence[str | None]] | None:
    """Return hours, minutes and so on of times of day; None where one is none.

    Whole numbers over 24 are hours and minutes: 1330.
    """
    numbers = _numbers(texts)
    if numbers is not None and numbers.max() > 24:
        texts = [f"{number // 100}:{number % 100:02d}" for number in numbers.tolist()]
    matches = [CLOCK.fullmatch(text) for text in texts]
    if not all(matches):
        return None
    columns = [
        list(column) for column in zip(*(m.groups() for m in matches if m), strict=True)
    ]
    return dict(zip(CLOCK.groupindex, columns, strict=True))


def _add_clock(
    frame: pd.DataFrame,
    units: Mapping[str, str],
    where: Where,
    time_format: str | None,
) -> ParsedTimes:
    """Add times of day to the moments of a column of dates."""
    date = next(name for name, unit in units.items() if unit == "date")
    times = parse_timestamps(date, frame[date], where, time_format)
    if not np.issubdtype(times.moments.dtype, np.datetime64):
        raise InvalidTimestamps(date, "the numbers are no dates", "Write ISO dates.")
    clock = {name: unit for name, unit in units.items() if unit != "date"}
    codes = frame.groupby(list(clock), sort=False, observed=True).ngroup().to_numpy()
    distinct = frame.drop_duplicates(list(clock))
    first = distinct.index.to_numpy()
    years = distinct.assign(**{"\0year": 1970})
    moments = _assemble(years, {**clock, "\0year": "year"})
    _check_parts(
        " ".join(clock), distinct[list(clock)], moments, lambda i: where(int(first[i]))
    )
    ticks = moments.wall.astype(np.int64)[codes].astype("timedelta64[ns]")
    wall = None if times.wall is None else times.wall + ticks
    return ParsedTimes(
        times.moments + ticks, times.notes, times.zone, wall, times.time_format
    )


def _check_parts(
    label: str, distinct: pd.DataFrame, moments: Moments, where: Where
) -> None:
    wrong = np.flatnonzero(moments.wrong)
    if len(wrong):
        at = int(wrong[0])
        values = " ".join(map(str, distinct.iloc[at]))
        problem = f"{values!r:.100} at {where(at)} is no date or time"
        advice = f"Correct it, or say the form of the columns with {OPTION}."
        raise InvalidTimestamps(label, problem, advice)
    check_years(label, moments.years, where)
