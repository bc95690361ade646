"""Parts of dates, such as years, months and offsets, to moments."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecasting.timestamps.parsing.words import MONTH_NUMBERS
from forecasting.types import IntArray, Timestamps

YEARS = (1678, 2261)  # first and last full year in 64-bit nanoseconds
FUTURE_YEARS = 10  # that two-digit years may lie ahead of today
SECOND = 1_000_000_000
BoolArray = npt.NDArray[np.bool_]
Parts = Mapping[str, Sequence[str | None]]


@dataclass(frozen=True, slots=True)
class Moments:
    """Moments of the parts of dates.

    Attributes:
        wall: naive moments as they are written, ``datetime64[ns]``, ``(rows,)``.
        wrong: mask of parts that are no date, such as 30 February, ``(rows,)``.
        years: ``(rows,)``.
        offsets: minutes ahead of UTC, ``(rows,)``; None where no row has a zone.
        zoned: mask of rows with a zone, ``(rows,)``.
    """

    wall: Timestamps
    wrong: BoolArray
    years: IntArray
    offsets: IntArray | None
    zoned: BoolArray

    @property
    def is_valid(self) -> bool:
        """Whether every row is a date that 64-bit nanoseconds can hold."""
        outside = (self.years < YEARS[0]) | (self.years > YEARS[1])
        return not (self.wrong | outside).any()


def assemble(parts: Parts) -> Moments:
    """Compute moments from the texts of their parts.

    Args:
        parts: texts by part: ``year`` or ``short`` for two digits; ``month``,
            ``name``, ``quarter``, ``semester``, ``week``, ``yearday``; and so on; None
            for a part that a row leaves out.
    """
    years = _years(parts)
    size = len(years)
    safe = np.clip(years, YEARS[0], YEARS[1])
    days, wrong = _days(parts, safe)
    nanoseconds, wrong_time = _time_of_day(parts, size)
    wall = days.astype("datetime64[ns]") + nanoseconds.astype("timedelta64[ns]")
    zones = parts.get("zone")
    zoned = np.array([bool(zone) for zone in zones or ()] or [False] * size)
    offsets = None
    if zones is not None and zoned.any():
        minutes = {zone: _offset_minutes(zone) for zone in set(zones) if zone}
        offsets = np.array([minutes.get(zone or "", 0) for zone in zones], np.int64)
        wrong_time = wrong_time | (np.abs(offsets) > 18 * 60)
    return Moments(wall, wrong | wrong_time, years, offsets, zoned)


def month_number(name: str | None) -> int:
    """Return the month of a name or of its abbreviation; 0 where it is none."""
    return MONTH_NUMBERS.get(name or "", 0)


def latest_year() -> int:
    """Return the last year that two digits may mean."""
    return int(pd.Timestamp.now().year) + FUTURE_YEARS


def expand_years(short: IntArray) -> IntArray:
    """Return the years of two digits: the last ones before ``FUTURE_YEARS`` from now.

    Digits that run on from 60 to 90, or over 99 to 03, stay together.
    """
    recent = short + 2000 - 100 * (short + 2000 > latest_year())
    if np.ptp(recent) > np.ptp(short):  # 30 to 45 would be parted
        return np.asarray(short + 1900)
    return np.asarray(recent)


def _years(parts: Parts) -> IntArray:
    if "year" in parts:
        return _integers(parts["year"], 0)
    return expand_years(_integers(parts["short"], 0))


def _integers(texts: Sequence[str | None], default: int) -> IntArray:
    filled = [text or str(default) for text in texts]
    return np.array(filled, dtype=object).astype(np.int64)


def _days(parts: Parts, years: IntArray) -> tuple[Timestamps, BoolArray]:
    if "week" in parts:
        return _days_of_weeks(parts, years)
    if "sunday_week" in parts or "monday_week" in parts:
        return _days_of_plain_weeks(parts, years)
    january = _first_days(years)
    if "yearday" in parts:
        number = _integers(parts["yearday"], 1)
        length = (_first_days(years + 1) - january).astype(np.int64)
        return january + (number - 1), (number < 1) | (number > length)
    month, wrong = _months(parts, len(years))
    day = _integers(parts["day"], 1) if "day" in parts else np.ones_like(years)
    if "until" in parts:
        wrong |= (_integers(parts["until"], 0) - years - 1) % 100 != 0
    wrong |= (month < 1) | (month > 12)
    first = (years - 1970) * 12 + np.clip(month, 1, 12) - 1
    start = first.astype("datetime64[M]").astype("datetime64[D]")
    end = (first + 1).astype("datetime64[M]").astype("datetime64[D]")
    length = (end - start).astype(np.int64)
    return start + (day - 1), wrong | (day < 1) | (day > length)


def _months(parts: Parts, size: int) -> tuple[IntArray, BoolArray]:
    wrong = np.zeros(size, dtype=bool)
    if "name" in parts:
        numbers = [month_number(name) for name in parts["name"]]
        return np.array(numbers, np.int64), wrong
    for part, length in (("quarter", 3), ("semester", 6)):
        if part in parts:
            number = _integers(parts[part], 1)
            return (number - 1) * length + 1, (number < 1) | (number > 12 // length)
    if "month" in parts:
        return _integers(parts["month"], 1), wrong
    return np.ones(size, np.int64), wrong


def _first_days(years: IntArray) -> Timestamps:
    return np.asarray((years - 1970).astype("datetime64[Y]").astype("datetime64[D]"))


def _days_of_weeks(parts: Parts, years: IntArray) -> tuple[Timestamps, BoolArray]:
    """Return days of ISO weeks, the Monday where no day is named."""
    week = _integers(parts["week"], 1)
    weekday = _integers(parts.get("weekday", [None] * len(years)), 1)
    fourth = _first_days(years) + 3  # 4 January lies in the first week
    monday = fourth - (fourth.astype(np.int64) + 3) % 7
    days = monday + (week - 1) * 7
    thursday_year = (days + 3).astype("datetime64[Y]").astype(np.int64) + 1970
    return days + (weekday - 1), (week < 1) | (week > 53) | (thursday_year != years)


def _days_of_plain_weeks(parts: Parts, years: IntArray) -> tuple[Timestamps, BoolArray]:
    """Return the first days of weeks counted from a year's first Sunday or Monday."""
    part = "sunday_week" if "sunday_week" in parts else "monday_week"
    week, january = _integers(parts[part], 0), _first_days(years)
    weekday = (january.astype(np.int64) + (4 if part == "sunday_week" else 3)) % 7
    return january + (-weekday % 7) + (week - 1) * 7, (week < 0) | (week > 53)


def _time_of_day(parts: Parts, size: int) -> tuple[IntArray, BoolArray]:
    """Return nanoseconds since midnight; 24:00 is the midnight that follows."""
    if "hour" not in parts or not any(parts["hour"]):
        return np.zeros(size, np.int64), np.zeros(size, dtype=bool)
    absent = [None] * size
    hour = _integers(parts["hour"], 0)
    minute = _integers(parts.get("minute", absent), 0)
    second = _integers(parts.get("second", absent), 0)
    texts = parts.get("fraction", absent)
    fraction = np.zeros(size, np.int64)
    if any(texts):
        fraction = _integers([(text or "")[:9].ljust(9, "0") for text in texts], 0)
    halves = parts.get("half", absent)
    half = np.array([(text or "")[:1] for text in halves])
    wrong = (half != "") & ((hour < 1) | (hour > 12))
    hour = np.where(half == "", hour, hour % 12 + 12 * (half == "p"))
    wrong |= (hour > 24) | (minute > 59) | (second > 59)
    wrong |= (hour == 24) & (minute + second + fraction > 0)
    return ((hour * 60 + minute) * 60 + second) * SECOND + fraction, wrong


def _offset_minutes(zone: str) -> int:
    match = re.search(r"([+-])(\d{1,2}):?(\d{2})?$", zone)
    if match is None:
        return 0
    minutes = int(match[2]) * 60 + int(match[3] or 0)
    return minutes if match[1] == "+" else -minutes
