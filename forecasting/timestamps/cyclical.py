"""Cyclical features: the position of a moment in its hour, day, week and year.

A position in a cycle is a point on a circle, its sine and cosine, so that the end of a
cycle lies beside its beginning.
"""

import numpy as np

from forecasting.timestamps.calendar import Calendar
from forecasting.timestamps.frequency import DAY, NANOSECONDS, WEEK, parse_frequency
from forecasting.types import FloatArray, IntArray, Timestamps

CYCLES = {"hour": NANOSECONDS["h"], "day": DAY, "week": WEEK, "year": 365 * DAY}


def find_cycles(
    calendar: Calendar, timestamps: Timestamps, offsets: IntArray
) -> tuple[str, ...]:
    """Return the cycles of at least two steps that some series spans completely.

    A cycle longer than every series could not be told from a trend. Integer steps
    have no cycles.

    Args:
        calendar: of the series.
        timestamps: all series one after another, ``(points,)``.
        offsets: borders of the series, ``(series + 1,)``.
    """
    if calendar.freq is None:
        return ()
    step = parse_frequency(calendar.freq).nanoseconds
    end = calendar.advance(timestamps[offsets[1:] - 1], np.array([1]))
    spans = (end - timestamps[offsets[:-1]]).astype("timedelta64[ns]")
    longest = spans.astype(np.int64).max()
    return tuple(
        name for name, length in CYCLES.items() if 2 * step <= length <= longest
    )


def season_positions(moments: Timestamps, cycles: tuple[str, ...]) -> FloatArray:
    """Compute sine and cosine of the position in each cycle, ``(..., 2 * cycles)``."""
    moments = moments.astype("datetime64[ns]")
    points = []
    for name in cycles:
        angle = 2 * np.pi * _elapsed(moments, name)
        points += [np.sin(angle), np.cos(angle)]
    return np.stack(points, -1)


def _elapsed(moments: Timestamps, cycle: str) -> FloatArray:
    """Return the elapsed share of the cycle at each moment, from 0 to 1."""
    if cycle == "year":
        year = moments.astype("datetime64[Y]")
        first = year.astype("datetime64[ns]")
        length = (year + 1).astype("datetime64[ns]") - first
        return np.asarray((moments - first) / length)
    since_monday = moments.astype(np.int64) + 3 * DAY  # 1970-01-01 was a Thursday
    return np.asarray(since_monday % CYCLES[cycle] / CYCLES[cycle])
