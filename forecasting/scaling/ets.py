"""Exponential smoothing: level, trend, season and scale after every observation.

Computed for all time steps t in one pass, so that a network need only learn the
remainder (Smyl 2020, ES-RNN, where both are trained together). Nothing is fitted to the
whole series, and nothing at t depends on an observation after t:

* **season**: each phase's mean deviation from the centred moving average so far. Older
  cycles weigh less, and the season is shrunk towards zero where the phases' means
  differ no more than noise would explain (James and Stein 1961);
* **level and trend**: an ensemble of damped linear trends (Gardner and McKenzie 1985)
  on the deseasonalised series; each member is weighted by its forecast errors so far,
  one step ahead and further;
* **scale**: the mean absolute change over a season so far, the unit of scaled errors.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from forecasting.types import FloatArray, IntArray

if TYPE_CHECKING:
    from torch import Tensor

CYCLE_DECAY = 0.8  # weight of a season's cycle relative to the one after it
MAX_NOISE_RATIO = 1e6  # a season with more noise than that is shrunk to nothing
EPSILON = 1e-12


def running_season(
    values: FloatArray, offsets: IntArray, season_length: int
) -> FloatArray:
    """Return the season after each observation: its phase's deviation, ``(points,)``.

    Args:
        values: ``(points,)``, series after series.
        offsets: borders of the series, ``(series + 1,)``.
        season_length: steps of a season; 1 for none.
    """
    from forecasting.scaling import ets_loops  # Numba takes a third of a second

    season = np.empty(len(values))
    for begin, end in pairwise(offsets):
        season[begin:end] = ets_loops.running_season(values[begin:end], season_length)
    return season


DAMPINGS = (0.0, 0.85, 0.95)  # phi; 0 is simple exponential smoothing, without trend
SHARPNESS = 0.5  # larger: members with smaller errors get more of the weight
_SIMPLE = [(a, 0.0, 0.0) for a in (0.05, 0.1, 0.2, 0.3, 0.45, 0.6, 0.8, 1.0)]

_DAMPED = [
    (a, b, phi)
    for a in (0.1, 0.2, 0.3, 0.5, 0.7, 0.9)
    for b in (0.05, 0.15, 0.4)
    for phi in DAMPINGS[1:]
]

GRID = np.array(_SIMPLE + _DAMPED).T.copy()  # alpha, beta, phi: (3, members)
COLUMNS = np.array([DAMPINGS.index(phi) for phi in GRID[2]])  # of the dampings
ArrayOrTensor = TypeVar("ArrayOrTensor", IntArray, "Tensor")


@dataclass(frozen=True, slots=True)
class Smoothing:
    """State of the smoothing after each observation, arrays parallel to the values.

    Attributes:
        level: of the deseasonalised series, ``(points,)``.
        trend: per step, of the members of each damping, ``(points, dampings)``.
        season: deviation of the observation's phase, available half a season later,
            ``(points,)``; zero before a whole season has been observed.
        scale: mean absolute change over a season so far, ``(points,)``; positive.
        season_length: steps of a season; 1 for none.
    """

    level: FloatArray
    trend: FloatArray
    season: FloatArray
    scale: FloatArray
    season_length: int


def smooth(
    values: FloatArray, offsets: IntArray, *, season_length: int, horizon: int
) -> Smoothing:
    """Smooth every series of a flat array.

    Args:
        values: ``(points,)``, series after series, in any unit, finite.
        offsets: borders of the series, ``(series + 1,)``.
        season_length: steps of a season; 1 for none.
        horizon: forecast horizon, which sets the steps that members are scored at.
    """
    from forecasting.scaling.ets_loops import smooth_series

    later = np.array(scored_steps(horizon)[1:], dtype=np.int64)
    level, scale, season = np.empty((3, len(values)))
    trend = np.empty((len(values), len(DAMPINGS)))
    for begin, end in pairwise(offsets):
        part = slice(begin, end)
        scale[part] = _running_scale(values[part], season_length)
        season[part] = smooth_series(
            values[part],
            season_length,
            later,
            GRID,
            COLUMNS,
            0,
            level[part],
            trend[part],
        )
    return Smoothing(level, trend, season, scale, season_length)


def season_index(
    positions: ArrayOrTensor, ends: ArrayOrTensor, season_length: int
) -> ArrayOrTensor:
    """Return the position that holds the season of each position, as of ``ends``.

    This is the latest position of the same phase with a moving average that ends before
    ``ends``; negative where there is none.

    Args:
        positions: in a series, also beyond its end, ``(n, steps)``.
        ends: number of observations so far, ``(n, 1)``.
        season_length: steps of a season.
    """
    latest = ends - 1 - season_length // 2
    index: ArrayOrTensor = latest - (latest - positions) % season_length
    return index


def scored_steps(horizon: int) -> tuple[int, ...]:
    """Return the steps ahead that members are scored at: near, middle and far."""
    return tuple(sorted({1, round(horizon**0.5), max(1, round(horizon * 2 / 3))}))


def _running_scale(values: FloatArray, season_length: int) -> FloatArray:
    """Return the mean absolute change over a season (a step, before one has passed)."""
    steps = np.abs(np.diff(values, prepend=values[0]))
    scale = np.cumsum(steps) / np.arange(1, len(values) + 1)
    if len(values) > season_length:
        changes = np.abs(values[season_length:] - values[:-season_length])
        scale[season_length:] = np.cumsum(changes) / np.arange(1, len(changes) + 1)
    return np.maximum(scale, 1e-4)
