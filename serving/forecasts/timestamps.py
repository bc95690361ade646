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
from forecasting.timestamps.frequency import days_of_month, parse_frequency
from forecasting.timestamps.zones import UTC
from forecasting.types import Timestamps
from serving.schemas.timestamps import format_timestamps

DATE = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
DATES = re.compile(f"(?:{DATE};)+|(?:{DATE}[T ][0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}};)+")
YEARS = np.array(["1700", "2200"], "datetime64[s]")  # within datetime64[ns]
MAX_FAST_STEP = 10**12  # so that the steps ahead do not overflow
OFFSET = re.compile(r"(?<=:[0-9]{2})(?:Z|[+-][0-9]{2}:[0-9]{2})\Z")
NAIVE_LENGTHS = (10, 19)  # of 2024-01-31 and 2024-01-31T00:00:00
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
            all with one offset or none, or integer steps where the calendar has no
            dates.
        steps: steps ahead.

    Raises:
        NotConsecutive: a series has a gap or other timestamps, or ends after 2200, or
            the clocks of a zone count its steps.
    """
    if calendar.zone not in (None, UTC):
        raise NotConsecutive
    if calendar.freq is None:
        calendar = _integer_calendar(series[0])
    return [
        (_cached_future if len(stamps) <= MAX_CACHED_LENGTH else _future)(
            calendar, tuple(stamps), steps
        )
        for stamps in series
    ]


def parse_timestamps(calendar: Calendar, series: Sequence[Stamps]) -> Timestamps:
    """Return the wall times of all series, one series after another, ``(points,)``.

    Args:
        calendar, series: as `future_timestamps`, which checks them.
    """
    if not calendar.freq:
        return np.concatenate([_parse_steps(stamps) for stamps in series])
    local = [_split_offset(tuple(stamps))[1] for stamps in series]
    return np.concatenate([_parse_dates(stamps) for stamps in local])


def _future(calendar: Calendar, stamps: tuple[str | int, ...], steps: int) -> bytes:
    offset = ""
    if calendar.freq:
        offset, stamps = _split_offset(stamps)
        if calendar.zone == UTC and offset not in ("", "Z", "+00:00"):
            raise NotConsecutive
        timestamps = _parse_dates(stamps)
        _check_anchor(calendar, timestamps)
    else:
        timestamps = _parse_steps(stamps)
    first, last, count = timestamps[:1], timestamps[-1:], len(timestamps)
    if calendar.count(first, last)[0] != count - 1:
        raise NotConsecutive
    if (calendar.advance(first, np.arange(count)) != timestamps).any():
        raise NotConsecutive
    try:
        [future] = format_timestamps(calendar.future(last, steps))
    except SettingError:
        raise NotConsecutive from None
    return orjson.dumps([stamp + offset for stamp in future] if offset else future)


def _check_anchor(calendar: Calendar, timestamps: Timestamps) -> None:
    """Refuse another weekday, month or day of the month than the calendar's."""
    rule = parse_frequency(calendar.freq or "")
    if not rule.is_anchored(timestamps[:1])[0]:
        raise NotConsecutive
    if rule.unit == "months" and rule.place == "day":
        day = int(days_of_month(timestamps).max())
        if day > 28 and day != calendar.day:
            raise NotConsecutive


def _split_offset(stamps: tuple[str | int, ...]) -> tuple[str, tuple[str | int, ...]]:
    """Return the offset that all stamps share, and the stamps without it.

    Stamps with a common offset are its local times: their steps are counted as those
    of naive ones.
    """
    first = stamps[0]
    if type(first) is not str or len(first) in NAIVE_LENGTHS:
        return "", stamps
    match = OFFSET.search(first)
    if match is None or not all(str(stamp).endswith(match[0]) for stamp in stamps):
        raise NotConsecutive
    return match[0], tuple([str(stamp).removesuffix(match[0]) for stamp in stamps])


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
