"""Exponential smoothing: level, trend, season and scale after every observation.

Computed for all time steps t in one pass, so that a network need only learn the
remainder (Smyl 2020, ES-RNN, where both are trained together). Nothing is fitted to the
whole series, and nothing at t depends on an observation after t:

* **season**: each phase's mean deviation from the centred moving average so far. Older
  cycles weigh less, and the season is shrunk towards zero where the phases' means
  differ no more than noise would explain (James and Stein 1961). All series go through
  their cycles side by side;
* **level and trend**: an ensemble of damped linear trends (Gardner and McKenzie 1985)
  on the deseasonalised series; each member is weighted by its forecast errors so far,
  one step ahead and further;
* **scale**: the mean absolute change over a season so far, the unit of scaled errors.
"""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from torch import Tensor

from forecasting.types import FloatArray, IntArray

CYCLE_DECAY = 0.8  # weight of a season's cycle relative to the one after it
_MAX_NOISE_RATIO = 1e6  # a season with more noise than that is shrunk to nothing
_EPSILON = 1e-12


def running_season(
    values: FloatArray, offsets: IntArray, season_length: int
) -> FloatArray:
    """Return the season after each observation: its phase's deviation, ``(points,)``.

    Args:
        values: ``(points,)``, series after series.
        offsets: borders of the series, ``(series + 1,)``.
        season_length: steps of a season; 1 for none.
    """
    m, season = season_length, np.zeros(len(values))
    average_length = m + 1 - m % 2  # observations of one moving average
    if m <= 1 or len(values) < average_length:
        return season
    deviation = _deviation(values, offsets, m)
    longest = np.argsort(-np.diff(offsets), kind="stable")
    lengths, begins = np.diff(offsets)[longest], offsets[:-1][longest]
    lengths = lengths[lengths >= average_length]
    count = len(lengths)
    total, weight = np.zeros((2, count, m))
    squares, noise = np.zeros(count), np.ones(count)
    for first in range(0, int(lengths.max(initial=0)), m):
        running = int(np.searchsorted(-lengths, -first))  # series longer than that
        total, weight, squares = total[:running], weight[:running], squares[:running]
        steps = np.arange(first, first + m)
        ends = lengths[:running, None]
        inside = steps < ends
        points = begins[:running, None] + np.minimum(steps, ends - 1)
        cycle = np.where(inside, deviation[points], 0.0)
        total = CYCLE_DECAY * total + cycle
        weight = CYCLE_DECAY * weight + ((steps >= m // 2) & (steps < ends - m // 2))
        season[points[inside]] = (total / (weight + noise[:running, None]))[inside]
        squares = CYCLE_DECAY * squares + np.sum(cycle**2, axis=1)
        noise = _noise_ratio(total, weight, squares)
    return season


def _deviation(values: FloatArray, offsets: IntArray, m: int) -> FloatArray:
    """Subtract the centred moving average; zero where there is none."""
    half = m // 2
    kernel = np.ones(m) / m if m % 2 else np.r_[0.5, np.ones(m - 1), 0.5] / m
    deviation = np.zeros(len(values))
    inner = slice(half, len(values) - half)
    deviation[inner] = values[inner] - np.convolve(values, kernel, "valid")
    around = np.arange(-half, half)  # the moving average would span two series
    border = (offsets[:, None] + around).clip(0, len(values) - 1)
    deviation[border] = 0.0
    return deviation


def _noise_ratio(
    total: FloatArray, weight: FloatArray, squares: FloatArray
) -> FloatArray:
    """Return the variance within phases over the variance between their true means.

    One cycle cannot tell season from noise: with a weight below 1.5 in any phase the
    ratio is 1, which halves the season.

    Args:
        total, weight: weighted sum of each phase's deviations and the sum of their
            weights, ``(series, phases)``.
        squares: weighted sum of the squared deviations, ``(series,)``.
    """
    usable = weight.min(1) >= 1.5
    weight = np.where(usable[:, None], weight, 1.0)
    phases, means = total.shape[1], total / weight
    within = np.maximum(squares - np.sum(weight * means**2, axis=1), 0.0)
    within /= np.maximum(weight.sum(1) - phases, 1.0)
    between = np.sum(means**2, axis=1) / (phases - 1) - within / weight.mean(1)
    ratio = np.minimum(within / np.maximum(between, _EPSILON), _MAX_NOISE_RATIO)
    return np.where(usable, ratio, 1.0)


DAMPINGS = (0.0, 0.85, 0.95)  # phi; 0 is simple exponential smoothing, without trend
BLOCK = 256  # series in memory at once
MIN_RUNNING_SHARE = 0.8  # of a block's series; below it, series that ended are dropped
SHARPNESS = 0.5  # larger: members with smaller errors get more of the weight
_SIMPLE = [(a, 0.0, 0.0) for a in (0.05, 0.1, 0.2, 0.3, 0.45, 0.6, 0.8, 1.0)]

_DAMPED = [
    (a, b, phi)
    for a in (0.1, 0.2, 0.3, 0.5, 0.7, 0.9)
    for b in (0.05, 0.15, 0.4)
    for phi in DAMPINGS[1:]
]

_ALPHA, _BETA, _PHI = np.array(_SIMPLE + _DAMPED).T  # (members,) each
_HAS_DAMPING = (_PHI[:, None] == np.array(DAMPINGS)).astype(float)  # (members, phis)
ArrayOrTensor = TypeVar("ArrayOrTensor", IntArray, Tensor)


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
    parts = np.split(values, offsets[1:-1])
    season = running_season(values, offsets, season_length)
    scale = np.concatenate([_running_scale(part, season_length) for part in parts])
    deseasonalized = values - _lagged_season(season, offsets, season_length)
    level, trend = np.empty(len(values)), np.empty((len(values), len(DAMPINGS)))
    lengths = np.diff(offsets)
    longest = np.argsort(-lengths, kind="stable")
    for first in range(0, len(parts), BLOCK):
        block = longest[first : first + BLOCK]
        DampedTrendEnsemble(
            deseasonalized, offsets[block], lengths[block], horizon
        ).run(level, trend)
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


def _lagged_season(
    season: FloatArray, offsets: IntArray, season_length: int
) -> FloatArray:
    """Return the season of each observation, from earlier ones only, ``(points,)``."""
    if season_length == 1:
        return season
    positions = np.arange(len(season)) - np.repeat(offsets[:-1], np.diff(offsets))
    lag = positions - season_index(positions, positions, season_length)
    lagged = season[np.maximum(np.arange(len(season)) - lag, 0)]
    return np.where(lag > positions, 0.0, lagged)


def _running_scale(values: FloatArray, season_length: int) -> FloatArray:
    """Return the mean absolute change over a season (a step, before one has passed)."""
    steps = np.abs(np.diff(values, prepend=values[0]))
    scale = np.cumsum(steps) / np.arange(1, len(values) + 1)
    if len(values) > season_length:
        changes = np.abs(values[season_length:] - values[:-season_length])
        scale[season_length:] = np.cumsum(changes) / np.arange(1, len(changes) + 1)
    return np.maximum(scale, 1e-4)


class DampedTrendEnsemble:
    """Damped trend models on a grid of parameters, run on many series at once.

    Members lie along the first axis and series along the second. Series that have ended
    are dropped once they are many.

    Args:
        values: deseasonalised, ``(points,)``.
        begins, lengths: of the series, longest first, ``(series,)``.
        horizon: forecast horizon, which sets the steps that members are scored at.
    """

    def __init__(
        self, values: FloatArray, begins: IntArray, lengths: IntArray, horizon: int
    ) -> None:
        self.values, self.begins, self.lengths = values, begins, lengths
        self.later_steps = scored_steps(horizon)[1:]
        damped_sums = [_damped_sum(q) for q in self.later_steps]
        constant = np.array([_PHI, _ALPHA, _ALPHA * _BETA, *damped_sums])[:, :, None]
        shape = (len(_ALPHA), len(lengths))
        self.constant = np.broadcast_to(constant, (len(constant), *shape)).copy()
        self.state, self.work = np.zeros((2, *shape)), np.zeros((2, *shape))
        self.errors = np.zeros(shape)
        self.forecasts = np.zeros((sum(self.later_steps), *shape))

    def run(self, mean_level: FloatArray, mean_trend: FloatArray) -> None:
        """Write the members' weighted level and trends after each observation.

        Args:
            mean_level: output, ``(points,)``.
            mean_trend: output, ``(points, dampings)``.
        """
        count = len(DAMPINGS)
        sums = np.zeros((1 + count, 2 * len(_ALPHA)))  # level, then dampings
        sums[0, : len(_ALPHA)], sums[1:, len(_ALPHA) :] = 1, _HAS_DAMPING.T
        for t in range(int(self.lengths[0])):
            running = int(np.searchsorted(-self.lengths, -t))  # series longer than t
            if running < MIN_RUNNING_SHARE * len(self.lengths):
                self._drop_ended(running)
            points = self.begins + np.minimum(t, self.lengths - 1)
            self._update(self.values[points], t)
            weights = self._weights(t + 1)
            total, current = weights.sum(0), points[:running]
            weighted = np.multiply(self.state, weights, out=self.work)
            means = sums @ weighted.reshape(-1, len(points)) / total
            mean_level[current] = means[0, :running]
            mean_trend[current] = means[1:, :running].T

    def _drop_ended(self, running: int) -> None:
        """Drop all series but the first ``running``."""
        self.lengths, self.begins = self.lengths[:running], self.begins[:running]
        for name in ("constant", "state", "work", "errors", "forecasts"):
            setattr(self, name, getattr(self, name)[..., :running].copy())

    def _update(self, observed: FloatArray, t: int) -> None:
        """Score the forecasts of step t, update the state, and forecast from there."""
        level, trend = self.state
        if t == 0:
            level += observed
        else:
            self._correct(
                observed, scored=t > 1
            )  # the first forecast is the first value
        first = 0
        for q, damped_sum in zip(self.later_steps, self.constant[3:], strict=True):
            forecast = self.forecasts[first + t % q]  # from q steps ago
            first += q
            if q <= t:
                forecast -= observed
                self.errors += np.abs(forecast, out=forecast)
            np.multiply(trend, damped_sum, out=forecast)
            forecast += level

    def _correct(self, observed: FloatArray, *, scored: bool) -> None:
        """Advance level and trend by a step and correct them by its error."""
        (level, trend), (error, step) = self.state, self.work
        phi, alpha, beta = self.constant[:3]
        trend *= phi
        level += trend
        np.subtract(observed, level, out=error)
        if scored:
            self.errors += np.abs(error, out=step)
        level += np.multiply(error, alpha, out=step)
        trend += np.multiply(error, beta, out=step)

    def _weights(self, count: int) -> FloatArray:
        """Return the members' weights, ``(members, series)``; 1 for the best member."""
        lowest, weights = self.errors.min(0), self.work[0]
        np.subtract(lowest, self.errors, out=weights)
        weights *= SHARPNESS / (lowest / count + _EPSILON)
        np.maximum(weights, -500.0, out=weights)  # exp stays a normal number
        return np.asarray(np.exp(weights, out=weights))


def _damped_sum(steps: int) -> FloatArray:
    """Return phi + phi^2 + ... + phi^steps of every member, ``(members,)``."""
    return np.asarray(np.sum(_PHI[:, None] ** np.arange(1, steps + 1), axis=1))
