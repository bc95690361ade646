"""CSV files and tables to a `Panel`, with every check of incoming data."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from forecasting.data.covariates import FutureValues
from forecasting.data.panel import Panel
from forecasting.data.schema import Schema
from forecasting.errors import MAX_SHOWN, SettingError, UnreadableData, join_shown
from forecasting.io.alignment import RowAlignment, check_missing, read_values
from forecasting.io.columns import find_columns, left_text
from forecasting.io.csv_format import Table, read_table
from forecasting.io.marks import settle_marks
from forecasting.io.missing import insert_gaps
from forecasting.io.resampling import gather_rows
from forecasting.io.sorting import OrderedRows, observed_rows, order_rows, trim_rows
from forecasting.timestamps.calendar import Calendar, check_gaps, find_gaps
from forecasting.timestamps.inference import infer_calendar
from forecasting.timestamps.local_times import CLOCK_ADVICE, are_clock_changes
from forecasting.timestamps.trading_days import extra_day_notes
from forecasting.types import BoolArray, IntArray

GAPS_ADVICE = (
    "Add the rows, choose how they are filled with --missing or data.missing "
    "(interpolate, forward, mean or zero), or gather rows to longer steps with "
    "--resample or data.resample."
)


def read_csv(
    path: str | Path, *, schema: Schema | None = None, **settings: Any
) -> Panel:
    """Read a CSV file, plain or gzipped; the panel's notes list all guesses.

    Args:
        path: path of a file with a header, one row a moment of a series, in any
            order.
        schema: of series that were read before; default: all is inferred.
        settings: attributes of `Schema`, such as ``target`` and ``missing``; they
            replace those of ``schema``.

    Raises:
        DataError: the file is no CSV, or its series cannot be used: `UnreadableData`,
            `MissingColumns`, `AmbiguousColumns`, `InvalidValues`, `MissingValues`,
            `InvalidTimestamps`, `DuplicateTimestamps`, `IrregularTimestamps`.
        SettingError: a setting is invalid.
    """
    requested = requested_schema(schema, settings)
    return build_panel(
        read_table(path, requested),
        requested,
        is_trained=schema is not None,
        is_remembered=schema is not None and settings.get("decimal") is None,
    )


def requested_schema(schema: Schema | None, settings: Mapping[str, Any]) -> Schema:
    """Return the schema of a user: new settings, or changes of a schema."""
    if schema is None:
        return Schema.of(**settings)
    return schema.override(settings)


def build_panel(
    table: Table,
    requested: Schema,
    *,
    is_trained: bool = False,
    is_remembered: bool = False,
) -> Panel:
    """Build the panel of a table; errors as in `read_csv`.

    Args:
        table: the table.
        requested: its schema, incomplete.
        is_trained: whether the schema is that of a trained model.
        is_remembered: whether its decimal mark is that of a model's data, too.
    """
    table = settle_marks(table, requested, is_remembered=is_remembered)
    schema, guesses = find_columns(table, requested, is_trained=is_trained)
    if is_trained and not schema.time:
        schema = replace(schema, freq=None, resample=None)
    schema = _check_steps(schema)
    target, roles, missing = schema.target or "", schema.roles, schema.missing
    axis = order_rows(table, schema, target)
    if schema.aggregate is not None:
        table, axis = gather_rows(table, axis, schema)
    calendar = infer_calendar(
        axis.timestamps,
        axis.offsets,
        axis.series_ids,
        freq=schema.freq,
        zone=axis.zone,
    )
    observations, notes = read_values(table, target, number=True)
    axis, observed, cut_notes = _cut_rows(table, schema, axis, ~np.isnan(observations))
    ids = axis.series_ids
    if missing == "error":
        advice = _gaps_advice(calendar, axis, left_text(table, schema))
        check_gaps(calendar, axis.timestamps, axis.offsets, ids, advice)
    timestamps, offsets, places = insert_gaps(calendar, axis.timestamps, axis.offsets)
    notes = [*table.notes, *guesses, *axis.notes, *cut_notes, *notes]
    notes += extra_day_notes(calendar, axis.timestamps)
    if len(timestamps) > len(places):
        added = len(timestamps) - len(places)
        plural = "s" * (added > 1)
        notes.append(f"{added} missing moment{plural} put in and filled ({missing})")
    alignment = RowAlignment(axis, places, offsets, observed)
    rows = alignment.required_rows()
    notes += check_missing(table, target, observations, missing, rows)
    values = alignment.fill(target, observations, missing)
    filled, future, fill_notes = _fill_columns(table, schema, alignment)
    text = [name for name, column in filled.items() if column.dtype == object]
    return Panel(
        series_ids=ids,
        values=values,
        offsets=alignment.past_offsets,
        timestamps=timestamps[alignment.is_past],
        calendar=calendar,
        target=target,
        covariates=filled,
        roles=roles,
        future=future,
        schema=replace(
            schema,
            freq=calendar.freq,
            zone=calendar.zone,
            encoding=None,
            time_format=axis.time_format,
            decimal=table.decimal,
            text=tuple(dict.fromkeys([*schema.text, *text])),
        ),
        notes=(
            *notes,
            *fill_notes,
            *_constant_notes(values, alignment.past_offsets, ids),
        ),
    )


def _gaps_advice(calendar: Calendar, axis: OrderedRows, left: list[str]) -> str:
    """Return the advice for gaps, which clocks or several series may have made.

    Args:
        calendar: of the series.
        axis: the rows.
        left: columns that may name the series, and do not yet.
    """
    if left:
        names = " or ".join(map(repr, left[:MAX_SHOWN]))
        return f"If {names} names the series, say it with --series-id. {GAPS_ADVICE}"
    first = axis.timestamps[: axis.offsets[1]]
    gaps = find_gaps(calendar, first, limit=MAX_SHOWN)
    is_clock = calendar.zone is None and are_clock_changes(gaps)
    return f"{CLOCK_ADVICE} {GAPS_ADVICE}" if is_clock else GAPS_ADVICE


def _check_steps(schema: Schema) -> Schema:
    """Return the schema with the frequency of the steps to which rows are gathered.

    Raises:
        SettingError: the steps have no aggregate, or another frequency is requested.
    """
    if schema.resample is None:
        return schema
    if schema.aggregate is None:
        expected = (
            "one of mean, sum, min, max, first or last with resample: say it with "
            "--aggregate or data.aggregate"
        )
        raise SettingError("aggregate", None, expected)
    if schema.freq not in (None, schema.resample):
        expected = f"left out, or {schema.resample!r} as resample"
        raise SettingError("freq", schema.freq, expected)
    return replace(schema, freq=schema.resample)


def _cut_rows(
    table: Table, schema: Schema, axis: OrderedRows, has_value: BoolArray
) -> tuple[OrderedRows, BoolArray, list[str]]:
    """Cut the rows before the first and after the last observation of each series.

    Rows before the first one are cut unless the policy is ``error``; rows after the
    last one are the future, and stay where they hold known covariates.

    Args:
        table: the rows.
        schema: target, roles and policy.
        axis: the order of the rows.
        has_value: mask of the table's rows with a target, ``(rows,)``.

    Returns:
        The rows that remain, the mask of those up to the last observation, and notes.

    Raises:
        UnreadableData: no row has a value of the target.
    """
    target, fills = schema.target or "", schema.missing != "error"
    if not has_value[axis.order].any():
        advice = "Give observations, or name another column with --target."
        raise UnreadableData(table.source, f"column {target!r} has no value", advice)
    if has_value.all():
        return axis, np.ones(len(axis.order), dtype=bool), []
    is_planned = "known" in schema.roles.values()
    cut = trim_rows(axis, has_value[axis.order], first=fills, last=False)
    up_to_last = observed_rows(has_value[cut.order], cut)
    notes = []
    empty = [name for name in axis.series_ids if name not in set(cut.series_ids)]
    if empty:
        names = join_shown(map(repr, empty))
        notes.append(f"left out, without any value of {target!r}: series {names}")
    in_use = np.isin(axis.order, cut.order, assume_unique=True)
    owner = np.repeat(np.arange(len(axis.series_ids)), np.diff(axis.offsets))
    is_empty = np.isin(np.array(axis.series_ids, dtype=object), empty)
    early = int((~in_use & ~is_empty[owner]).sum())
    if early:
        notes.append(
            f"{early} row{'s' * (early > 1)} without {target!r} at the start of "
            "series cut"
        )
    late = int((~up_to_last).sum())
    if late:
        notes.append(
            f"{late} row{'s' * (late > 1)} without {target!r} at the end: the future"
        )
    if late and not is_planned:
        cut = trim_rows(cut, has_value[cut.order], first=False, last=True)
        up_to_last = np.ones(len(cut.order), dtype=bool)
    return cut, up_to_last, notes


def _fill_columns(
    table: Table, schema: Schema, alignment: RowAlignment
) -> tuple[dict[str, npt.NDArray[Any]], dict[str, FutureValues], list[str]]:
    """Read and fill covariates; return past values, future values and notes."""
    filled: dict[str, npt.NDArray[Any]] = {}
    future: dict[str, FutureValues] = {}
    notes: list[str] = []
    roles, missing = schema.roles, schema.missing
    for name, role in roles.items():
        column, column_notes = read_values(table, name, text=name in schema.text)
        notes += column_notes
        rows = alignment.required_rows(role)
        notes += check_missing(table, name, column, missing, rows)
        filled[name] = alignment.fill(name, column, missing, role=role)
        if role == "known":
            filled[name], future[name] = alignment.split(filled[name])
    return filled, future, notes


def _constant_notes(
    values: npt.NDArray[np.float64], offsets: IntArray, ids: tuple[str, ...]
) -> list[str]:
    low = np.minimum.reduceat(values, offsets[:-1])
    high = np.maximum.reduceat(values, offsets[:-1])
    constant = np.flatnonzero((low == high) & (np.diff(offsets) > 1))
    notes = [f"series {ids[i]!r} is constant ({low[i]})" for i in constant[:MAX_SHOWN]]
    if len(constant) > MAX_SHOWN:
        notes.append(f"{len(constant)} series are constant in all")
    return notes
