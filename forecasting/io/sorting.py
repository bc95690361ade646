"""Sorting of rows by series and time."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from forecasting.data.schema import Names, Schema
from forecasting.errors import (
    MAX_SHOWN,
    DuplicateTimestamps,
    InvalidValues,
    join_shown,
)
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
from forecasting.types import BoolArray, IntArray, Timestamps

SEPARATOR = " / "  # between the parts of a series id of several columns


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
        DuplicateTimestamps: two rows of one series have the same timestamp, and the
            schema has no aggregate for them.
        InvalidTimestamps: a timestamp cannot be read.
        InvalidValues: a row has no series id.
    """
    codes, ids, id_notes = read_series_ids(table, schema.series_id or (), target)
    counts = np.bincount(codes)
    offsets = np.concatenate([[0], np.cumsum(counts)])
    if not schema.time:
        order = np.argsort(codes, kind="stable")
        steps = np.arange(len(order)) - np.repeat(offsets[:-1], counts) + 1
        return OrderedRows(
            series_ids=ids,
            order=order,
            offsets=offsets,
            timestamps=steps,
            notes=id_notes,
        )
    times = _parse_time(table, schema.time, schema.time_format)
    moments, zone, zone_notes = settle_zone(schema.time[0], times, codes, schema.zone)
    notes = [*times.notes, *zone_notes]
    order = np.lexsort((moments, codes))
    timestamps, row_series = moments[order], codes[order]
    same = np.diff(row_series) == 0
    duplicates = np.flatnonzero(same & (timestamps[1:] == timestamps[:-1]))
    if len(duplicates) and schema.aggregate is None:
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
        notes=[*id_notes, *notes],
        zone=zone,
        time_format=times.time_format,
    )


def trim_rows(
    axis: OrderedRows, observed: BoolArray, *, first: bool, last: bool
) -> OrderedRows:
    """Return the rows without those before the first, or after the last observation.

    Series without any observation are left out.

    Args:
        axis: the rows.
        observed: mask of the rows with a target, in their order, ``(rows,)``.
        first, last: whether rows before the first and after the last one are cut.
    """
    place, lengths = np.arange(len(observed)), np.diff(axis.offsets)
    ends = np.maximum.reduceat(np.where(observed, place, -1), axis.offsets[:-1])
    begins = np.minimum.reduceat(
        np.where(observed, place, len(place)), axis.offsets[:-1]
    )
    is_used = begins < len(place)
    is_used &= begins < axis.offsets[1:]
    remaining = np.repeat(is_used, lengths)
    if first:
        remaining &= place >= np.repeat(begins, lengths)
    if last:
        remaining &= place <= np.repeat(ends, lengths)
    if remaining.all():
        return axis
    counts = np.add.reduceat(remaining, axis.offsets[:-1], dtype=np.int64)[is_used]
    return replace(
        axis,
        series_ids=tuple(np.array(axis.series_ids, dtype=object)[is_used]),
        order=axis.order[remaining],
        offsets=np.concatenate([[0], np.cumsum(counts)]),
        timestamps=axis.timestamps[remaining],
    )


def observed_rows(observed: BoolArray, axis: OrderedRows) -> BoolArray:
    """Return the mask of rows up to their series' last observation, in order.

    Args:
        observed: mask of the rows with a target, in their order; one in each series.
        axis: the rows.
    """
    place = np.arange(len(observed))
    last = np.maximum.reduceat(np.where(observed, place, -1), axis.offsets[:-1])
    return np.asarray(place <= np.repeat(last, np.diff(axis.offsets)))


def _parse_time(table: Table, names: Names, time_format: str | None) -> ParsedTimes:
    if len(names) > 1:
        return parse_time_columns(table.frame[list(names)], table.where, time_format)
    [name] = names
    return parse_timestamps(name, table.frame[name], table.where, time_format)


def read_series_ids(
    table: Table, series_id: Names, target: str
) -> tuple[IntArray, tuple[str, ...], list[str]]:
    """Read the series of each row; several columns are joined by `SEPARATOR`.

    Args:
        table: the table.
        series_id: columns of the names; empty for one series.
        target: name of the series without such columns.

    Returns:
        Number of each row's series ``(rows,)``, names by first appearance, and notes.

    Raises:
        InvalidValues: a row has no series id, or two ids have the same name once their
            parts are joined.
    """
    if not series_id:
        return np.zeros(len(table.frame), dtype=np.int64), (target,), []
    codes, names = _read_ids(table, series_id[0])
    for column in series_id[1:]:
        further, parts = _read_ids(table, column)
        pairs, codes = np.unique(codes * len(parts) + further, return_inverse=True)
        names = [
            f"{names[pair // len(parts)]}{SEPARATOR}{parts[pair % len(parts)]}"
            for pair in pairs.tolist()
        ]
    codes, first = pd.factorize(codes)  # by first appearance
    names = [names[code] for code in first]
    if len(set(names)) < len(names):
        name = next(name for name in names if names.count(name) > 1)
        raise InvalidValues(
            ", ".join(series_id),
            [repr(name)],
            "two series with one name",
            f"Write ids without {SEPARATOR!r}, which joins the columns.",
        )
    return codes.astype(np.int64), tuple(names), _similar_notes(names)


def _read_ids(table: Table, name: str) -> tuple[IntArray, list[str]]:
    """Return the number of each row's id, and the ids as text, without outer spaces."""
    column = table.frame[name]
    if pd.api.types.is_float_dtype(column) and (column.dropna() % 1 == 0).all():
        column = column.astype("Int64")  # whole numbers beside missing ones
    codes, values = pd.factorize(column)
    numbers, ids = pd.factorize(np.array([str(v).strip() for v in values], object))
    missing = np.flatnonzero(codes < 0)
    codes = numbers[codes] if len(numbers) else codes
    if "" in ids:
        missing = np.union1d(missing, np.flatnonzero(codes == list(ids).index("")))
    if len(missing):
        where = [table.where(int(i)) for i in missing[:MAX_SHOWN]]
        problem = f"{len(missing)} missing series id{'s' * (len(missing) > 1)}"
        raise InvalidValues(name, where, problem, "Name the series in every row.")
    return codes, list(map(str, ids))


def _similar_notes(names: Iterable[str]) -> list[str]:
    """Return a note on names that differ only by spaces or case."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault("".join(name.casefold().split()), []).append(name)
    similar = [" and ".join(map(repr, g)) for g in groups.values() if len(g) > 1]
    if not similar:
        return []
    return [f"series that differ only by spaces or case: {join_shown(similar)}"]


def _duplicates_advice(table: Table, schema: Schema) -> str:
    advice = (
        "Keep one row for each moment, or say how its rows are joined with --aggregate "
        "or data.aggregate (for example sum)."
    )
    frame, time = table.frame, list(schema.time or ())
    text = text_columns(table, schema.named)
    candidates = [
        name
        for name in frame.columns
        if name not in schema.named
        and (name in text or not frame.duplicated([*time, name]).any())
    ]
    if not schema.series_id and candidates:
        names = ", ".join(map(repr, candidates))
        advice += f" If a column names the series ({names}), say it with --series-id."
    return advice
