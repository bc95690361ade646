"""CSV files and tables to a `Panel`, with every check of incoming data."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from forecasting.data.covariates import FutureValues, Role
from forecasting.data.panel import Panel
from forecasting.data.schema import Missing, Schema
from forecasting.errors import MAX_SHOWN
from forecasting.io.alignment import RowAlignment, read_column
from forecasting.io.columns import find_columns
from forecasting.io.csv_format import Table, read_table
from forecasting.io.missing import insert_gaps
from forecasting.io.numbers import read_numbers
from forecasting.io.sorting import BoolArray, OrderedRows, observed_rows, order_rows
from forecasting.timestamps.calendar import Calendar, check_gaps, find_gaps
from forecasting.timestamps.inference import infer_calendar
from forecasting.timestamps.local_times import CLOCK_ADVICE, are_clock_changes
from forecasting.timestamps.trading_days import extra_day_notes
from forecasting.types import IntArray

GAPS_ADVICE = (
    "Add the rows, resample, or choose how they are filled with missing: interpolate, "
    "forward or mean."
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
    requested = _requested_schema(schema, settings)
    return build_panel(read_table(path, requested), requested)


def _requested_schema(schema: Schema | None, settings: Mapping[str, Any]) -> Schema:
    if schema is None:
        return Schema.of(**settings)
    return schema.override(settings)


def build_panel(table: Table, requested: Schema) -> Panel:
    """Build the panel of a table; errors as in `read_csv`."""
    schema, guesses = find_columns(table, requested)
    target, roles, missing = schema.target or "", schema.roles, schema.missing
    axis = order_rows(table, schema, target)
    ids = axis.series_ids
    calendar = infer_calendar(
        axis.timestamps, axis.offsets, ids, freq=schema.freq, zone=axis.zone
    )
    if missing == "error":
        advice = _gaps_advice(calendar, axis)
        check_gaps(calendar, axis.timestamps, axis.offsets, ids, advice)
    timestamps, offsets, places = insert_gaps(calendar, axis.timestamps, axis.offsets)
    notes = [*table.notes, *guesses, *axis.notes]
    notes += extra_day_notes(calendar, axis.timestamps)
    if len(timestamps) > len(places):
        added = len(timestamps) - len(places)
        plural = "s" * (added > 1)
        notes.append(f"{added} missing moment{plural} put in and filled ({missing})")
    observed = _observation_mask(table, target, axis, roles)
    if not observed.all():
        count = int((~observed).sum())
        plural = "s" * (count > 1)
        notes.append(f"{count} row{plural} without {target!r} at the end: the future")
    alignment = RowAlignment(axis, places, offsets, observed)
    filled, future, fill_notes = _fill_columns(table, target, roles, alignment, missing)
    values = filled.pop(target)
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
        ),
        notes=(
            *notes,
            *fill_notes,
            *_constant_notes(values, alignment.past_offsets, ids),
        ),
    )


def _gaps_advice(calendar: Calendar, axis: OrderedRows) -> str:
    """Return the advice for gaps, which clocks may have made."""
    first = axis.timestamps[: axis.offsets[1]]
    gaps = find_gaps(calendar, first, limit=MAX_SHOWN)
    is_clock = calendar.zone is None and are_clock_changes(gaps)
    return CLOCK_ADVICE if is_clock else GAPS_ADVICE


def _fill_columns(
    table: Table,
    target: str,
    roles: Mapping[str, Role],
    alignment: RowAlignment,
    missing: Missing,
) -> tuple[dict[str, npt.NDArray[Any]], dict[str, FutureValues], list[str]]:
    """Read and fill the columns; return past values, future values and notes."""
    filled: dict[str, npt.NDArray[Any]] = {}
    future: dict[str, FutureValues] = {}
    notes: list[str] = []
    for name in (target, *roles):
        is_known = roles.get(name) == "known"
        column, column_notes = read_column(
            table,
            name,
            missing,
            number=name == target,
            rows=alignment.required_rows(is_known),
        )
        filled[name] = alignment.fill(name, column, missing, includes_future=is_known)
        if is_known:
            filled[name], future[name] = alignment.split(filled[name])
        notes += column_notes
    return filled, future, notes


def _observation_mask(
    table: Table, target: str, axis: OrderedRows, roles: Mapping[str, Role]
) -> BoolArray:
    """Return the mask of observations; future rows hold known covariates only."""
    if "known" not in roles.values():
        return np.ones(len(axis.order), dtype=bool)
    values, _ = read_numbers(table, target)
    return observed_rows(values[axis.order], axis)


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
