"""Inference of the calendar of timestamps from their most common difference."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from forecasting.errors import (
    MAX_SHOWN,
    DuplicateTimestamps,
    InvalidTimestamps,
    IrregularTimestamps,
    SettingError,
)
from forecasting.timestamps.calendar import WORKDAYS, Calendar, format_timestamp
from forecasting.timestamps.frequency import (
    DAY,
    NANOSECONDS,
    Place,
    days_of_month,
    is_month_end,
    name_months,
    name_ticks,
    parse_frequency,
    weekdays,
)
from forecasting.timestamps.misfits import is_shifted_by_clocks, raise_misfit
from forecasting.timestamps.trading_days import find_trading_days, has_few_extra_days
from forecasting.timestamps.zones import to_wall
from forecasting.types import IntArray, Timestamps

MAX_MISFIT_SHARE = 0.1  # more misfits than that, and the steps are finer
MAX_STEP_RATIO = 60  # from the most common difference to finer steps
FINER_STEPS = {
    *(NANOSECONDS["h"], DAY),
    *(minutes * NANOSECONDS["min"] for minutes in (1, 5, 10, 15, 20, 30)),
}


def infer_calendar(
    timestamps: Timestamps,
    offsets: IntArray,
    series_ids: tuple[str, ...],
    *,
    freq: str | None = None,
    zone: str | None = None,
    trained: Calendar | None = None,
) -> Calendar:
    """Infer the common calendar of all series; gaps are allowed.

    Args:
        timestamps: all series one after another, each strictly increasing,
            ``(points,)``; in UTC where there is a zone.
        offsets: borders of the series, ``(series + 1,)``.
        series_ids: names of the series.
        freq: pandas alias that the timestamps must fit; None infers it from the most
            common difference.
        zone: time zone, whose clocks count days and longer steps.
        trained: calendar of a model, which the timestamps must fit, instead of
            ``freq``.

    Raises:
        DuplicateTimestamps: a moment occurs twice in a series.
        IrregularTimestamps: a moment lies on no common calendar.
        InvalidTimestamps: a timestamp is missing.
        SettingError: ``freq`` is no frequency, or the timestamps are integers.
    """
    _check_increasing(timestamps, offsets, series_ids, zone)
    requested = freq if trained is None else trained.freq
    wall = timestamps if timestamps.dtype.kind != "M" else to_wall(timestamps, zone)
    candidates: Iterable[Calendar]
    if timestamps.dtype.kind != "M":
        if requested is not None:
            raise SettingError(
                "freq", requested, "left out, for the timestamps are integer steps"
            )
        candidates = [Calendar(None, step=_integer_step(timestamps, offsets))]
    elif requested is None:
        candidates = _candidates(timestamps, wall, offsets, zone)
    else:
        candidates = _requested_calendars(requested, trained, wall, offsets, zone)
    calendar, misfits = _best_calendar(candidates, timestamps, offsets)
    is_guessed = calendar.freq is not None and requested is None
    if (
        is_guessed
        and misfits.mean() > MAX_MISFIT_SHARE
        and not is_shifted_by_clocks(calendar, timestamps, offsets, misfits)
    ):
        finer = _finer_calendars(timestamps, wall, offsets, zone)
        other, other_misfits = _best_calendar(finer, timestamps, offsets, calendar)
        if not other_misfits.any():
            return other
    if misfits.any():
        fitting = None
        if requested is not None:
            fitting = _fitting_calendar(timestamps, offsets, series_ids, zone)
        raise_misfit(calendar, timestamps, offsets, series_ids, misfits, fitting)
    return calendar


def _requested_calendars(
    freq: str,
    trained: Calendar | None,
    wall: Timestamps,
    offsets: IntArray,
    zone: str | None,
) -> Iterator[Calendar]:
    """Yield the calendars of a frequency that is given."""
    rule = parse_frequency(freq)
    day = None
    if rule.unit == "months" and rule.place == "day":
        day = _cut_day(wall)
        _check_month_starts(freq, wall, day)
    if trained is not None:
        yield replace(trained, zone=zone)
        yield replace(trained, zone=zone, day=day)
        return
    trading: tuple[int, ...] = ()
    if rule.unit == "days":
        trading = WORKDAYS if freq == "B" else find_trading_days(wall, offsets)
        trading = trading or tuple(np.unique(weekdays(wall)).tolist())
    yield Calendar(freq, trading, day=day, zone=zone)


def _cut_day(wall: Timestamps) -> int | None:
    """Return the day of the month that shorter months cut, 29 to 31."""
    day = int(days_of_month(wall).max(initial=0))
    return day if day > 28 else None


def _check_month_starts(freq: str, wall: Timestamps, day: int | None) -> None:
    """Refuse month ends where the frequency is the same day of each month."""
    if day != 31 or len(wall) < 2 or not is_month_end(wall).all():
        return
    raise IrregularTimestamps(
        f"the frequency {freq!r} is the same day of each month, such as the first, and "
        f"the timestamps are month ends, such as {format_timestamp(wall[0])}",
        f"Say {freq.replace('S', 'E', 1)!r} with --freq or data.freq, or leave it out.",
    )


def _inside(offsets: IntArray, count: int) -> npt.NDArray[np.bool_]:
    """Return the mask of the differences within series, ``(count - 1,)``."""
    inside = np.ones(max(count - 1, 0), dtype=bool)
    inside[offsets[1:-1] - 1] = False
    return inside


def _integer_step(timestamps: Timestamps, offsets: IntArray) -> int:
    difference = np.diff(timestamps)[_inside(offsets, len(timestamps))]
    return _mode(difference) if len(difference) else 1


def _candidates(
    timestamps: Timestamps, wall: Timestamps, offsets: IntArray, zone: str | None
) -> Iterator[Calendar]:
    """Yield the calendars suggested by the most common difference, likely first."""
    inside = _inside(offsets, len(wall))
    difference = np.diff(wall).astype(np.int64)[inside]
    if not len(difference):
        raise IrregularTimestamps(
            "one timestamp a series is too few to see how they go on",
            "Say it with freq (--freq D or data.freq, for days), or give more rows.",
        )
    common = _mode(difference)
    if common >= 28 * DAY:
        number = wall.astype("datetime64[M]").astype(np.int64)
        yield from _months(max(_mode(np.diff(number)[inside]), 1), wall, offsets, zone)
    trading = find_trading_days(wall, offsets)
    if trading:
        yield Calendar("B" if trading == WORKDAYS else "C", trading, zone=zone)
    if common % DAY:  # counted in UTC, also where clocks change
        common = _mode(np.diff(timestamps).astype(np.int64)[inside])
    yield Calendar(name_ticks(common, wall[offsets[:-1]]), zone=zone)


def _months(
    size: int, wall: Timestamps, offsets: IntArray, zone: str | None
) -> Iterator[Calendar]:
    places: tuple[Place, ...] = ("E", "day", "BE", "BS")
    for place in places:
        freq = name_months(size, place, wall[offsets[:-1]])
        yield Calendar(freq, day=_cut_day(wall) if place == "day" else None, zone=zone)


def _finer_calendars(
    timestamps: Timestamps, wall: Timestamps, offsets: IntArray, zone: str | None
) -> Iterator[Calendar]:
    """Yield calendars of the steps that all differences are multiples of."""
    inside = _inside(offsets, len(wall))
    difference = np.diff(wall).astype(np.int64)[inside]
    common, first = _mode(difference), wall[offsets[:-1]]
    if common >= 28 * DAY:
        number = np.diff(wall.astype("datetime64[M]").astype(np.int64))[inside]
        yield from _months(max(int(np.gcd.reduce(number)), 1), wall, offsets, zone)
    step = int(np.gcd.reduce(difference))
    if step % DAY:
        step = int(np.gcd.reduce(np.diff(timestamps).astype(np.int64)[inside]))
    is_natural = step in FINER_STEPS or step % DAY == 0
    if is_natural and common <= MAX_STEP_RATIO * step:
        yield Calendar(name_ticks(step, first), zone=zone)


def _fitting_calendar(
    timestamps: Timestamps,
    offsets: IntArray,
    series_ids: tuple[str, ...],
    zone: str | None,
) -> Calendar | None:
    """Return the calendar that timestamps fit without a frequency given, if any."""
    try:
        return infer_calendar(timestamps, offsets, series_ids, zone=zone)
    except IrregularTimestamps:
        return None


def _mode(difference: IntArray) -> int:
    sizes, counts = np.unique(difference, return_counts=True)
    return int(sizes[np.argmax(counts)])


def _best_calendar(
    candidates: Iterable[Calendar],
    timestamps: Timestamps,
    offsets: IntArray,
    *others: Calendar,
) -> tuple[Calendar, npt.NDArray[np.bool_]]:
    """Return the first calendar with the fewest misfits, and the mask of these."""
    best: tuple[Calendar, npt.NDArray[np.bool_]] | None = None
    for calendar in (*candidates, *others):
        misfits = calendar.find_misfits(timestamps, offsets)
        if has_few_extra_days(calendar, timestamps):
            misfits &= ~calendar.find_extra_days(timestamps)
        if best is None or misfits.sum() < best[1].sum():
            best = calendar, misfits
        if not misfits.any():
            break
    assert best is not None
    return best


def _check_increasing(
    timestamps: Timestamps,
    offsets: IntArray,
    series_ids: tuple[str, ...],
    zone: str | None,
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
        f"{format_timestamp(timestamps[i + 1], zone)} in series {name!r}"
        for i, name in zip(unordered, names, strict=False)
    ]
    if difference[unordered[0]] == 0:
        total = int((difference == 0).sum())
        raise DuplicateTimestamps(where, total, "Keep one row for each moment.")
    raise IrregularTimestamps(
        f"{where[0]} comes after {format_timestamp(timestamps[unordered[0]], zone)}",
        "Sort each series by time, oldest first.",
    )
