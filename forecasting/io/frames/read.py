"""Frames of pandas, polars and pyarrow as tables: indices, periods, types of columns.

An index level that holds moments, or that names the series, counts as a column. The
frame itself is never changed.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol, TypeAlias

import numpy as np
import pandas as pd

from forecasting.data.panel import Panel
from forecasting.data.schema import Schema
from forecasting.errors import AmbiguousColumns, UnreadableData
from forecasting.io.csv_format import SERIES_ID_NAMES, Table, check_unique
from forecasting.io.frames.column_types import to_plain_column, whole_ids
from forecasting.io.panel import build_panel, requested_schema
from forecasting.timestamps.parsing import is_date_column

TIME, SERIES_ID, TARGET = "timestamp", "series_id", "target"
WIDE_ADVICE = (
    "target=..., or, where each column is a series, give the frame as "
    "frame.melt(ignore_index=False, var_name='series_id', value_name='target')"
)


class SupportsToPandas(Protocol):
    """Frame or series of another library, such as polars or pyarrow."""

    def to_pandas(self) -> Any:
        """Return the same rows as a pandas frame or series."""


FrameLike: TypeAlias = "pd.DataFrame | pd.Series[Any] | SupportsToPandas"


def read_frame(
    frame: FrameLike,
    *,
    schema: Schema | None = None,
    source: str = "frame",
    **settings: Any,
) -> Panel:
    """Read a frame or series in the way of `read_csv`, without changing it.

    Index levels count as columns if they hold moments, name the series or are named by
    a setting. A level without a name is called ``timestamp`` or ``series_id``; the
    values of a series without a name are called ``target``.

    Args:
        frame: one row a moment of a series, in any order: a frame or series of pandas,
            or one of polars or pyarrow.
        schema, settings: as in `read_csv`.
        source: name of the frame in messages.

    Raises:
        DataError, SettingError: as `read_csv`.
    """
    requested = requested_schema(schema, settings)
    plain = to_pandas(frame, source)
    if isinstance(plain, pd.Series):
        plain = plain.to_frame(_series_name(plain, requested))
    table, requested = to_table(plain, requested, source)
    is_wide = isinstance(plain.index, pd.DatetimeIndex | pd.PeriodIndex)
    try:
        return build_panel(
            table,
            requested,
            is_trained=schema is not None,
            is_remembered=schema is not None and settings.get("decimal") is None,
        )
    except AmbiguousColumns as error:
        role, candidates = error.role, error.candidates
        advice = f"the keyword {role.replace(' ', '_')}"
        if role == "target" and is_wide and len(candidates) > 1:
            advice = WIDE_ADVICE
        names = table.frame.columns
        raise AmbiguousColumns(role, candidates, names, advice) from None


def to_pandas(frame: Any, source: str = "frame") -> "pd.DataFrame | pd.Series[Any]":
    """Return a frame or series of any library as one of pandas.

    Raises:
        UnreadableData: the object is no frame.
    """
    if isinstance(frame, pd.DataFrame | pd.Series):
        return frame
    if hasattr(frame, "to_dict") and hasattr(frame, "schema"):  # polars, no pyarrow
        columns = frame.to_dict(as_series=False)
        return pd.DataFrame(columns)
    if hasattr(frame, "to_pandas"):
        return to_pandas(frame.to_pandas(), source)
    if hasattr(frame, "__dataframe__"):
        return pd.api.interchange.from_dataframe(frame)
    problem = f"{type(frame).__name__} is no frame"
    if hasattr(frame, "collect"):
        raise UnreadableData(source, problem, "Call its collect() first.")
    raise UnreadableData(source, problem, "Give a frame or series of pandas.")


def to_table(
    frame: pd.DataFrame, requested: Schema, source: str
) -> tuple[Table, Schema]:
    """Return a frame as a table, and the schema with the roles that its index shows.

    Raises:
        UnreadableData: there is no row, two columns have one name, or an index level
            and a column of one name differ.
    """
    if isinstance(frame.columns, pd.MultiIndex):
        problem = f"the columns have {frame.columns.nlevels} levels"
        raise UnreadableData(source, problem, "Give every column a single name.")
    if frame.empty:
        raise UnreadableData(source, "there are no rows", "Give at least one.")
    names = [str(name).strip() for name in frame.columns]
    check_unique(source, names)
    columns = {name: frame.iloc[:, at] for at, name in enumerate(names)}
    levels = _index_columns(frame.index, columns, requested)
    for name, level in levels.items():
        if name in columns and not _are_equal(level, columns[name]):
            problem = f"the index and a column are both named {name!r}, and differ"
            raise UnreadableData(source, problem, "Rename one of them.")
    roles, notes = _roles_of_levels(frame.index, levels, requested)
    columns = {**levels, **columns}
    categories = [
        name
        for name, column in columns.items()
        if isinstance(column.dtype, pd.CategoricalDtype) and name not in requested.text
    ]
    requested = replace(requested, text=(*requested.text, *categories), **roles)
    plain = {name: to_plain_column(name, column) for name, column in columns.items()}
    for name in {*(requested.series_id or ()), *SERIES_ID_NAMES} & plain.keys():
        plain[name] = whole_ids(plain[name])
    rows = pd.DataFrame(
        {n: c.to_numpy() if c.dtype == object else c.array for n, c in plain.items()}
    )
    return (
        Table(rows, np.arange(len(rows)), "row", "", source, tuple(notes)),
        requested,
    )


def _series_name(series: "pd.Series[Any]", requested: Schema) -> Hashable:
    """Return the name of a series' values: without one, that of the target."""
    return (requested.target or TARGET) if series.name is None else series.name


def _index_columns(
    index: pd.Index, columns: Mapping[str, Any], requested: Schema
) -> dict[str, "pd.Series[Any]"]:
    """Return the levels of an index that count as columns, by name."""
    levels: dict[str, pd.Series[Any]] = {}
    is_multiple = index.nlevels > 1
    for at in range(index.nlevels):
        values = index.get_level_values(at)
        level = pd.Series(values.array)
        has_name = index.names[at] is not None
        name = str(index.names[at]).strip() if has_name else ""
        kind = _kind_of_level(name, level)
        is_label = kind == SERIES_ID or name in (*SERIES_ID_NAMES, *requested.named)
        if is_multiple or kind == TIME or (has_name and is_label):
            name = name or _name_of_level(kind, levels, columns, requested)
            levels[name] = level
    return levels


def _kind_of_level(name: str, level: "pd.Series[Any]") -> str:
    """Return the likely role of a level: its moments, names or numbers of rows."""
    plain = to_plain_column(name, level)
    if is_date_column(name, plain):
        return TIME
    return "" if pd.api.types.is_numeric_dtype(plain.dtype) else SERIES_ID


def _name_of_level(
    kind: str,
    levels: Mapping[str, Any],
    columns: Mapping[str, Any],
    requested: Schema,
) -> str:
    """Return a name for a level without one."""
    names = requested.time if kind == TIME else requested.series_id
    name = names[0] if names and len(names) == 1 else (kind or TIME)
    taken_names = {*levels, *(columns if kind != TIME else ())}
    number = 2
    unique = name
    while unique in taken_names:
        unique, number = f"{name}_{number}", number + 1
    return unique


def _roles_of_levels(
    index: pd.Index, levels: Mapping[str, "pd.Series[Any]"], requested: Schema
) -> tuple[dict[str, Any], list[str]]:
    """Return the roles that the levels of a multiple index show, and notes on them."""
    if index.nlevels == 1:
        return {}, []
    free = [name for name in levels if name not in requested.named]
    kinds = {name: _kind_of_level(name, levels[name]) for name in free}
    moments = [name for name in free if kinds[name] == TIME]
    if not moments:  # numbered steps
        moments = [name for name in free if not kinds[name]][-1:]
    labels = [name for name in free if name not in moments]
    roles: dict[str, Any] = {}
    if requested.time is None and len(moments) == 1:
        roles["time"] = tuple(moments)
    if requested.series_id is None and labels:
        roles["series_id"] = tuple(labels)
    notes = [
        f"{role}: {', '.join(map(repr, names))} (of the index)"
        for role, names in roles.items()
    ]
    return roles, notes


def _are_equal(level: "pd.Series[Any]", column: "pd.Series[Any]") -> bool:
    """Test if an index level and a column hold the same values."""
    values: Sequence[Any] = column.tolist()
    return level.tolist() == values
