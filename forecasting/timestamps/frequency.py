"""Pandas frequency aliases as rules: fixed ticks, months or trading days."""

import re
import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pandas.tseries.frequencies import to_offset

from forecasting.errors import SettingError

NANOSECONDS = {  # in each unit of steps of fixed length
    "W": 604_800_000_000_000,
    "D": 86_400_000_000_000,
    "h": 3_600_000_000_000,
    "min": 60_000_000_000,
    "s": 1_000_000_000,
    "ms": 1_000_000,
    "us": 1_000,
    "ns": 1,
}
DAY, WEEK = NANOSECONDS["D"], NANOSECONDS["W"]
MONTHS = {"M": 1, "Q": 3, "Y": 12}
MONTH_NAMES = (
    *("JAN", "FEB", "MAR", "APR", "MAY", "JUN"),
    *("JUL", "AUG", "SEP", "OCT", "NOV", "DEC"),
)
WEEKDAY_NAMES = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
Place = Literal["day", "E", "BS", "BE"]
PLACES: dict[str, Place] = {"S": "day", "E": "E", "BS": "BS", "BE": "BE"}
EXPECTED = (
    "a pandas frequency alias such as D, h, 15min, s, W-SUN, MS or ME (months by their "
    "first or last day), QS, YS or B (Monday to Friday)"
)


@dataclass(frozen=True, slots=True)
class Rule:
    """A frequency split into unit, size, place in the month and anchor.

    Attributes:
        unit: ``ticks`` of a fixed length, calendar ``months``, or trading ``days``.
        size: nanoseconds of a tick, or months of a step; 1 for trading days.
        place: position of a moment in its month: a fixed ``day``, the last day
            (``E``), or the first or last workday (``BS``, ``BE``).
        anchor: weekday (Monday 0) of weeks or month (January 1) of quarters and years
            that moments lie in; None when free.
        period: number of possible anchors: 7 weekdays, 3 or 12 months.
    """

    unit: Literal["ticks", "months", "days"]
    size: int = 1
    place: Place = "day"
    anchor: int | None = None
    period: int = 1

    @property
    def nanoseconds(self) -> float:
        """Approximate length of a step, in nanoseconds."""
        if self.unit == "ticks":
            return float(self.size)
        return self.size * (30.5 if self.unit == "months" else 1.5) * DAY

    @property
    def season_length(self) -> int:
        """Steps in the next longer natural cycle: year, week, day or minute."""
        if self.unit == "months":
            cycle = 12
        elif self.size >= WEEK:
            cycle = 52 * WEEK
        elif self.size >= DAY:
            cycle = WEEK
        elif self.size >= NANOSECONDS["min"]:
            cycle = DAY
        else:
            cycle = NANOSECONDS["min"] if self.size >= NANOSECONDS["s"] else 0
        return cycle // self.size if cycle and cycle % self.size == 0 else 1

    def place_in_month(
        self,
        days: npt.NDArray[Any],
        steps: npt.NDArray[np.int64],
        day: int | None = None,
    ) -> npt.NDArray[Any]:
        """Add ``steps`` months to ``days``, moved to the rule's place in the month.

        Args:
            days: dates; broadcasts with ``steps``.
            steps: of the rule.
            day: day of the month of dates that their month cut short, 29 to 31.
        """
        month = days.astype("datetime64[M]") + steps * self.size
        first = month.astype("datetime64[D]")
        last = (month + 1).astype("datetime64[D]") - 1
        if self.place == "E":
            return np.asarray(last)
        if self.place == "BS":
            return np.asarray(np.busday_offset(first, 0, "forward"))
        if self.place == "BE":
            return np.asarray(np.busday_offset(last, 0, "backward"))
        since_first = days - days.astype("datetime64[M]")
        if day is not None:
            since_first = np.where(is_cut(days, day), day - 1, since_first)
        return np.asarray(np.minimum(first + since_first, last))

    def is_anchored(self, moments: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
        """Test of each moment if it lies on the weekday or month of the anchor."""
        if self.anchor is None:
            return np.ones(moments.shape, dtype=bool)
        positions = weekdays(moments) if self.unit == "ticks" else months(moments)
        return np.asarray((positions - self.anchor) % self.period == 0)


def days_of_month(moments: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Return the day of the month of each moment, from 1."""
    days = moments.astype("datetime64[D]")
    return np.asarray((days - days.astype("datetime64[M]")).astype(np.int64) + 1)


def is_month_end(moments: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Test of each moment if it lies on the last day of its month."""
    next_days = moments.astype("datetime64[D]") + 1
    return np.asarray(next_days == next_days.astype("datetime64[M]"))


def is_cut(moments: npt.NDArray[Any], day: int) -> npt.NDArray[np.bool_]:
    """Test of each moment if its month is too short for a day of the month."""
    return np.asarray(is_month_end(moments) & (days_of_month(moments) < day))


def weekdays(moments: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Return the weekday of each moment, Monday 0 (1970-01-01 was a Thursday)."""
    return np.asarray((moments.astype("datetime64[D]").astype(np.int64) + 3) % 7)


def months(moments: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Return the month of each moment, January 1."""
    return np.asarray(moments.astype("datetime64[M]").astype(np.int64) % 12 + 1)


def is_daily(rule: Rule) -> bool:
    """Test if the steps of a rule are whole days, or longer."""
    return rule.unit != "ticks" or rule.size % DAY == 0


@lru_cache(maxsize=64)
def parse_frequency(freq: str) -> Rule:
    """Parse a pandas alias; without ``-SUN`` or ``-OCT``, any anchor fits.

    Raises:
        SettingError: the alias is unknown to pandas, or has another unit than ticks,
            months or trading days.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # refuses deprecated aliases
            offset = to_offset(freq)
    except (ValueError, TypeError, Warning):
        raise SettingError("freq", freq, EXPECTED) from None
    unit, _, anchor = str(offset.rule_code).partition("-")
    count, has_anchor = int(offset.n), "-" in freq
    if count < 1:
        raise SettingError("freq", freq, EXPECTED)
    if unit == "W":
        weekday = WEEKDAY_NAMES.index(anchor) if has_anchor else None
        return Rule("ticks", WEEK * count, anchor=weekday, period=7)
    if unit in NANOSECONDS:
        return Rule("ticks", NANOSECONDS[unit] * count)
    if unit in ("B", "C") and count == 1:
        return Rule("days")
    match = re.fullmatch("(B?)([MQY])([SE])", unit)
    if match is None:
        raise SettingError("freq", freq, EXPECTED)
    business, length, end = match.groups()
    return Rule(
        "months",
        MONTHS[length] * count,
        place=PLACES[business + end],
        anchor=MONTH_NAMES.index(anchor) + 1 if has_anchor else None,
        period=MONTHS[length],
    )


def name_ticks(size: int, first: npt.NDArray[Any]) -> str:
    """Return the alias of steps of ``size`` nanoseconds.

    Args:
        size: at least 1.
        first: first moment of each series; weeks are named after a common weekday.
    """
    unit = next(name for name, length in NANOSECONDS.items() if size % length == 0)
    count = size // NANOSECONDS[unit]
    shared = np.unique(weekdays(first))
    anchor = f"-{WEEKDAY_NAMES[shared[0]]}" if len(shared) == 1 else ""
    return f"{count if count > 1 else ''}{unit}{anchor if unit == 'W' else ''}"


def name_months(size: int, place: Place, first: npt.NDArray[Any]) -> str:
    """Return the alias of steps of ``size`` months.

    Args:
        size: at least 1.
        place: position in the month, as in `Rule`.
        first: first moment of each series; quarters and years are named after a
            common month.
    """
    letter = "Y" if size % 12 == 0 else "Q" if size == 3 else "M"
    count, end = size // MONTHS[letter], "S" if place == "day" else place
    letters = f"B{letter}{end[1]}" if len(end) == 2 else letter + end
    shared = np.unique((months(first) - 1) % MONTHS[letter])
    anchor = ""
    if letter != "M" and len(shared) == 1:
        shift = 12 - MONTHS[letter] if end.endswith("E") else 0  # QE-DEC, but QS-JAN
        anchor = f"-{MONTH_NAMES[shared[0] + shift]}"
    return f"{count if count > 1 else ''}{letters}{anchor}"
