"""Roles of columns: time, target and series id, inferred where not requested."""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from forecasting.data.schema import NAME_SETTINGS, Names, Schema, split_list
from forecasting.errors import AmbiguousColumns, MissingColumns
from forecasting.io.csv_format import SERIES_ID_NAMES, Table
from forecasting.io.numbers import is_number_column
from forecasting.io.time_columns import guess_time
from forecasting.timestamps.parsing import is_date_column, part_of_column

TARGET_NAMES = ("target", "y")
COVARIATE_OPTIONS = "--known, --past or --static (covariates)"
ID_OPTION = (
    "--series-id COL or data.series_id (an empty list says that there is one series)"
)


def find_columns(
    table: Table, requested: Schema, *, is_trained: bool = False
) -> tuple[Schema, list[str]]:
    """Infer the roles that are not requested, where only one column fits.

    Args:
        table: the table.
        requested: its schema, incomplete.
        is_trained: whether the schema is that of a trained model, which does not use
            further columns.

    Returns:
        The schema with time, target and series id, and notes on the guesses.

    Raises:
        MissingColumns: a requested column is not in the table.
        AmbiguousColumns: several columns fit a role.
    """
    names = list(table.frame.columns)
    notes: list[str] = []
    schema = split_lists(requested, names)
    if is_trained:
        schema = _without_absent(schema, names, notes)
    missing = [name for name in schema.named if name not in names]
    if missing:
        advice = _rename_advice(schema, missing[0], names) if is_trained else None
        raise MissingColumns(missing, names, *filter(None, [advice]))
    if schema.time is None:
        schema = replace(schema, time=guess_time(table, schema, notes))
    if schema.target is None:
        schema = replace(schema, target=_guess_target(table, schema, notes))
    if schema.series_id is None:
        schema = replace(schema, series_id=_guess_series_id(table, schema, notes))
    if not is_trained:
        notes += _unused_notes(table, schema)
    return schema, notes


def split_lists(requested: Schema, names: Sequence[str]) -> Schema:
    """Split a requested name that is no column, but a list of them: ``store,item``."""
    split = {
        role: tuple(
            part
            for name in columns
            for part in ([name] if name in names else split_list(name))
        )
        for role in NAME_SETTINGS
        if (columns := getattr(requested, role))
    }
    return requested.override(split)


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


def _without_absent(schema: Schema, names: Sequence[str], notes: list[str]) -> Schema:
    """Return the schema without time or ids that a table of fewer columns lacks.

    Where a table has columns outside the schema, one of them may be the renamed one.
    """
    if set(names) - set(schema.named):
        return schema
    for role, meaning in (
        ("time", "the rows are numbered"),
        ("series_id", "one series, without a name"),
    ):
        columns = getattr(schema, role) or ()
        if columns and not set(columns) & set(names):
            schema = schema.override({role: ()})
            notes.append(f"no column {', '.join(map(repr, columns))}: {meaning}")
    return schema


def _rename_advice(schema: Schema, missing: str, names: Sequence[str]) -> str:
    """Return advice on a column that a trained model needs."""
    near = difflib.get_close_matches(missing.casefold(), map(str.casefold, names), 1)
    similar = [name for name in names if near and name.casefold() == near[0]]
    hint = f" Is it {similar[0]!r}?" if similar else ""
    roles = {"time": schema.time, "series-id": schema.series_id}
    option = next((o for o, columns in roles.items() if missing in (columns or ())), "")
    option = "target" if missing == schema.target else option
    if option:
        renamed = f"Say with --{option} which column it is, if it has another name."
    else:
        renamed = "Add it, or rename the column that it is."
    return f"The model was trained with it.{hint} {renamed}"


def left_text(table: Table, schema: Schema) -> list[str]:
    """Return the text columns that may name series, where no column does."""
    return [] if schema.series_id else text_columns(table, schema.named)


def _unused_notes(table: Table, schema: Schema) -> list[str]:
    """Return a note with all columns that have no role, and the options for them."""
    unused = [name for name in table.frame.columns if name not in schema.named]
    if not unused:
        return []
    options = [COVARIATE_OPTIONS]
    if not schema.series_id and text_columns(table, schema.named):
        options.insert(0, "--series-id (names of series)")
    names = ", ".join(map(repr, unused))
    return [f"not used: {names}; to use them: {' or '.join(options)}"]


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
        return ()
    notes.append(f"series_id: {candidates[0]!r} ({reason})")
    return (candidates[0],)


def _block_columns(table: Table, assigned: Iterable[str]) -> list[str]:
    """Return the text columns with equal values in blocks, in rows without time.

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
