"""Weighted means of the forecasts of series, by their backtests, in a compiled loop.

It is one file because Numba checks only the file of a function to decide whether its
cache is up to date.
"""

import numpy as np
from numba import njit

from forecasting.jit import SUMS, compile_sums
from forecasting.zeroshot.regression import NONE, TESTED

UNTESTED_WEIGHT = 1 / 3  # of a regression without a backtest
TINY = 1e-100  # added to sums of errors, which may all be zero
MAX_EXPONENT = 500.0  # its exponential is a finite number


@compile_sums
def combine(
    values, offsets, ends, borders, firsts, smoothed, regressed, states, changed
):
    """Return the weighted mean of the forecasts of each series, and its errors.

    Weights are inverse to the squared sums of absolute errors in the backtest.

    Args:
        values, offsets: the series, ``(points,)`` and ``(series + 1,)``.
        ends, borders, firsts: of their tracks, see `Tracks`.
        smoothed: forecasts of the tracks by smoothing, ``(origins, steps)``.
        regressed: by regression; see ``states``.
        states: of the regressions, ``(tracks,)``; that of a series' first track holds.
        changed: by a network, ``(origins, steps)``, or ``(0, steps)`` without one.

    Returns:
        Points; sums of the absolute errors of the means in the backtest, and the number
        of these, all ``(series, steps)``.
    """
    count, steps = len(offsets) - 1, smoothed.shape[1]
    points = np.empty((count, steps))
    sums, counts = np.zeros((count, steps)), np.zeros((count, steps), np.int64)
    for i in range(count):
        series, track = values[offsets[i] : offsets[i + 1]], firsts[i]
        num_scales, begin = firsts[i + 1] - track, borders[track]
        series_ends = ends[begin : borders[track + 1]]
        num_origins, state = len(series_ends), states[track]
        parts = np.empty((3, num_origins, steps))
        _average(smoothed, begin, num_scales, parts[0])
        used = 1
        if state == TESTED:
            _average(regressed, begin, num_scales, parts[used])
            used += 1
        if len(changed) > 0:
            _average(changed, begin, num_scales, parts[used])
            used += 1
        tested = parts[:used]
        mean = _weighted_mean(tested, _weigh(series, series_ends, tested))
        _add_errors(series, series_ends, mean, sums[i], counts[i])
        points[i] = mean[-1]
        if state != NONE and state != TESTED:
            _average(regressed, begin, num_scales, parts[used])
            for q in range(steps):
                points[i, q] += UNTESTED_WEIGHT * (parts[used, -1, q] - points[i, q])
    return points, sums, counts


@njit(**SUMS)
def _average(forecasts, begin, num_scales, out):
    """Write the mean of a forecast and, if present, one of logarithms."""
    for k in range(out.shape[0]):
        for q in range(out.shape[1]):
            out[k, q] = forecasts[begin + k, q]
            if num_scales == 2:
                logarithm = forecasts[begin + out.shape[0] + k, q]
                out[k, q] = (out[k, q] + np.exp(min(logarithm, MAX_EXPONENT))) / 2


@njit(**SUMS)
def _weigh(values, ends, forecasts):
    """Return the weights of forecasts ``(forecasts, origins, steps)``; the sum is 1."""
    steps = forecasts.shape[2]
    sums, counts = np.zeros(steps), np.zeros(steps, np.int64)
    totals = np.empty(len(forecasts))
    for part in range(len(forecasts)):
        sums[:] = 0
        _add_errors(values, ends, forecasts[part], sums, counts)
        totals[part] = sums.sum() + TINY
    weights = (totals.min() / totals) ** 2
    return weights / weights.sum()


@njit(**SUMS)
def _weighted_mean(forecasts, weights):
    """Return the weighted mean, ``(origins, steps)``."""
    mean = weights[0] * forecasts[0]
    for part in range(1, len(forecasts)):
        mean += weights[part] * forecasts[part]
    return mean


@njit(**SUMS)
def _add_errors(values, ends, forecasts, sums, counts):
    """Add absolute errors from all origins but the last, up to the series' end."""
    for k in range(len(ends) - 1):
        for q in range(min(forecasts.shape[1], len(values) - ends[k])):
            error = abs(forecasts[k, q] - values[ends[k] + q])
            if not np.isnan(error):
                sums[q] += error
                counts[q] += 1
