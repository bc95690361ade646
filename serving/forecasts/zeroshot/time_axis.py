"""The calendar of series that no model knows, and their timestamps ahead as JSON.

The series of a request have one calendar, as the rows of a file. Evenly spaced
timestamps are read from their text; others are parsed by the library.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import orjson

from forecasting.data.panel import Panel
from forecasting.errors import DataError, SettingError
from forecasting.timestamps.calendar import STEPS, WORKDAYS, Calendar
from forecasting.timestamps.frequency import parse_frequency
from forecasting.timestamps.inference import infer_calendar
from serving.forecasts.panels import locate_flaws
from serving.forecasts.sent_times import SentTimes, read_times
from serving.forecasts.timestamps import (
    CACHE_SIZE,
    MAX_CACHED_LENGTH,
    NotConsecutive,
    future_timestamps,
    parse_timestamps,
)
from serving.http.locations import located_errors
from serving.schemas.request import Series
from serving.schemas.timestamps import format_timestamps

DATED = Calendar("D")  # any calendar with dates
Stamps = tuple[tuple[str | int, ...], ...]


class TimeAxis(NamedTuple):
    """The time axis of the series of a request.

    Attributes:
        calendar: the rule of their timestamps.
        ahead: timestamps of the steps ahead as JSON, one text per series; None for
            series without timestamps.
    """

    calendar: Calendar
    ahead: Sequence[bytes] | None


def calendar_of(freq: str | None) -> Calendar:
    """Return the calendar of series without timestamps.

    Raises:
        SettingError: it is no frequency.
    """
    if freq is None:
        return STEPS
    is_trading = parse_frequency(freq).unit == "days"
    return Calendar(freq, WORKDAYS if is_trading else ())


def read_axis(series: Sequence[Series], freq: str | None, steps: int) -> TimeAxis:
    """Return the time axis of series without timestamps, or with evenly spaced ones.

    Args:
        series: of the request, checked.
        freq: pandas alias of their frequency; None infers it.
        steps: steps ahead.

    Raises:
        RequestError: series without timestamps have a frequency that is none.
        NotConsecutive: timestamps are not evenly spaced text: see `parse_axis`.
    """
    if series[0].timestamps is None:
        with located_errors():
            return TimeAxis(calendar_of(freq), None)
    stamps = tuple([tuple(history.timestamps or ()) for history in series])
    is_cached = len(stamps) == 1 and len(stamps[0]) <= MAX_CACHED_LENGTH
    calendar = (_cached_calendar if is_cached else _infer)(stamps, freq)
    return TimeAxis(calendar, future_timestamps(calendar, stamps, steps))


def parse_axis(series: Sequence[Series], freq: str | None, steps: int) -> TimeAxis:
    """Return the time axis of series with any timestamps.

    Timestamps are parsed by pandas, which takes milliseconds: call it in a thread.

    Args:
        series, freq, steps: as `read_axis`.

    Raises:
        RequestError: timestamps cannot be used; names the location of each.
    """
    with located_errors():
        try:
            panel, times = _join(series, freq)
        except DataError as error:
            raise locate_flaws(error, series, lambda part: _join(part, freq)) from error
        future = panel.calendar.future(panel.last_timestamps(), steps)
    rows = format_timestamps(future) if times is None else times.format(future)
    return TimeAxis(panel.calendar, [orjson.dumps(row) for row in rows])


def _infer(stamps: Stamps, freq: str | None) -> Calendar:
    first = DATED if isinstance(stamps[0][0], str) else STEPS
    moments = parse_timestamps(first, stamps)
    offsets = np.cumsum([0, *map(len, stamps)])
    names = tuple(map(str, range(len(stamps))))
    try:
        return infer_calendar(moments, offsets, names, freq=freq)
    except (DataError, SettingError):
        raise NotConsecutive from None  # the slow way says why


_cached_calendar = lru_cache(CACHE_SIZE)(_infer)


def _join(series: Sequence[Series], freq: str | None) -> tuple[Panel, SentTimes | None]:
    """Return series as a panel on their common calendar, and the times as sent.

    Timestamps with offsets are read as local times, or in UTC where offsets change.
    """
    names = [history.id for history in series]
    times, stamps = None, [history.timestamps or [] for history in series]
    if isinstance(stamps[0][0], str):
        times = read_times(series, STEPS)
    panel = Panel.from_values(
        {history.id: history.values for history in series},
        timestamps=dict(
            zip(names, stamps if times is None else times.moments, strict=True)
        ),
        freq=freq,
    )
    return panel, times
