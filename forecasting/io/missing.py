"""Policies for missing values and missing moments."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecasting.data.schema import Missing
from forecasting.errors import IrregularTimestamps, MissingValues
from forecasting.timestamps.calendar import Calendar, count_gaps
from forecasting.types import FloatArray, IntArray, Timestamps

MAX_INSERTED_RATIO = 10  # inserted moments for each row; more means wrong dates
MIN_INSERTED_LIMIT = 1000  # moments that may always be inserted


def insert_gaps(
    calendar: Calendar, timestamps: Timestamps, offsets: IntArray
) -> tuple[Timestamps, IntArray, IntArray]:
    """Insert the missing moments of the series.

    Args:
        calendar: of the series.
        timestamps: all series one after another, ``(points,)``.
        offsets: borders of the series, ``(series + 1,)``.

    Returns:
        The timestamps without gaps, the new borders, and the position of each of the
        old points among the new, ``(points,)``.

    Raises:
        IrregularTimestamps: the missing moments far outnumber the rows.
    """
    gaps, lengths = count_gaps(calendar, timestamps, offsets), np.diff(offsets)
    total = int(gaps.sum())
    if not total:
        return timestamps, offsets, np.arange(len(timestamps))
    if total > MAX_INSERTED_RATIO * len(timestamps) + MIN_INSERTED_LIMIT:
        raise IrregularTimestamps(
            f"{total} moments are missing and {len(timestamps)} are there on the "
            f"calendar {calendar}",
            "Check the dates, or gather the rows to longer steps with --resample or "
            "data.resample.",
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
    before, ``zero`` puts in 0; none of these looks ahead. ``interpolate`` draws a line
    to the next value, which is not available to a forecast made in between, and repeats
    the nearest value at the ends.

    Args:
        name: name of the column.
        values: all series one after another, ``(points,)``.
        offsets: borders of the series, ``(series + 1,)``.
        series_ids: names of the series.
        missing: the policy, not ``error``.

    Raises:
        MissingValues: a series begins without a value to fill from.
    """
    observed = ~np.isnan(values)
    if observed.all():
        return values
    if missing == "zero":
        return np.where(observed, values, 0.0)
    start = np.repeat(offsets[:-1], np.diff(offsets))
    before = _last_observed(observed)
    has_before = before >= start
    if missing == "interpolate":
        return _interpolate(name, values, offsets, series_ids)
    _check_fillable(name, ~has_before, offsets, series_ids)
    if missing == "forward":
        return values[before]
    total = np.concatenate([[0.0], np.cumsum(np.where(observed, values, 0.0))])
    count = np.concatenate([[0], np.cumsum(observed)])
    position = np.arange(len(values))
    num_before = np.maximum(count[position] - count[start], 1)
    return np.where(observed, values, (total[position] - total[start]) / num_before)


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
    before = _last_observed(np.array([value is not None for value in values]))
    start = np.repeat(offsets[:-1], np.diff(offsets))
    _check_fillable(name, before < start, offsets, series_ids)
    return values[before]


def fill_constant(values: npt.NDArray[Any], offsets: IntArray) -> npt.NDArray[Any]:
    """Fill missing values with the first value of their series, if it has one."""
    if not pd.isna(values).any():
        return values
    series = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    column = pd.Series(values)
    filled = column.fillna(column.groupby(series).transform("first"))
    return filled.astype(object).where(filled.notna(), None).to_numpy(values.dtype)


def _last_observed(observed: npt.NDArray[np.bool_]) -> IntArray:
    """Return the position of the last observed value up to each, -1 without one."""
    return np.maximum.accumulate(np.where(observed, np.arange(len(observed)), -1))


def _interpolate(
    name: str, values: FloatArray, offsets: IntArray, series_ids: tuple[str, ...]
) -> FloatArray:
    observed, lengths = ~np.isnan(values), np.diff(offsets)
    position, last = np.arange(len(values)), len(values) - 1
    before, after = (
        _last_observed(observed),
        last - _last_observed(observed[::-1])[::-1],
    )
    has_before = before >= np.repeat(offsets[:-1], lengths)
    has_after = after < np.repeat(offsets[1:], lengths)
    _check_fillable(name, ~has_before & ~has_after, offsets, series_ids)
    left = np.where(has_before, before, after)
    right = np.where(has_after, after, left)
    share = (position - left) / np.maximum(right - left, 1)
    share = np.where(right > left, share, 0.0)
    return values[left] + share * (values[right] - values[left])


def _check_fillable(
    name: str,
    unfillable: npt.NDArray[np.bool_],
    offsets: IntArray,
    series_ids: tuple[str, ...],
) -> None:
    if not unfillable.any():
        return
    starts = np.flatnonzero(unfillable[offsets[:-1]])
    where = [f"the start of series {series_ids[i]!r}" for i in starts]
    advice = "No value lies before: give one, or drop the rows before the first value."
    raise MissingValues(name, where, int(unfillable.sum()), advice)
