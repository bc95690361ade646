"""Known covariates of the steps ahead, from a table of their own."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecasting.data.panel import Panel
from forecasting.errors import IrregularTimestamps, UnknownSeries
from forecasting.io.alignment import read_column
from forecasting.io.columns import Columns, find_columns
from forecasting.io.csv_format import Table, read_table
from forecasting.io.sorting import order_rows
from forecasting.timestamps.calendar import format_timestamp
from forecasting.types import Timestamps


def read_future(
    source: str | Path | pd.DataFrame,
    panel: Panel,
    names: Sequence[str],
    *,
    time: str | None = None,
    series_id: str | None = None,
) -> dict[str, dict[str, npt.NDArray[Any]]]:
    """Read known covariates of the steps ahead, for `Forecaster.predict`.

    Args:
        source: a CSV file or a frame, a row a step of a series, in any order. Rows up
            to a series' last observation are left out; without a column of timestamps,
            the rows are the steps ahead.
        panel: the series that go on.
        names: of the covariates.
        time: column of timestamps; found where it is plain.
        series_id: column of the series' names, where there are several.

    Raises:
        DataError: the table cannot be read, lacks a column or a value, names a series
            that is not there, or its timestamps are not those of the steps ahead.
    """
    if isinstance(source, pd.DataFrame):
        frame = source.reset_index(drop=True)
        table = Table(frame, np.arange(len(frame)), "row", "", "future")
    else:
        table = read_table(source, () if series_id is None else (series_id,))
    asked = Columns(
        time=time, target=names[0], series_id=series_id, covariates=tuple(names[1:])
    )
    columns, _, _ = find_columns(table, asked)
    axis = order_rows(table, columns, panel.series_ids[0])
    place = {name: row for row, name in enumerate(panel.series_ids)}
    unknown = [name for name in axis.series_ids if name not in place]
    if unknown:
        raise UnknownSeries(unknown, panel.series_ids)
    last, kept = panel.last_timestamps(), {}
    for row, name in enumerate(axis.series_ids):
        mine = slice(axis.offsets[row], axis.offsets[row + 1])
        later = np.ones(mine.stop - mine.start, dtype=bool)
        if columns.time is not None:
            end = last[place[name]]
            later = _steps_ahead(name, axis.timestamps[mine], end, panel)
        kept[name] = axis.order[mine][later]
    rows = np.concatenate(list(kept.values()))
    future: dict[str, dict[str, npt.NDArray[Any]]] = {}
    for name in names:
        values, _ = read_column(table, name, rows=rows)
        future[name] = {series: values[mine] for series, mine in kept.items()}
    return future


def _steps_ahead(
    name: str, moments: Timestamps, end: Any, panel: Panel
) -> npt.NDArray[np.bool_]:
    """Say which moments lie behind a series' end, where they must be its next steps."""
    if moments.dtype != panel.timestamps.dtype:
        raise IrregularTimestamps(
            f"the future of series {name!r} has timestamps such as "
            f"{format_timestamp(moments[0])}, the series such as {format_timestamp(end)}",
            "Give both dates, or both steps.",
        )
    later = moments > end
    found = moments[later]
    expected = panel.calendar.future(np.asarray([end]), len(found))[0]
    wrong = np.flatnonzero(found != expected)
    if len(wrong):
        at = wrong[0]
        raise IrregularTimestamps(
            f"step {at + 1} ahead of series {name!r} is {format_timestamp(expected[at])}; "
            f"found {format_timestamp(found[at])}",
            "Give one row for each step after the last observation.",
        )
    return np.asarray(later)
