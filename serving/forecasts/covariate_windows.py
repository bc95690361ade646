"""Covariates of evenly spaced series, cut to the steps that a forecast reads.

A forecast reads the covariates of its window and of the steps ahead. Cutting them first
leaves little to encode, and the requests of a batch are encoded together.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from forecasting.covariates.windows import check_steps
from forecasting.data.covariates import Column
from forecasting.forecaster.trained_model import TrainedModel
from forecasting.types import IntArray, Timestamps
from serving.forecasts.covariates import CovariateValues
from serving.forecasts.timestamps import parse_timestamps
from serving.http.locations import located_errors
from serving.schemas.request import Series


@dataclass(frozen=True, slots=True)
class CovariateWindows:
    """Covariates of the windows of a request and of the steps ahead.

    Attributes:
        columns: by name, ``(series, seq_len + steps)``. The window of a series that is
            shorter is padded with the first value, as are the steps ahead with the
            last one.
        offsets: steps from the last observation, as many; padding repeats the first.
        last: last timestamp of each series, ``(series,)``; None where the model takes
            no seasons from the timestamps.
    """

    columns: Mapping[str, Column]
    offsets: IntArray
    last: Timestamps | None


def cut_windows(
    series: Sequence[Series], fitted: TrainedModel, values: CovariateValues, steps: int
) -> CovariateWindows:
    """Cut covariates to the steps that a forecast reads.

    Args:
        series: checked series with evenly spaced timestamps.
        fitted: the trained model.
        values: covariates of the series.
        steps: requested steps ahead.

    Raises:
        RequestError: there are more steps than the model can forecast.
    """
    with located_errors():
        check_steps(fitted.covariates, horizon=fitted.horizon, steps=steps)
    num_steps = fitted.count_rolled_steps(steps)
    offsets = np.arange(1 - fitted.seq_len, num_steps + 1)
    columns = {}
    for column in fitted.covariates.columns:
        by_series = values[column.role][column.name]
        kind = float if column.categories is None else object
        if column.role == "static":
            constants = np.array([by_series[s.id] for s in series], kind)
            columns[column.name] = np.repeat(constants[:, None], len(offsets), 1)
            continue
        last_step = steps if column.role == "known" else 0
        rows = [
            _cut(by_series[s.id], len(s.values), fitted.seq_len, last_step, num_steps)
            for s in series
        ]
        columns[column.name] = np.array(rows, kind)
    last = None
    if fitted.covariates.cycles:
        stamps = [(history.timestamps or ())[-1:] for history in series]
        last = parse_timestamps(fitted.context.calendar, stamps)
    counts = np.array([len(history.values) for history in series])
    return CovariateWindows(columns, np.maximum(offsets, 1 - counts[:, None]), last)


def encode_windows(windows: Sequence[CovariateWindows], fitted: TrainedModel) -> Tensor:
    """Encode covariates of many requests, ``(series, seq_len + steps, features)``."""
    columns = {
        column.name: np.concatenate([part.columns[column.name] for part in windows])
        for column in fitted.covariates.columns
    }
    offsets = np.concatenate([part.offsets for part in windows])
    last = [part.last for part in windows if part.last is not None]
    if not last:
        return fitted.covariates.encode(columns, offsets)
    calendar = fitted.context.calendar
    moments = calendar.advance(np.concatenate(last)[:, None], offsets)
    return fitted.covariates.encode(columns, moments)


def _cut(
    sent: list[Any], count: int, seq_len: int, last_step: int, num_steps: int
) -> list[Any]:
    """Return the values of a window that ends after ``count``, and of steps ahead."""
    row = sent[max(count - seq_len, 0) : count + last_step]
    before, after = max(seq_len - count, 0), num_steps - last_step
    return row[:1] * before + row + row[-1:] * after
