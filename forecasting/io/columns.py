"""Roles of columns: time, target and series id, inferred where not requested."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pandas as pd

from forecasting.data.schema import Names, Schema
from forecasting.errors import MAX_SHOWN, AmbiguousColumns, MissingColumns
from forecasting.io.csv_format import SERIES_ID_NAMES, Table
from forecasting.io.numbers import is_number_column
from forecasting.io.time_columns import guess_time, split_names
from forecasting.timestamps.parsing import is_date_column, part_of_column

TARGET_NAMES = ("target", "y")
ID_OPTION = (
    "--series-id COL or data.series_id (an empty list says that there is one series)"
)


def find_columns(table: Table, requested: Schema) -> tuple[Schema, list[str]]:
    """Infer the roles that are not requested, where only one column fits.

    Returns:
        The schema with time, target and series id, and notes on the guesses.

    Raises:
        MissingColumns: a requested column is not in the table.
        AmbiguousColumns: several columns fit a role.
    """
    names = list(table.frame.columns)
    requested = replace(requested, time=split_names(requested.time, names))
    missing = [name for name in requested.named if name not in names]
    if missing:
        raise MissingColumns(missing, names)
    notes: list[str] = []
    schema = requested
    if schema.time is None:
        schema = replace(schema, time=guess_time(table, schema, notes))
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
        and part_of_column(name, frame[name]) is None
        and (name in (*SERIES_ID_NAMES, *text) or not is_number_column(frame[name]))
    ]


def _guess_target(table: Table, schema: Schema, notes: list[str]) -> str:
    frame, assigned = table.frame, {*schema.named, *schema.text, *SERIES_ID_NAMES}
    free = [name for name in frame.columns if name not in assigned]
    candidates = [name for name in TARGET_NAMES if name in free]
    reason = "by its name"
    if not candidates:
        candidates = [name for name in free if is_number_column(frame[name])]
        values = [
            name for name in candidates if part_of_column(name, frame[name]) is None
        ]
        if len(candidates) > 1 and len(values) == 1:  # beside a date, year and month
            candidates = values
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
    elif not candidates and not time:
        candidates = _block_columns(table, assigned)
        reason = "its rows stand one series after another"
    if len(candidates) > 1:
        raise AmbiguousColumns("series id", candidates, frame.columns, ID_OPTION)
    if not candidates:
        _note_text_columns(table, assigned, notes)
        return ()
    notes.append(f"series_id: {candidates[0]!r} ({reason})")
    return (candidates[0],)


def _block_columns(table: Table, assigned: Iterable[str]) -> list[str]:
    """Return the text columns whose equal values stand together, in rows without time.

    Raises:
        AmbiguousColumns: these blocks have different lengths, so that they may be
            series or parts of one.
    """
    blocks = []
    for name in text_columns(table, assigned):
        codes = pd.factorize(table.frame[name].astype(str))[0]
        counts = np.bincount(codes)
        changes = int((np.diff(codes) != 0).sum())
        if changes == len(counts) - 1 and len(counts) > 1 and counts.max() > 2:
            blocks.append((name, bool((counts == counts[0]).all())))
    uneven = [name for name, is_even in blocks if not is_even]
    if uneven:
        raise AmbiguousColumns("series id", uneven, table.frame.columns, ID_OPTION)
    return [name for name, _ in blocks]


def _note_text_columns(table: Table, assigned: Iterable[str], notes: list[str]) -> None:
    names = text_columns(table, assigned)
    if names:
        shown = ", ".join(map(repr, names[:MAX_SHOWN]))
        notes.append(f"not used: {shown} (text; if it names the series: --series-id)")
