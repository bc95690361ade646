"""CSV files and frames to a `Panel`: everything that comes in is checked here, once."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecasting.errors import (
    SHOWN,
    MissingValues,
    UnreadableData,
)
from forecasting.reading.columns import Columns, find_columns
from forecasting.reading.dialect import Table, check_unique, read_table
from forecasting.reading.filling import (
    Missing,
    check_policy,
    fill_text,
    fill_values,
    insert_gaps,
)
from forecasting.reading.numerals import is_number_column, read_numbers
from forecasting.reading.ordering import order_rows
from forecasting.series import IntArray, Panel
from forecasting.timeline.axis import infer_calendar
from forecasting.timeline.calendar import check_gaps

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
        past_covariates: columns to keep that are known up to now.
        known_covariates: columns to keep that are known ahead.
        static_covariates: columns to keep that never change within a series.

    Raises:
        DataError: the file is no CSV, or its series cannot be used: `UnreadableData`,
            `MissingColumns`, `AmbiguousColumns`, `InvalidValues`, `MissingValues`,
            `InvalidTimestamps`, `DuplicateTimestamps`, `IrregularTimestamps`.
        SettingError: a setting makes no sense.
    """
    check_policy(missing)
    table = read_table(path, () if series_id is None else (series_id,))
    covariates = (*past_covariates, *known_covariates, *static_covariates)
    asked = Columns(
        time=time, target=target, series_id=series_id, covariates=covariates
    )
    return _make_panel(table, asked, freq, missing)


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
    covariates = (*past_covariates, *known_covariates, *static_covariates)
    asked = Columns(
        time=time, target=target, series_id=series_id, covariates=covariates
    )
    return _make_panel(table, asked, freq, missing)


def _make_panel(
    table: Table, asked: Columns, freq: str | None, missing: Missing
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
    filled: dict[str, npt.NDArray[Any]] = {}
    for name in (target, *columns.covariates):
        column, said = _read_column(table, name, name == target, missing)
        spread = np.full(len(timestamps), None if column.dtype == object else np.nan)
        spread[places] = column[axis.order]
        filled[name] = (
            fill_text(name, spread, offsets, ids)
            if column.dtype == object
            else fill_values(name, spread, offsets, ids, missing)
        )
        notes += said
    values = filled.pop(target)
    return Panel(
        series_ids=ids,
        values=values,
        offsets=offsets,
        timestamps=timestamps,
        calendar=calendar,
        target=target,
        covariates=filled,
        notes=(*notes, *_constant_notes(values, offsets, ids)),
    )


def _read_column(
    table: Table, name: str, is_target: bool, missing: Missing
) -> tuple[npt.NDArray[Any], list[str]]:
    """Read a column of numbers or, for a covariate, of text, in the table's order."""
    values: npt.NDArray[Any]
    if is_target or is_number_column(table.frame[name]):
        values, notes = read_numbers(table, name)
    else:
        text = table.frame[name].astype(object)
        values, notes = text.where(text.notna(), None).to_numpy(dtype=object), []
    lacking = np.flatnonzero(pd.isna(values))
    if len(lacking) and missing == "error":
        where = [table.where(i) for i in lacking[:SHOWN]]
        raise MissingValues(name, where, len(lacking))
    if len(lacking):
        policy = missing if values.dtype != object else "forward"
        plural = "s" * (len(lacking) > 1)
        notes.append(
            f"{name!r}: {len(lacking)} missing value{plural} filled ({policy})"
        )
    return values, notes


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
