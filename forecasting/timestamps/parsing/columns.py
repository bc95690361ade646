"""Columns of timestamps: datetimes, text or numbers to moments with their zone."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from forecasting.errors import InvalidTimestamps
from forecasting.timestamps.parsing.codes import (
    LIKELY_YEARS,
    RANGES,
    NumberColumn,
    check_steps,
    read_codes,
    read_unit,
)
from forecasting.timestamps.parsing.formats import LOOKS_LIKE_DATE
from forecasting.timestamps.parsing.strptime import TimeFormat, parse_time_format
from forecasting.timestamps.parsing.text import (
    ISO_ADVICE,
    Dates,
    DateText,
    Where,
    check_years,
    read_as,
    read_text,
    share_of_dates,
)
from forecasting.timestamps.parsing.words import WEEKDAY_PATTERN, plain, says_date
from forecasting.types import IntArray, Timestamps

ISO = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?")
ISO_FORMAT = "%Y-%m-%d"
ISO_FORMATS = {
    r"\d{4}-\d\d-\d\d": "%Y-%m-%d",
    r"\d{4}-\d\d-\d\d \d\d:\d\d": "%Y-%m-%d %H:%M",
    r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d": "%Y-%m-%d %H:%M:%S",
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d": "%Y-%m-%dT%H:%M:%S",
}
NUMBER = re.compile(r"\d+(?:\.\d*)?(?:[eE]\+?\d+)?")
SAMPLE_ROWS, SAMPLE_VALUES = 1000, 50  # for the test of a column for dates
MOSTLY = 0.5  # share of a sample that has one form of dates
MINUTE = 60_000_000_000
DATE_NAME = re.compile("date|datum|timestamp|fecha", re.IGNORECASE)
VALUE_NAMES = ("data",)  # dates in Italian, but values in English
WEEKDAY = re.compile(WEEKDAY_PATTERN + r"\.?")


@dataclass(frozen=True, slots=True)
class ParsedTimes:
    """Moments of a column, with the zone that they were written in.

    Attributes:
        moments: ``datetime64[ns]``, naive, in UTC where the column has a zone; or
            ``int64`` steps, ``(rows,)``.
        notes: notes on the decisions.
        zone: None for naive moments; ``UTC``, an offset such as ``+05:30`` that all
            rows share, or the IANA name of a dtype. ``UTC`` where offsets differ.
        wall: naive local moments where the rows have different offsets, else None.
        time_format: form of the text, as `Schema.time_format` takes it; None where no
            such form has all its parts.
    """

    moments: Timestamps
    notes: list[str]
    zone: str | None = None
    wall: Timestamps | None = None
    time_format: str | None = None


def is_date_column(name: str, column: "pd.Series[Any]") -> bool:
    """Test if a column holds dates: by its type, or the form of a sample of values.

    Numbers are dates where their values and even steps, or the column's name, say so:
    years, days such as 20200131, codes such as 202001, epochs, Excel's days.
    """
    if pd.api.types.is_datetime64_any_dtype(column):
        return True
    if pd.api.types.is_bool_dtype(column):
        return False
    if pd.api.types.is_numeric_dtype(column):
        present = column.dropna().to_numpy()
        is_likely = _may_hold_dates(name, present)
        return is_likely and _are_dates(name, present, is_text=False)
    sample = _sample(column)
    if sample and all(NUMBER.fullmatch(text) for text in sample):
        distinct = column.dropna().astype(str).str.strip().unique()
        numbers = _to_numbers(list(distinct))
        return numbers is not None and _are_dates(name, numbers, is_text=True)
    return share_of_dates(sample) >= MOSTLY


def looks_like_date(column: "pd.Series[Any]") -> str | None:
    """Return the first value of a text column that has the shape of a date, or None."""
    if pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
        return None
    sample = _sample(column)
    shaped = [text for text in sample if LOOKS_LIKE_DATE.fullmatch(plain(text))]
    return shaped[0] if shaped and len(shaped) >= MOSTLY * len(sample) else None


def is_named_like_date(name: str, column: "pd.Series[Any]") -> bool:
    """Test if a column's name says dates where its values are none.

    Names of weekdays, and numbers under a name such as ``time``, are no sign.
    """
    if not says_date(name) or pd.api.types.is_bool_dtype(column):
        return False
    if not column.notna().any() or plain(name) in VALUE_NAMES:
        return False
    if pd.api.types.is_numeric_dtype(column):
        return bool(DATE_NAME.search(name))
    return not all(WEEKDAY.fullmatch(plain(text)) for text in _sample(column))


def may_be_dates(name: str, column: "pd.Series[Any]") -> bool:
    """Test if numbers have the even steps of years or other dates."""
    numbers = column.dropna().to_numpy()
    return _are_dates(name, numbers, is_text=False, is_time=True)


def parse_timestamps(
    name: str,
    column: "pd.Series[Any]",
    where: Where,
    time_format: str | None = None,
) -> ParsedTimes:
    """Parse a column of timestamps.

    Args:
        name: name of the column.
        column: text, numbers or datetimes.
        where: function from a row's position to its place in messages.
        time_format: as `Schema.time_format`; None infers it.

    Raises:
        InvalidTimestamps: a value is missing or unreadable, or it is open which of
            two dates it is.
        SettingError: the format is none.
    """
    wanted_format = None if time_format is None else parse_time_format(time_format)
    missing = np.flatnonzero(column.isna())
    if len(missing):
        raise InvalidTimestamps(
            name,
            f"{len(missing)} missing timestamps, the first at {where(missing[0])}",
            "Fill them in or delete the rows.",
        )
    if pd.api.types.is_datetime64_any_dtype(column):
        return _from_datetimes(name, column, where)
    if pd.api.types.is_numeric_dtype(column):
        return _from_numbers(name, column.to_numpy(), where, wanted_format)
    codes, distinct = pd.factorize(column.astype(str).str.strip())
    moments = _parse_iso(name, distinct, where, codes, wanted_format)
    if moments is not None:
        return ParsedTimes(moments[codes], [], time_format=ISO_FORMAT)
    place = _first_places(codes, where)
    text = DateText(name, list(map(str, distinct)), place)
    return _spread(_from_text(text, wanted_format), codes)


def _from_datetimes(name: str, column: "pd.Series[Any]", where: Where) -> ParsedTimes:
    zone = column.dt.tz
    if zone is not None:
        column = column.dt.tz_convert("UTC").dt.tz_localize(None)
    check_years(name, column.dt.year.to_numpy().astype(np.int64), where)
    moments = column.to_numpy().astype("datetime64[ns]")
    return ParsedTimes(moments, [], None if zone is None else _zone_name(zone))


def _zone_name(zone: Any) -> str:
    name = str(zone)
    offset = re.fullmatch(r"(?:UTC|pytz\.FixedOffset)?\(?([+-]\d\d:\d\d)\)?", name)
    return offset[1] if offset else name


def _from_numbers(
    name: str,
    numbers: "np.ndarray[Any, np.dtype[Any]]",
    where: Where,
    time_format: TimeFormat | None,
) -> ParsedTimes:
    codes, distinct = pd.factorize(numbers)
    column = NumberColumn(name, np.asarray(distinct), _first_places(codes, where))
    _check_range(column)
    dates = _from_formatted_numbers(column, time_format)
    if dates is None:
        dates = read_codes(column, is_time=True)
    if dates is not None:
        return _spread(_to_times(name, dates, column.where), codes)
    if (column.numbers != np.floor(column.numbers)).any():
        text = _dotted_months(column.numbers)
        if text is not None:
            dates = read_text(DateText(name, text, column.where), None)
            return _spread(_to_times(name, dates, column.where), codes)
        first = int(np.argmax(column.numbers != np.floor(column.numbers)))
        problem = (
            f"numbers with fractions, such as {column.numbers[first]} at "
            f"{column.where(first)}"
        )
        raise InvalidTimestamps(name, problem, f"Write whole steps. {ISO_ADVICE}")
    check_steps(column)
    return ParsedTimes(numbers.astype(np.int64), [])


def _check_range(column: NumberColumn) -> None:
    """Refuse numbers beyond 64-bit integers: they are neither steps nor dates."""
    beyond = (column.numbers >= 2.0**63) | (column.numbers < -(2.0**63))
    if beyond.any():
        first = int(np.argmax(beyond))
        problem = f"{column.numbers[first]} at {column.where(first)} is out of range"
        raise InvalidTimestamps(column.name, problem, ISO_ADVICE)


def _from_formatted_numbers(
    column: NumberColumn, time_format: TimeFormat | None
) -> Dates | None:
    """Read numbers in a requested format; None where it does not fit."""
    if time_format is None:
        return None
    if time_format.unit is not None:
        try:
            moments = read_unit(column.numbers, time_format.unit)
        except OverflowError:
            return None
        return Dates(moments, [], time_format.text) if moments.is_valid else None
    if (column.numbers != np.floor(column.numbers)).any():
        return None
    width = time_format.num_digits or 0
    texts = [str(int(number)).zfill(width) for number in column.numbers]
    text = DateText(column.name, texts, column.where)
    dates = read_as(text, texts, time_format)
    if dates is None and time_format.hint is not None:  # 202413 is no month
        return read_text(text, time_format)
    return dates


def _from_text(text: DateText, time_format: TimeFormat | None) -> ParsedTimes:
    numbers = _to_numbers(text.written)
    if numbers is None or (time_format is not None and time_format.unit is None):
        return _to_times(text.name, read_text(text, time_format), text.where)
    column = NumberColumn(text.name, numbers, text.where, is_text=True)
    dates = _from_formatted_numbers(column, time_format)
    if dates is None:
        dates = read_codes(column, is_time=True)
    if dates is None:
        dates = read_text(text, time_format)
    return _to_times(text.name, dates, text.where)


def _to_times(name: str, dates: Dates, where: Where) -> ParsedTimes:
    moments, notes = dates.moments, [*dates.notes]
    check_years(name, moments.years, where)
    if moments.offsets is None:
        return ParsedTimes(moments.wall, notes, None, None, dates.time_format)
    utc = moments.wall - (moments.offsets * MINUTE).astype("timedelta64[ns]")
    offsets = np.unique(moments.offsets)
    if len(offsets) > 1:
        return ParsedTimes(utc, notes, "UTC", moments.wall, dates.time_format)
    return ParsedTimes(
        utc, notes, _offset_name(int(offsets[0])), None, dates.time_format
    )


def _offset_name(minutes: int) -> str:
    if minutes == 0:
        return "UTC"
    sign = "-" if minutes < 0 else "+"
    return f"{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def _spread(times: ParsedTimes, codes: IntArray) -> ParsedTimes:
    """Return times of distinct values as those of all rows."""
    wall = None if times.wall is None else times.wall[codes]
    return ParsedTimes(
        times.moments[codes], times.notes, times.zone, wall, times.time_format
    )


def _parse_iso(
    name: str,
    distinct: Any,
    where: Where,
    codes: IntArray,
    time_format: TimeFormat | None,
) -> Timestamps | None:
    """Parse ISO dates without a zone in one call; None for any other format."""
    if time_format is not None and not time_format.text.startswith(ISO_FORMAT):
        return None
    if ISO.fullmatch(distinct[0]) is None:
        return None
    exact = next(
        (f for p, f in ISO_FORMATS.items() if re.fullmatch(p, distinct[0])), ""
    )
    text = pd.Series(distinct, dtype=object)
    moments = pd.to_datetime(text, format=exact, errors="coerce") if exact else None
    if moments is None or moments.isna().any():
        if not text.str.fullmatch(ISO).all():
            return None
        moments = pd.to_datetime(text, format="ISO8601", errors="coerce")
    if moments.isna().any():
        return None
    years = moments.dt.year.to_numpy().astype(np.int64)
    check_years(name, years, _first_places(codes, where))
    return np.asarray(moments.to_numpy().astype("datetime64[ns]"))


def _first_places(codes: IntArray, where: Where) -> Callable[[int], str]:
    """Return the function from a distinct value to the place of its first row."""

    def place(position: int) -> str:
        return where(int(np.argmax(codes == position)))

    return place


def _sample(column: "pd.Series[Any]") -> list[str]:
    present = column.dropna().head(SAMPLE_ROWS).astype(str).str.strip()
    return list(present.unique()[:SAMPLE_VALUES])


def _to_numbers(texts: Any) -> "np.ndarray[Any, np.dtype[Any]] | None":
    if not all(NUMBER.fullmatch(text) for text in texts):
        return None
    if all(text.isdigit() and len(text) < 19 for text in texts):
        return np.array([int(text) for text in texts], dtype=np.int64)
    return np.array([float(text) for text in texts])


def _dotted_months(numbers: "np.ndarray[Any, np.dtype[Any]]") -> list[str] | None:
    """Return months such as 2023.01 or 01.2023 that were read as numbers, or None."""
    for pattern, is_year_first in (("{:.2f}", True), ("{:07.4f}", False)):
        texts = [pattern.format(number) for number in numbers]
        exact = np.allclose([float(text) for text in texts], numbers, atol=1e-9)
        parts = [text.split(".") for text in texts]
        years = np.array([part[1 - is_year_first] for part in parts], np.int64)
        months = np.array([part[is_year_first] for part in parts], np.int64)
        is_likely = ((years >= 1900) & (years <= 2100)).all()
        is_likely &= ((months >= 1) & (months <= 12)).all()
        if exact and is_likely:
            pairs = zip(years, months, strict=True)
            return [f"{year}-{month:02d}" for year, month in pairs]
    return None


def _may_hold_dates(name: str, numbers: Any) -> bool:
    """Test by the range if numbers may be dates, before all of them are looked at."""
    if not len(numbers):
        return False
    if says_date(name):
        return True
    low, sample = numbers.min(), numbers[:SAMPLE_ROWS]
    has_fractions = bool((sample != np.floor(sample)).any())
    return bool(low >= (RANGES["epoch_s"][0] if has_fractions else LIKELY_YEARS[0]))


def _are_dates(
    name: str, numbers: Any, *, is_text: bool, is_time: bool = False
) -> bool:
    distinct = pd.unique(numbers)
    if not len(distinct) or not np.isfinite(distinct.astype(np.float64)).all():
        return False
    column = NumberColumn(name, np.asarray(distinct), str, is_text)
    try:
        if read_codes(column, is_time=is_time) is not None:
            return True
    except InvalidTimestamps:
        return column.is_named
    has_fractions = bool((distinct != np.floor(distinct)).any())
    return has_fractions and column.is_named and _dotted_months(distinct) is not None


def unreadable_column(name: str, example: str, place: str) -> InvalidTimestamps:
    """Return the error of a column that should hold dates and does not."""
    problem = f"{example!r:.100} at {place} looks like a date that cannot be read"
    advice = f"{ISO_ADVICE} If it is no date, name the time column with --time."
    return InvalidTimestamps(name, problem, advice)
