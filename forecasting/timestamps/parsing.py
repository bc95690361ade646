"""Parsing of timestamp columns: ISO, named months, quarters, years, integer steps.

All rows of a column are read in one format, that of its first value.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from forecasting.errors import InvalidTimestamps
from forecasting.timestamps.frequency import MONTH_NAMES
from forecasting.types import Timestamps

TIME = r"(?:[T ]+(?P<time>\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?) ?(?P<half>[AaPp][Mm])?)?"
ZONE = r" ?(?P<zone>Z|z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?"
NAME = "(?P<name>" + "|".join(MONTH_NAMES) + ")[A-Z]*\\.?"
TIMESTAMP_FORMATS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"(?P<year>\d{{4}})([-/.])(?P<month>\d{{1,2}})\2(?P<day>\d{{1,2}}){TIME}{ZONE}",
        r"(?P<year>\d{4})[-/](?P<month>\d{1,2})",
        r"(?P<year>\d{4})",
        r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})",
        r"(?P<year>\d{4})[- ]?Q(?P<quarter>[1-4])",
        rf"(?P<first>\d{{1,2}})([-/.])(?P<second>\d{{1,2}})\2(?P<year>\d{{4}}){TIME}{ZONE}",
        rf"{NAME}[- ](?P<year>\d{{4}})",
        rf"(?P<day>\d{{1,2}})[- ]{NAME}[- ](?P<year>\d{{4}}){TIME}{ZONE}",
        rf"{NAME} (?P<day>\d{{1,2}}),? (?P<year>\d{{4}}){TIME}{ZONE}",
    )
)
ISO_WITHOUT_ZONE = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?")

YEARS = (1678, 2261)  # first and last full year in 64-bit nanoseconds
LIKELY_YEARS = (1500, 2200)
LIKELY_DAYS = (15000101, 22001231)  # years, months and days as one number
DATE_NAME = re.compile("year|date|time|month|jahr|datum|period", re.IGNORECASE)
ISO_ADVICE = "Write ISO dates, such as 2020-01-31 or 2020-01-31 13:00."


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
    """Test if a column holds dates, by its type or the format of its first value.

    Whole numbers count if they are years in a column named so, or days such as
    20200131.
    """
    if pd.api.types.is_datetime64_any_dtype(column):
        return True
    if pd.api.types.is_bool_dtype(column):
        return False
    present = column.dropna()
    if pd.api.types.is_numeric_dtype(column):
        return _are_whole(present) and _are_dates(name, present.to_numpy())
    return len(present) > 0 and _match_format(str(present.iloc[0]).strip()) is not None


def parse_timestamps(
    name: str,
    column: "pd.Series[Any]",
    where: Callable[[int], str],
    time_format: str | None = None,
) -> ParsedTimes:
    """Parse a column of timestamps.

    Args:
        name: name of the column.
        column: text, numbers or datetimes.
        where: function from a row's position to its place in messages.
        time_format: as `Schema.time_format`; None infers it.

    Raises:
        InvalidTimestamps: a value is missing or unreadable, or the order of day and
            month is ambiguous.
    """
    missing = np.flatnonzero(column.isna())
    if len(missing):
        raise InvalidTimestamps(
            name,
            f"{len(missing)} missing timestamps, the first at {where(missing[0])}",
            "Fill them in or delete the rows.",
        )
    if pd.api.types.is_datetime64_any_dtype(column):
        zone = None
        if column.dt.tz is not None:
            zone = str(column.dt.tz)
            zone = zone.removeprefix("UTC") or "UTC"
        moments, notes = _from_datetimes(name, column, where)
        return ParsedTimes(moments, [], zone)
    if pd.api.types.is_numeric_dtype(column):
        if not _are_whole(column):
            problem = f"numbers with fractions, such as {column.iloc[0]}"
            raise InvalidTimestamps(name, problem, f"Write whole steps. {ISO_ADVICE}")
        numbers = column.to_numpy().astype(np.int64)
        if not _are_dates(name, numbers):
            return ParsedTimes(numbers, [])
        column = pd.Series(numbers).astype(str)
    codes, distinct = pd.factorize(column.astype(str).str.strip())
    first_row = np.unique(codes, return_index=True)[1]
    moments, notes = _parse_text(
        name, pd.Series(distinct, dtype=object), lambda i: where(int(first_row[i]))
    )
    from forecasting.timestamps.zones import zone_of_text

    zones = {zone_of_text(text) for text in distinct}
    if None in zones:
        return ParsedTimes(moments[codes], notes)
    notes = [note for note in notes if "UTC" not in note]
    if len(zones) == 1:
        return ParsedTimes(moments[codes], notes, zones.pop())
    from forecasting.timestamps.zones import to_wall

    wall = np.array(
        [
            to_wall(m[None], zone_of_text(t))[0]
            for m, t in zip(moments, distinct, strict=True)
        ]
    )
    return ParsedTimes(moments[codes], notes, "UTC", wall[codes])


def _from_datetimes(
    name: str, column: "pd.Series[Any]", where: Callable[[int], str]
) -> tuple[Timestamps, list[str]]:
    notes = []
    if column.dt.tz is not None:
        column = column.dt.tz_convert("UTC").dt.tz_localize(None)
        notes.append(f"time {name!r}: converted to UTC")
    _check_years(name, column.dt.year.to_numpy(), where)
    return column.to_numpy().astype("datetime64[ns]"), notes


def _parse_text(
    name: str, text: "pd.Series[Any]", where: Callable[[int], str]
) -> tuple[Timestamps, list[str]]:
    iso_moments = _parse_iso(name, text, where)
    if iso_moments is not None:
        return iso_moments, []
    pattern = _match_format(text.iloc[0])
    if pattern is None:
        raise _unreadable_error(name, text, where, 0)
    bad = np.flatnonzero(~text.str.fullmatch(pattern).to_numpy(dtype=bool))
    if len(bad):
        raise _unreadable_error(name, text, where, int(bad[0]))
    parts = text.str.extract(pattern).fillna("")
    notes: list[str] = []
    if "first" in parts:
        order = _day_month_order(name, text, parts)
        parts["day"], parts["month"] = parts[order[0]], parts[order[1]]
        leading = "day" if order[0] == "first" else "month"
        notes.append(f"time {name!r}: the {leading} comes first")
    _check_years(name, parts["year"].astype(int).to_numpy(), where)
    zoned = _are_zoned(name, parts)
    if zoned:
        notes.append(f"time {name!r}: converted to UTC")
    iso = _to_iso(parts)
    moments = pd.to_datetime(iso, format="ISO8601", errors="coerce", utc=zoned)
    bad = np.flatnonzero(moments.isna())
    if len(bad):
        raise _unreadable_error(name, text, where, int(bad[0]))
    naive = moments.dt.tz_localize(None) if zoned else moments
    return naive.to_numpy().astype("datetime64[ns]"), notes


def _parse_iso(
    name: str, text: "pd.Series[Any]", where: Callable[[int], str]
) -> Timestamps | None:
    """Parse ISO dates without a zone in one call; None for any other format."""
    if not text.str.fullmatch(ISO_WITHOUT_ZONE).all():
        return None
    moments = pd.to_datetime(text, format="ISO8601", errors="coerce")
    if moments.isna().any():
        return None
    _check_years(name, moments.dt.year.to_numpy(), where)
    return moments.to_numpy().astype("datetime64[ns]")


def _to_iso(parts: pd.DataFrame) -> "pd.Series[Any]":
    first = pd.Series("01", index=parts.index)
    month = parts.get("month", first)
    if "name" in parts:
        numbers = {name: f"{i + 1:02d}" for i, name in enumerate(MONTH_NAMES)}
        month = parts["name"].str.upper().map(numbers)
    if "quarter" in parts:
        month = (parts["quarter"].astype(int) * 3 - 2).astype(str)
    day = parts.get("day", first)
    iso = parts["year"] + "-" + month.str.zfill(2) + "-" + day.str.zfill(2)
    if "time" not in parts:
        return iso
    time = _to_24_hours(parts["time"], parts["half"].str.upper())
    zone = parts["zone"].str.upper().replace(["Z", "UTC", "GMT"], "+00:00")
    return iso + "T" + time + zone


def _to_24_hours(time: "pd.Series[Any]", half: "pd.Series[Any]") -> "pd.Series[Any]":
    time = time.where(time != "", "00:00")
    hour = time.str.partition(":")[0].astype(int)
    hour = hour.where(half == "", hour % 12 + 12 * (half == "PM"))
    return hour.astype(str).str.zfill(2) + ":" + time.str.partition(":")[2]


def _day_month_order(
    name: str, text: "pd.Series[Any]", parts: pd.DataFrame
) -> tuple[str, str]:
    """Return the names of the groups of day and month, by the whole column."""
    first_is_day = bool((parts["first"].astype(int) > 12).any())
    second_is_day = bool((parts["second"].astype(int) > 12).any())
    if first_is_day and second_is_day:
        raise InvalidTimestamps(name, "day and month change places", ISO_ADVICE)
    if second_is_day:
        return "second", "first"
    if first_is_day or "." in text.iloc[0].split(" ")[0]:  # with dots, the day is first
        return "first", "second"
    problem = f"it is open whether {text.iloc[0]!r} begins with the day or the month"
    raise InvalidTimestamps(name, problem, ISO_ADVICE)


def _are_zoned(name: str, parts: pd.DataFrame) -> bool:
    if "zone" not in parts:
        return False
    zoned = parts["zone"] != ""
    if zoned.any() and not zoned.all():
        problem = "some timestamps have a time zone and some have none"
        raise InvalidTimestamps(name, problem, "Write all of them in UTC.")
    return bool(zoned.any())


def _match_format(value: str) -> "re.Pattern[str] | None":
    return next(
        (pattern for pattern in TIMESTAMP_FORMATS if pattern.fullmatch(value)), None
    )


def _are_whole(numbers: "pd.Series[Any]") -> bool:
    values = numbers.to_numpy(dtype=np.float64)
    return bool((values == np.floor(values)).all() and (np.abs(values) < 2**53).all())


def _are_dates(name: str, numbers: Timestamps) -> bool:
    if len(numbers) == 0:
        return False
    low, high = numbers.min(), numbers.max()
    if LIKELY_DAYS[0] <= low and high <= LIKELY_DAYS[1]:
        month, day = numbers // 100 % 100, numbers % 100
        return bool(((month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)).all())
    years = LIKELY_YEARS[0] <= low and high <= LIKELY_YEARS[1]
    return bool(years and DATE_NAME.search(name))


def _check_years(name: str, years: Timestamps, where: Callable[[int], str]) -> None:
    outside = np.flatnonzero((years < YEARS[0]) | (years > YEARS[1]))
    if len(outside):
        problem = f"the year {years[outside[0]]} at {where(int(outside[0]))}"
        advice = f"Years from {YEARS[0]} to {YEARS[1]} can be read; number the steps."
        raise InvalidTimestamps(name, problem, advice)


def _unreadable_error(
    name: str, text: "pd.Series[Any]", where: Callable[[int], str], at: int
) -> InvalidTimestamps:
    problem = f"{text.iloc[at]!r:.100} at {where(at)} cannot be read as a date"
    if at:
        problem += f" like {text.iloc[0]!r:.100}"
    return InvalidTimestamps(name, problem, ISO_ADVICE)
