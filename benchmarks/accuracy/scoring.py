"""Measures of the M4 competition, and Naive2, the reference forecast of its OWA.

Source: Makridakis, Spiliotis and Assimakopoulos 2020, International Journal of
Forecasting 36(1), and the organisers' R code (repository Mcompetitions/M4-methods). All
means weight every series and step equally.
"""

import numpy as np

from benchmarks.common.files import to_matrix
from forecasting.data.forecast import Forecast
from forecasting.data.panel import Panel
from forecasting.evaluation.metrics import (
    coverage,
    interval_score,
    mase,
    naive_scale,
    owa,
    smape,
)
from forecasting.types import FloatArray

MSIS_LEVEL = 95.0  # M4's alpha is 0.05
CRITICAL_VALUE = 1.645  # normal quantile of the test of seasonality, at 90 %


def score(
    train: Panel, test: Panel, forecast: Forecast, season_length: int
) -> dict[str, float]:
    """Return sMAPE (percent), MASE, OWA and, with intervals, coverages and MSIS.

    A series that never changed in training has a scale of 0: it is left out of MASE
    and MSIS, as the organisers leave it out.

    Args:
        train: training part; the scales and Naive2 are computed from it.
        test: actual values, the same number of steps for each series.
        forecast: forecast of the test part's series and steps.
        season_length: m of the scale and of Naive2; M4: hourly 24, weekly 1.
    """
    actual = to_matrix(test)
    histories = [train.series(name) for name in test.series_ids]
    horizon = actual.shape[1]
    scales = np.array([[_scale(values, season_length)] for values in histories])
    reference = np.stack(
        [naive2(values, season_length, horizon) for values in histories]
    )
    errors = smape(actual, forecast.points), mase(actual, forecast.points, scales)
    naive = smape(actual, reference), mase(actual, reference, scales)
    scores = {"sMAPE": errors[0], "MASE": errors[1], "OWA": owa(*errors, *naive)}
    for level, (lower, upper) in forecast.intervals.items():
        scores[f"coverage_{level:g}"] = coverage(actual, lower, upper)
    if MSIS_LEVEL in forecast.intervals:
        bounds = forecast.intervals[MSIS_LEVEL]
        scores["MSIS"] = msis(actual, *bounds, scales)
    return scores


def msis(
    actual: FloatArray, lower: FloatArray, upper: FloatArray, scales: FloatArray
) -> float:
    """Return the mean scaled interval score at 95 %; 0 or more, lower is better.

    Args:
        actual: ``(series, horizon)``.
        lower, upper: bounds of the 95 % interval, of the same shape.
        scales: scale of MASE, ``(series, 1)``; series with a scale of 0 are left out.
    """
    positive = scales[:, 0] > 0
    scaled_actual, scaled_lower, scaled_upper = (
        values[positive] / scales[positive] for values in (actual, lower, upper)
    )
    return interval_score(scaled_actual, scaled_lower, scaled_upper, MSIS_LEVEL)


def naive2(values: FloatArray, season_length: int, horizon: int) -> FloatArray:
    """Return the Naive2 forecast of one series, ``(horizon,)``.

    The last value is repeated; if the test finds a season, that of the seasonally
    adjusted series, multiplied by the seasonal indices.

    Args:
        values: observations, oldest first, ``(points,)``.
        season_length: steps in a season; 1 for no season.
        horizon: number of forecast steps.
    """
    if season_length == 1 or not is_seasonal(values, season_length):
        return np.repeat(values[-1], horizon)
    indices = seasonal_indices(values, season_length)
    steps = len(values) + np.arange(horizon)
    adjusted = values[-1] / indices[(len(values) - 1) % season_length]
    return np.asarray(adjusted * indices[steps % season_length])


def is_seasonal(values: FloatArray, season_length: int) -> bool:
    """Return whether the autocorrelation at the season's lag exceeds its 90 % limit.

    The limit is 1.645 sqrt((1 + 2 Σ r_k²) / n) over the lags k below the season's. A
    series of fewer than three seasons, or a constant one, has no season.
    """
    count = len(values)
    centred = values - values.mean()
    power = (centred**2).sum()
    if count < 3 * season_length or power == 0:
        return False
    lags = range(1, season_length + 1)
    r = np.array([(centred[k:] * centred[:-k]).sum() for k in lags]) / power
    limit = CRITICAL_VALUE * np.sqrt((1 + 2 * (r[:-1] ** 2).sum()) / count)
    return bool(abs(r[-1]) > limit)


def seasonal_indices(values: FloatArray, season_length: int) -> FloatArray:
    """Return multiplicative seasonal indices of mean 1, ``(season_length,)``.

    The first belongs to the first observation. Classical decomposition, as R's
    ``decompose``: the mean ratio to a centred moving average over one season.
    """
    weights = np.full(season_length, 1 / season_length)
    if season_length % 2 == 0:
        ends = np.array([0.5 / season_length])
        weights = np.concatenate([ends, weights[1:], ends])
    half = len(weights) // 2
    trend = np.full(len(values), np.nan)
    trend[half : len(values) - half] = np.convolve(values, weights, mode="valid")
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = values / trend
    means = [np.nanmean(ratios[phase::season_length]) for phase in range(season_length)]
    return np.asarray(means / np.mean(means))


def _scale(values: FloatArray, season_length: int) -> float:
    """Return mean |y_t - y_(t-m)|; 0 for a series not longer than a season."""
    long_enough = len(values) > season_length
    return naive_scale(values, season_length) if long_enough else 0.0
