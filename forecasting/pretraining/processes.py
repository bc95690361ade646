"""Families of synthetic series, each a different idea of how series come about.

    state_space   level, damped trend and season, corrected by each shock; breaks
    regimes       a hidden state switches drift, volatility and level
    smooth        sums of slow functions, a season and noise
    profiles      hours of the day, different by weekday, with a random size of each day
    counts        small whole numbers with zeros, around one of the families above

All return ``(count, length)``, in units in which noise has a size near 1.
"""

from collections.abc import Callable

import numpy as np
from numpy.random import Generator

from forecasting.pretraining.components import (
    autoregression,
    chance,
    changing_season,
    power_of_ten,
    random_waves,
    season_profiles,
    shocks,
)
from forecasting.types import FloatArray

Process = Callable[[Generator, int, int, int], FloatArray]
HOURS, DAYS = 24, 7


def state_space(rng: Generator, count: int, length: int, m: int) -> FloatArray:
    """Draw exponential smoothing models (Hyndman et al. 2008) with breaks.

    Args:
        rng: source of random numbers.
        count, length: shape of the result.
        m: steps of a season; 1 for none.
    """
    alpha = chance(rng, 0.75, count) * rng.random(count) ** 1.3
    beta = alpha * chance(rng, 0.45, count) * rng.uniform(0, 0.25, count)
    phi = np.where(chance(rng, 0.3, count), 1.0, rng.uniform(0.8, 1.0, count))
    gamma = chance(rng, 0.5, count) * rng.uniform(0, 0.3, count) * (m > 1)
    slope_size = power_of_ten(rng, -2.2, -0.4, count)
    slope = rng.standard_normal(count) * slope_size * chance(rng, 0.65, count)
    drift = rng.standard_normal(count) * power_of_ten(rng, -2.5, -0.8, count)
    drift *= chance(rng, 0.4, count)
    breaks = rng.random((length, count)) < chance(rng, 0.35, count) * 0.01
    rho = chance(rng, 0.5, count) * rng.uniform(-0.4, 0.9, count)
    noise = shocks(rng, count, length)
    level, season = np.zeros(count), np.zeros((count, m))
    if m > 1:
        size = power_of_ten(rng, -0.6, 1.0, count) * chance(rng, 0.85, count)
        season = season_profiles(rng, count, m) * size[:, None]
    first, values = int(rng.integers(m)), np.empty((length, count))
    for step in range(length):
        shock, phase = noise[:, step], (first + step) % m
        fresh = rng.standard_normal(count) * slope_size
        slope = np.where(breaks[step], fresh, slope)
        level = level + phi * slope + drift
        values[step] = level + season[:, phase] + shock
        level = level + alpha * shock
        slope = phi * slope + beta * shock
        season[:, phase] += gamma * shock
    extra = shocks(rng, count, length) * (rho != 0)[:, None] * 0.7
    return np.asarray(values.T + autoregression(extra, rho))


def regimes(rng: Generator, count: int, length: int, m: int) -> FloatArray:
    """Draw series with drift, volatility and level of a hidden state.

    A Markov chain of two states (Hamilton 1989).
    """
    stay = 1 - power_of_ten(rng, -2.5, -1.0, count)
    drift = rng.standard_normal((2, count)) * power_of_ten(rng, -2.5, -0.3, count)
    volatility = power_of_ten(rng, -0.3, 0.5, 2 * count).reshape(2, count)
    jump = rng.normal(0, 3, (2, count)) * chance(rng, 0.4, count)
    pull = np.where(chance(rng, 0.4, count), 1.0, rng.uniform(0.7, 1.0, count))
    walk_share = rng.random(count)
    noise = rng.standard_normal((2, length, count))
    leave = rng.random((length, count)) > stay
    state, level = rng.integers(0, 2, count), np.zeros(count)
    rows, values = np.arange(count), np.empty((length, count))
    for step in range(length):
        state = np.where(leave[step], 1 - state, state)
        size = volatility[state, rows]
        level = pull * level + drift[state, rows] + walk_share * noise[0, step] * size
        values[step] = level + jump[state, rows] + 0.6 * noise[1, step] * size
    return np.asarray(values.T) + changing_season(rng, count, length, m)


def smooth(rng: Generator, count: int, length: int, m: int) -> FloatArray:
    """Draw sums of slow functions, a straight line, a cycle, a season and noise."""
    slow = random_waves(rng, count, length, rng.uniform(0.15, 1.5, count) * length)
    fast = random_waves(rng, count, length, rng.uniform(3, 30, count))
    period = rng.uniform(2.2, 9, count) * max(m, 4)
    wander = random_waves(rng, count, length, 2 * period)
    time = np.arange(length)
    cycle = np.sin(2 * np.pi * time / period[:, None] + 0.7 * wander)
    line = (time - length / 2)[None] * rng.standard_normal(count)[:, None] / length

    def sized(low: float, high: float, share: float) -> FloatArray:
        size = power_of_ten(rng, low, high, count) * chance(rng, share, count)
        return size[:, None]

    values = slow * sized(-0.5, 1.3, 0.8) + fast * sized(-0.7, 0.5, 0.4)
    values += cycle * sized(-0.5, 0.7, 0.3) + line * sized(0, 1.6, 0.6)
    rho = chance(rng, 0.4, count) * rng.uniform(-0.3, 0.9, count)
    noise = autoregression(shocks(rng, count, length), rho)
    return values + noise + changing_season(rng, count, length, m)


def profiles(rng: Generator, count: int, length: int, m: int) -> FloatArray:
    """Draw series of hours: a profile of the day, different at weekends or each day.

    With another season than 24, a day has ``m`` steps.
    """
    hour, day, days = _clock(rng, count, length, m)
    shapes = np.stack([season_profiles(rng, count, m) for _ in range(3)], 1)
    skewed = chance(rng, 0.4, count)[:, None, None]
    shapes = np.where(skewed, np.exp(0.8 * shapes) - 1.4, shapes)
    mix = chance(rng, 0.7, count) * rng.random(count)
    weekend = shapes[:, 0] * (1 - mix)[:, None] + shapes[:, 1] * mix[:, None]
    loudness = np.where(chance(rng, 0.4, count), 1.0, rng.uniform(0.2, 1.2, count))
    table = np.repeat(shapes[:, :1], DAYS, 1)
    free = rng.integers(0, 3, count)  # days of the weekend
    for weekday in range(2):
        is_free = free > weekday
        table[is_free, weekday] = (weekend * loudness[:, None])[is_free]
    lift = chance(rng, 0.6, count) * rng.normal(0, 0.8, count)
    lifts = np.where(np.arange(DAYS) < free[:, None], lift[:, None], 0.0)
    lifts += rng.normal(0, 0.3, (count, DAYS)) * chance(rng, 0.35, count)[:, None]
    table = table + lifts[:, :, None]
    rows = np.arange(count)[:, None]
    of_day = autoregression(
        rng.standard_normal((count, days)), rng.uniform(0.3, 0.95, count)
    )
    of_day *= power_of_ten(rng, -2, -0.5, count)[:, None]
    place = np.cumsum(hour == 0, axis=1)
    swell = np.exp(np.clip(of_day[rows, place], -1, 1))
    size = power_of_ten(rng, -0.4, 1.1, count) * chance(rng, 0.9, count)
    values = table[rows, day, hour] * swell * size[:, None]
    rho = chance(rng, 0.8, count) * rng.uniform(0.2, 0.98, count)
    noise = autoregression(shocks(rng, count, length), rho)
    values += noise * np.sqrt(1 - rho**2)[:, None]
    weeks = rng.uniform(1, 12, count) * DAYS * m
    slow = random_waves(rng, count, length, weeks)
    return np.asarray(values + slow * power_of_ten(rng, -1, 0.5, count)[:, None])


def counts(rng: Generator, count: int, length: int, m: int) -> FloatArray:
    """Draw whole numbers from 0 on: Poisson or more dispersed, often with many zeros.

    Their mean follows one of the other families.
    """
    base = state_space(rng, count, length, m)
    base = (base - base.mean(1, keepdims=True)) / (base.std(1, keepdims=True) + 1e-9)
    base = np.clip(base * rng.uniform(0.1, 0.9, count)[:, None], -4, 4)
    mean = np.exp(base) * power_of_ten(rng, -0.7, 2.2, count)[:, None]
    dispersed = chance(rng, 0.5, count)[:, None]
    shape = power_of_ten(rng, -0.3, 1.3, count)[:, None]
    mean = np.where(dispersed, rng.gamma(shape, mean / shape), mean)
    demand = rng.poisson(np.minimum(mean, 1e6)).astype(np.float64)
    closed = chance(rng, 0.3, count) * rng.uniform(0.1, 0.8, count)
    return np.where(rng.random((count, length)) < closed[:, None], 0.0, demand)


def _clock(
    rng: Generator, count: int, length: int, m: int
) -> tuple[np.ndarray, np.ndarray, int]:
    """Return hour and weekday of each step, ``(count, length)``, and days touched."""
    time = np.arange(length)[None] + rng.integers(0, m * DAYS, (count, 1))
    return time % m, time // m % DAYS, length // m + 2
