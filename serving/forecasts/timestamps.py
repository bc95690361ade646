"""Timestamps of evenly spaced histories, and the future ones, without pandas.

`serving.forecasts.panels` handles all other timestamps, with a message for each flaw.
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
YEARS = np.array(["1700", "2200"], "datetime64[s]")  # within datetime64[ns]
MAX_FAST_STEP = 10**12  # so that the steps ahead do not overflow
CACHE_SIZE = 256  # histories with cached future timestamps
MAX_CACHED_LENGTH = 1000  # timestamps of a cached history
Stamps = Sequence[str | int]


class NotConsecutive(Exception):
    """The timestamps are not evenly spaced on the calendar."""


def future_timestamps(
    calendar: Calendar, series: Sequence[Stamps], steps: int
) -> list[bytes]:
    """Return the timestamps of the steps ahead as JSON, one text per series.

    Args:
        calendar: calendar of the series seen in training.
        series: timestamps of each series, at least one each, oldest first: ISO dates,
            or integer steps where the calendar has no dates.
        steps: steps ahead.

    Raises:
        NotConsecutive: a series has a gap or other timestamps, or ends after 2200.
    """
    if calendar.freq is None:
        calendar = _integer_calendar(series[0])
    return [
        (_cached_future if len(stamps) <= MAX_CACHED_LENGTH else _future)(
            calendar, tuple(stamps), steps
        )
        for stamps in series
    ]


def parse_timestamps(calendar: Calendar, series: Sequence[Stamps]) -> Timestamps:
    """Return the timestamps of all series, one series after another, ``(points,)``.

    Args:
        calendar, series: as `future_timestamps`, which checks them.
    """
    parse = _parse_dates if calendar.freq else _parse_steps
    return np.concatenate([parse(stamps) for stamps in series])


def _future(calendar: Calendar, stamps: tuple[str | int, ...], steps: int) -> bytes:
    timestamps = _parse_dates(stamps) if calendar.freq else _parse_steps(stamps)
    if (
        calendar.freq
        and not parse_frequency(calendar.freq).is_anchored(timestamps[:1])[0]
    ):
        raise NotConsecutive
    first, last, count = timestamps[:1], timestamps[-1:], len(timestamps)
    if calendar.count(first, last)[0] != count - 1:
        raise NotConsecutive
    if (calendar.advance(first, np.arange(count)) != timestamps).any():
        raise NotConsecutive
    try:
        [future] = format_timestamps(calendar.future(last, steps))
    except SettingError:
        raise NotConsecutive from None
    return orjson.dumps(future)


_cached_future = lru_cache(CACHE_SIZE)(_future)


def _parse_dates(stamps: Stamps) -> Timestamps:
    try:
        text = ";".join(stamps)  # type: ignore[arg-type]
    except TypeError:  # numbers
        raise NotConsecutive from None
    if not DATES.fullmatch(text + ";"):
        raise NotConsecutive
    try:
        timestamps = np.array(stamps, "datetime64[s]")
    except ValueError:  # no such day
        raise NotConsecutive from None
    if timestamps.min() < YEARS[0] or timestamps.max() >= YEARS[1]:
        raise NotConsecutive
    return timestamps.astype("datetime64[ns]")


def _parse_steps(stamps: Stamps) -> Timestamps:
    if {*map(type, stamps)} != {int} or max(map(abs, stamps)) >= MAX_FAST_STEP:  # type: ignore[arg-type]
        raise NotConsecutive
    return np.array(stamps, np.int64)


def _integer_calendar(stamps: Stamps) -> Calendar:
    """Return the calendar of a series with integer steps."""
    step = np.diff(_parse_steps(stamps[:2]))
    if len(step) != 1 or step[0] < 1:
        raise NotConsecutive
    return Calendar(None, step=int(step[0]))
