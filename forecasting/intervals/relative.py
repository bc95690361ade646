"""Errors on logarithms as relative errors, and the choice between the two.

A bound on logarithms is point * exp(q); one on relative errors is point * (1 + q). They
agree for small q, but the first one grows exponentially: where the errors' quantiles
were large (after a level shift, an outlier, zeros), it leaves all that was ever
observed. So errors on logarithms are converted, unless bounds on logarithms have
clearly lower interval scores on the held-out errors.
"""

import numpy as np

from forecasting.intervals.errors import ForecastErrors
from forecasting.intervals.table import IntervalTable
from forecasting.intervals.volatility import VolatilityScaling
from forecasting.types import FloatArray

MAX_EXPONENT = 50.0  # exp(50) = 5e21; its square is a finite number
MAX_ORIGINS = 5000  # compared at most, at equal distances
COMPARED_LEVELS = (80.0, 95.0)
MIN_INDEPENDENT = 8.0  # origins, for logarithms to be chosen


def to_relative(residuals: FloatArray, log_units: FloatArray) -> FloatArray:
    """Return errors on logarithms as relative errors, ``(origins, horizon)``.

    The unit stays that of a small error: both kinds agree near zero.

    Args:
        residuals: actual - forecast on logarithms, in units of the window.
        log_units: the unit of each window, ``(origins,)``.
    """
    units = log_units[:, None]
    exponents = np.clip(residuals * units, -MAX_EXPONENT, MAX_EXPONENT)
    return np.asarray(np.expm1(exponents) / units)


def prefers_relative(errors: ForecastErrors, *, scaled: bool) -> bool:
    """Return whether intervals on relative errors suit the errors on logarithms.

    They do unless the interval scores on logarithms are lower on average, by more than
    two standard errors.

    Args:
        errors: on logarithms; without ``log_units`` they are of another kind.
        scaled: whether errors are scaled by volatility.
    """
    if errors.log_units is None:
        return False
    distance = max(1, -(-len(errors) // MAX_ORIGINS))
    sample = errors.select(slice(None, None, distance))
    units = sample.log_units
    if units is None or sample.independent < MIN_INDEPENDENT:
        return True
    relative = to_relative(sample.residuals, units)
    excess = np.zeros(len(sample))
    for level in COMPARED_LEVELS:
        lower, upper = _bounds(sample.residuals, sample, level, scaled)
        on_logarithms = to_relative(lower, units), to_relative(upper, units)
        on_relative = _bounds(relative, sample, level, scaled)
        excess += _scores(relative, *on_relative, level)
        excess -= _scores(relative, *on_logarithms, level)
    observed = excess[~np.isnan(excess)]
    if not len(observed):
        return True
    standard_error = observed.std() / np.sqrt(sample.independent)
    return bool(observed.mean() <= 2 * standard_error)


def _bounds(
    residuals: FloatArray, errors: ForecastErrors, level: float, scaled: bool
) -> tuple[FloatArray, FloatArray]:
    """Return the bounds of every origin's errors, ``(origins, horizon)`` each."""
    scaling = VolatilityScaling()
    if scaled:
        scaling = VolatilityScaling.fit(
            residuals, errors.volatility, errors.independent
        )
    sizes = scaling.sizes(errors.volatility)
    table = IntervalTable.from_residuals(residuals / sizes)
    lower, upper = table.offsets(level, residuals.shape[1])
    return lower * sizes, upper * sizes


def _scores(
    actual: FloatArray, lower: FloatArray, upper: FloatArray, level: float
) -> FloatArray:
    """Return the mean interval score of each origin, ``(origins,)``; NaN unobserved.

    Source: Gneiting and Raftery 2007, section 6.2.
    """
    penalty = 2 / (1 - level / 100)
    below, above = np.maximum(lower - actual, 0), np.maximum(actual - upper, 0)
    scores = upper - lower + penalty * (below + above)
    observed = ~np.isnan(scores)
    counts = np.where(observed.any(1), observed.sum(1), np.nan)
    return np.asarray(np.where(observed, scores, 0).sum(1) / counts)
