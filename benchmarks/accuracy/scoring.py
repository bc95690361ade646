"""The measures of the M4 competition, and the forecast that its OWA compares with.

Source: Makridakis, Spiliotis and Assimakopoulos 2020, International Journal of
Forecasting 36(1), and the organisers' R code (repository Mcompetitions/M4-methods). All
means are over every series and step alike.
"""

import numpy as np

from benchmarks.common.files import as_rows
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


CRITICAL = 1.645  # normal quantile of the test of seasonality, at 90 %


def score(
    train: Panel, test: Panel, forecast: Forecast, season_length: int
) -> dict[str, float]:
    """Return sMAPE (percent), MASE, OWA and, with intervals, coverages and MSIS.

    A series that never changed in training has a scale of 0: it is left out of MASE
    and MSIS, as the organisers leave it out.

    Args:
        train: what was known; the scales and Naive2 are of it.
        test: what came, as many steps of each series.
        forecast: of the test part's series and steps.
        season_length: m of the scale and of Naive2; M4: hourly 24, weekly 1.
    """
    actual = as_rows(test)
    known = [train.series(name) for name in test.series_ids]
    scales = np.array([[_scale(own, season_length)] for own in known])
    reference = np.stack([naive2(own, season_length, actual.shape[1]) for own in known])
    errors = smape(actual, forecast.points), mase(actual, forecast.points, scales)
    naive = smape(actual, reference), mase(actual, reference, scales)
    found = {"sMAPE": errors[0], "MASE": errors[1], "OWA": owa(*errors, *naive)}
    for level, (lower, upper) in forecast.intervals.items():
        found[f"coverage_{level:g}"] = coverage(actual, lower, upper)
    if MSIS_LEVEL in forecast.intervals:
        bounds = forecast.intervals[MSIS_LEVEL]
        found["MSIS"] = msis(actual, *bounds, scales)
    return found


def msis(
    actual: FloatArray, lower: FloatArray, upper: FloatArray, scales: FloatArray
) -> float:
    """Return the mean scaled interval score at 95 %; 0 or more, less is better.

    Args:
        actual: ``(series, horizon)``.
        lower, upper: of the same shape.
        scales: the scale of MASE, ``(series, 1)``; rows of 0 are left out.
    """
    kept = scales[:, 0] > 0
    y, low, high = (each[kept] / scales[kept] for each in (actual, lower, upper))
    return interval_score(y, low, high, MSIS_LEVEL)


def naive2(values: FloatArray, season_length: int, horizon: int) -> FloatArray:
    """Repeat the last value of one series, ``(horizon,)``.

    The series is seasonally adjusted for it where the test finds a season.

    Args:
        values: oldest first, ``(points,)``.
        season_length: steps in a season; 1 for none.
        horizon: steps ahead.
    """
    if season_length == 1 or not is_seasonal(values, season_length):
        return np.repeat(values[-1], horizon)
    indices = seasonal_indices(values, season_length)
    steps = len(values) + np.arange(horizon)
    adjusted = values[-1] / indices[(len(values) - 1) % season_length]
    return np.asarray(adjusted * indices[steps % season_length])


def is_seasonal(values: FloatArray, season_length: int) -> bool:
    """Say whether the autocorrelation at the season's lag is beyond its 90 % limit.

    The limit is 1.645 sqrt((1 + 2 Σ r_k²) / n) over the lags k below the season's. A
    series of less than three seasons, or that never changes, has none.
    """
    count = len(values)
    centred = values - values.mean()
    power = (centred**2).sum()
    if count < 3 * season_length or power == 0:
        return False
    lags = range(1, season_length + 1)
    r = np.array([(centred[k:] * centred[:-k]).sum() for k in lags]) / power
    limit = CRITICAL * np.sqrt((1 + 2 * (r[:-1] ** 2).sum()) / count)
    return bool(abs(r[-1]) > limit)


def seasonal_indices(values: FloatArray, season_length: int) -> FloatArray:
    """Return multiplicative seasonal indices of mean 1, ``(season_length,)``.

    The first is that of the first observation. Classical decomposition, as R's
    ``decompose``: the mean ratio to a centred moving average over one season.
    """
    weights = np.full(season_length, 1 / season_length)
    if season_length % 2 == 0:
        ends = np.array([0.5 / season_length])
        weights = np.concatenate([ends, weights[1:], ends])
    reach = len(weights) // 2
    trend = np.full(len(values), np.nan)
    trend[reach : len(values) - reach] = np.convolve(values, weights, mode="valid")
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = values / trend
    means = [np.nanmean(ratios[place::season_length]) for place in range(season_length)]
    return np.asarray(means / np.mean(means))


def _scale(values: FloatArray, season_length: int) -> float:
    """Return mean |y_t - y_(t-m)|; 0 for a series not longer than a season."""
    long_enough = len(values) > season_length
    return naive_scale(values, season_length) if long_enough else 0.0
