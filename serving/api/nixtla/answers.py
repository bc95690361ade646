"""Forecasts, cross-validation and anomalies as responses; runs in a worker thread.

The client defines the keys: ``mean`` and the bounds ``lo-80``, ``hi-80`` are flat,
series after series; ``idxs`` are indices into the values of the request, ``sizes`` the
numbers of forecasts per series.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from forecasting.data.forecast import Intervals
from forecasting.data.panel import Panel
from forecasting.types import FloatArray
from serving.api.nixtla.forecasters import SeriesForecaster
from serving.api.nixtla.panels import LOCATIONS
from serving.api.nixtla.requests import (
    AnomalyBody,
    CrossValidationBody,
    ForecastBody,
    NixtlaRequest,
    OnlineAnomalyBody,
)
from serving.api.nixtla.windows import CrossValidationWindows, latest, one_step, rolling
from serving.errors import RequestError, RequestTooLarge
from serving.http.limits import check_limits
from serving.http.locations import located_errors
from serving.settings import Settings

Answer = dict[str, Any]


def forecast(
    forecaster: SeriesForecaster, request: ForecastBody, settings: Settings
) -> Answer:
    """Forecast the next steps of each series.

    Raises:
        RequestError: the model cannot forecast such series, or so far.
        RequestTooLarge: the request exceeds the limits.
    """
    levels, total = request.level or [], len(request.series.sizes) * request.h
    _check(request, levels, settings, horizon=request.h, total=total)
    points, intervals = forecaster.forecast(
        forecaster.read(request), request.h, _interval_levels(levels)
    )
    bounds = _bounds(points, intervals, levels)
    return {
        "mean": points.ravel().tolist(),
        "intervals": None if request.level is None else _flat_lists(bounds),
        "weights_x": None,
        "feature_contributions": None,
    }


def cross_validate(
    forecaster: SeriesForecaster, request: CrossValidationBody, settings: Settings
) -> Answer:
    """Forecast from rolling origins, without retraining.

    With ``full_history``, every observation with enough history is forecast one step
    ahead.

    Raises:
        RequestError: the model cannot forecast such series, or so far.
        RequestTooLarge: the request exceeds the limits.
    """
    levels, minimum = request.level or [], forecaster.min_history
    total, horizon = len(request.series.y), None
    if not request.full_history:
        total = len(request.series.sizes) * request.n_windows * request.h
        horizon = request.h
    _check(request, levels, settings, horizon=horizon, total=total)
    panel = forecaster.read(request)
    with located_errors(LOCATIONS):
        windows = (
            one_step(panel, minimum)
            if request.full_history
            else rolling(
                panel,
                minimum,
                steps=request.h,
                windows=request.n_windows,
                stride=request.step_size,
            )
        )
    mean, bounds = _forecast_windows(forecaster, panel, windows, levels, settings)
    answer = _window_answer(panel, windows, mean)
    return answer | {
        "intervals": None if request.level is None else _flat_lists(bounds)
    }


def find_anomalies(
    forecaster: SeriesForecaster, request: AnomalyBody, settings: Settings
) -> Answer:
    """Find the observations outside their interval.

    Every observation with enough history is forecast one step ahead; for an
    `OnlineAnomalyBody`, only the latest ones, by its number of steps ahead.

    Raises:
        RequestError: the model cannot forecast such series, or so far.
        RequestTooLarge: the request exceeds the limits.
    """
    levels = [request.level]
    horizon = request.h if isinstance(request, OnlineAnomalyBody) else None
    _check(request, levels, settings, horizon=horizon, total=len(request.series.y))
    panel = forecaster.read(request)
    with located_errors(LOCATIONS):
        windows = _anomaly_windows(request, panel, forecaster.min_history)
    mean, bounds = _forecast_windows(forecaster, panel, windows, levels, settings)
    lower, upper = bounds.values()
    actual = panel.values[windows.places[windows.mask]]
    is_above = actual >= mean
    with np.errstate(divide="ignore", invalid="ignore"):
        width = np.where(is_above, upper - mean, mean - lower)
        score = np.abs(actual - mean) / width
    return _window_answer(panel, windows, mean) | {
        "intervals": _flat_lists(bounds),
        "anomaly": ((actual < lower) | (actual > upper)).tolist(),
        "anomaly_score": score.tolist(),
    }


def _anomaly_windows(
    request: AnomalyBody, panel: Panel, minimum: int
) -> CrossValidationWindows:
    if not isinstance(request, OnlineAnomalyBody):
        return one_step(panel, minimum)
    steps = request.step_size or request.h
    if steps > request.h:
        text = (
            f"at most h, {request.h}, or some observations are left out; found {steps}"
        )
        raise RequestError([(("body", "step_size"), text)])
    return latest(panel, minimum, count=request.detection_size, steps=steps)


def _forecast_windows(
    forecaster: SeriesForecaster,
    panel: Panel,
    windows: CrossValidationWindows,
    levels: Sequence[float],
    settings: Settings,
) -> tuple[FloatArray, dict[str, FloatArray]]:
    """Return the flat forecasts of the windows, and their bounds by name."""
    _check_reading(forecaster, panel, windows, settings)
    points, intervals = forecaster.forecast_at(
        panel, windows.origins, windows.steps, _interval_levels(levels)
    )
    bounds = _bounds(points, intervals, levels)
    flat = {name: windows.select(bound) for name, bound in bounds.items()}
    return windows.select(points), flat


def _window_answer(
    panel: Panel, windows: CrossValidationWindows, mean: FloatArray
) -> Answer:
    return {
        "mean": mean.tolist(),
        "idxs": windows.places[windows.mask].tolist(),
        "sizes": windows.sizes(len(panel)).tolist(),
        "weights_x": None,
        "feature_contributions": None,
    }


def _interval_levels(levels: Sequence[float]) -> list[float]:
    """Return the distinct levels above 0; level 0 is the point forecast."""
    return [level for level in dict.fromkeys(levels) if level]


def _bounds(
    points: FloatArray, intervals: Intervals, levels: Sequence[float]
) -> dict[str, FloatArray]:
    """Return bounds in the shape of the points by the client's names, as ``lo-80``."""
    bounds: dict[str, FloatArray] = {}
    for level in dict.fromkeys(levels):
        lower, upper = intervals[level] if level else (points, points)
        bounds |= {f"lo-{level}": lower, f"hi-{level}": upper}
    return bounds


def _flat_lists(bounds: dict[str, FloatArray]) -> dict[str, list[float]]:
    return {name: bound.ravel().tolist() for name, bound in bounds.items()}


def _check(
    request: NixtlaRequest,
    levels: Sequence[float],
    settings: Settings,
    *,
    horizon: int | None,
    total: int,
) -> None:
    """Refuse a request over the limits; ``total`` is its number of forecast values.

    For quantiles, the client sends the level of each, so that most levels come twice.
    Level 0 is the median: it has bounds in the response, but no interval.
    """
    check_limits(
        settings,
        series=len(request.series.sizes),
        points=len(request.series.y),
        horizon=horizon,
        levels=len(_interval_levels(levels)),
        numbers=total * (1 + 2 * len(set(levels))),
        locations=LOCATIONS,
    )


def _check_reading(
    forecaster: SeriesForecaster,
    panel: Panel,
    windows: CrossValidationWindows,
    settings: Settings,
) -> None:
    """Refuse windows with too many observations to read before them in total."""
    read = forecaster.count_read(panel, windows.origins)
    limit = forecaster.read_factor * settings.max_points
    if read > limit:
        items = (
            "observations to read, from the start of a series to each of its windows"
        )
        raise RequestTooLarge(items, read, limit, ("body", "series"))
