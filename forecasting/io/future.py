"""New tables for a trained model: observations, and known covariates ahead.


They are read by the schema of the training, and their series are those of the training
where an id differs only by ``.0``, which programs add to whole numbers.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecasting.data.panel import Panel
from forecasting.data.schema import Schema
from forecasting.errors import (
    AmbiguousColumns,
    DataError,
    IrregularTimestamps,
    SettingError,
    UnknownSeries,
    join_shown,
)
from forecasting.io.alignment import read_column
from forecasting.io.columns import find_columns
from forecasting.io.csv_format import Table, read_table
from forecasting.io.frames import FrameLike, read_frame
from forecasting.io.marks import settle_marks
from forecasting.io.panel import read_csv
from forecasting.io.sorting import SEPARATOR, order_rows
from forecasting.timestamps.calendar import format_timestamp
from forecasting.timestamps.zones import to_wall
from forecasting.types import Timestamps


def read_latest(
    source: "str | Path | FrameLike",
    context: Panel,
    *,
    schema: Schema | None = None,
    name: str = "new data",
    **settings: Any,
) -> Panel:
    """Read new observations in the way of the training series.

    Args:
        source: a CSV file or a frame; it may have further columns, in any order.
        context: series of the training.
        schema: of the new table; default that of the training.
        name: of a frame in messages.
        settings: attributes of `Schema` that replace those of the training.

    Raises:
        DataError, SettingError: as `forecasting.io.read_csv`.
        DataError: two ids are one series of the training.
    """
    schema = context.schema if schema is None else schema
    if isinstance(source, str | Path):
        panel = read_csv(source, schema=schema, **settings)
    else:
        panel = read_frame(source, schema=schema, source=name, **settings)
    ids, notes = match_series_ids(panel.series_ids, context.series_ids)
    return replace(panel, series_ids=ids, notes=(*panel.notes, *notes))


def as_panel(
    series: "Panel | FrameLike", trained: Panel | None, settings: Mapping[str, Any]
) -> Panel:
    """Return a panel as it is, and a frame as a panel.

    Args:
        series: a panel, or a frame.
        trained: series whose way of reading holds for a frame; None for none.
        settings: attributes of `Schema` for a frame.

    Raises:
        SettingError: there are settings for a panel.
        DataError: a frame cannot be read.
    """
    if not isinstance(series, Panel):
        if trained is None:
            return read_frame(series, **settings)
        return read_latest(series, trained, **settings)
    if settings:
        name, value = next(iter(settings.items()))
        raise SettingError(name, value, "left out for a panel, which has been read")
    return series


def match_series_ids(
    ids: Sequence[str], trained: Collection[str]
) -> tuple[tuple[str, ...], list[str]]:
    """Find the series of the training that ids name; ``1.0`` names ``1``, not ``01``.

    A model of a single series takes any id.

    Args:
        ids: of new series.
        trained: ids of the training.

    Returns:
        The ids as the training has them, and notes on changed and new ones.

    Raises:
        DataError: two ids name one series of the training, or one id names two.
    """
    if len(trained) == 1:
        return tuple(ids), []
    same, by_number = set(trained), _group(trained, _as_whole)
    matched = []
    for name in ids:
        candidates = [name] if name in same else by_number.get(_as_whole(name), [name])
        if len(candidates) > 1:
            raise DataError(
                f"series {name!r} could be {' or '.join(map(repr, candidates))} of the "
                "training. Write its id as one of these."
            )
        matched.append(candidates[0])
    for name, group in _group(ids, dict(zip(ids, matched, strict=True)).get).items():
        if len(group) > 1:
            raise DataError(
                f"{' and '.join(map(repr, group))} are both series {name!r} of the "
                "training. Write the id in one way."
            )
    changed = [
        f"{name!r} as {new!r}"
        for name, new in zip(ids, matched, strict=True)
        if name != new
    ]
    notes = [f"series read as in training: {join_shown(changed)}"] if changed else []
    return tuple(matched), notes + _new_notes(matched, trained)


def _new_notes(ids: Sequence[str], trained: Collection[str]) -> list[str]:
    """Return a note on series outside the training, with similar ones of it."""
    new = [name for name in ids if name not in set(trained)]
    if not new:
        return []
    near = _group(trained, _as_bare)
    shown = [
        f"{name!r} (similar: {near[_as_bare(name)][0]!r})"
        if _as_bare(name) in near
        else repr(name)
        for name in new
    ]
    return [f"series new to the model: {join_shown(shown)}"]


def _group(names: Collection[str], key: Any) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(key(name), []).append(name)
    return groups


def _as_whole(name: str) -> str:
    """Return an id with whole numbers without decimals: ``1.0`` as ``1``."""
    parts = name.split(SEPARATOR)
    return SEPARATOR.join(re.sub(r"^(\d+)\.0+$", r"\1", part) for part in parts)


def _as_bare(name: str) -> str:
    """Return an id without case, spaces and leading zeros."""
    parts = _as_whole("".join(name.casefold().split())).split(SEPARATOR.strip())
    return SEPARATOR.join(part.lstrip("0") or part for part in parts)


def read_future(
    source: str | Path | pd.DataFrame,
    panel: Panel,
    names: Sequence[str],
    **settings: Any,
) -> dict[str, dict[str, npt.NDArray[Any]]]:
    """Read known covariates of the steps ahead, for `Forecaster.predict`.

    Args:
        source: a CSV file or a frame, a row a step of a series, in any order. Rows up
            to a series' last observation are ignored; without a column of timestamps,
            the rows are the steps ahead.
        panel: the series to forecast.
        names: names of the covariates.
        settings: attributes of `Schema`, such as ``time`` and ``series_id``; default:
            the columns of the panel's schema; those that lack are inferred.

    Raises:
        DataError: the table cannot be read, lacks a column or a value, names a series
            outside the panel, names none while the panel has several, or its
            timestamps are not those of the steps ahead.
    """
    table, schema = _read_plan(source, panel, names, settings)
    axis = order_rows(table, schema, panel.series_ids[0])
    moments = axis.timestamps
    if panel.calendar.zone is None:  # the series' days are those of the wall time
        moments = to_wall(moments, axis.zone)
    ids = axis.series_ids
    if schema.series_id:
        ids, _ = match_series_ids(ids, panel.series_ids)
    place = {name: row for row, name in enumerate(panel.series_ids)}
    unknown = [name for name in ids if name not in place]
    if unknown:
        raise UnknownSeries(unknown, panel.series_ids)
    last, rows_of_series = panel.last_timestamps(), {}
    for row, name in enumerate(ids):
        part = slice(axis.offsets[row], axis.offsets[row + 1])
        is_ahead = np.ones(part.stop - part.start, dtype=bool)
        if schema.time:
            end = last[place[name]]
            is_ahead = _is_ahead(name, moments[part], end, panel)
        rows_of_series[name] = axis.order[part][is_ahead]
    rows = np.concatenate(list(rows_of_series.values()))
    future: dict[str, dict[str, npt.NDArray[Any]]] = {}
    for name in names:
        values, _ = read_column(table, name, text=name in schema.text, rows=rows)
        future[name] = {series: values[part] for series, part in rows_of_series.items()}
    return future


def _read_plan(
    source: str | Path | pd.DataFrame,
    panel: Panel,
    names: Sequence[str],
    settings: dict[str, Any],
) -> tuple[Table, Schema]:
    """Read the table of the steps ahead, and find its time and series columns.

    Raises:
        AmbiguousColumns: the panel has several series, and no column names them.
    """
    requested = replace(
        panel.schema,
        freq=None,
        zone=panel.calendar.zone,
        time_format=None,
        resample=None,
        aggregate=None,
    )
    requested = requested.override(settings)
    if isinstance(source, pd.DataFrame):
        frame = source.reset_index(drop=True)
        table = Table(frame, np.arange(len(frame)), "row", "", "future")
    else:
        table = read_table(source, requested)
    is_remembered = settings.get("decimal") is None
    table = settle_marks(table, requested, is_remembered=is_remembered)
    columns = set(table.frame.columns)
    explicit = Schema().override(settings)
    requested = replace(
        requested,
        time=explicit.time or _if_present(panel.schema.time, columns),
        series_id=explicit.series_id or _if_present(panel.schema.series_id, columns),
        target=names[0],
        past_covariates=(),
        known_covariates=tuple(names[1:]),
        static_covariates=(),
    )
    schema, _ = find_columns(table, requested)
    if len(panel) > 1 and not schema.series_id:
        option = "--series-id COL or data.series_id"
        raise AmbiguousColumns("series id", [], table.frame.columns, option)
    return table, schema


def _if_present(
    names: tuple[str, ...] | None, columns: Collection[str]
) -> tuple[str, ...] | None:
    return names if names and set(names) <= set(columns) else None


def _is_ahead(
    name: str, moments: Timestamps, end: Any, panel: Panel
) -> npt.NDArray[np.bool_]:
    """Return the mask of moments after a series' end; they must be its next steps."""
    if moments.dtype != panel.timestamps.dtype:
        raise IrregularTimestamps(
            f"the future of series {name!r} has timestamps such as "
            f"{format_timestamp(moments[0])}, the series such as "
            f"{format_timestamp(end)}",
            "Give both dates, or both steps.",
        )
    is_ahead = moments > end
    actual = moments[is_ahead]
    expected = panel.calendar.future(np.asarray([end]), len(actual))[0]
    wrong = np.flatnonzero(actual != expected)
    if len(wrong):
        at = wrong[0]
        raise IrregularTimestamps(
            f"step {at + 1} ahead of series {name!r} is "
            f"{format_timestamp(expected[at], panel.calendar.zone)}; found "
            f"{format_timestamp(actual[at], panel.calendar.zone)}",
            "Give one row for each step after the last observation.",
        )
    return np.asarray(is_ahead)
