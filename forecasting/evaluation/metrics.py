"""Metrics of forecasts, with formula, range and sign in each docstring.

y is the actual value and f its forecast; sums run over all steps of all forecasts.
Arrays are ``(origins, horizon)`` or of any other shape, as long as they are equal.
By default the unit is that of the series and lower is better.

Sources: Hyndman and Koehler 2006 (MASE, MAPE), Makridakis, Spiliotis and Assimakopoulos
2020 and 2022 (the M4 and M5 competitions), Koenker and Bassett 1978 (pinball), Winkler
1972 and Gneiting and Raftery 2007 (interval score).
"""

import math

import numpy as np
import numpy.typing as npt

from forecasting.types import FloatArray


def mae(actual: FloatArray, forecast: FloatArray) -> float:
    """Return the mean absolute error, mean |y - f|; 0 or more."""
    return float(np.mean(np.abs(actual - forecast)))


def rmse(actual: FloatArray, forecast: FloatArray) -> float:
    """Return the root mean squared error, sqrt(mean (y - f)²); 0 or more."""
    return float(np.sqrt(np.mean((actual - forecast) ** 2)))


def mape(actual: FloatArray, forecast: FloatArray) -> float:
    """Return the mean absolute percentage error, 100 mean |y - f| / |y|; 0 or more.

    In percent. Steps whose actual value is 0 are left out; NaN if all are.
    """
    nonzero = actual != 0
    return _mean(100 * np.abs(actual - forecast)[nonzero] / np.abs(actual[nonzero]))


def smape(actual: FloatArray, forecast: FloatArray) -> float:
    """Return the symmetric percentage error, mean 200 |y - f| / (|y| + |f|).

    In percent, 0 to 200, as in the M4 competition (other authors halve it). A step
    where both are 0 counts 0.
    """
    size = np.abs(actual) + np.abs(forecast)
    error = np.abs(actual - forecast)
    share = np.divide(error, size, out=np.zeros_like(size), where=size != 0)
    return float(200 * np.mean(share))


def mase(actual: FloatArray, forecast: FloatArray, scale: npt.ArrayLike) -> float:
    """Return the mean absolute scaled error, mean over rows of mean |y - f| / scale.

    0 or more, without unit; below 1 is better than the naive forecast was within the
    sample. Hyndman and Koehler 2006.

    Args:
        actual: ``(origins, horizon)``, a row a series or an origin; or one row.
        forecast: of the same shape.
        scale: `naive_scale` of each row, ``(origins, 1)``, or one for all. Rows whose
            scale is 0 are left out; NaN if all are.
    """
    errors = np.mean(np.abs(actual - forecast), axis=-1, keepdims=True)
    return _mean(_scaled(errors, scale))


def rmsse(actual: FloatArray, forecast: FloatArray, scale: npt.ArrayLike) -> float:
    """Return the root mean squared scaled error of M5.

    The mean over rows of sqrt(mean (y - f)² / scale); 0 or more, without unit.

    Args:
        actual: ``(origins, horizon)``, a row a series or an origin; or one row.
        forecast: of the same shape.
        scale: `naive_squared_scale` of each row, ``(origins, 1)``, or one for all.
            Rows whose scale is 0 are left out; NaN if all are.
    """
    errors = np.mean((actual - forecast) ** 2, axis=-1, keepdims=True)
    return _mean(np.sqrt(_scaled(errors, scale)))


def owa(
    smape: float, mase: float, smape_reference: float, mase_reference: float
) -> float:
    """Return M4's overall weighted average, (smape / ref + mase / ref) / 2.

    0 or more, without unit; below 1 is better than the reference, in M4 the naive
    forecast of the seasonally adjusted series. NaN where a reference is 0.
    """
    ratios = _ratio(smape, smape_reference) + _ratio(mase, mase_reference)
    return ratios / 2


def pinball(
    actual: FloatArray, quantile_forecast: FloatArray, probability: float
) -> float:
    """Return the pinball loss, mean of max(p (y - q), (p - 1) (y - q)); 0 or more.

    Not doubled: at probability 0.5 it is half the mean absolute error. Koenker and
    Bassett 1978.
    """
    error = actual - quantile_forecast
    return float(np.mean(np.maximum(probability * error, (probability - 1) * error)))


def coverage(actual: FloatArray, lower: FloatArray, upper: FloatArray) -> float:
    """Return the share of actual values in [lower, upper], 0 to 1.

    Best where it equals the interval's level.
    """
    return float(np.mean((lower <= actual) & (actual <= upper)))


def interval_width(lower: FloatArray, upper: FloatArray) -> float:
    """Return the mean of upper - lower; 0 or more. Less is better at equal coverage."""
    return float(np.mean(upper - lower))


def interval_score(
    actual: FloatArray, lower: FloatArray, upper: FloatArray, level: float
) -> float:
    """Return the interval score, the numerator of `msis`; 0 or more.

    mean of (u - l) + 2/α (l - y) where y < l, and + 2/α (y - u) where y > u, with
    α = 1 - level / 100. Winkler 1972; Gneiting and Raftery 2007, equation 43.

    Args:
        actual: any shape.
        lower: of the same shape.
        upper: of the same shape.
        level: of the intervals, in percent.
    """
    return float(np.mean(interval_scores(actual, lower, upper, level)))


def interval_scores(
    actual: FloatArray, lower: FloatArray, upper: FloatArray, level: float
) -> FloatArray:
    """Return the score of each interval; `interval_score` is their mean."""
    outside = np.maximum(lower - actual, 0) + np.maximum(actual - upper, 0)
    alpha = (100 - level) / 100
    return np.asarray(upper - lower + 2 / alpha * outside)


def msis(
    actual: FloatArray,
    lower: FloatArray,
    upper: FloatArray,
    level: float,
    scale: npt.ArrayLike,
) -> float:
    """Return M4's mean scaled interval score, mean over rows of score / scale.

    0 or more, without unit: narrow intervals are good, and a value outside costs
    2/α times its distance. Makridakis, Spiliotis and Assimakopoulos 2020, section
    2.3; Gneiting and Raftery 2007, equation 43.

    Args:
        actual: ``(origins, horizon)``, a row a series or an origin; or one row.
        lower: of the same shape.
        upper: of the same shape.
        level: of the intervals, in percent; M4 takes 95.
        scale: `naive_scale` of each row, ``(origins, 1)``, or one for all. Rows whose
            scale is 0 are left out; NaN if all are.
    """
    scores = interval_scores(actual, lower, upper, level)
    return _mean(_scaled(np.mean(scores, axis=-1, keepdims=True), scale))


def skill(error: float, baseline_error: float) -> float:
    """Return 1 - error / baseline_error, at most 1; above 0 beats the baseline.

    NaN where the baseline makes no error.
    """
    return 1 - _ratio(error, baseline_error)


def naive_scale(values: FloatArray, season_length: int) -> float:
    """Return mean |y_t - y_(t-m)| of one series, the denominator of MASE; 0 or more.

    Args:
        values: the part of the series before the forecast, oldest first, ``(points,)``.
        season_length: m; 1 is taken instead where the series is not longer than m.
            A single observation gives 0.
    """
    return float(np.mean(np.abs(_changes(values, season_length))))


def naive_squared_scale(values: FloatArray, season_length: int) -> float:
    """Return mean (y_t - y_(t-m))² of one series, the denominator of RMSSE; 0 or more.

    Args:
        values: as in `naive_scale`.
        season_length: as in `naive_scale`.
    """
    return float(np.mean(_changes(values, season_length) ** 2))


def _changes(values: FloatArray, season_length: int) -> FloatArray:
    lag = season_length if len(values) > season_length else 1
    return values[lag:] - values[:-lag] if len(values) > lag else np.zeros(1)


def _scaled(errors: FloatArray, scale: npt.ArrayLike) -> FloatArray:
    """Divide the rows' errors by their scales, without the rows of scale 0."""
    scales = np.broadcast_to(scale, errors.shape)
    nonzero = scales != 0
    return np.asarray(errors[nonzero] / scales[nonzero])


def _mean(values: FloatArray) -> float:
    return float(np.mean(values)) if values.size else math.nan


def _ratio(error: float, reference: float) -> float:
    return error / reference if reference else math.nan
