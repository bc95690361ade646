"""The season of series as it is known after each observation, by their past alone.

Each phase's mean deviation from the centred moving average, older cycles counting
less, shrunk towards zero as far as the phases' means differ no more than chance would
have it (James and Stein 1961). All series go through their cycles side by side.
"""

import numpy as np

from forecasting.series import FloatArray, IntArray

FADING = 0.8  # weight of a season's cycle relative to the one after it

_SURE = 1e6  # seasons shrink to nothing where they are less than this share of noise
_TINY = 1e-12


def running_season(
    values: FloatArray, offsets: IntArray, season_length: int
) -> FloatArray:
    """Return each phase's deviation as far as it is known, ``(points,)``.

    Args:
        values: ``(points,)``, series after series.
        offsets: borders of the series, ``(series + 1,)``.
        season_length: steps of a season; 1 for none.
    """
    m, season = season_length, np.zeros(len(values))
    average_of = m + 1 - m % 2  # observations of one moving average
    if m <= 1 or len(values) < average_of:
        return season
    deviation = _deviation(values, offsets, m)
    longest = np.argsort(-np.diff(offsets), kind="stable")
    lengths, begins = np.diff(offsets)[longest], offsets[:-1][longest]
    lengths = lengths[lengths >= average_of]
    count = len(lengths)
    total, weight = np.zeros((2, count, m))
    squares, noise = np.zeros(count), np.ones(count)
    for first in range(0, int(lengths.max(initial=0)), m):
        running = int(np.searchsorted(-lengths, -first))  # those longer than that
        total, weight, squares = total[:running], weight[:running], squares[:running]
        place = np.arange(first, first + m)
        ends = lengths[:running, None]
        inside = place < ends
        at = begins[:running, None] + np.minimum(place, ends - 1)
        cycle = np.where(inside, deviation[at], 0.0)
        total = FADING * total + cycle
        weight = FADING * weight + ((place >= m // 2) & (place < ends - m // 2))
        season[at[inside]] = (total / (weight + noise[:running, None]))[inside]
        squares = FADING * squares + np.sum(cycle**2, axis=1)
        noise = _noise_ratio(total, weight, squares)
    return season


def _deviation(values: FloatArray, offsets: IntArray, m: int) -> FloatArray:
    """Return values minus their centred moving averages, zero where there is none."""
    half = m // 2
    kernel = np.ones(m) / m if m % 2 else np.r_[0.5, np.ones(m - 1), 0.5] / m
    deviation = np.zeros(len(values))
    inner = slice(half, len(values) - half)
    deviation[inner] = values[inner] - np.convolve(values, kernel, "valid")
    near = np.arange(-half, half)  # averages there would reach into another series
    border = (offsets[:, None] + near).clip(0, len(values) - 1)
    deviation[border] = 0.0
    return deviation


def _noise_ratio(
    total: FloatArray, weight: FloatArray, squares: FloatArray
) -> FloatArray:
    """Return the variance within phases over that between their true means.

    One cycle cannot tell season from noise: with less than one and a half of any phase
    the ratio is 1, which halves it.

    Args:
        total, weight: of the deviations of each phase, ``(series, phases)``.
        squares: sum of their squares, ``(series,)``.
    """
    usable = weight.min(1) >= 1.5
    weight = np.where(usable[:, None], weight, 1.0)
    phases, means = total.shape[1], total / weight
    within = np.maximum(squares - np.sum(weight * means**2, axis=1), 0.0)
    within /= np.maximum(weight.sum(1) - phases, 1.0)
    between = np.sum(means**2, axis=1) / (phases - 1) - within / weight.mean(1)
    ratio = np.minimum(within / np.maximum(between, _TINY), _SURE)
    return np.where(usable, ratio, 1.0)
