"""Which column is the time, the target and the series id, where nobody said."""

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from forecasting.errors import AmbiguousColumns, MissingColumns, SettingError
from forecasting.io.csv_format import ID_NAMES, Table
from forecasting.io.numbers import is_number_column
from forecasting.timestamps.parsing import is_date_column

TIME_NAMES = ("timestamp", "ds")


TARGET_NAMES = ("target", "y")


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """The columns' roles, as far as they are known.

    Attributes:
        time: timestamps; None for rows that are numbered.
        target: the values to forecast.
        series_id: names of the series; None for a single one.
        covariates: further columns to keep.
    """

    time: str | None = None
    target: str | None = None
    series_id: str | None = None
    covariates: tuple[str, ...] = ()

    @property
    def named(self) -> tuple[str, ...]:
        """Every column that has a role."""
        roles = (self.time, self.target, self.series_id)
        return (*(name for name in roles if name is not None), *self.covariates)


def find_columns(table: Table, asked: Columns) -> tuple[Columns, str, list[str]]:
    """Complete the columns' roles where the table makes them plain.

    Returns:
        The roles, the target, and notes of what was guessed.

    Raises:
        MissingColumns: a column that was asked for is not there.
        AmbiguousColumns: several columns could play a role.
        SettingError: a column was asked for in two roles.
    """
    names = list(table.frame.columns)
    missing = [name for name in asked.named if name not in names]
    if missing:
        raise MissingColumns(missing, names)
    twice = [name for name in set(asked.named) if asked.named.count(name) > 1]
    if twice:
        raise SettingError("columns", min(twice), "named for one role each")
    notes: list[str] = []
    time = asked.time or _guess_time(table, asked, notes)
    taken = {*asked.named, time}
    target = asked.target or _guess_target(table, taken, notes)
    series_id = asked.series_id or _guess_series_id(
        table, time, {*taken, target}, notes
    )
    found = Columns(
        time=time, target=target, series_id=series_id, covariates=asked.covariates
    )
    return found, target, notes


def text_columns(table: Table, taken: Iterable[str | None]) -> list[str]:
    """Return the columns of text that have no role: one of them may name the series."""
    frame, without = table.frame, set(taken)
    return [
        name
        for name in frame.columns
        if name not in without
        and not pd.api.types.is_numeric_dtype(frame[name])
        and not is_date_column(name, frame[name])
        and (name in ID_NAMES or not is_number_column(frame[name]))
    ]


def _guess_time(table: Table, asked: Columns, notes: list[str]) -> str | None:
    frame = table.frame
    free = [name for name in frame.columns if name not in asked.named]
    found = [name for name in TIME_NAMES if name in free]
    reason = "by its name"
    if not found:
        found = [name for name in free if is_date_column(name, frame[name])]
        reason = "the only date column"
    if len(found) > 1:
        option = "--time COL or data.time"
        raise AmbiguousColumns("time", found, frame.columns, option)
    if not found:
        notes.append("time: none, the rows are numbered 1, 2, 3, ...")
        return None
    notes.append(f"time: {found[0]!r} ({reason})")
    return found[0]


def _guess_target(table: Table, taken: set[str | None], notes: list[str]) -> str:
    frame = table.frame
    free = [name for name in frame.columns if name not in {*taken, *ID_NAMES}]
    found = [name for name in TARGET_NAMES if name in free]
    reason = "by its name"
    if not found:
        found = [name for name in free if is_number_column(frame[name])]
        reason = "the only numeric column"
    if len(found) != 1:
        option = "--target COL or data.target"
        raise AmbiguousColumns("target", found, frame.columns, option)
    notes.append(f"target: {found[0]!r} ({reason})")
    return found[0]


def _guess_series_id(
    table: Table, time: str | None, taken: set[str | None], notes: list[str]
) -> str | None:
    frame = table.frame
    found = [name for name in ID_NAMES[:2] if name in frame and name not in taken]
    reason = "by its name"
    if not found and time is not None and frame[time].duplicated().any():
        found = [
            name
            for name in text_columns(table, taken)
            if not frame.duplicated([time, name]).any()
        ]
        if ID_NAMES[2] in found:
            found = [ID_NAMES[2]]
        reason = "it tells rows of one time apart"
    if len(found) > 1:
        option = "--series-id COL or data.series_id"
        raise AmbiguousColumns("series id", found, frame.columns, option)
    if not found:
        return None
    notes.append(f"series_id: {found[0]!r} ({reason})")
    return found[0]
