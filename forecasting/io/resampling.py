"""Gathering of rows: those of one step of a frequency, or of one moment, to one row.

It comes before the calendar is inferred, so that the rows need not lie on one.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecasting.data.schema import Aggregate, Schema
from forecasting.errors import SettingError
from forecasting.io.alignment import read_values
from forecasting.io.csv_format import Table
from forecasting.io.sorting import OrderedRows
from forecasting.timestamps.zones import to_utc, to_wall
from forecasting.types import IntArray, Timestamps

NO_TIME = "left out, for the rows have no dates"


def gather_rows(
    table: Table, axis: OrderedRows, schema: Schema
) -> tuple[Table, OrderedRows]:
    """Gather the rows of each step to one row, series by series.

    The target and numeric covariates are aggregated over the values that are there; a
    step without any stays empty. Of text and of static covariates the last value is
    taken.

    Args:
        table: the rows.
        axis: their order, with several rows a moment.
        schema: steps and aggregate; without steps, rows of one moment are gathered.

    Returns:
        A table of target and covariates, a row a step, and the axis of its rows.

    Raises:
        SettingError: the steps are no frequency, or the rows have no dates.
        InvalidValues: a value of the target is no number.
    """
    target, how = schema.target or "", schema.aggregate or "last"
    steps = axis.timestamps
    if schema.resample is not None:
        wall = floor_to_steps(to_wall(steps, axis.zone), schema.resample)
        steps = to_utc(wall, axis.zone)
    series = np.repeat(np.arange(len(axis.series_ids)), np.diff(axis.offsets))
    is_first = np.ones(len(steps), dtype=bool)
    is_first[1:] = (np.diff(series) != 0) | (steps[1:] != steps[:-1])
    first, group = np.flatnonzero(is_first), np.cumsum(is_first) - 1
    columns: dict[str, npt.NDArray[Any]] = {}
    for name in (target, *schema.roles):
        values, _ = read_values(table, name, number=name == target)
        is_single = schema.roles.get(name) == "static" or values.dtype == object
        choice: Aggregate = "last" if is_single else how
        columns[name] = _aggregate(values[axis.order], group, choice)
    rows = table.rows[axis.order[first]]
    gathered = replace(table, frame=pd.DataFrame(columns), rows=rows)
    counts = np.bincount(series[first], minlength=len(axis.series_ids))
    notes = list(axis.notes)
    unit = "moments" if schema.resample is None else f"steps of {schema.resample}"
    if len(first) < len(group):
        notes.append(f"{len(group)} rows gathered to {len(first)} {unit} ({how})")
    return gathered, replace(
        axis,
        order=np.arange(len(first)),
        offsets=np.concatenate([[0], np.cumsum(counts)]),
        timestamps=steps[first],
        notes=notes,
    )


def floor_to_steps(timestamps: Timestamps, freq: str) -> Timestamps:
    """Return the step of each moment: ``15:07`` is in the step ``15:05`` of ``5min``.

    A step has the name of its start; weeks, and months, quarters and years by their
    ends (``W``, ``ME``, ``QE``, ``YE``), have that of their last day.

    Raises:
        SettingError: ``freq`` is no frequency, one of several months or weeks, or the
            timestamps are integers.
    """
    if timestamps.dtype.kind != "M":
        raise SettingError("resample", freq, NO_TIME)
    try:
        offset: Any = pd.tseries.frequencies.to_offset(freq)
    except ValueError:
        expected = "a pandas alias such as 5min, h, D, W or MS"
        raise SettingError("resample", freq, expected) from None
    if isinstance(offset, pd.offsets.Tick | pd.offsets.Day):
        is_day = isinstance(offset, pd.offsets.Day)
        step = pd.Timedelta(offset.n, "D") if is_day else pd.Timedelta(offset.nanos)
        nanoseconds = step.value
        ticks = timestamps.astype("datetime64[ns]").astype(np.int64)
        return (ticks - ticks % nanoseconds).view("datetime64[ns]")
    if offset.n != 1:
        raise SettingError("resample", freq, "one week, month, quarter or year")
    days, place = np.unique(timestamps.astype("datetime64[D]"), return_inverse=True)
    is_start = "S" in offset.rule_code.partition("-")[0] or offset.rule_code == "B"
    move = offset.rollback if is_start else offset.rollforward
    moved = np.array([move(pd.Timestamp(day)) for day in days], dtype="datetime64[ns]")
    return np.asarray(moved[place])


def _aggregate(
    values: npt.NDArray[Any], group: IntArray, how: Aggregate
) -> npt.NDArray[Any]:
    """Return one value a group; missing where all values of the group are."""
    grouped = pd.Series(values).groupby(group, sort=False)
    result = grouped.sum(min_count=1) if how == "sum" else grouped.agg(how)
    if values.dtype != object:
        return result.to_numpy(dtype=np.float64)
    return result.astype(object).where(result.notna(), None).to_numpy(dtype=object)
