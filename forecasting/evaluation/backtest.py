"""Backtest: forecasts of several models from rolling origins, in one table.

Every model is fitted on the observations before the first fold, then forecasts from
each fold's cutoff with all observations up to it; its intervals are calibrated on the
errors of earlier folds. With ``refit`` it is fitted anew at every cutoff. No forecast
uses an observation after its cutoff.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, get_args

import numpy as np
import pandas as pd

from forecasting.data.forecast import Forecast, Intervals, check_levels
from forecasting.data.panel import Panel
from forecasting.data.splits import (
    Origins,
    automatic_folds,
    observed_by,
    rolling_origins,
)
from forecasting.errors import SettingError
from forecasting.types import FloatArray

Metric = Literal["mae", "rmse", "mape", "smape", "mase", "rmsse"]
METRICS: tuple[str, ...] = get_args(Metric)


class FittedModel(Protocol):
    """Interface of a model in a backtest: `Forecaster` and `Baseline` have it."""

    def forecast_at(
        self, panel: Panel, origins: Origins, horizon: int | None = None
    ) -> FloatArray:
        """Return forecasts from each origin, ``(origins, horizon)``."""

    def intervals_at(
        self,
        panel: Panel,
        origins: Origins,
        points: FloatArray,
        levels: Iterable[float] = (),
    ) -> Intervals:
        """Return central intervals round forecasts, by level."""

    def calibrate(self, panel: Panel, origins: Origins, points: FloatArray) -> Any:
        """Add the errors of earlier forecasts to the calibration of the intervals."""

    def predict(
        self,
        panel: Panel | None = None,
        *,
        horizon: int | None = None,
        levels: Iterable[float] = (),
    ) -> Forecast:
        """Forecast the continuation of each series."""


Fit = Callable[[Panel], FittedModel]  # makes a model and fits it to a panel


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationConfig:
    """Settings of a backtest.

    Attributes:
        folds: cutoffs, one horizon apart; ``auto`` tests the latest fifth of the
            shortest series.
        refit: fit anew at every cutoff.
        season_length: steps of a season, for the seasonal naive forecast and the
            scaled errors; ``auto`` takes it from the frequency.
        levels: central intervals to evaluate, in percent.
        metric: for the leaderboard and the promotion gate; lower is better.

    Raises:
        SettingError: a value is out of range.
    """

    folds: int | Literal["auto"] = "auto"
    refit: bool = False
    season_length: int | Literal["auto"] = "auto"
    levels: tuple[float, ...] = (80.0, 95.0)
    metric: Metric = "mase"

    def __post_init__(self) -> None:
        check_levels(self.levels)
        if self.metric not in METRICS:
            raise SettingError("metric", self.metric, f"one of {', '.join(METRICS)}")
        for name in ("folds", "season_length"):
            value = getattr(self, name)
            whole = isinstance(value, int) and not isinstance(value, bool)
            if value != "auto" and not (whole and value >= 1):
                raise SettingError(name, value, "auto or a whole number of at least 1")

    def seasons(self, panel: Panel) -> int:
        """Return the season length for a panel, in steps."""
        if self.season_length == "auto":
            return panel.calendar.season_length
        return self.season_length

    def origins(self, panel: Panel, *, seq_len: int, horizon: int) -> list[Origins]:
        """Return the folds' origins on a panel, oldest first.

        Series without a window to train on before the folds have no origins.

        Raises:
            SeriesTooShort: no series leaves a window to train on before the folds.
        """
        folds = self.folds
        if folds == "auto":
            folds = automatic_folds(panel, seq_len=seq_len, horizon=horizon)
        window = seq_len + horizon
        return rolling_origins(panel, folds=folds, horizon=horizon, before=window)


def backtest(
    fits: Mapping[str, Fit],
    panel: Panel,
    folds: list[Origins],
    *,
    horizon: int,
    levels: Iterable[float] = (80, 95),
    refit: bool = False,
) -> pd.DataFrame:
    """Forecast every fold with every model.

    Args:
        fits: functions that fit a model to a panel, by name of the model.
        panel: the whole series.
        folds: origins of each fold, oldest first, of the same series in order.
        horizon: steps ahead.
        levels: central intervals, in percent.
        refit: fit at every cutoff instead of once.

    Returns:
        A row for each model, series, fold and step: ``model, series_id, fold, cutoff,
        step, timestamp, actual, point, lower_80, upper_80, ...``; ``cutoff`` is the
        last timestamp available to the forecast.

    Raises:
        SeriesTooShort: a series of the folds is too short before the first one.
    """
    tables = []
    for name, fit in fits.items():
        folds_forecast = forecast_folds(
            fit, panel, folds, horizon=horizon, levels=levels, refit=refit
        )
        for fold, (origins, points, intervals) in enumerate(folds_forecast, start=1):
            table = forecast_table(panel, origins, points, intervals)
            table.insert(0, "model", name)
            table.insert(2, "fold", fold)
            tables.append(table)
    return pd.concat(tables, ignore_index=True)


def forecast_folds(
    fit: Fit,
    panel: Panel,
    folds: Sequence[Origins],
    *,
    horizon: int,
    levels: Iterable[float] = (80, 95),
    refit: bool = False,
) -> Iterator[tuple[Origins, FloatArray, Intervals]]:
    """Yield the origins, forecasts ``(origins, horizon)`` and intervals of each fold.

    Args:
        fit: makes a model and fits it to a panel.
        panel, folds, horizon, levels, refit: see `backtest`.
    """
    model: FittedModel | None = None
    waiting: list[tuple[Origins, FloatArray]] = []  # unobserved
    for origins in folds:
        if model is None or refit:
            model, waiting = fit(observed_by(panel, origins)), []
        waiting = _calibrate_observed(model, panel, waiting, origins)
        points = model.forecast_at(panel, origins, horizon)
        waiting.append((origins, points))
        yield origins, points, model.intervals_at(panel, origins, points, levels)


def _calibrate_observed(
    model: FittedModel,
    panel: Panel,
    waiting: list[tuple[Origins, FloatArray]],
    now: Origins,
) -> list[tuple[Origins, FloatArray]]:
    """Calibrate a model on its forecasts with all steps observed by now.

    Returns the other forecasts.
    """
    unobserved = []
    for origins, points in waiting:
        if (origins.ends + points.shape[1] <= now.ends).all():
            model.calibrate(panel, origins, points)
        else:
            unobserved.append((origins, points))
    return unobserved


def forecast_table(
    panel: Panel, origins: Origins, points: FloatArray, intervals: Intervals
) -> pd.DataFrame:
    """Return forecasts and actual values in a row for each origin and step.

    The columns are ``series_id, cutoff, step, timestamp, actual, point`` and, for each
    level, ``lower_80, upper_80``. All forecasts must end within their series.
    """
    count, horizon = points.shape
    end = panel.offsets[origins.series] + origins.ends
    ahead = (end[:, None] + np.arange(horizon)).ravel()
    names = np.asarray(panel.series_ids, dtype=object)[origins.series]
    columns: dict[str, Any] = {
        "series_id": np.repeat(names, horizon),
        "cutoff": np.repeat(panel.timestamps[end - 1], horizon),
        "step": np.tile(np.arange(1, horizon + 1), count),
        "timestamp": panel.timestamps[ahead],
        "actual": panel.values[ahead],
        "point": points.ravel(),
    }
    for level, (lower, upper) in intervals.items():
        columns[f"lower_{level:g}"] = lower.ravel()
        columns[f"upper_{level:g}"] = upper.ravel()
    return pd.DataFrame(columns)
