"""Trading days: weekdays of data that avoid some days of the week, and extra days."""

import numpy as np

from forecasting.errors import MAX_SHOWN, join_shown
from forecasting.timestamps.calendar import WORKDAYS, Calendar, format_timestamp
from forecasting.timestamps.frequency import DAY, WEEKDAY_NAMES, weekdays
from forecasting.types import IntArray, Timestamps

MIN_TRADING_SHARE = 0.9  # of the days on the trading days, as rows
MAX_HOLE_DAYS = 14  # a longer hole is no holiday
MAX_EXTRA_SHARE = 0.3  # of one weekday, as rows; more, and it is a trading day
MAX_EXTRA_ROWS = 0.1  # of all rows on other weekdays than the trading days
MIN_WORKDAYS = 6  # rows that show Monday to Friday, if none of these is missing


def find_trading_days(wall: Timestamps, offsets: IntArray) -> tuple[int, ...]:
    """Return the weekdays of data that avoid some days of the week, else ``()``.

    A weekday with few rows beside the others, such as single open Sundays, is none.

    Args:
        wall: naive local timestamps, all series one after another, ``(points,)``.
        offsets: borders of the series, ``(series + 1,)``.
    """
    inside = np.ones(max(len(wall) - 1, 0), dtype=bool)
    inside[offsets[1:-1] - 1] = False
    difference = np.diff(wall).astype(np.int64)[inside]
    if not len(difference) or difference.min() < DAY:
        return ()
    if difference.max() > MAX_HOLE_DAYS * DAY or (difference == difference[0]).all():
        return ()
    counts = np.bincount(weekdays(wall), minlength=7)
    possible = _count_weekdays(wall[offsets[:-1]], wall[offsets[1:] - 1])
    is_regular = (counts > 0) & (counts >= MAX_EXTRA_SHARE * possible)
    trading = tuple(np.flatnonzero(is_regular).tolist())
    rows, num_expected = int(counts[is_regular].sum()), int(possible[is_regular].sum())
    if not 2 <= len(trading) < 7 or len(wall) - rows > MAX_EXTRA_ROWS * len(wall):
        return ()
    if trading == WORKDAYS and rows == num_expected and rows >= MIN_WORKDAYS:
        return trading
    is_dense = rows >= max(2 * len(trading), MIN_TRADING_SHARE * num_expected)
    return trading if is_dense else ()


def has_few_extra_days(calendar: Calendar, timestamps: Timestamps) -> bool:
    """Test if single rows lie on other weekdays than the trading days of a calendar.

    Such a row is an observation between two trading days; no forecast is made for it.
    """
    count = int(calendar.find_extra_days(timestamps).sum())
    return 0 < count <= max(1.0, MAX_EXTRA_ROWS * len(timestamps))


def extra_day_notes(calendar: Calendar, timestamps: Timestamps) -> list[str]:
    """Return a note on rows beside the trading days, if there are any."""
    days = np.unique(timestamps[calendar.find_extra_days(timestamps)])
    if not len(days):
        return []
    shown = [format_timestamp(day, calendar.zone) for day in days[:MAX_SHOWN]]
    names = ", ".join(WEEKDAY_NAMES[day].title() for day in calendar.weekdays)
    return [f"extra days beside {names}: {join_shown(shown, len(days))}"]


def _count_weekdays(first: Timestamps, last: Timestamps) -> IntArray:
    """Count the days of each weekday from first to last moments, ``(7,)``."""
    begin, end = first.astype("datetime64[D]"), last.astype("datetime64[D]") + 1
    masks = np.eye(7, dtype=bool)
    return np.array(
        [np.busday_count(begin, end, weekmask=mask).sum() for mask in masks]
    )
