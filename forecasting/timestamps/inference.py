"""Inference of the calendar of timestamps from their most common difference."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from forecasting.errors import (
    MAX_SHOWN,
    DuplicateTimestamps,
    InvalidTimestamps,
    IrregularTimestamps,
    SettingError,
)
from forecasting.timestamps.calendar import (
    WORKDAYS,
    Calendar,
    format_timestamp,
)
from forecasting.timestamps.frequency import (
    DAY,
    Place,
    name_months,
    name_ticks,
    parse_frequency,
    weekdays,
)
from forecasting.types import IntArray, Timestamps

MIN_TRADING_SHARE = 0.9  # of the days on the observed weekdays, as rows
MAX_TRADING_HOLE_DAYS = 14  # a longer hole is no holiday
ADVICE = (
    "Correct the rows, say which frequency it is with --freq or data.freq (for example "
    "D), or gather irregular rows to steps with --resample and --aggregate."
)


def infer_calendar(
    timestamps: Timestamps,
    offsets: IntArray,
    series_ids: tuple[str, ...],
    *,
    freq: str | None = None,
) -> Calendar:
    """Infer the common calendar of all series; gaps are allowed.

    Args:
        timestamps: all series one after another, each strictly increasing,
            ``(points,)``.
        offsets: borders of the series, ``(series + 1,)``.
        series_ids: names of the series.
        freq: pandas alias that the timestamps must fit; None infers it from the most
            common difference.

    Raises:
        DuplicateTimestamps: a moment occurs twice in a series.
        IrregularTimestamps: a moment lies on no common calendar.
        InvalidTimestamps: a timestamp is missing.
        SettingError: ``freq`` is no frequency, or the timestamps are integers.
    """
    _check_increasing(timestamps, offsets, series_ids)
    if np.issubdtype(timestamps.dtype, np.integer) and freq is not None:
        raise SettingError(
            "freq", freq, "left out, for the timestamps are integer steps"
        )
    first = timestamps[offsets[:-1]]
    if freq is not None:
        rule = parse_frequency(freq)
        calendar = Calendar(freq, _weekdays_of(freq, timestamps))
        misfits = _misfits(calendar, timestamps, offsets)
        misfits[offsets[:-1]] |= ~rule.is_anchored(first)
    else:
        calendar, misfits = _best_calendar(
            _candidates(timestamps, offsets), timestamps, offsets
        )
    if misfits.any():
        _raise_irregular(
            calendar, timestamps, offsets, series_ids, int(np.argmax(misfits))
        )
    return calendar


def _candidates(timestamps: Timestamps, offsets: IntArray) -> Iterator[Calendar]:
    """Yield the calendars suggested by the most common difference, likely first."""
    difference = np.diff(timestamps).astype(np.int64)
    inside = np.ones(len(difference), dtype=bool)
    inside[offsets[1:-1] - 1] = False
    difference = difference[inside]
    first = timestamps[offsets[:-1]]
    if np.issubdtype(timestamps.dtype, np.integer):
        yield Calendar(None, step=_mode(difference) if len(difference) else 1)
        return
    if not len(difference):
        raise IrregularTimestamps(
            "one timestamp a series is too few to see how they go on",
            "Say it with freq (for example freq: D), or give more rows.",
        )
    common = _mode(difference)
    if common >= 28 * DAY:
        number = timestamps.astype("datetime64[M]").astype(np.int64)
        size = max(_mode(np.asarray(np.diff(number))[inside]), 1)
        places: tuple[Place, ...] = ("E", "day", "BE", "BS")
        for place in places:
            yield Calendar(name_months(size, place, first))
    trading = _trading_days(timestamps, offsets, difference)
    if trading:
        yield Calendar("B" if trading == WORKDAYS else "C", trading)
    yield Calendar(name_ticks(common, first))


def _trading_days(
    timestamps: Timestamps, offsets: IntArray, difference: IntArray
) -> tuple[int, ...]:
    """Return the weekdays of data that avoid some days of the week, else ``()``."""
    if difference.min() < DAY or difference.max() > MAX_TRADING_HOLE_DAYS * DAY:
        return ()
    observed_days = tuple(np.unique(weekdays(timestamps)).tolist())
    if not 2 <= len(observed_days) < 7 or (difference == difference[0]).all():
        return ()
    calendar = Calendar("C", observed_days)
    first, last = timestamps[offsets[:-1]], timestamps[offsets[1:] - 1]
    num_expected = (calendar.count(first, last) + 1).sum()
    is_dense = len(timestamps) >= max(
        2 * len(observed_days), MIN_TRADING_SHARE * num_expected
    )
    return observed_days if is_dense else ()


def _weekdays_of(freq: str, timestamps: Timestamps) -> tuple[int, ...]:
    if parse_frequency(freq).unit != "days":
        return ()
    return WORKDAYS if freq == "B" else tuple(np.unique(weekdays(timestamps)).tolist())


def _mode(difference: IntArray) -> int:
    sizes, counts = np.unique(difference, return_counts=True)
    return int(sizes[np.argmax(counts)])


def _best_calendar(
    candidates: Iterator[Calendar], timestamps: Timestamps, offsets: IntArray
) -> tuple[Calendar, npt.NDArray[np.bool_]]:
    """Return the first calendar with the fewest misfits, and the mask of these."""
    best: tuple[Calendar, npt.NDArray[np.bool_]] | None = None
    for calendar in candidates:
        misfits = _misfits(calendar, timestamps, offsets)
        if best is None or misfits.sum() < best[1].sum():
            best = calendar, misfits
        if not misfits.any():
            break
    assert best is not None
    return best


def _misfits(
    calendar: Calendar, timestamps: Timestamps, offsets: IntArray
) -> npt.NDArray[np.bool_]:
    start = np.repeat(timestamps[offsets[:-1]], np.diff(offsets))
    arrived = calendar.advance(start, calendar.count(start, timestamps))
    return np.asarray(arrived != timestamps)


def _check_increasing(
    timestamps: Timestamps, offsets: IntArray, series_ids: tuple[str, ...]
) -> None:
    if timestamps.dtype.kind == "M" and np.isnat(timestamps).any():
        raise InvalidTimestamps("timestamp", "missing timestamps", "Give one a value.")
    difference = np.diff(timestamps).astype(np.int64)
    difference[offsets[1:-1] - 1] = 1
    unordered = np.flatnonzero(difference <= 0)
    if not len(unordered):
        return
    names = [
        series_ids[i]
        for i in np.searchsorted(offsets, unordered[:MAX_SHOWN], "right") - 1
    ]
    where = [
        f"{format_timestamp(timestamps[i + 1])} in series {name!r}"
        for i, name in zip(unordered, names, strict=False)
    ]
    if difference[unordered[0]] == 0:
        total = int((difference == 0).sum())
        raise DuplicateTimestamps(where, total, "Keep one row for each moment.")
    raise IrregularTimestamps(
        f"{where[0]} comes after {format_timestamp(timestamps[unordered[0]])}",
        "Sort each series by time, oldest first.",
    )


def _raise_irregular(
    calendar: Calendar,
    timestamps: Timestamps,
    offsets: IntArray,
    series_ids: tuple[str, ...],
    at: int,
) -> None:
    series = int(np.searchsorted(offsets, at, "right")) - 1
    follows = (
        f" (after {format_timestamp(timestamps[at - 1])})"
        if at > offsets[series]
        else ""
    )
    raise IrregularTimestamps(
        f"series {series_ids[series]!r}: {format_timestamp(timestamps[at])}{follows} "
        f"does not lie on the calendar {calendar}",
        ADVICE,
    )
