"""Series with labels, or series of symbols, from a table with a row for each step.

Rows are gathered by series and sorted by time, as those of forecasts are; without a
column of the time they keep their order.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from forecasting.data.schema import Schema
from forecasting.errors import (
    DuplicateTimestamps,
    InvalidLabels,
    MissingColumns,
    MissingValues,
)
from forecasting.io.alignment import read_values
from forecasting.io.csv_format import Table, read_table
from forecasting.io.frames.read import FrameLike, to_pandas, to_table
from forecasting.io.marks import settle_marks
from forecasting.io.numbers import read_numbers
from forecasting.io.sorting import OrderedRows, order_rows
from forecasting.sequences.reading.columns import SequenceColumns, Task
from forecasting.types import FloatArray, Timestamps

MAX_SHOWN = 3  # labels or places in a message
FILL = "Fill them, or leave these series out."
ONE_SERIES = "series"  # name of the series without a column of names


@dataclass(frozen=True, slots=True)
class SequenceData:
    """Series in the order of their first rows.

    Attributes:
        ids: names of the series.
        series: of numbers, each ``(steps, channels)``, or of symbols, each a list.
        labels: of each series (text), or of each step of each series (text, or None
            where it is missing); None where they were not read.
        notes: decisions made while reading.
        ends: last moment of each series; None without a column of the time, or where
            all series begin at one moment: then they are numbered steps.
    """

    ids: tuple[str, ...]
    series: list[Any]
    labels: list[Any] | None = None
    notes: tuple[str, ...] = ()
    ends: Timestamps | None = None

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, index: Sequence[int]) -> "SequenceData":
        """Return some of the series."""
        labels = None if self.labels is None else [self.labels[i] for i in index]
        ends = None if self.ends is None else self.ends[list(index)]
        ids = tuple(self.ids[i] for i in index)
        return SequenceData(ids, [self.series[i] for i in index], labels, (), ends)


def read_sequence_file(
    path: Path | str, task: Task, columns: SequenceColumns, *, labelled: bool = True
) -> SequenceData:
    """Read the series of a CSV, Parquet or Excel file; see `read_sequences`.

    Raises:
        UnreadableData: the file is missing, or is no table.
    """
    table = read_table(path, columns.schema)
    return read_sequences(table, task, columns, labelled=labelled)


def read_sequence_frame(
    frame: FrameLike,
    task: Task,
    columns: SequenceColumns,
    *,
    labelled: bool = True,
    source: str = "frame",
) -> SequenceData:
    """Read the series of a frame; see `read_sequences`.

    Raises:
        UnreadableData: it is no frame, or has no rows.
    """
    plain = to_pandas(frame, source)
    table, _ = to_table(plain, columns.schema, source)  # type: ignore[arg-type]
    return read_sequences(table, task, columns, labelled=labelled)


def read_sequences(
    table: Table, task: Task, columns: SequenceColumns, *, labelled: bool = True
) -> SequenceData:
    """Read the series of a table.

    Args:
        table: a row for each step.
        task: a label for a series, a label for a step, or symbols.
        columns: their roles.
        labelled: whether labels are read; symbols have none. Without labels, columns
            of series and time may be absent: rows are one series then, in order.

    Raises:
        MissingColumns: a column is not in the table.
        MissingValues: a number or symbol is missing.
        InvalidValues: a number is text or infinite, or a row has no series id.
        InvalidTimestamps, DuplicateTimestamps: rows cannot be put in order.
        InvalidLabels: a label of a series is missing, or changes within it.
    """
    if not labelled:
        columns = _without_absent(columns, map(str, table.frame.columns))
    is_labelled = labelled and task != "next"
    label = (columns.label,) if is_labelled else ()
    symbol = (columns.symbol,) if columns.symbol else ()
    names = (*columns.series_id, *columns.time, *columns.channels, *label, *symbol)
    if missing := [name for name in names if name not in table.frame.columns]:
        raise MissingColumns(missing, map(str, table.frame.columns))
    axis = _order_rows(table, columns)
    ends = _ends(axis) if columns.time else None
    if task == "next":
        series = _pieces(axis, _read_text(table, columns.symbol))
        return SequenceData(axis.series_ids, series, None, tuple(axis.notes), ends)
    values, notes = _read_channels(table, columns)
    series = _pieces(axis, values)
    labels = None
    if is_labelled:
        steps = _pieces(axis, _read_text(table, columns.label, may_miss=True))
        labels = steps
        if task == "classify":
            pairs = zip(axis.series_ids, steps, strict=True)
            labels = [_one_label(name, of, columns.label) for name, of in pairs]
    notes = [*table.notes, *axis.notes, *notes]
    return SequenceData(axis.series_ids, series, labels, tuple(notes), ends)


def _order_rows(table: Table, columns: SequenceColumns) -> OrderedRows:
    """Return the rows by series and time.

    Raises:
        DuplicateTimestamps: two steps of a series have one moment.
    """
    try:
        return order_rows(table, columns.schema, ONE_SERIES)
    except DuplicateTimestamps as error:
        advice = (
            "Keep one row for each step of a series; if a column names the series, say "
            "it with --series-id."
        )
        raise DuplicateTimestamps(error.where, error.total, advice) from None


def _check_present(table: Table, name: str, values: Any) -> None:
    """Check that every row has a value.

    Raises:
        MissingValues: one has none.
    """
    missing = np.flatnonzero(pd.isna(values))
    if len(missing):
        where = [table.where(int(row)) for row in missing[:MAX_SHOWN]]
        raise MissingValues(name, where, len(missing), FILL)


def _ends(axis: OrderedRows) -> Timestamps | None:
    """Return the last moment of each series; None where all begin at one."""
    begins = axis.timestamps[axis.offsets[:-1]]
    is_numbered = bool((begins == begins[0]).all())
    return None if is_numbered else axis.timestamps[axis.offsets[1:] - 1]


def _without_absent(columns: SequenceColumns, names: Iterable[str]) -> SequenceColumns:
    """Return the columns without those of series or time, if a table has none."""
    present = set(names)
    time, series_id = (
        role if present & set(role) else ()
        for role in (columns.time, columns.series_id)
    )
    return replace(columns, time=time, series_id=series_id)


def _read_channels(
    table: Table, columns: SequenceColumns
) -> tuple[FloatArray, list[str]]:
    """Return the numbers of all rows, ``(rows, channels)``, and notes."""
    names = columns.channels
    schema = Schema(
        time=columns.time,
        series_id=columns.series_id,
        text=columns.schema.text,
        decimal=columns.decimal,
    )
    table = settle_marks(table, schema)
    values, notes = np.empty((len(table.frame), len(names))), list[str]()
    for at, name in enumerate(names):
        values[:, at], found = read_numbers(table, name)
        notes += found
        _check_present(table, name, values[:, at])
    return values, notes


def _read_text(table: Table, name: str, *, may_miss: bool = False) -> Any:
    """Return a column as text, None for a missing value, ``(rows,)``."""
    text, _ = read_values(table, name, text=True)
    if not may_miss:
        _check_present(table, name, text)
    return text


def _pieces(axis: OrderedRows, values: Any) -> list[Any]:
    """Return the rows of each series, in order; text as lists."""
    ordered = values[axis.order]
    pairs = zip(axis.offsets[:-1].tolist(), axis.offsets[1:].tolist(), strict=True)
    pieces = [ordered[begin:end] for begin, end in pairs]
    return [piece.tolist() if piece.dtype == object else piece for piece in pieces]


def _one_label(series_id: str, labels: Sequence[str | None], column: str) -> str:
    """Return the label of a series.

    Raises:
        InvalidLabels: it is missing, or changes.
    """
    distinct = list(dict.fromkeys(labels))
    if len(distinct) == 1 and distinct[0] is not None:
        return distinct[0]
    shown = ", ".join(
        "nothing" if one is None else repr(one) for one in distinct[:MAX_SHOWN]
    )
    raise InvalidLabels(
        f"series {series_id!r}: expected one label in column {column!r}; found {shown}",
        "Give each series one label in all of its rows, or label the steps "
        "(--task label).",
    )
