"""Bounds of a track record: whole series are left out, from the end.

A record is at most `FIGURE_BYTES` and `HISTORY_BYTES` large, 32 MB, whatever the size
of the training data. A part of a series would look like all of it, so that a series is
stored completely or not at all; its figures are stored longer than its history.
"""

import json

import numpy as np

from forecasting.data.panel import Panel
from forecasting.track_record.record import PastForecasts
from forecasting.types import IntArray

MAX_ROWS = 1_000_000  # steps of past forecasts
FIGURE_BYTES = 8_000_000  # names and figures of the series
HISTORY_BYTES = 24_000_000  # past forecasts and 1,500,000 observations, or fewer
NUMBER_BYTES = 8
FIGURES = 6  # numbers of a series, without its coverages


def count_figures(series_ids: tuple[str, ...], num_levels: int) -> int:
    """Return the number of first series with names and figures that fit."""
    names = np.array([len(json.dumps(name)) for name in series_ids])
    sizes = names + NUMBER_BYTES * (FIGURES + num_levels)
    return _count(sizes, FIGURE_BYTES)


def count_histories(panel: Panel, backtest: PastForecasts) -> int:
    """Return the number of first series with a history that fits.

    Args:
        panel: the history of all series.
        backtest: past forecasts of all tested series.
    """
    folds, horizon = backtest.points.shape[1:]
    rows = np.zeros(len(panel), np.int64)
    rows[backtest.series] = folds * horizon
    points = panel.lengths * (2 + len(panel.covariates))
    for ahead in panel.future.values():
        points = points + ahead.lengths
    forecasts = rows * (2 + len(backtest.bounds))
    forecasts[backtest.series] += folds
    sizes = NUMBER_BYTES * (points + forecasts)
    return min(
        _count(rows, MAX_ROWS),
        _count(sizes, HISTORY_BYTES - _category_bytes(panel)),
    )


def _count(sizes: IntArray, limit: int) -> int:
    """Return the number of leading sizes with a sum of at most the limit."""
    return int(np.searchsorted(np.cumsum(sizes), limit, side="right"))


def _category_bytes(panel: Panel) -> int:
    """Return the bytes of the distinct texts of all covariates."""
    names = {
        str(text)
        for name, column in panel.covariates.items()
        if column.dtype == object
        for values in (
            column,
            panel.future[name].values if name in panel.future else (),
        )
        for text in set(values)
    }
    return sum(len(json.dumps(name)) for name in names)
