"""Sorting of rows by series and time."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecasting.data.schema import Names, Schema
from forecasting.errors import MAX_SHOWN, DuplicateTimestamps, InvalidValues
from forecasting.io.columns import text_columns
from forecasting.io.csv_format import Table
from forecasting.timestamps.calendar import format_timestamp
from forecasting.timestamps.local_times import (
    CLOCK_ADVICE,
    are_clock_changes,
    settle_zone,
)
from forecasting.timestamps.parsing import (
    ParsedTimes,
    parse_time_columns,
    parse_timestamps,
)
from forecasting.types import FloatArray, IntArray, Timestamps

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderedRows:
    """Rows of a table, series after series, oldest first.

    Attributes:
        series_ids: names of the series, by first appearance.
        order: row of the table at each position, ``(rows,)``.
        offsets: borders of the series, ``(series + 1,)``.
        timestamps: in that order, ``(rows,)``.
        notes: notes on the decisions.
        zone: time zone of the timestamps, which are in UTC then, else None.
        time_format: as in `ParsedTimes`.
    """

    series_ids: tuple[str, ...]
    order: IntArray
    offsets: IntArray
    timestamps: Timestamps
    notes: list[str]
    zone: str | None = None
    time_format: str | None = None


def order_rows(table: Table, schema: Schema, target: str) -> OrderedRows:
    """Sort rows by series and time; without a time column, number them.

    Args:
        table: the table.
        schema: roles of its columns, complete.
        target: name of the series of a table without series ids.

    Raises:
        DuplicateTimestamps: two rows of one series have the same timestamp.
        InvalidTimestamps: a timestamp cannot be read.
        InvalidValues: a row has no series id.
    """
    codes, ids = _series_of_rows(table, schema.series_id or (), target)
    counts = np.bincount(codes)
    offsets = np.concatenate([[0], np.cumsum(counts)])
    if not schema.time:
        order = np.argsort(codes, kind="stable")
        steps = np.arange(len(order)) - np.repeat(offsets[:-1], counts) + 1
        return OrderedRows(
            series_ids=ids, order=order, offsets=offsets, timestamps=steps, notes=[]
        )
    times = _parse_time(table, schema.time, schema.time_format)
    moments, zone, zone_notes = settle_zone(schema.time[0], times, codes, schema.zone)
    notes = [*times.notes, *zone_notes]
    order = np.lexsort((moments, codes))
    timestamps, row_series = moments[order], codes[order]
    same = np.diff(row_series) == 0
    duplicates = np.flatnonzero(same & (timestamps[1:] == timestamps[:-1]))
    if len(duplicates):
        where = [
            f"{format_timestamp(timestamps[i], zone)} of series {ids[row_series[i]]!r} "
            f"({table.where(int(order[i]))} and {table.where(int(order[i + 1]))})"
            for i in duplicates[:MAX_SHOWN]
        ]
        advice = _duplicates_advice(table, schema)
        if zone is None and are_clock_changes(timestamps[duplicates]):
            advice = CLOCK_ADVICE
        raise DuplicateTimestamps(where, len(duplicates), advice)
    if (np.diff(order)[same] < 0).any():
        notes.append("rows sorted by time")
    return OrderedRows(
        series_ids=ids,
        order=order,
        offsets=offsets,
        timestamps=timestamps,
        notes=notes,
        zone=zone,
        time_format=times.time_format,
    )


def observed_rows(values: FloatArray, axis: OrderedRows) -> BoolArray:
    """Return the mask of rows up to their series' last value, in order.

    A series without any value counts as observed: its values are missing.

    Args:
        values: the target in the rows' order, with NaN for missing values.
        axis: the rows.
    """
    place = np.arange(len(values))
    last = np.maximum.reduceat(np.where(np.isnan(values), -1, place), axis.offsets[:-1])
    last = np.where(last < axis.offsets[:-1], axis.offsets[1:], last)
    return np.asarray(place <= np.repeat(last, np.diff(axis.offsets)))


def _parse_time(table: Table, names: Names, time_format: str | None) -> ParsedTimes:
    if len(names) > 1:
        return parse_time_columns(table.frame[list(names)], table.where, time_format)
    [name] = names
    return parse_timestamps(name, table.frame[name], table.where, time_format)


def _series_of_rows(
    table: Table, series_id: Names, target: str
) -> tuple[IntArray, tuple[str, ...]]:
    """Return the series number of each row, and the names by first appearance."""
    if not series_id:
        return np.zeros(len(table.frame), dtype=np.int64), (target,)
    column = table.frame[series_id[0]]
    missing = np.flatnonzero(column.isna())
    if len(missing):
        where = [table.where(int(i)) for i in missing[:MAX_SHOWN]]
        problem = f"{len(missing)} missing series id{'s' * (len(missing) > 1)}"
        raise InvalidValues(
            series_id[0], where, problem, "Name the series in every row."
        )
    codes, names = pd.factorize(column.astype(str).str.strip())
    return codes.astype(np.int64), tuple(map(str, names))


def _duplicates_advice(table: Table, schema: Schema) -> str:
    advice = "Keep one row for each moment."
    candidates = text_columns(table, schema.named)
    if not schema.series_id and candidates:
        names = ", ".join(map(repr, candidates))
        advice += f" If a column names the series ({names}), say it with --series-id."
    return advice
