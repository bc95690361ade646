"""Timestamps of requests with offsets, and forecasts in the form that was sent.

A model with a zone reads moments in UTC, naive ones as local times of its zone. A model
without one reads the wall time of the timestamps.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from forecasting.timestamps.calendar import Calendar
from forecasting.timestamps.frequency import is_daily, parse_frequency
from forecasting.timestamps.local_times import has_one_time_of_day, settle_zone
from forecasting.timestamps.parsing import ParsedTimes, parse_timestamps
from forecasting.timestamps.zones import (
    UTC,
    format_moments,
    offset_text,
    to_utc,
    to_wall,
    zone_of_text,
)
from forecasting.types import IntArray, Timestamps
from serving.schemas.request import Series
from serving.schemas.timestamps import format_timestamps


@dataclass(frozen=True, slots=True)
class SentTimes:
    """Timestamps of the series of a request, as the calendar of a model reads them.

    Attributes:
        moments: of each series, naive or in UTC as the zone of the model says.
        zones: zone that each series was sent in; None for naive timestamps.
        calendar: of the model.
        is_wall: whether timestamps with offsets were read as local times of the
            model's zone.
    """

    moments: tuple[Timestamps, ...]
    zones: tuple[str | None, ...]
    calendar: Calendar
    is_wall: bool = False

    def columns(self) -> list["Timestamps | pd.DatetimeIndex"]:
        """Return the timestamps of each series for `Panel.from_values`."""
        if self.calendar.zone is None:
            return [*self.moments]
        return [pd.DatetimeIndex(moments, tz=UTC) for moments in self.moments]

    def by_wall_time(self) -> "SentTimes | None":
        """Return the times with all offsets replaced by that of the model's zone.

        Days at midnight of another zone are the same days. None where that changes
        nothing, or the model has steps shorter than a day.
        """
        calendar = self.calendar
        if calendar.zone is None or not is_daily(parse_frequency(calendar.freq or "")):
            return None
        if not any(zone not in (None, calendar.zone) for zone in self.zones):
            return None
        moments = [
            moments
            if zone is None
            else to_utc(to_wall(moments, zone), self.calendar.zone)
            for moments, zone in zip(self.moments, self.zones, strict=True)
        ]
        return replace(self, moments=tuple(moments), is_wall=True)

    def format(self, ahead: Timestamps) -> list[list[str]]:
        """Return timestamps of the steps ahead as ISO text, in the form that was sent.

        Args:
            ahead: ``(series, steps)``, as the calendar gives them.
        """
        return [
            self._format(moments, zone)
            for moments, zone in zip(ahead, self.zones, strict=True)
        ]

    def _format(self, ahead: Timestamps, zone: str | None) -> list[str]:
        if zone is not None and self.calendar.zone is not None and not self.is_wall:
            return list(format_moments(ahead, zone).tolist())
        wall = to_wall(ahead, self.calendar.zone)
        suffix = "" if zone is None else "Z" if zone == UTC else zone
        return [text + suffix for text in format_timestamps(wall)]


def read_times(series: Sequence[Series], calendar: Calendar) -> SentTimes:
    """Parse the timestamps of the series of a request.

    Args:
        series: series with timestamps as text.
        calendar: of the model.

    Raises:
        InvalidTimestamps: a timestamp cannot be read.
    """
    stamps = [history.timestamps or [] for history in series]
    is_zoned = [zone_of_text(str(texts[0])) is not None for texts in stamps]
    moments: dict[int, Timestamps] = {}
    zones: dict[int, str | None] = {}
    for kind in sorted(set(is_zoned)):
        rows = [row for row, zoned in enumerate(is_zoned) if zoned == kind]
        parts = _read_group([stamps[row] for row in rows], calendar)
        for row, (part, zone) in zip(rows, parts, strict=True):
            moments[row], zones[row] = part, zone
    order = range(len(series))
    return SentTimes(
        tuple(moments[row] for row in order),
        tuple(zones[row] for row in order),
        calendar,
    )


def _read_group(
    stamps: Sequence[Sequence[str | int]], calendar: Calendar
) -> list[tuple[Timestamps, str | None]]:
    """Parse series that are all naive, or all have offsets."""
    lengths = [len(texts) for texts in stamps]
    numbers = np.repeat(np.arange(len(stamps)), lengths)
    column = pd.Series([text for texts in stamps for text in texts], dtype=object)

    def where(at: int) -> str:
        return f"place {at - int(np.argmax(numbers == numbers[at])) + 1}"

    times = parse_timestamps("timestamps", column, where)
    ends = np.cumsum(lengths)[:-1]
    if times.zone is None:
        moments, _, _ = settle_zone("timestamps", times, numbers, calendar.zone)
        return [(part, None) for part in np.split(moments, ends)]
    return _by_offset(times, ends, calendar)


def _by_offset(
    times: ParsedTimes, ends: IntArray, calendar: Calendar
) -> list[tuple[Timestamps, str | None]]:
    moments = times.moments
    wall = to_wall(moments, times.zone) if times.wall is None else times.wall
    parts: list[tuple[Timestamps, str | None]] = []
    for local, part in zip(np.split(wall, ends), np.split(moments, ends), strict=True):
        shifts = local - part
        is_local = bool((shifts == shifts[0]).all()) or has_one_time_of_day(
            local, np.zeros(len(local), np.int64)
        )
        zone = offset_text(shifts[-1]) if is_local and shifts[-1] else UTC
        read_as_wall = is_local and calendar.zone is None
        parts.append((local if read_as_wall else part, zone))
    return parts
