"""Errors for timestamps off their calendar: the moments, the reason, the remedy."""

from typing import NoReturn

import numpy as np
import numpy.typing as npt

from forecasting.errors import MAX_SHOWN, IrregularTimestamps, join_shown
from forecasting.timestamps.calendar import Calendar, format_timestamp
from forecasting.timestamps.frequency import (
    NANOSECONDS,
    WEEKDAY_NAMES,
    is_daily,
    parse_frequency,
)
from forecasting.types import IntArray, Timestamps

ADVICE = (
    "Correct the rows, gather them to one frequency with --resample or data.resample, "
    "or say the frequency with --freq or data.freq."
)
CLOCKS_CHANGE = (
    "The time of day changes by one hour, as it does where clocks change (summer time"
    "): "
)
DAYS_ADVICE = (
    "name the time zone with --zone or data.zone (Europe/Berlin), or write dates alone."
)
HOURS_ADVICE = "write local times without offsets."


def raise_misfit(
    calendar: Calendar,
    timestamps: Timestamps,
    offsets: IntArray,
    series_ids: tuple[str, ...],
    misfits: npt.NDArray[np.bool_],
    fitting: Calendar | None,
) -> NoReturn:
    """Raise the error for timestamps that do not lie on a calendar.

    Args:
        calendar: the calendar.
        timestamps: all series one after another, ``(points,)``.
        offsets: borders of the series, ``(series + 1,)``.
        series_ids: names of the series.
        misfits: mask of the timestamps beside the calendar.
        fitting: another calendar that all timestamps lie on, if there is one.

    Raises:
        IrregularTimestamps: always.
    """
    extra = calendar.find_extra_days(timestamps)
    if calendar.weekdays and (misfits == extra).all():
        _raise_extra_days(calendar, timestamps, extra, fitting)
    at = int(np.argmax(misfits))
    series = int(np.searchsorted(offsets, at, "right")) - 1
    zone, follows = calendar.zone, ""
    if at > offsets[series]:
        follows = f" (after {format_timestamp(timestamps[at - 1], zone)})"
    moment = format_timestamp(timestamps[at], zone)
    raise IrregularTimestamps(
        f"series {series_ids[series]!r}: {moment}{follows} does not lie on the "
        f"calendar {calendar}",
        _advice(calendar, timestamps, offsets, misfits, fitting),
    )


def _raise_extra_days(
    calendar: Calendar,
    timestamps: Timestamps,
    extra: npt.NDArray[np.bool_],
    fitting: Calendar | None,
) -> NoReturn:
    days = np.unique(timestamps[extra])
    shown = [format_timestamp(day, calendar.zone) for day in days[:MAX_SHOWN]]
    names = ", ".join(WEEKDAY_NAMES[day].title() for day in calendar.weekdays)
    raise IrregularTimestamps(
        f"{shown[0]} does not lie on the calendar {calendar} ({names}); all days "
        f"beside it: {join_shown(shown, len(days))}",
        "Take these rows out." if fitting is None else _fitting_advice(fitting),
    )


def _advice(
    calendar: Calendar,
    timestamps: Timestamps,
    offsets: IntArray,
    misfits: npt.NDArray[np.bool_],
    fitting: Calendar | None,
) -> str:
    if fitting is not None:
        return _fitting_advice(fitting)
    if is_shifted_by_clocks(calendar, timestamps, offsets, misfits):
        daily = is_daily(parse_frequency(calendar.freq or ""))
        return CLOCKS_CHANGE + (DAYS_ADVICE if daily else HOURS_ADVICE)
    return ADVICE


def _fitting_advice(fitting: Calendar) -> str:
    return (
        f"The timestamps fit {str(fitting.freq)!r}: say it with --freq or data.freq, "
        "or leave the frequency out."
    )


def is_shifted_by_clocks(
    calendar: Calendar,
    timestamps: Timestamps,
    offsets: IntArray,
    misfits: npt.NDArray[np.bool_],
) -> bool:
    """Test if all misfits lie one hour beside a calendar of steps of several hours.

    Args:
        calendar: the calendar.
        timestamps: all series one after another, ``(points,)``.
        offsets: borders of the series, ``(series + 1,)``.
        misfits: mask of the timestamps beside the calendar.
    """
    if calendar.freq is None or not misfits.any():
        return False
    if parse_frequency(calendar.freq).nanoseconds <= 2 * NANOSECONDS["h"]:
        return False
    start = np.repeat(timestamps[offsets[:-1]], np.diff(offsets))
    hour = np.timedelta64(NANOSECONDS["h"], "ns")
    shifted = np.zeros(len(timestamps), dtype=bool)
    for shift in (-hour, hour):
        moved = timestamps + shift
        shifted |= calendar.advance(start, calendar.count(start, moved)) == moved
    return bool(shifted[misfits].all())
