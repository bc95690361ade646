"""Roles of columns: time, target and series id, inferred where not requested."""

from collections.abc import Iterable
from dataclasses import replace

import pandas as pd

from forecasting.data.schema import Names, Schema
from forecasting.errors import AmbiguousColumns, MissingColumns
from forecasting.io.csv_format import SERIES_ID_NAMES, Table
from forecasting.io.numbers import is_number_column
from forecasting.timestamps.parsing import is_date_column

TIME_NAMES = ("timestamp", "ds")
TARGET_NAMES = ("target", "y")


def find_columns(table: Table, requested: Schema) -> tuple[Schema, list[str]]:
    """Infer the roles that are not requested, where only one column fits.

    Returns:
        The schema with time, target and series id, and notes on the guesses.

    Raises:
        MissingColumns: a requested column is not in the table.
        AmbiguousColumns: several columns fit a role.
    """
    names = list(table.frame.columns)
    missing = [name for name in requested.named if name not in names]
    if missing:
        raise MissingColumns(missing, names)
    notes: list[str] = []
    schema = requested
    if schema.time is None:
        schema = replace(schema, time=_guess_time(table, schema, notes))
    if schema.target is None:
        schema = replace(schema, target=_guess_target(table, schema, notes))
    if schema.series_id is None:
        schema = replace(schema, series_id=_guess_series_id(table, schema, notes))
    return schema, notes


def text_columns(table: Table, assigned: Iterable[str], text: Names = ()) -> list[str]:
    """Return the text columns without a role: candidates for the series id."""
    frame, excluded = table.frame, set(assigned)
    return [
        name
        for name in frame.columns
        if name not in excluded
        and not pd.api.types.is_numeric_dtype(frame[name])
        and not is_date_column(name, frame[name])
        and (name in (*SERIES_ID_NAMES, *text) or not is_number_column(frame[name]))
    ]


def _guess_time(table: Table, requested: Schema, notes: list[str]) -> Names:
    frame = table.frame
    free = [name for name in frame.columns if name not in requested.named]
    candidates = [name for name in TIME_NAMES if name in free]
    reason = "by its name"
    if not candidates:
        candidates = [name for name in free if is_date_column(name, frame[name])]
        reason = "the only date column"
    if len(candidates) > 1:
        option = "--time COL or data.time"
        raise AmbiguousColumns("time", candidates, frame.columns, option)
    if not candidates:
        notes.append("time: none, the rows are numbered 1, 2, 3, ...")
        return ()
    notes.append(f"time: {candidates[0]!r} ({reason})")
    return (candidates[0],)


def _guess_target(table: Table, schema: Schema, notes: list[str]) -> str:
    frame, assigned = table.frame, {*schema.named, *schema.text, *SERIES_ID_NAMES}
    free = [name for name in frame.columns if name not in assigned]
    candidates = [name for name in TARGET_NAMES if name in free]
    reason = "by its name"
    if not candidates:
        candidates = [name for name in free if is_number_column(frame[name])]
        reason = "the only numeric column"
    if len(candidates) != 1:
        option = "--target COL or data.target"
        raise AmbiguousColumns("target", candidates, frame.columns, option)
    notes.append(f"target: {candidates[0]!r} ({reason})")
    return candidates[0]


def _guess_series_id(table: Table, schema: Schema, notes: list[str]) -> Names:
    frame, assigned, time = table.frame, schema.named, list(schema.time or ())
    candidates = [
        name for name in SERIES_ID_NAMES[:2] if name in frame and name not in assigned
    ]
    reason = "by its name"
    if not candidates and time and frame.duplicated(time).any():
        candidates = [
            name
            for name in text_columns(table, assigned, schema.text)
            if not frame.duplicated([*time, name]).any()
        ]
        if SERIES_ID_NAMES[2] in candidates:
            candidates = [SERIES_ID_NAMES[2]]
        reason = "it tells rows of one time apart"
    if len(candidates) > 1:
        option = "--series-id COL or data.series_id"
        raise AmbiguousColumns("series id", candidates, frame.columns, option)
    if not candidates:
        return ()
    notes.append(f"series_id: {candidates[0]!r} ({reason})")
    return (candidates[0],)
