"""Known covariates of the steps ahead, from a separate table."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecasting.data.panel import Panel
from forecasting.data.schema import Schema
from forecasting.errors import IrregularTimestamps, UnknownSeries
from forecasting.io.alignment import read_column
from forecasting.io.columns import find_columns
from forecasting.io.csv_format import Table, read_table
from forecasting.io.marks import settle_marks
from forecasting.io.sorting import order_rows
from forecasting.timestamps.calendar import format_timestamp
from forecasting.timestamps.zones import to_wall
from forecasting.types import Timestamps


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
            they are inferred.

    Raises:
        DataError: the table cannot be read, lacks a column or a value, names a series
            outside the panel, or its timestamps are not those of the steps ahead.
    """
    memory = Schema(text=panel.schema.text, decimal=panel.schema.decimal)
    requested = memory.override(settings)
    if isinstance(source, pd.DataFrame):
        frame = source.reset_index(drop=True)
        table = Table(frame, np.arange(len(frame)), "row", "", "future")
    else:
        table = read_table(source, requested)
    table = settle_marks(table, requested, is_remembered=True)
    roles = {"target": names[0], "known_covariates": names[1:]}
    schema, _ = find_columns(table, requested.override(roles))
    schema = replace(schema, zone=panel.calendar.zone)
    axis = order_rows(table, schema, panel.series_ids[0])
    moments = axis.timestamps
    if panel.calendar.zone is None:  # the series' days are those of the wall time
        moments = to_wall(moments, axis.zone)
    place = {name: row for row, name in enumerate(panel.series_ids)}
    unknown = [name for name in axis.series_ids if name not in place]
    if unknown:
        raise UnknownSeries(unknown, panel.series_ids)
    last, rows_of_series = panel.last_timestamps(), {}
    for row, name in enumerate(axis.series_ids):
        part = slice(axis.offsets[row], axis.offsets[row + 1])
        is_ahead = np.ones(part.stop - part.start, dtype=bool)
        if schema.time:
            end = last[place[name]]
            is_ahead = _is_ahead(name, moments[part], end, panel)
        rows_of_series[name] = axis.order[part][is_ahead]
    rows = np.concatenate(list(rows_of_series.values()))
    future: dict[str, dict[str, npt.NDArray[Any]]] = {}
    for name in names:
        values, _ = read_column(table, name, text=name in requested.text, rows=rows)
        future[name] = {series: values[part] for series, part in rows_of_series.items()}
    return future


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
