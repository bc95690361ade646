"""Events and units: outliers, steps, spikes, flips, limits, and the scale of values.

Events change some of the series only; the others are returned as they are.
"""

import numpy as np
from numpy.random import Generator

from forecasting.pretraining.components import chance, power_of_ten
from forecasting.types import FloatArray


def add_events(rng: Generator, values: FloatArray, season_length: int) -> FloatArray:
    """Add outliers, steps of the level, and spikes that decay, ``(count, length)``.

    Args:
        rng: source of random numbers.
        values: series whose noise has a size near 1.
        season_length: steps of a season; some spikes come back every season.
    """
    count, length = values.shape
    size = 3 * np.exp(rng.normal(0, 0.5, count))[:, None]

    def moments(share: float, rate: float) -> FloatArray:
        rates = chance(rng, share, count) * rate
        hit = rng.random((count, length)) < rates[:, None]
        return np.asarray(hit * rng.standard_normal((count, length)) * size)

    outliers, steps = moments(0.25, 0.012), moments(0.2, 0.006)
    spikes = np.abs(moments(0.15, 0.01))
    decay = rng.uniform(0, 0.8, count)
    tail = np.zeros(count)
    result = values + outliers + np.cumsum(steps, axis=1)
    for step in range(length):
        tail = decay * tail + spikes[:, step]
        result[:, step] += tail
    return np.asarray(result + _yearly_spikes(rng, count, length, season_length))


def _yearly_spikes(
    rng: Generator, count: int, length: int, season_length: int
) -> FloatArray:
    """Draw spikes near the same phase of each season, not always in the same step."""
    time = np.arange(length)[None]
    phase = rng.integers(0, season_length, (count, 1))
    late = rng.random((count, length // season_length + 2)) < 0.3
    shift = np.take_along_axis(late, time // season_length + phase * 0, 1)
    hit = (time - shift) % season_length == phase
    share = 0.06 if season_length >= 4 else 0.0
    size = rng.normal(0, 4, count) * chance(rng, share, count)
    return np.asarray(hit * size[:, None])


def to_units(rng: Generator, values: FloatArray) -> FloatArray:
    """Return series as a file might hold them, ``(count, length)``.

    A half remains as it is, which is also how logarithms of sales look; the others are
    exponentials, a ratio to a large level, or cut off at zero. Some are turned upside
    down.
    """
    count = len(values)
    kind = rng.choice(4, count, p=[0.5, 0.36, 0.08, 0.06])[:, None]
    center = values - np.median(values, axis=1, keepdims=True)
    spread = np.abs(center).mean(1, keepdims=True) + 1e-9
    rate = power_of_ten(rng, -1.6, -0.2, count)[:, None] / np.maximum(spread, 1.0)
    growing = np.exp(np.clip(rate * center, -8, 8))
    soft = np.logaddexp(0, center / spread + rng.normal(0.5, 1, (count, 1)))
    cut = np.maximum(center + spread * rng.uniform(-0.6, 1, (count, 1)), 0)
    turned = np.where(chance(rng, 0.3, count)[:, None], -values, values)
    result = np.choose(kind, [turned, growing, soft, cut])
    scale = power_of_ten(rng, -1, 5, count)[:, None]
    return np.asarray(result * scale)
