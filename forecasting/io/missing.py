"""What is done about missing values and missing moments."""

from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from forecasting.errors import (
    IrregularTimestamps,
    MissingValues,
    SettingError,
)
from forecasting.timestamps.calendar import Calendar, count_gaps
from forecasting.types import FloatArray, IntArray, Timestamps

Missing = Literal["error", "interpolate", "forward", "mean"]


POLICIES: tuple[str, ...] = get_args(Missing)


MAX_GROWTH = 10  # moments put in for each that is there; beyond it the dates are wrong


FREE_GROWTH = 1000  # moments that may always be put in


def check_policy(missing: str) -> None:
    """Refuse a policy that is none.

    Raises:
        SettingError: names those there are.
    """
    if missing not in POLICIES:
        raise SettingError("missing", missing, f"one of {', '.join(POLICIES)}")


def insert_gaps(
    calendar: Calendar, timestamps: Timestamps, offsets: IntArray
) -> tuple[Timestamps, IntArray, IntArray]:
    """Put in the moments that the series lack.

    Args:
        calendar: of the series.
        timestamps: all series one after another, ``(points,)``.
        offsets: borders of the series, ``(series + 1,)``.

    Returns:
        The timestamps without gaps, the new borders, and where each of the old points
        lies among the new, ``(points,)``.

    Raises:
        IrregularTimestamps: far more moments are missing than are there.
    """
    gaps, lengths = count_gaps(calendar, timestamps, offsets), np.diff(offsets)
    total = int(gaps.sum())
    if not total:
        return timestamps, offsets, np.arange(len(timestamps))
    if total > MAX_GROWTH * len(timestamps) + FREE_GROWTH:
        raise IrregularTimestamps(
            f"{total} moments are missing and {len(timestamps)} are there on the "
            f"calendar {calendar}",
            "Check the dates, or resample the rows to a longer step.",
        )
    first = timestamps[offsets[:-1]]
    borders = np.concatenate([[0], np.cumsum(lengths + gaps)])
    steps = np.arange(borders[-1]) - np.repeat(borders[:-1], lengths + gaps)
    counted = calendar.count(np.repeat(first, lengths), timestamps)
    filled = calendar.advance(np.repeat(first, lengths + gaps), steps)
    return filled, borders, np.repeat(borders[:-1], lengths) + counted


def fill_values(
    name: str,
    values: FloatArray,
    offsets: IntArray,
    series_ids: tuple[str, ...],
    missing: Missing,
) -> FloatArray:
    """Fill NaN within each series.

    ``forward`` repeats the value before, ``mean`` takes the mean of all observed values
    before; neither looks ahead. ``interpolate`` draws a line to the next value, which
    a forecast made in between could not have known, and repeats the nearest value at
    the ends.

    Args:
        name: of the column.
        values: all series one after another, ``(points,)``.
        offsets: borders of the series, ``(series + 1,)``.
        series_ids: names of the series.
        missing: the policy, not ``error``.

    Raises:
        MissingValues: there is nothing to fill a series' first values with.
    """
    seen = ~np.isnan(values)
    if seen.all():
        return values
    start = np.repeat(offsets[:-1], np.diff(offsets))
    before = _last_seen(seen)
    has_before = before >= start
    if missing == "interpolate":
        return _interpolate(name, values, offsets, series_ids)
    _refuse(name, ~has_before, offsets, series_ids)
    if missing == "forward":
        return values[before]
    total = np.concatenate([[0.0], np.cumsum(np.where(seen, values, 0.0))])
    count = np.concatenate([[0], np.cumsum(seen)])
    here = np.arange(len(values))
    known = np.maximum(count[here] - count[start], 1)
    return np.where(seen, values, (total[here] - total[start]) / known)


def fill_text(
    name: str,
    values: npt.NDArray[Any],
    offsets: IntArray,
    series_ids: tuple[str, ...],
) -> npt.NDArray[Any]:
    """Fill None within each series with the text before.

    Raises:
        MissingValues: a series begins with None.
    """
    before = _last_seen(np.array([value is not None for value in values]))
    start = np.repeat(offsets[:-1], np.diff(offsets))
    _refuse(name, before < start, offsets, series_ids)
    return values[before]


def _last_seen(seen: npt.NDArray[np.bool_]) -> IntArray:
    """Return the position of the last value seen up to each, -1 where there is none."""
    return np.maximum.accumulate(np.where(seen, np.arange(len(seen)), -1))


def _interpolate(
    name: str, values: FloatArray, offsets: IntArray, series_ids: tuple[str, ...]
) -> FloatArray:
    seen, lengths = ~np.isnan(values), np.diff(offsets)
    here, last = np.arange(len(values)), len(values) - 1
    before, after = _last_seen(seen), last - _last_seen(seen[::-1])[::-1]
    has_before = before >= np.repeat(offsets[:-1], lengths)
    has_after = after < np.repeat(offsets[1:], lengths)
    _refuse(name, ~has_before & ~has_after, offsets, series_ids)
    left = np.where(has_before, before, after)
    right = np.where(has_after, after, left)
    share = (here - left) / np.maximum(right - left, 1)
    share = np.where(right > left, share, 0.0)
    return values[left] + share * (values[right] - values[left])


def _refuse(
    name: str,
    hopeless: npt.NDArray[np.bool_],
    offsets: IntArray,
    series_ids: tuple[str, ...],
) -> None:
    if not hopeless.any():
        return
    starts = np.flatnonzero(hopeless[offsets[:-1]])
    where = [f"the start of series {series_ids[i]!r}" for i in starts]
    advice = "No value lies before: give one, or drop the rows before the first value."
    raise MissingValues(name, where, int(hopeless.sum()), advice)
