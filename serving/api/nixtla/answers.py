"""From what the client asks to what it is told; runs in a thread.

The keys are the client's: ``mean`` and the bounds ``lo-80``, ``hi-80`` are flat, series
after series; ``idxs`` are places in what it sent, ``sizes`` numbers a series.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from forecasting.data.forecast import Intervals
from forecasting.data.panel import Panel
from forecasting.errors import DataError, SettingError
from forecasting.forecaster.forecaster import Forecaster
from forecasting.forecaster.history import find_places, least_history, required_memory
from forecasting.forecaster.trained_model import TrainedModel
from forecasting.types import FloatArray
from serving.api.nixtla.panels import make_panel
from serving.api.nixtla.requests import (
    AnomalyBody,
    CrossValidationBody,
    ForecastBody,
    NixtlaRequest,
    OnlineAnomalyBody,
)
from serving.api.nixtla.windows import CrossValidationWindows, latest, one_step, rolling
from serving.errors import RequestError, RequestTooLarge
from serving.forecasts.limits import Places, check_limits
from serving.settings import Settings

Answer = dict[str, Any]


PLACES = Places(("body", "h"), ("body", "level"), ("body", "series"))


READING = 100  # times the most points: what may be read before all windows of a request


def forecast(forecaster: Forecaster, asked: ForecastBody, settings: Settings) -> Answer:
    """Return what follows each series.

    Raises:
        RequestError: the model cannot forecast such series, or so far.
        RequestTooLarge: it asks for more than the limits.
    """
    levels, total = asked.level or [], len(asked.series.sizes) * asked.h
    _check(asked, levels, settings, horizon=asked.h, total=total)
    panel = make_panel(asked, _fitted(forecaster))
    with _explained():
        made = forecaster.predict(panel, horizon=asked.h, levels=_real(levels))
    bounds = _bounds(made.points, made.intervals, levels)
    return {
        "mean": made.points.ravel().tolist(),
        "intervals": None if asked.level is None else _plain(bounds),
        "weights_x": None,
        "feature_contributions": None,
    }


def cross_validate(
    forecaster: Forecaster, asked: CrossValidationBody, settings: Settings
) -> Answer:
    """Return forecasts from rolling origins, by the model as it is.

    With ``full_history``, one step ahead of all that has enough before it.

    Raises:
        RequestError: the model cannot forecast such series, or so far.
        RequestTooLarge: it asks for more than the limits.
    """
    fitted, levels = _fitted(forecaster), asked.level or []
    least, total, horizon = least_history(fitted), len(asked.series.y), None
    if not asked.full_history:
        total = len(asked.series.sizes) * asked.n_windows * asked.h
        horizon = asked.h
    _check(asked, levels, settings, horizon=horizon, total=total)
    panel = make_panel(asked, fitted)
    with _explained():
        windows = (
            one_step(panel, least)
            if asked.full_history
            else rolling(
                panel,
                least,
                steps=asked.h,
                windows=asked.n_windows,
                apart=asked.step_size,
            )
        )
    mean, bounds = _look_back(forecaster, panel, windows, levels, settings)
    answer = _told(panel, windows, mean)
    return answer | {"intervals": None if asked.level is None else _plain(bounds)}


def find_anomalies(
    forecaster: Forecaster, asked: AnomalyBody, settings: Settings
) -> Answer:
    """Return which observations lie outside their interval.

    Forecasts are one step ahead, of all that has enough before it; for `OnlineAnomalyBody`
    of the latest observations only, so many steps ahead as it says.

    Raises:
        RequestError: the model cannot forecast such series, or so far.
        RequestTooLarge: it asks for more than the limits.
    """
    fitted, levels = _fitted(forecaster), [asked.level]
    horizon = asked.h if isinstance(asked, OnlineAnomalyBody) else None
    _check(asked, levels, settings, horizon=horizon, total=len(asked.series.y))
    panel = make_panel(asked, fitted)
    with _explained():
        windows = _looked_at(asked, panel, least_history(fitted))
    mean, bounds = _look_back(forecaster, panel, windows, levels, settings)
    lower, upper = bounds.values()
    found = panel.values[windows.places[windows.kept]]
    above = found >= mean
    with np.errstate(divide="ignore", invalid="ignore"):
        room = np.where(above, upper - mean, mean - lower)
        score = np.abs(found - mean) / room
    return _told(panel, windows, mean) | {
        "intervals": _plain(bounds),
        "anomaly": ((found < lower) | (found > upper)).tolist(),
        "anomaly_score": score.tolist(),
    }


def _looked_at(asked: AnomalyBody, panel: Panel, least: int) -> CrossValidationWindows:
    if not isinstance(asked, OnlineAnomalyBody):
        return one_step(panel, least)
    steps = asked.step_size or asked.h
    if steps > asked.h:
        text = f"at most h, {asked.h}, or some observations are left out; found {steps}"
        raise RequestError([(("body", "step_size"), text)])
    return latest(panel, least, count=asked.detection_size, steps=steps)


def _look_back(
    forecaster: Forecaster,
    panel: Panel,
    windows: CrossValidationWindows,
    levels: Sequence[float],
    settings: Settings,
) -> tuple[FloatArray, dict[str, FloatArray]]:
    """Return the forecasts that windows ask for, and their bounds, one by one."""
    _check_reading(_fitted(forecaster), panel, windows, settings)
    with _explained():
        points = forecaster.forecast_at(panel, windows.origins, windows.steps)
        intervals = forecaster.intervals_at(
            panel, windows.origins, points, _real(levels)
        )
    bounds = _bounds(points, intervals, levels)
    flat = {name: windows.flat(bound) for name, bound in bounds.items()}
    return windows.flat(points), flat


def _told(panel: Panel, windows: CrossValidationWindows, mean: FloatArray) -> Answer:
    return {
        "mean": mean.tolist(),
        "idxs": windows.places[windows.kept].tolist(),
        "sizes": windows.sizes(len(panel)).tolist(),
        "weights_x": None,
        "feature_contributions": None,
    }


def _real(levels: Sequence[float]) -> list[float]:
    """Return the levels that are intervals, once: at 0 there is but the point."""
    return [level for level in dict.fromkeys(levels) if level]


def _bounds(
    points: FloatArray, intervals: Intervals, levels: Sequence[float]
) -> dict[str, FloatArray]:
    """Return bounds by the client's names, as ``lo-80``, in the shape of the points."""
    named: dict[str, FloatArray] = {}
    for level in dict.fromkeys(levels):
        lower, upper = intervals[level] if level else (points, points)
        named |= {f"lo-{level}": lower, f"hi-{level}": upper}
    return named


def _plain(bounds: dict[str, FloatArray]) -> dict[str, list[float]]:
    return {name: bound.ravel().tolist() for name, bound in bounds.items()}


def _fitted(forecaster: Forecaster) -> TrainedModel:
    assert forecaster.fitted is not None
    return forecaster.fitted


def _check(
    asked: NixtlaRequest,
    levels: Sequence[float],
    settings: Settings,
    *,
    horizon: int | None,
    total: int,
) -> None:
    """Refuse what asks for more than the limits; ``total`` forecasts of all series.

    Of quantiles, the client names the level of each, so that most come twice; 0 is the
    median, for which there are bounds in the answer, but no interval.
    """
    check_limits(
        settings,
        series=len(asked.series.sizes),
        points=len(asked.series.y),
        horizon=horizon,
        levels=len(_real(levels)),
        numbers=total * (1 + 2 * len(set(levels))),
        places=PLACES,
    )


def _check_reading(
    fitted: TrainedModel,
    panel: Panel,
    windows: CrossValidationWindows,
    settings: Settings,
) -> None:
    """Refuse windows before which is too much to read, all together.

    A series that is not known is scaled anew at each origin, by all that lies before.
    """
    origins = windows.origins
    most = required_memory(fitted.networks[0], fitted.normalizer.method)
    known = find_places(fitted, panel, origins) >= 0
    read = np.where(known, np.minimum(origins.ends, most), origins.ends).sum()
    if read > READING * settings.max_points:
        what = "observations to read, from the start of a series to each of its windows"
        limit = READING * settings.max_points
        raise RequestTooLarge(what, int(read), limit, ("body", "series"))


@contextmanager
def _explained() -> Iterator[None]:
    """Turn the library's errors into those of a request."""
    try:
        yield
    except SettingError as error:
        place = {"horizon": "h"}.get(error.setting, error.setting)
        raise RequestError([(("body", place), str(error))], error) from error
    except DataError as error:
        raise RequestError([(("body", "series"), str(error))], error) from error
