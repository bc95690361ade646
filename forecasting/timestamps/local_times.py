"""Zones of parsed timestamps: the clocks that count their days, and the stored form."""

import numpy as np
import pandas as pd

from forecasting.timestamps.frequency import months, weekdays
from forecasting.timestamps.parsing import ParsedTimes
from forecasting.timestamps.zones import UTC, offset_text, to_utc
from forecasting.types import IntArray, Timestamps

CLOCK_MONTHS = (3, 4, 9, 10, 11)  # in which clocks are set back or forward
CLOCK_ADVICE = (
    "Clocks are set on such nights (summer time): name the time zone with --zone or "
    "data.zone (Europe/Berlin)."
)


def settle_zone(
    name: str, times: ParsedTimes, series: IntArray, requested: str | None
) -> tuple[Timestamps, str | None, list[str]]:
    """Choose the zone of timestamps.

    Where offsets differ and each series has one time of the day by its wall time, as
    days have where clocks change, its rows are days: naive wall time. Other rows with
    different offsets are in UTC.

    Args:
        name: of the column, for notes.
        times: the timestamps as they were parsed.
        series: number of the series of each row, ``(rows,)``.
        requested: zone that the user or the model names: naive timestamps are its local
            times.

    Returns:
        Moments in UTC, or naive ones without a zone, or integer steps, ``(rows,)``; the
        zone; and notes.
    """
    if times.moments.dtype.kind != "M":
        return times.moments, None, []
    if times.zone is None:
        return _localize(times.moments, series, requested), requested, []
    if times.wall is None or requested is not None:
        zone = requested or times.zone
        return times.moments, zone, [f"time {name!r}: in the zone {zone}"]
    shifts = [offset_text(shift) for shift in np.unique(times.wall - times.moments)]
    offsets = f"{', '.join(shifts[:-1])} and {shifts[-1]}"
    if has_one_time_of_day(times.wall, series):
        note = f"time {name!r}: days by their local time (offsets {offsets})"
        return times.wall, None, [note]
    return (
        times.moments,
        UTC,
        [f"time {name!r}: in UTC, for offsets differ ({offsets})"],
    )


def has_one_time_of_day(wall: Timestamps, series: IntArray) -> bool:
    """Test if all rows of each series have one time of the day.

    Args:
        wall: naive local timestamps, ``(rows,)``.
        series: number of the series of each row, ``(rows,)``.
    """
    times = (wall - wall.astype("datetime64[D]")).astype(np.int64)
    by_series = pd.Series(times).groupby(series)
    return bool((by_series.max() == by_series.min()).all())


def are_clock_changes(moments: Timestamps) -> bool:
    """Test if naive moments lie in the hours in which clocks are set back or forward.

    Args:
        moments: missing or repeated moments, ``(moments,)``.
    """
    if moments.dtype.kind != "M" or not len(moments):
        return False
    hours = (moments - moments.astype("datetime64[D]")) // np.timedelta64(1, "h")
    is_night = (weekdays(moments) == 6) & (hours < 4)
    return bool((is_night & np.isin(months(moments), CLOCK_MONTHS)).all())


def _localize(moments: Timestamps, series: IntArray, zone: str | None) -> Timestamps:
    """Return the moments in UTC of local times; a repeated hour comes twice."""
    if zone is None or zone == UTC:
        return moments
    repeated = pd.DataFrame({"series": series, "moment": moments}).duplicated()
    return to_utc(moments, zone, repeated.to_numpy())
