"""Intervals around zero-shot forecasts, from the errors of a series' own backtest.

The mean absolute error is taken to grow with the step as a power of it, whose exponent
is shrunk to that of many series. An error over its expected size follows Student's t
distribution with three degrees of freedom, made a little wider because the size is
itself estimated from few errors: both were set on the held-out ends of the training
parts of M4 Hourly, M4 Weekly, M3 Monthly and tourism, not on their test parts.
"""

from functools import cache

import numpy as np
from numba import njit

from forecasting.jit import SUMS, compile_sums

GROWTH = 0.35  # exponent of many series
GROWTH_WEIGHT = 4.0  # of it, in steps with errors of the series
NAIVE_WEIGHT = 1.0  # of the mean change from step to step, in errors
WIDENING = 1.15
_MEAN_ABS_T3 = 2 * np.sqrt(3) / np.pi  # of Student's t with 3 degrees of freedom


@compile_sums
def error_sizes(values, offsets, sums, counts):
    """Return the expected absolute error of each series and step, ``(series, steps)``.

    Args:
        values: of the series, ``(points,)``.
        offsets: borders of the series, ``(series + 1,)``.
        sums: of absolute errors of a backtest, ``(series, steps)``.
        counts: of these errors, ``(series, steps)``.
    """
    sizes = np.empty(sums.shape)
    for i in range(len(sums)):
        change = np.abs(np.diff(values[offsets[i] : offsets[i + 1]])).mean()
        exponent = _growth(sums[i], counts[i])
        total, weight = NAIVE_WEIGHT * change, NAIVE_WEIGHT
        for q in range(len(sums[i])):
            sizes[i, q] = (q + 1.0) ** exponent
            total += sums[i, q]
            weight += counts[i, q] * sizes[i, q]
        sizes[i] *= total / weight
    return sizes


@njit(**SUMS)
def _growth(sums, counts):
    """Return the exponent of growth: the slope of log error over log step, shrunk."""
    used = np.flatnonzero((counts > 0) & (sums > 0))
    if len(used) < 2:
        return GROWTH
    weights = np.sqrt(counts[used])
    weights /= weights.sum()
    step = np.log(used + 1.0)
    size = np.log(sums[used] / counts[used])
    step -= (weights * step).sum()
    prior = GROWTH_WEIGHT / len(used)
    slope = (weights * step * size).sum() + prior * GROWTH
    return min(max(slope / ((weights * step**2).sum() + prior), 0.0), 1.0)


@cache
def error_quantile(level: float) -> float:
    """Return half the width of a central interval, in expected absolute errors.

    Args:
        level: in percent.

    >>> round(error_quantile(80), 2), round(error_quantile(95), 2)
    (1.71, 3.32)
    """
    return float(WIDENING * _student_t3(0.5 + level / 200) / _MEAN_ABS_T3)


def _student_t3(probability: float) -> float:
    """Return a quantile of Student's t with 3 degrees of freedom, by Newton's method.

    Its distribution function is 1/2 + (x / (1 + x^2) + arctan x) / pi, x = t / sqrt 3.
    """
    x = 0.0
    target = np.pi * (probability - 0.5)
    for _ in range(100):
        value, slope = x / (1 + x * x) + np.arctan(x), 2 / (1 + x * x) ** 2
        change = (target - value) / slope
        x += min(change, 1 + x)  # the slope becomes flat far out
        if abs(change) < 1e-12 * (1 + x):
            break
    return float(np.sqrt(3) * x)
