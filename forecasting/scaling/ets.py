"""Level, trend, season and scale of every series at every moment, by its past alone.

What exponential smoothing knows of a series at moment t, computed for all t in one
pass, so that a network need only learn what it leaves over (Smyl 2020, ES-RNN, where
both are trained together). Nothing is fitted to the whole series and nothing at t
depends on an observation behind t:

* **season**: each phase's mean deviation from the moving average so far, see
  `forecasting.scaling.ets`;
* **level and trend**: a bank of damped linear trends (Gardner and McKenzie 1985)
  runs along on what is left; each member counts by how well it has forecast so far,
  one step ahead and further;
* **scale**: the mean absolute change over a season so far, the unit of scaled errors.
"""

# MERGED """The season of series as it is known after each observation, by their past alone.
# MERGED
# MERGED Each phase's mean deviation from the centred moving average, older cycles counting
# MERGED less, shrunk towards zero as far as the phases' means differ no more than chance would
# MERGED have it (James and Stein 1961). All series go through their cycles side by side.
# MERGED """
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from torch import Tensor

from forecasting.types import FloatArray, IntArray

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


DAMPINGS = (0.0, 0.85, 0.95)  # phi; 0 is simple exponential smoothing, without trend


BLOCK = 256  # series in memory at once


KEPT = 0.8  # share of them that must be running, else the others are left out


SHARPNESS = 0.5  # by how much a member that forecasts better counts more


_SIMPLE = [(a, 0.0, 0.0) for a in (0.05, 0.1, 0.2, 0.3, 0.45, 0.6, 0.8, 1.0)]


_DAMPED = [
    (a, b, phi)
    for a in (0.1, 0.2, 0.3, 0.5, 0.7, 0.9)
    for b in (0.05, 0.15, 0.4)
    for phi in DAMPINGS[1:]
]


_ALPHA, _BETA, _PHI = np.array(_SIMPLE + _DAMPED).T  # (members,) each


_OF_DAMPING = (_PHI[:, None] == np.array(DAMPINGS)).astype(float)  # (members, phis)


ArrayOrTensor = TypeVar("ArrayOrTensor", IntArray, Tensor)


@dataclass(frozen=True, slots=True)
class Smoothing:
    """What is known after each observation, arrays parallel to the values.

    Attributes:
        level: of the deseasonalised series, ``(points,)``.
        trend: per step, of the members of each damping, ``(points, dampings)``.
        season: deviation of the observation's phase, known half a season later,
            ``(points,)``; zero where no whole season has been seen.
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
        horizon: steps ahead that the members of the bank are judged by.
    """
    parts = np.split(values, offsets[1:-1])
    season = running_season(values, offsets, season_length)
    scale = np.concatenate([_running_scale(part, season_length) for part in parts])
    plain = values - _known_season(season, offsets, season_length)
    level, trend = np.empty(len(values)), np.empty((len(values), len(DAMPINGS)))
    lengths = np.diff(offsets)
    longest = np.argsort(-lengths, kind="stable")
    for first in range(0, len(parts), BLOCK):
        own = longest[first : first + BLOCK]
        DampedTrendEnsemble(plain, offsets[own], lengths[own], horizon).run(
            level, trend
        )
    return Smoothing(level, trend, season, scale, season_length)


def season_index(
    moments: ArrayOrTensor, ends: ArrayOrTensor, season_length: int
) -> ArrayOrTensor:
    """Return where the season of moments is read by someone who stands at ``ends``.

    That is the latest moment of the same phase whose moving average ends before
    ``ends``; negative where there is none.

    Args:
        moments: positions in a series, also beyond its end, ``(n, steps)``.
        ends: observations seen, ``(n, 1)``.
        season_length: steps of a season.
    """
    latest = ends - 1 - season_length // 2
    index: ArrayOrTensor = latest - (latest - moments) % season_length
    return index


def num_scored_steps(horizon: int) -> tuple[int, ...]:
    """Return the steps ahead that the bank is judged by: near, middle and far."""
    return tuple(sorted({1, round(horizon**0.5), max(1, round(horizon * 2 / 3))}))


def _known_season(
    season: FloatArray, offsets: IntArray, season_length: int
) -> FloatArray:
    """Return the season of each moment as it was known before it, ``(points,)``."""
    if season_length == 1:
        return season
    moments = np.arange(len(season)) - np.repeat(offsets[:-1], np.diff(offsets))
    back = moments - season_index(moments, moments, season_length)
    known = season[np.maximum(np.arange(len(season)) - back, 0)]
    return np.where(back > moments, 0.0, known)


def _running_scale(values: FloatArray, season_length: int) -> FloatArray:
    """Return the mean absolute change over a season (a step, before one has passed)."""
    steps = np.abs(np.diff(values, prepend=values[0]))
    scale = np.cumsum(steps) / np.arange(1, len(values) + 1)
    if len(values) > season_length:
        changes = np.abs(values[season_length:] - values[:-season_length])
        scale[season_length:] = np.cumsum(changes) / np.arange(1, len(changes) + 1)
    return np.maximum(scale, 1e-4)


class DampedTrendEnsemble:
    """Damped trends with every choice of parameters, side by side on every series.

    Members lie along the first axis and series along the second; those that have ended
    are left out when they are many.

    Args:
        values: without season, ``(points,)``.
        begins, lengths: of the series, longest first, ``(series,)``.
        horizon: steps ahead that members are judged by.
    """

    def __init__(
        self, values: FloatArray, begins: IntArray, lengths: IntArray, horizon: int
    ) -> None:
        self.values, self.begins, self.lengths = values, begins, lengths
        self.farther = num_scored_steps(horizon)[1:]
        reach = [_damped_sum(q) for q in self.farther]
        constant = np.array([_PHI, _ALPHA, _ALPHA * _BETA, *reach])[:, :, None]
        shape = (len(_ALPHA), len(lengths))
        self.constant = np.broadcast_to(constant, (len(constant), *shape)).copy()
        self.state, self.work = np.zeros((2, *shape)), np.zeros((2, *shape))
        self.errors = np.zeros(shape)
        self.forecasts = np.zeros((sum(self.farther), *shape))

    def run(self, mean_level: FloatArray, mean_trend: FloatArray) -> None:
        """Write the members' weighted level and trends after each observation.

        Args:
            mean_level: to write to, ``(points,)``.
            mean_trend: to write to, ``(points, dampings)``.
        """
        count = len(DAMPINGS)
        sums = np.zeros((1 + count, 2 * len(_ALPHA)))  # of the level, of each damping
        sums[0, : len(_ALPHA)], sums[1:, len(_ALPHA) :] = 1, _OF_DAMPING.T
        for t in range(int(self.lengths[0])):
            running = int(np.searchsorted(-self.lengths, -t))  # those longer than t
            if running < KEPT * len(self.lengths):
                self._leave_out(running)
            at = self.begins + np.minimum(t, self.lengths - 1)
            self._update(self.values[at], t)
            weights = self._weights(t + 1)
            total, own = weights.sum(0), at[:running]
            weighted = np.multiply(self.state, weights, out=self.work)
            means = sums @ weighted.reshape(-1, len(at)) / total
            mean_level[own] = means[0, :running]
            mean_trend[own] = means[1:, :running].T

    def _leave_out(self, running: int) -> None:
        """Go on with the first series, as many as are still running."""
        self.lengths, self.begins = self.lengths[:running], self.begins[:running]
        for name in ("constant", "state", "work", "errors", "forecasts"):
            setattr(self, name, getattr(self, name)[..., :running].copy())

    def _update(self, seen: FloatArray, t: int) -> None:
        """Judge the forecasts of moment t, learn from it, and forecast from there."""
        level, trend = self.state
        if t == 0:
            level += seen
        else:
            self._learn(seen, judged=t > 1)  # the first forecast knows a level only
        first = 0
        for q, reach in zip(self.farther, self.constant[3:], strict=True):
            forecast = self.forecasts[first + t % q]  # made q steps ago
            first += q
            if q <= t:
                forecast -= seen
                self.errors += np.abs(forecast, out=forecast)
            np.multiply(trend, reach, out=forecast)
            forecast += level

    def _learn(self, seen: FloatArray, *, judged: bool) -> None:
        """Move level and trend on by a step, and towards what was seen there."""
        (level, trend), (error, step) = self.state, self.work
        phi, alpha, beta = self.constant[:3]
        trend *= phi
        level += trend
        np.subtract(seen, level, out=error)
        if judged:
            self.errors += np.abs(error, out=step)
        level += np.multiply(error, alpha, out=step)
        trend += np.multiply(error, beta, out=step)

    def _weights(self, count: int) -> FloatArray:
        """Return each member's weight, ``(members, series)``; the best one's is 1."""
        least, weights = self.errors.min(0), self.work[0]
        np.subtract(least, self.errors, out=weights)
        weights *= SHARPNESS / (least / count + _TINY)
        np.maximum(weights, -500.0, out=weights)  # no number too small to be normal
        return np.asarray(np.exp(weights, out=weights))


def _damped_sum(steps: int) -> FloatArray:
    """Return phi + phi^2 + ... + phi^steps of every member, ``(members,)``."""
    return np.asarray(np.sum(_PHI[:, None] ** np.arange(1, steps + 1), axis=1))
