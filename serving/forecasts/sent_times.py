"""Timestamps of requests with offsets, and forecasts in the form that was sent.

A model with a zone reads moments in UTC, naive ones as local times of its zone. A model
without one reads the wall time of the timestamps.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import pandas as pd

from forecasting.timestamps.calendar import Calendar
from forecasting.timestamps.frequency import is_daily, parse_frequency
from forecasting.timestamps.local_times import has_one_time_of_day, settle_zone
from forecasting.timestamps.parsing import parse_timestamps
from forecasting.timestamps.zones import (
    UTC,
    format_moments,
    offset_text,
    to_utc,
    to_wall,
    zone_of_text,
)
from forecasting.types import Timestamps
from serving.schemas.request import Series
from serving.schemas.timestamps import format_timestamps

# Moments for the calendar, wall times, and the zone; None for naive timestamps.
SentSeries: TypeAlias = tuple[Timestamps, Timestamps, str | None]


@dataclass(frozen=True, slots=True)
class SentTimes:
    """Timestamps of the series of a request, as the calendar of a model reads them.

    Attributes:
        moments: of each series, naive or in UTC as the zone of the model says.
        walls: wall times of each series, as they were sent.
        zones: zone that each series was sent in; None for naive timestamps.
        calendar: of the model.
        is_wall: whether timestamps with offsets were read as local times of the
            model's zone.
    """

    moments: tuple[Timestamps, ...]
    walls: tuple[Timestamps, ...]
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
        moments = [to_utc(wall, calendar.zone) for wall in self.walls]
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
    parts: dict[int, SentSeries] = {}
    for kind in sorted(set(is_zoned)):
        rows = [row for row, zoned in enumerate(is_zoned) if zoned == kind]
        group = _read_group([stamps[row] for row in rows], calendar)
        parts |= zip(rows, group, strict=True)
    moments, walls, zones = zip(
        *(parts[row] for row in range(len(series))), strict=True
    )
    return SentTimes(moments, walls, zones, calendar)


def _read_group(
    stamps: Sequence[Sequence[str | int]], calendar: Calendar
) -> list[SentSeries]:
    """Parse series that are all naive, or all have offsets."""
    lengths = [len(texts) for texts in stamps]
    numbers = np.repeat(np.arange(len(stamps)), lengths)
    column = pd.Series([text for texts in stamps for text in texts], dtype=object)

    def where(at: int) -> str:
        return f"place {at - int(np.argmax(numbers == numbers[at])) + 1}"

    times = parse_timestamps("timestamps", column, where)
    if times.zone is None:
        moments, _, _ = settle_zone("timestamps", times, numbers, calendar.zone)
        wall = times.moments
    else:
        moments = times.moments
        wall = to_wall(moments, times.zone) if times.wall is None else times.wall
    ends = np.cumsum(lengths)[:-1]
    pairs = zip(np.split(moments, ends), np.split(wall, ends), strict=True)
    if times.zone is None:
        return [(part, local, None) for part, local in pairs]
    return [_with_offset(part, local, calendar) for part, local in pairs]


def _with_offset(
    moments: Timestamps, wall: Timestamps, calendar: Calendar
) -> SentSeries:
    """Return one series that was sent with offsets."""
    shifts = wall - moments
    is_local = bool((shifts == shifts[0]).all()) or has_one_time_of_day(
        wall, np.zeros(len(wall), np.int64)
    )
    zone: str | None = offset_text(shifts[-1]) if is_local and shifts[-1] else UTC
    if calendar.zone and to_wall(moments[-1:], calendar.zone)[0] == wall[-1]:
        zone = calendar.zone  # whose offset may change ahead
    read_as_wall = is_local and calendar.zone is None
    return wall if read_as_wall else moments, wall, zone
