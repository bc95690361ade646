"""Random building blocks of synthetic series: seasons, drifts, shocks, slow functions.

Every function draws one row a series, all series at once, in units in which the noise
of a series has a standard deviation near 1.
"""

import numpy as np
from numpy.random import Generator

from forecasting.types import BoolArray, FloatArray

MAX_HARMONICS = 6  # of a smooth season


def chance(rng: Generator, share: float, count: int) -> BoolArray:
    """Draw a flag for each series, true with a given probability, ``(count,)``."""
    return np.asarray(rng.random(count) < share)


def power_of_ten(rng: Generator, low: float, high: float, count: int) -> FloatArray:
    """Draw numbers uniform on the logarithm, 10^low to 10^high, ``(count,)``."""
    return np.asarray(10.0 ** rng.uniform(low, high, count))


def season_profiles(rng: Generator, count: int, season_length: int) -> FloatArray:
    """Draw seasons of mean 0 and standard deviation 1, ``(count, season_length)``.

    Waves with few harmonics, independent phases, phases smoothed over their
    neighbours, and a few phases that stand out, such as December.
    """
    m, phases = season_length, np.arange(season_length)
    profile = np.zeros((count, m))
    decay = rng.uniform(0.3, 2.0, count)
    for harmonic in range(1, min(MAX_HARMONICS, m // 2) + 1):
        size = rng.standard_normal(count) / harmonic**decay
        angle = 2 * np.pi * harmonic * phases / m
        profile += size[:, None] * np.cos(angle + rng.uniform(0, 6.3, count)[:, None])
    free = rng.standard_t(4, (count, m)) * chance(rng, 0.45, count)[:, None]
    smooth = chance(rng, 0.5, count)[:, None]
    near = (np.roll(free, 1, 1) + 2 * free + np.roll(free, -1, 1)) / 2.4
    profile += 0.8 * np.where(smooth, near, free)
    peaks = rng.random((count, m)) < chance(rng, 0.25, count)[:, None] * 1.5 / m
    profile += peaks * rng.normal(0, 4, (count, m))
    profile -= profile.mean(1, keepdims=True)
    return np.asarray(profile / (profile.std(1, keepdims=True) + 1e-9))


def shocks(rng: Generator, count: int, length: int) -> FloatArray:
    """Draw independent noise with heavy tails and slowly changing volatility.

    The shape is ``(count, length)``.
    """
    freedom = np.where(chance(rng, 0.5, count), 30.0, rng.uniform(2.5, 8, count))
    noise = rng.standard_t(freedom[:, None], (count, length))
    noise /= np.sqrt(freedom / (freedom - 2))[:, None]
    changes = chance(rng, 0.35, count) * rng.uniform(0.02, 0.15, count)
    walk = autoregression(rng.standard_normal((count, length)), np.full(count, 0.97))
    return np.asarray(noise * np.exp(np.clip(changes[:, None] * walk, -2, 2)))


def autoregression(noise: FloatArray, coefficient: FloatArray) -> FloatArray:
    """Return x[t] = coefficient * x[t - 1] + noise[t], ``(count, length)``."""
    result, state = np.empty_like(noise), np.zeros(len(noise))
    for step in range(noise.shape[1]):
        state = coefficient * state + noise[:, step]
        result[:, step] = state
    return result


def random_waves(
    rng: Generator, count: int, length: int, scale: FloatArray, waves: int = 12
) -> FloatArray:
    """Draw smooth functions of time with variance 1, ``(count, length)``.

    A Gaussian process with a squared exponential kernel, by random features (Rahimi
    and Recht 2007).

    Args:
        rng: source of random numbers.
        count, length: shape of the result.
        scale: time over which each function changes, in steps, ``(count,)``.
        waves: number of features.
    """
    time, total = np.arange(length), np.zeros((count, length))
    for _ in range(waves):
        frequency = rng.standard_normal(count) / scale
        phase = rng.uniform(0, 2 * np.pi, count)
        total += np.cos(frequency[:, None] * time + phase[:, None])
    return np.asarray(total * np.sqrt(2 / waves))


def changing_season(
    rng: Generator, count: int, length: int, season_length: int, *, share: float = 0.85
) -> FloatArray:
    """Draw seasons that change in size and form over years, ``(count, length)``.

    Args:
        rng: source of random numbers.
        count, length: shape of the result.
        season_length: steps of a season; 1 for none.
        share: of the series with a season.
    """
    if season_length == 1:
        return np.zeros((count, length))
    phase = (np.arange(length)[None] + rng.integers(0, season_length, (count, 1))) % (
        season_length
    )
    rows = np.arange(count)[:, None]
    first, second = (season_profiles(rng, count, season_length) for _ in range(2))
    years = rng.uniform(3, 20, count) * season_length
    mix = random_waves(rng, count, length, years) * (
        chance(rng, 0.5, count) * rng.uniform(0, 0.4, count)
    ).reshape(-1, 1)
    grow = random_waves(rng, count, length, years) * (
        chance(rng, 0.5, count) * rng.uniform(0, 0.3, count)
    ).reshape(-1, 1)
    season = (first[rows, phase] + mix * second[rows, phase]) * np.exp(grow)
    size = power_of_ten(rng, -0.6, 1.0, count) * chance(rng, share, count)
    return np.asarray(size[:, None] * season)
