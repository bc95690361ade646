"""CSV files and frames to a `Panel`, with every check of incoming data."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecasting.data.covariates import FutureValues, Role
from forecasting.data.panel import Panel
from forecasting.errors import (
    MAX_SHOWN,
    SettingError,
    UnreadableData,
)
from forecasting.io.alignment import RowAlignment, read_column
from forecasting.io.columns import ColumnRoles, find_columns
from forecasting.io.csv_format import Table, check_unique, read_table
from forecasting.io.missing import Missing, check_policy, insert_gaps
from forecasting.io.numbers import read_numbers
from forecasting.io.sorting import BoolArray, OrderedRows, observed_rows, order_rows
from forecasting.timestamps.calendar import check_gaps
from forecasting.timestamps.inference import infer_calendar
from forecasting.types import IntArray

GAPS_ADVICE = (
    "Add the rows, resample, or choose how they are filled with missing: interpolate, "
    "forward or mean."
)


def read_csv(
    path: str | Path,
    *,
    time: str | None = None,
    target: str | None = None,
    series_id: str | None = None,
    freq: str | None = None,
    missing: Missing = "error",
    past_covariates: Sequence[str] = (),
    known_covariates: Sequence[str] = (),
    static_covariates: Sequence[str] = (),
) -> Panel:
    """Read a CSV file, plain or gzipped; the panel's notes list all guesses.

    Args:
        path: path of a file with a header, one row a moment of a series, in any
            order.
        time: column of timestamps; None infers it, and numbers the rows of a file
            without dates.
        target: column of the values to forecast; None infers it.
        series_id: column of the series' names; None infers it, or reads one series.
        freq: pandas alias of the frequency; None infers it from the timestamps.
        missing: ``error`` refuses missing values and moments. ``forward`` repeats the
            value before and ``mean`` takes the mean of all values before.
            ``interpolate`` draws a line to the next value: it looks ahead.
        past_covariates: columns with values up to the last observation.
        known_covariates: columns with values for the steps ahead too, in the rows
            without a target at the end of a series.
        static_covariates: columns that never change within a series.

    Raises:
        DataError: the file is no CSV, or its series cannot be used: `UnreadableData`,
            `MissingColumns`, `AmbiguousColumns`, `InvalidValues`, `MissingValues`,
            `InvalidTimestamps`, `DuplicateTimestamps`, `IrregularTimestamps`.
        SettingError: a setting is invalid.
    """
    check_policy(missing)
    table = read_table(path, () if series_id is None else (series_id,))
    roles = _covariate_roles(past_covariates, known_covariates, static_covariates)
    requested = ColumnRoles(
        time=time, target=target, series_id=series_id, covariates=tuple(roles)
    )
    return _build_panel(table, requested, roles, freq, missing)


def read_frame(
    frame: pd.DataFrame,
    *,
    time: str | None = None,
    target: str | None = None,
    series_id: str | None = None,
    freq: str | None = None,
    missing: Missing = "error",
    past_covariates: Sequence[str] = (),
    known_covariates: Sequence[str] = (),
    static_covariates: Sequence[str] = (),
    source: str = "frame",
) -> Panel:
    """Read a pandas frame in the way of `read_csv`, without changing the frame.

    An index of dates counts as a column.

    Args:
        frame: one row a moment of a series, in any order.
        source: name of the frame in messages.
        time, target, series_id, freq, missing, past_covariates, known_covariates,
            static_covariates: as in `read_csv`.

    Raises:
        DataError, SettingError: as `read_csv`.
    """
    check_policy(missing)
    index_name = frame.index.name or "timestamp"
    if isinstance(frame.index, pd.DatetimeIndex) and index_name not in frame:
        frame = frame.reset_index(names=index_name)
    names = [str(name).strip() for name in frame.columns]
    check_unique(source, names)
    if frame.empty:
        raise UnreadableData(source, "there are no rows", "Give at least one.")
    frame = frame.set_axis(names, axis=1).reset_index(drop=True)
    table = Table(frame, np.arange(len(frame)), "row", "", source)
    roles = _covariate_roles(past_covariates, known_covariates, static_covariates)
    requested = ColumnRoles(
        time=time, target=target, series_id=series_id, covariates=tuple(roles)
    )
    return _build_panel(table, requested, roles, freq, missing)


def _covariate_roles(
    past_names: Sequence[str], known_names: Sequence[str], static_names: Sequence[str]
) -> dict[str, Role]:
    """Return the role of each covariate, by name.

    Raises:
        SettingError: a covariate is named for two roles.
    """
    pairs: list[tuple[str, Role]] = [
        *((name, "past") for name in past_names),
        *((name, "known") for name in known_names),
        *((name, "static") for name in static_names),
    ]
    names = [name for name, _ in pairs]
    duplicates = [name for name in names if names.count(name) > 1]
    if duplicates:
        raise SettingError("columns", min(duplicates), "named for one role each")
    return dict(pairs)


def _build_panel(
    table: Table,
    requested: ColumnRoles,
    roles: Mapping[str, Role],
    freq: str | None,
    missing: Missing,
) -> Panel:
    columns, target, guesses = find_columns(table, requested)
    axis = order_rows(table, columns, target)
    ids = axis.series_ids
    calendar = infer_calendar(axis.timestamps, axis.offsets, ids, freq=freq)
    if missing == "error":
        check_gaps(calendar, axis.timestamps, axis.offsets, ids, GAPS_ADVICE)
    timestamps, offsets, places = insert_gaps(calendar, axis.timestamps, axis.offsets)
    notes = [*table.notes, *guesses, *axis.notes]
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
        notes=(
            *notes,
            *fill_notes,
            *_constant_notes(values, alignment.past_offsets, ids),
        ),
    )


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
