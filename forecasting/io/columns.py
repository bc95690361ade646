"""Roles of columns: time, target and series id, inferred where not requested."""

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from forecasting.errors import AmbiguousColumns, MissingColumns, SettingError
from forecasting.io.csv_format import SERIES_ID_NAMES, Table
from forecasting.io.numbers import is_number_column
from forecasting.timestamps.parsing import is_date_column

TIME_NAMES = ("timestamp", "ds")
TARGET_NAMES = ("target", "y")


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnRoles:
    """Assignment of columns to roles, possibly incomplete.

    Attributes:
        time: timestamps; None for numbered rows.
        target: the values to forecast.
        series_id: names of the series; None for a single one.
        covariates: further columns to read.
    """

    time: str | None = None
    target: str | None = None
    series_id: str | None = None
    covariates: tuple[str, ...] = ()

    @property
    def named(self) -> tuple[str, ...]:
        """Columns that have a role."""
        roles = (self.time, self.target, self.series_id)
        return (*(name for name in roles if name is not None), *self.covariates)


def find_columns(
    table: Table, requested: ColumnRoles
) -> tuple[ColumnRoles, str, list[str]]:
    """Infer the roles that are not requested, where only one column fits.

    Returns:
        The roles, the target, and notes on the guesses.

    Raises:
        MissingColumns: a requested column is not in the table.
        AmbiguousColumns: several columns fit a role.
        SettingError: a column is requested for two roles.
    """
    names = list(table.frame.columns)
    missing = [name for name in requested.named if name not in names]
    if missing:
        raise MissingColumns(missing, names)
    duplicates = [
        name for name in set(requested.named) if requested.named.count(name) > 1
    ]
    if duplicates:
        raise SettingError("columns", min(duplicates), "named for one role each")
    notes: list[str] = []
    time = requested.time or _guess_time(table, requested, notes)
    assigned = {*requested.named, time}
    target = requested.target or _guess_target(table, assigned, notes)
    series_id = requested.series_id or _guess_series_id(
        table, time, {*assigned, target}, notes
    )
    roles = ColumnRoles(
        time=time, target=target, series_id=series_id, covariates=requested.covariates
    )
    return roles, target, notes


def text_columns(table: Table, assigned: Iterable[str | None]) -> list[str]:
    """Return the text columns without a role: candidates for the series id."""
    frame, excluded = table.frame, set(assigned)
    return [
        name
        for name in frame.columns
        if name not in excluded
        and not pd.api.types.is_numeric_dtype(frame[name])
        and not is_date_column(name, frame[name])
        and (name in SERIES_ID_NAMES or not is_number_column(frame[name]))
    ]


def _guess_time(table: Table, requested: ColumnRoles, notes: list[str]) -> str | None:
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
        return None
    notes.append(f"time: {candidates[0]!r} ({reason})")
    return candidates[0]


def _guess_target(table: Table, assigned: set[str | None], notes: list[str]) -> str:
    frame = table.frame
    free = [name for name in frame.columns if name not in {*assigned, *SERIES_ID_NAMES}]
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


def _guess_series_id(
    table: Table, time: str | None, assigned: set[str | None], notes: list[str]
) -> str | None:
    frame = table.frame
    candidates = [
        name for name in SERIES_ID_NAMES[:2] if name in frame and name not in assigned
    ]
    reason = "by its name"
    if not candidates and time is not None and frame[time].duplicated().any():
        candidates = [
            name
            for name in text_columns(table, assigned)
            if not frame.duplicated([time, name]).any()
        ]
        if SERIES_ID_NAMES[2] in candidates:
            candidates = [SERIES_ID_NAMES[2]]
        reason = "it tells rows of one time apart"
    if len(candidates) > 1:
        option = "--series-id COL or data.series_id"
        raise AmbiguousColumns("series id", candidates, frame.columns, option)
    if not candidates:
        return None
    notes.append(f"series_id: {candidates[0]!r} ({reason})")
    return candidates[0]
