"""Timestamps that follow one another without a gap: what comes next, found quickly.

All others are left to `serving.forecasts.panels`, which knows how to say what is wrong.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import orjson

from forecasting.errors import SettingError
from forecasting.timestamps.calendar import Calendar
from forecasting.timestamps.frequency import parse_frequency
from forecasting.types import Timestamps
from serving.schemas.timestamps import format_timestamps

DATE = "[0-9]{4}-[0-9]{2}-[0-9]{2}"


DATES = re.compile(f"(?:{DATE};)+|(?:{DATE}[T ][0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}};)+")


YEARS = np.array(["1700", "2200"], "datetime64[s]")  # nanoseconds have room for them


MOST_STEP = 10**12  # the steps ahead of larger ones might be beyond every number


KEPT, MOST_KEPT = 256, 1000  # series whose moments are remembered, of at most so many


Stamps = Sequence[str | int]


class NotConsecutive(Exception):
    """Timestamps do not simply follow one another."""


def find_next(calendar: Calendar, series: Sequence[Stamps], steps: int) -> list[bytes]:
    """Return the moments that follow, JSON, a text a series.

    Args:
        calendar: of the series seen in training.
        series: the timestamps of each, one or more, oldest first: ISO dates, or
            integer steps where the calendar has no dates.
        steps: ahead.

    Raises:
        NotConsecutive: a series has others, or a gap, or they end after 2200.
    """
    if calendar.freq is None:
        calendar = _steps(series[0])
    return [
        (_remember_next if len(stamps) <= MOST_KEPT else _next)(
            calendar, tuple(stamps), steps
        )
        for stamps in series
    ]


def _next(calendar: Calendar, stamps: tuple[str | int, ...], steps: int) -> bytes:
    moments = _read(stamps) if calendar.freq else _count(stamps)
    if calendar.freq and not parse_frequency(calendar.freq).is_anchored(moments[:1])[0]:
        raise NotConsecutive
    first, last, count = moments[:1], moments[-1:], len(moments)
    if calendar.count(first, last)[0] != count - 1:
        raise NotConsecutive
    if (calendar.advance(first, np.arange(count)) != moments).any():
        raise NotConsecutive
    try:
        [ahead] = format_timestamps(calendar.future(last, steps))
    except SettingError:
        raise NotConsecutive from None
    return orjson.dumps(ahead)


_remember_next = lru_cache(KEPT)(_next)


def _read(stamps: Stamps) -> Timestamps:
    try:
        text = ";".join(stamps)  # type: ignore[arg-type]
    except TypeError:  # numbers
        raise NotConsecutive from None
    if not DATES.fullmatch(text + ";"):
        raise NotConsecutive
    try:
        moments = np.array(stamps, "datetime64[s]")
    except ValueError:  # no such day
        raise NotConsecutive from None
    if moments.min() < YEARS[0] or moments.max() >= YEARS[1]:
        raise NotConsecutive
    return moments.astype("datetime64[ns]")


def _count(stamps: Stamps) -> Timestamps:
    if {*map(type, stamps)} != {int} or max(map(abs, stamps)) >= MOST_STEP:  # type: ignore[arg-type]
        raise NotConsecutive
    return np.array(stamps, np.int64)


def _steps(stamps: Stamps) -> Calendar:
    """Return the calendar of integer steps that a series has."""
    step = np.diff(_count(stamps[:2]))
    if len(step) != 1 or step[0] < 1:
        raise NotConsecutive
    return Calendar(None, step=int(step[0]))
