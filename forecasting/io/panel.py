"""CSV files and frames to a `Panel`: everything that comes in is checked here, once."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecasting.data.covariates import FutureValues, Role
from forecasting.data.panel import Panel
from forecasting.errors import (
    SHOWN,
    SettingError,
    UnreadableData,
)
from forecasting.io.alignment import Spread, read_column
from forecasting.io.columns import Columns, find_columns
from forecasting.io.csv_format import Table, check_unique, read_table
from forecasting.io.missing import Missing, check_policy, insert_gaps
from forecasting.io.numbers import read_numbers
from forecasting.io.sorting import Flags, OrderedRows, observed_rows, order_rows
from forecasting.timestamps.calendar import check_gaps
from forecasting.timestamps.inference import infer_calendar
from forecasting.types import IntArray

GAPS = (
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
    """Read a CSV file, plain or gzipped; what was guessed is in the panel's notes.

    Args:
        path: of a file with a header, one row a moment of a series, in any order.
        time: column of timestamps; without any, the rows are numbered.
        target: column of the values to forecast.
        series_id: column of the series' names; None for a single series.
        freq: pandas alias of the frequency; found from the timestamps when not given.
        missing: ``error`` refuses missing values and moments. ``forward`` repeats the
            value before and ``mean`` takes the mean of all values before.
            ``interpolate`` draws a line to the next value: it looks ahead.
        past_covariates: columns that are known up to now.
        known_covariates: columns that are known ahead. Rows without a target at the
            end of a series hold them for the steps ahead.
        static_covariates: columns that never change within a series.

    Raises:
        DataError: the file is no CSV, or its series cannot be used: `UnreadableData`,
            `MissingColumns`, `AmbiguousColumns`, `InvalidValues`, `MissingValues`,
            `InvalidTimestamps`, `DuplicateTimestamps`, `IrregularTimestamps`.
        SettingError: a setting makes no sense.
    """
    check_policy(missing)
    table = read_table(path, () if series_id is None else (series_id,))
    roles = _roles(past_covariates, known_covariates, static_covariates)
    asked = Columns(
        time=time, target=target, series_id=series_id, covariates=tuple(roles)
    )
    return _make_panel(table, asked, roles, freq, missing)


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
    """Read a pandas frame, as `read_csv` reads a file; the frame is left as it is.

    An index of dates counts as a column.

    Args:
        frame: one row a moment of a series, in any order.
        source: what messages call the frame.
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
    roles = _roles(past_covariates, known_covariates, static_covariates)
    asked = Columns(
        time=time, target=target, series_id=series_id, covariates=tuple(roles)
    )
    return _make_panel(table, asked, roles, freq, missing)


def _roles(
    past: Sequence[str], known: Sequence[str], static: Sequence[str]
) -> dict[str, Role]:
    """Return what each covariate is, by name.

    Raises:
        SettingError: one is named for two roles.
    """
    pairs: list[tuple[str, Role]] = [
        *((name, "past") for name in past),
        *((name, "known") for name in known),
        *((name, "static") for name in static),
    ]
    names = [name for name, _ in pairs]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise SettingError("columns", min(twice), "named for one role each")
    return dict(pairs)


def _make_panel(
    table: Table,
    asked: Columns,
    roles: Mapping[str, Role],
    freq: str | None,
    missing: Missing,
) -> Panel:
    columns, target, guesses = find_columns(table, asked)
    axis = order_rows(table, columns, target)
    ids = axis.series_ids
    calendar = infer_calendar(axis.timestamps, axis.offsets, ids, freq=freq)
    if missing == "error":
        check_gaps(calendar, axis.timestamps, axis.offsets, ids, GAPS)
    timestamps, offsets, places = insert_gaps(calendar, axis.timestamps, axis.offsets)
    notes = [*table.notes, *guesses, *axis.notes]
    if len(timestamps) > len(places):
        added = len(timestamps) - len(places)
        plural = "s" * (added > 1)
        notes.append(f"{added} missing moment{plural} put in and filled ({missing})")
    observed = _observed(table, target, axis, roles)
    if not observed.all():
        count = int((~observed).sum())
        plural = "s" * (count > 1)
        notes.append(f"{count} row{plural} without {target!r} at the end: the future")
    rows = Spread(axis, places, offsets, observed)
    filled, future, said = _fill_columns(table, target, roles, rows, missing)
    values = filled.pop(target)
    return Panel(
        series_ids=ids,
        values=values,
        offsets=rows.borders,
        timestamps=timestamps[rows.kept],
        calendar=calendar,
        target=target,
        covariates=filled,
        roles=roles,
        future=future,
        notes=(*notes, *said, *_constant_notes(values, rows.borders, ids)),
    )


def _fill_columns(
    table: Table, target: str, roles: Mapping[str, Role], rows: Spread, missing: Missing
) -> tuple[dict[str, npt.NDArray[Any]], dict[str, FutureValues], list[str]]:
    """Return the columns of the observations, those of the future, and notes."""
    filled: dict[str, npt.NDArray[Any]] = {}
    future: dict[str, FutureValues] = {}
    notes: list[str] = []
    for name in (target, *roles):
        known = roles.get(name) == "known"
        column, said = read_column(
            table, name, missing, number=name == target, rows=rows.needed(known)
        )
        filled[name] = rows.fill(name, column, missing, known=known)
        if known:
            filled[name], future[name] = rows.split(filled[name])
        notes += said
    return filled, future, notes


def _observed(
    table: Table, target: str, axis: OrderedRows, roles: Mapping[str, Role]
) -> Flags:
    """Say which rows are observations; those of the future hold known covariates."""
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
    notes = [f"series {ids[i]!r} is constant ({low[i]})" for i in constant[:SHOWN]]
    if len(constant) > SHOWN:
        notes.append(f"{len(constant)} series are constant in all")
    return notes
