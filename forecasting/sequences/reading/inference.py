"""Columns of series with labels or symbols, inferred where only one column fits."""

from collections.abc import Sequence
from dataclasses import replace

from forecasting.data.schema import Names, Schema, split_list
from forecasting.errors import AmbiguousColumns, MissingColumns
from forecasting.io.columns import text_columns
from forecasting.io.csv_format import SERIES_ID_NAMES, Table
from forecasting.io.numbers import is_number_column
from forecasting.io.time_columns import guess_time
from forecasting.sequences.reading.columns import SequenceColumns, Task

LABEL_NAMES, SYMBOL_NAMES = ("label", "class"), ("symbol", "event")
ID_OPTION = (
    "--series-id COL or data.series_id (an empty list says that there is one series)"
)
LABEL_OPTION = "--label COL or data.label"
SYMBOL_OPTION = "--symbol COL or data.symbol"
CHANNELS_OPTION = "--channels COL,COL or data.channels"


def infer_columns(
    table: Table,
    task: Task,
    requested: SequenceColumns,
    *,
    time: Names | None = None,
    is_one_series: bool = False,
) -> tuple[SequenceColumns, list[str]]:
    """Infer the columns that are not requested.

    Args:
        table: a row for each step.
        task: a label for a series, a label for a step, or symbols.
        requested: columns by the user; empty ones are inferred.
        time: columns of the time by the user: empty for rows in order, None to infer.
        is_one_series: whether the user says that all rows are one series.

    Returns:
        The columns, and notes on the inferred ones.

    Raises:
        MissingColumns: a requested column is not in the table.
        AmbiguousColumns: several columns fit a role that must have one.
    """
    names = [str(name) for name in table.frame.columns]
    columns = _split(replace(requested, time=time or ()), names)
    used = {*columns.series_id, *columns.time, *columns.channels}
    used |= {columns.label, columns.symbol} - {""}
    if missing := [name for name in used if name not in names]:
        raise MissingColumns(missing, names)
    notes: list[str] = []
    if not columns.series_id and not is_one_series:
        by_name = [name for name in SERIES_ID_NAMES if name in names]
        by_name = [name for name in by_name if name not in used][:1]
        columns = replace(columns, series_id=tuple(by_name))
        notes += [f"series_id: {name!r} (by its name)" for name in by_name]
    is_open = not columns.series_id and not is_one_series
    if task == "next":
        return _infer_symbols(table, columns, time, is_open, notes)
    if not columns.label:
        columns = replace(columns, label=_guess_label(table, columns, notes))
    if is_open:
        series_id = _guess_series(table, task, columns, notes)
        columns = replace(columns, series_id=series_id)
    if time is None:
        columns = replace(columns, time=_guess_time(table, columns, notes))
    if not columns.channels:
        columns = replace(columns, channels=_guess_channels(table, columns, notes))
    return columns, [*notes, *_unused_notes(names, columns)]


def _split(columns: SequenceColumns, names: Sequence[str]) -> SequenceColumns:
    """Split a name that is no column, but a list of them: ``x,y,z``."""
    series_id, time, channels = (
        tuple(
            part
            for name in role
            for part in ([name] if name in names else split_list(name))
        )
        for role in (columns.series_id, columns.time, columns.channels)
    )
    return replace(columns, series_id=series_id, time=time, channels=channels)


def _assigned(columns: SequenceColumns) -> set[str]:
    roles = (*columns.series_id, *columns.time, *columns.channels)
    return {*roles, columns.label, columns.symbol}


def _infer_symbols(
    table: Table,
    columns: SequenceColumns,
    time: Names | None,
    is_open: bool,
    notes: list[str],
) -> tuple[SequenceColumns, list[str]]:
    """Infer the columns of symbols: by the name, or the only one beside the others."""
    names = list(table.frame.columns)
    if not columns.symbol:
        by_name = [name for name in SYMBOL_NAMES if name in names]
        if len(by_name) == 1:
            columns = replace(columns, symbol=by_name[0])
            notes.append(f"symbol: {by_name[0]!r} (by its name)")
    if columns.symbol and is_open:
        series_id = _guess_series(table, "next", columns, notes)
        columns = replace(columns, series_id=series_id)
    if time is None:
        columns = replace(columns, time=_guess_time(table, columns, notes))
    if not columns.symbol:
        free = [name for name in names if name not in _assigned(columns)]
        if len(free) != 1:
            raise AmbiguousColumns("symbol", free, names, SYMBOL_OPTION)
        columns = replace(columns, symbol=free[0])
        notes.append(f"symbol: {free[0]!r} (the only column left)")
    notes += _unused_notes(names, columns)
    return columns, notes


def _guess_label(table: Table, columns: SequenceColumns, notes: list[str]) -> str:
    names = list(table.frame.columns)
    candidates = [name for name in LABEL_NAMES if name in names]
    reason = "by its name"
    if not candidates:
        candidates = text_columns(table, _assigned(columns))
        reason = "the only column of text left"
    if len(candidates) != 1:
        raise AmbiguousColumns("label", candidates, names, LABEL_OPTION)
    notes.append(f"label: {candidates[0]!r} ({reason})")
    return str(candidates[0])


def _guess_series(
    table: Table, task: Task, columns: SequenceColumns, notes: list[str]
) -> Names:
    """Return the only column of text left; none where all rows may be one series.

    With a label for each series, one in whose groups the label is the same.

    Raises:
        AmbiguousColumns: several columns fit, or none to a label for each series.
    """
    frame = table.frame
    candidates = text_columns(table, _assigned(columns))
    if task == "classify":
        label = frame[columns.label]
        candidates = [
            name
            for name in candidates
            if label.groupby(frame[name]).nunique(dropna=False).max() == 1
        ]
    if not candidates and task != "classify":
        return ()
    if len(candidates) != 1:
        raise AmbiguousColumns("series id", candidates, frame.columns, ID_OPTION)
    notes.append(f"series_id: {candidates[0]!r} (the only column of text left)")
    return (str(candidates[0]),)


def _guess_time(table: Table, columns: SequenceColumns, notes: list[str]) -> Names:
    text = tuple(name for name in (columns.label, columns.symbol) if name)
    settled = Schema(
        series_id=columns.series_id or None,
        past_covariates=(*columns.channels, *text),
        text=text,
    )
    return guess_time(table, settled, notes)


def _guess_channels(table: Table, columns: SequenceColumns, notes: list[str]) -> Names:
    frame, assigned = table.frame, _assigned(columns)
    free = [name for name in frame.columns if name not in assigned]
    channels = tuple(str(name) for name in free if is_number_column(frame[name]))
    if not channels:
        raise AmbiguousColumns("channel", [], frame.columns, CHANNELS_OPTION)
    shown = ", ".join(map(repr, channels))
    notes.append(f"channels: {shown} (all numbers left; {CHANNELS_OPTION} says others)")
    return channels


def _unused_notes(names: Sequence[str], columns: SequenceColumns) -> list[str]:
    others = [repr(str(name)) for name in names if name not in _assigned(columns)]
    return [f"not used: {', '.join(others)}"] if others else []
