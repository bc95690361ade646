"""Ridge regression of the next steps on the last values of one series, compiled.

The windows of the series itself are the training data: nothing is learnt from other
series. Each window is levelled by its mean, and the penalty (Hoerl and Kennard 1970) is
that of a Bayesian regression: the variance of the noise over that of a weight. The
latter is 1 / lookback, as of a mean of the window; the former is half the mean squared
change over a season or over a step, the smaller one.

Windows overlap, so their products follow from one another: no window is stored, and a
fit takes a time that hardly grows with their number.

Letters: L lookback, H steps, N windows. One file, because Numba checks only the file
of a function to decide whether its cache is up to date.
"""

from functools import cache

import numpy as np
from numba import njit

from forecasting.jit import SUMS, compile_sums
from forecasting.types import IntArray

EPSILON = 1e-12  # of the squared values, added to the variance of the noise
MIN_ROWS, ROWS_PER_VALUE = 15, 1.5  # windows to fit: a few, and more for each value
NONE, UNTESTED, TESTED = 0, 1, 2  # regressions of a track
LONG_LOOKBACKS = {24: (168,), 7: (28,)}  # tried first: a week of hours, four of days
NO_SEASON = (60, 24, 13, 8, 4)  # lookbacks without a season


@cache
def lookbacks(season_length: int) -> IntArray:
    """Return the numbers of values that a regression may read, the best first."""
    if season_length == 1:
        return np.array(NO_SEASON)
    return np.array([*LONG_LOOKBACKS.get(season_length, ()), season_length])


@compile_sums
def regress_tracks(
    values, offsets, ends, borders, steps, season_length, candidates, forecasts
):
    """Forecast tracks from their origins, each by a regression of its own windows.

    The forecast from the last origin is fitted to all values, those of the backtest to
    the values before the first origin.

    Args:
        values, offsets, ends, borders: of the tracks, see `Tracks`.
        steps: steps ahead, H.
        season_length: steps of the season; 1 for none.
        candidates: numbers of values that a forecast may read, the best first.
        forecasts: output, ``(origins, H)``; of a track without a backtest only the last
            row is written, of one that is too short none.

    Returns:
        For each track `NONE`, `UNTESTED` or `TESTED`, ``(tracks,)``.
    """
    states = np.empty(len(offsets) - 1, np.int64)
    for i in range(len(states)):
        track = values[offsets[i] : offsets[i + 1]]
        begin, end = borders[i], borders[i + 1]
        lookback, state = _choose_lookback(candidates, steps, len(track), ends[begin])
        states[i] = state
        if state == TESTED:
            _forecast_from(
                track[: ends[begin]],
                track,
                lookback,
                season_length,
                ends[begin : end - 1],
                forecasts[begin : end - 1],
            )
        if state != NONE:
            _forecast_from(
                track,
                track,
                lookback,
                season_length,
                ends[end - 1 : end],
                forecasts[end - 1 : end],
            )
    return states


@njit(**SUMS)
def _choose_lookback(candidates, steps, length, first):
    """Return the first lookback that a backtest can test, or else that fits, or 0."""
    for end, state in ((first, TESTED), (length, UNTESTED)):
        for lookback in candidates:
            rows = end - lookback - steps + 1
            if rows >= MIN_ROWS + ROWS_PER_VALUE * lookback:
                return lookback, state
    return 0, NONE


@compile_sums
def regression(values, lookback, steps, season_length, fitted, ends):
    """Fit to the windows of a series, and forecast from several origins.

    Args:
        values: of one series, ``(n,)``.
        lookback: values that a forecast reads, L.
        steps: steps ahead, H.
        season_length: steps of the season; 1 for none.
        fitted: number of values that are fitted, at least L + H.
        ends: observations before each origin, at least L, ``(origins,)``.

    Returns:
        Forecasts, ``(origins, H)``.
    """
    forecasts = np.empty((len(ends), steps))
    _forecast_from(values[:fitted], values, lookback, season_length, ends, forecasts)
    return forecasts


@njit(**SUMS)
def _forecast_from(fitted, values, lookback, season_length, ends, forecasts):
    """Fit to the windows of ``fitted``, and write forecasts ``(origins, H)``.

    The weights of a step are the solution of the regression's system for the products
    of that step; a forecast is their product with a window. Because the matrix is
    symmetric, this is the product of the step with the system's solution for the
    window, and there are fewer origins than steps.
    """
    steps, origins = forecasts.shape[1], len(ends)
    center = fitted.mean()
    products, sums = _window_products(fitted - center, lookback + steps)
    rows = len(fitted) - lookback - steps + 1
    noise = _penalty(fitted - center, season_length)
    gram, right, deviation = _system(products, sums, rows, lookback, noise)
    inputs, levels = np.empty((origins, lookback)), np.empty(origins)
    for origin in range(origins):
        window = values[ends[origin] - lookback : ends[origin]]
        levels[origin] = window.mean()
        for j in range(lookback):
            inputs[origin, j] = window[j] - levels[origin] - deviation[j]
    _solve_positive(gram, inputs)
    for origin in range(origins):
        for q in range(steps):
            total = deviation[lookback + q] + levels[origin]
            for j in range(lookback):
                total += inputs[origin, j] * right[q, j]
            forecasts[origin, q] = total


@njit(**SUMS)
def _window_products(values, width):
    """Return the sums over all windows of products and of values: the Gram matrix.

    The sum for the next pair of positions differs by one product at each end.

    Args:
        values: ``(n,)``.
        width: L + H.

    Returns:
        ``(width, width)`` and ``(width,)``.
    """
    rows = len(values) - width + 1
    products, sums = np.empty((width, width)), np.empty(width)
    for j in range(width):
        total = 0.0
        for i in range(rows):
            total += values[i] * values[i + j]
        products[0, j] = products[j, 0] = total
    sums[0] = values[:rows].sum()
    for a in range(width - 1):
        sums[a + 1] = sums[a] - values[a] + values[a + rows]
        for b in range(a, width - 1):
            total = products[a, b] - values[a] * values[b]
            total += values[a + rows] * values[b + rows]
            products[a + 1, b + 1] = products[b + 1, a + 1] = total
    return products, sums


@njit(**SUMS)
def _system(products, sums, rows, lookback, noise):
    """Return the levelled regression: matrix, right-hand sides, and means.

    Args:
        products, sums: of the windows, see `_window_products`.
        rows: number of windows, N.
        lookback: L.
        noise: variance of the noise.

    Returns:
        The Gram matrix ``(L, L)`` with the penalty on its diagonal, the products with
        each step ``(H, L)``, and the means of the levelled values, ``(L + H,)``.
    """
    width, size = len(sums), lookback
    to_level = np.empty(width)  # sum over windows of each value times the level
    for a in range(width):
        to_level[a] = products[a, :size].mean()
    level_square, level_sum = to_level[:size].mean(), sums[:size].mean()
    gram, right = np.empty((size, size)), np.empty((width - size, size))
    deviation = (sums - level_sum) / rows  # mean of the levelled values
    for a in range(size):
        for b in range(size):
            gram[a, b] = products[a, b] - to_level[a] - to_level[b] + level_square
            gram[a, b] -= rows * deviation[a] * deviation[b]
        gram[a, a] += size * noise
        for q in range(width - size):
            column = size + q
            total = products[a, column] - to_level[a] - to_level[column] + level_square
            right[q, a] = total - rows * deviation[a] * deviation[column]
    return gram, right, deviation


@njit(**SUMS)
def _solve_positive(matrix, right):
    """Solve a positive definite system by Cholesky's method, in place.

    Args:
        matrix: ``(n, n)``; its lower triangle becomes the factor.
        right: right-hand sides, a row each; they become the solutions.
    """
    size = len(matrix)
    for a in range(size):
        for b in range(a + 1):
            total = matrix[a, b]
            for k in range(b):
                total -= matrix[a, k] * matrix[b, k]
            if a == b:
                matrix[a, a] = np.sqrt(max(total, 1e-300))
            else:
                matrix[a, b] = total / matrix[b, b]
    for row in range(len(right)):
        solution = right[row]
        for a in range(size):
            total = solution[a]
            for k in range(a):
                total -= matrix[a, k] * solution[k]
            solution[a] = total / matrix[a, a]
        for a in range(size - 1, -1, -1):
            solution[a] /= matrix[a, a]
            for k in range(a):
                solution[k] -= matrix[a, k] * solution[a]


@njit(**SUMS)
def _penalty(values, season_length):
    """Return the variance of the noise, a little above zero."""
    n = len(values)
    step, season, square = 0.0, np.inf, 0.0
    for t in range(1, n):
        step += (values[t] - values[t - 1]) ** 2
        square = max(square, values[t] ** 2)
    step /= max(n - 1, 1)
    if 1 < season_length < n:
        season = 0.0
        for t in range(season_length, n):
            season += (values[t] - values[t - season_length]) ** 2
        season /= n - season_length
    return min(step, season) / 2 + EPSILON * (square + EPSILON)
