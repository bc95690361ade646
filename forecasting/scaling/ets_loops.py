"""Exponential smoothing in compiled loops, a series at a time.

A sum has a loop of its own, which writes to no array: of a loop with both, the compiler
makes two versions with different orders of the sum, and the places of the arrays in
memory decide between them, so that the last bits would change from call to call.

`forecasting.scaling.ets` explains the method. Series do not know each other: states are
the same for a series alone and among others.

It is one file because Numba checks only the file of a function to decide whether its
cache is up to date.
"""

import numpy as np
from numba import njit

from forecasting.jit import SUMS, compile_sums
from forecasting.scaling.ets import (
    CYCLE_DECAY,
    EPSILON,
    MAX_NOISE_RATIO,
    SHARPNESS,
)

MIN_SIZE = 1e-4  # of a unit of windows, in standard deviations of the series
BOUND = 20.0  # larger values of a window are clipped
TINY = 1e-12


@compile_sums
def running_season(values, m):
    """Return the season after each observation of one series, ``(n,)``."""
    n = len(values)
    season = np.zeros(n)
    length = m + 1 - m % 2
    if m <= 1 or n < length:
        return season
    half = m // 2
    deviation = np.zeros(n)
    inner = values[1 : m + 1].sum() if m % 2 == 0 else values[:m].sum()
    for t in range(half, n - half):  # centred moving average, by a running sum
        if m % 2:
            average = inner / m
            if t + half + 1 < n:
                inner += values[t + half + 1] - values[t - half]
        else:
            average = (inner + 0.5 * (values[t - half] - values[t + half])) / m
            if t + half + 1 < n:
                inner += values[t + half + 1] - values[t - half + 1]
        deviation[t] = values[t] - average
    total, weight = np.zeros(m), np.zeros(m)
    squares, noise = 0.0, 1.0
    for first in range(0, n, m):
        cycle = 0.0
        for t in range(first, min(first + m, n)):
            cycle += deviation[t] * deviation[t]
        for phase in range(m):
            t = first + phase
            inside = t < n
            value = deviation[t] if inside else 0.0
            counted = 1.0 if half <= t < n - half else 0.0
            total[phase] = CYCLE_DECAY * total[phase] + value
            weight[phase] = CYCLE_DECAY * weight[phase] + counted
            if inside:
                season[t] = total[phase] / (weight[phase] + noise)
        squares = CYCLE_DECAY * squares + cycle
        noise = _noise_ratio(total, weight, squares)
    return season


@njit(**SUMS)
def _noise_ratio(total, weight, squares):
    """Return the variance within phases over that between their means."""
    m = len(total)
    if weight.min() < 1.5:
        return 1.0
    between, explained = 0.0, 0.0
    for phase in range(m):
        mean = total[phase] / weight[phase]
        between += mean * mean
        explained += weight[phase] * mean * mean
    within = max(squares - explained, 0.0) / max(weight.sum() - m, 1.0)
    between = between / (m - 1) - within / weight.mean()
    return min(within / max(between, EPSILON), MAX_NOISE_RATIO)


@compile_sums
def smooth_series(values, m, later, grid, columns, first, level_out, trend_out):
    """Write level and trends after each observation of one series; return the season.

    Args:
        values: ``(n,)``.
        m: steps of the season; 1 for none.
        later: steps ahead at which members are scored besides the next one.
        grid: alpha, beta and phi of the members, ``(3, members)``.
        columns: column of each member's damping in ``trend_out``, ``(members,)``.
        first: observations before the first one that is written.
        level_out: output, ``(n,)``.
        trend_out: output, ``(n, dampings)``.

    Returns:
        The season after each observation, ``(n,)``.
    """
    alpha, beta, phi = grid
    n, members = len(values), len(alpha)
    season = running_season(values, m)
    level, trend, errors = np.zeros(members), np.zeros(members), np.zeros(members)
    weights = np.empty(members)
    depth = 0
    for q in later:
        depth += q
    ring = np.zeros((max(depth, 1), members))  # forecasts whose time has not come
    sums = np.zeros((max(len(later), 1), members))
    for i in range(len(later)):
        for k in range(members):
            for power in range(1, later[i] + 1):
                sums[i, k] += phi[k] ** power
    for t in range(n):
        lagged = 0.0
        if m > 1:
            latest = t - 1 - m // 2
            index = latest - (latest - t) % m
            lagged = season[index] if index >= 0 else 0.0
        observed = values[t] - lagged
        if t == 0:
            level[:] = observed
        else:
            for k in range(members):
                slope = phi[k] * trend[k]
                expected = level[k] + slope
                error = observed - expected
                if t > 1:  # the first forecast is the first value
                    errors[k] += abs(error)
                level[k] = expected + alpha[k] * error
                trend[k] = slope + alpha[k] * beta[k] * error
        begin = 0
        for i in range(len(later)):
            q = later[i]
            row = begin + t % q  # holds the forecast from q steps ago
            begin += q
            for k in range(members):
                if q <= t:
                    errors[k] += abs(ring[row, k] - observed)
                ring[row, k] = level[k] + trend[k] * sums[i, k]
        if t >= first:
            _weigh(errors, t + 1, weights)
            level_out[t] = 0.0
            trend_out[t] = 0.0
            for k in range(members):
                level_out[t] += weights[k] * level[k]
                trend_out[t, columns[k]] += weights[k] * trend[k]
    return season


@njit(**SUMS)
def _weigh(errors, count, weights):
    """Write the weights of the members: more for smaller errors; their sum is 1."""
    lowest, total = errors.min(), 0.0
    scale = SHARPNESS / (lowest / count + EPSILON)
    for k in range(len(errors)):
        weights[k] = np.exp(max((lowest - errors[k]) * scale, -500.0))
    for k in range(len(errors)):
        total += weights[k]
    for k in range(len(errors)):
        weights[k] /= total


@compile_sums
def smooth_origins(
    values, offsets, ends, borders, m, later, grid, columns, damped, length
):
    """Forecast series from several origins, and scale the windows before these.

    Windows are values less level and season, in units of the mean absolute change over
    a season: those of `forecasting.scaling.window_scaling.EtsStates`. A window that
    reaches back beyond its series is padded with its first value.

    Args:
        values: of all series, ``(points,)``.
        offsets: borders of the series, ``(series + 1,)``.
        ends: observations before each origin, at least 1, ascending within a series,
            ``(origins,)``.
        borders: of the origins of each series, ``(series + 1,)``.
        m: steps of the season; 1 for none.
        later, grid, columns: as in `smooth_series`.
        damped: sums of each damping over the steps ahead, ``(dampings, steps)``.
        length: values in a window; 0 for no windows.

    Returns:
        Forecasts ``(origins, steps)``, windows ``(origins, length)`` in single
        precision, and the size of a unit, ``(origins,)``.
    """
    count, steps = len(ends), damped.shape[1]
    forecasts, sizes = np.empty((count, steps)), np.empty(count)
    windows = np.empty((count, length), np.float32)
    for i in range(len(offsets) - 1):
        series = values[offsets[i] : offsets[i + 1]]
        origins = slice(borders[i], borders[i + 1])
        _smooth_one(
            series,
            ends[origins],
            m,
            later,
            grid,
            columns,
            damped,
            forecasts[origins],
            windows[origins],
            sizes[origins],
        )
    return forecasts, windows, sizes


@njit(**SUMS)
def _smooth_one(
    values, ends, m, later, grid, columns, damped, forecasts, windows, sizes
):
    """Write forecasts, windows and sizes of the origins of one series."""
    n = len(values)
    level, trend = np.empty(n), np.empty((n, len(damped)))
    season = smooth_series(values, m, later, grid, columns, ends[0] - 1, level, trend)
    length = windows.shape[1]
    if length > 0:
        _write_units(values, ends, m, sizes)
    for origin in range(len(ends)):
        end = ends[origin]
        now, latest = level[end - 1], end - 1 - m // 2
        place = end  # of the next value, and of the observation with its season below
        index = latest - (latest - place) % m
        for q in range(forecasts.shape[1]):
            total = now + (season[index] if index >= 0 else 0.0)
            for d in range(len(damped)):
                total += trend[end - 1, d] * damped[d, q]
            forecasts[origin, q] = total
            index = _next_phase(index, latest, m)
        place = max(end - length, 0)
        index = latest - (latest - place) % m
        for j in range(length):
            if end - length + j > place:
                place += 1
                index = _next_phase(index, latest, m)
            change = values[place] - now - (season[index] if index >= 0 else 0.0)
            windows[origin, j] = min(max(change / sizes[origin], -BOUND), BOUND)


@njit(**SUMS)
def _next_phase(index, latest, m):
    """Return the observation with the season of the next position.

    The season of a position, as of ``latest``, is that after the last observation of
    the same phase: see `forecasting.scaling.ets.season_index`.
    """
    return index + 1 if index < latest else index + 1 - m


@njit(**SUMS)
def _write_units(values, ends, m, sizes):
    """Write the mean absolute change over a season, or a step before one has ended.

    That of each origin is from the observations before it.
    """
    seasonal, changes, total, squares = 0.0, 0.0, 0.0, 0.0
    t = 0
    for origin in range(len(ends)):
        end = ends[origin]
        while t < end:
            shifted = values[t] - values[0]
            total += shifted
            squares += shifted * shifted
            if t >= 1:
                changes += abs(values[t] - values[t - 1])
            if t >= m:
                seasonal += abs(values[t] - values[t - m])
            t += 1
        unit = seasonal / (end - m) if end > m else changes / end
        mean = total / end
        smallest = MIN_SIZE * np.sqrt(max(squares / end - mean * mean, 0.0))
        sizes[origin] = max(unit, smallest, TINY)
