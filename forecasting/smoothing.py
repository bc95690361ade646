"""Level, trend, season and scale of every series at every moment, by its past alone.

What exponential smoothing knows of a series at moment t, computed for all t in one
pass, so that a network need only learn what it leaves over (Smyl 2020, ES-RNN, where
both are trained together). Nothing is fitted to the whole series and nothing at t
depends on an observation behind t:

* **season**: each phase's mean deviation from the centred moving average, older cycles
  counting less, shrunk towards zero as far as the phases' means differ no more than
  chance would have it (James and Stein 1961);
* **level and trend**: a bank of damped linear trends (Gardner and McKenzie 1985)
  runs along on what is left; each member counts by how well it has forecast so far,
  one step ahead and further;
* **scale**: the mean absolute change over a season so far, the unit of scaled errors.
"""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from torch import Tensor

from forecasting.series import FloatArray, IntArray

DAMPINGS = (0.0, 0.85, 0.95)  # phi; 0 is simple exponential smoothing, without trend
FADING = 0.8  # weight of a season's cycle relative to the one after it
BLOCK = 1024  # series in memory at once
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

Moments = TypeVar("Moments", IntArray, Tensor)

_SURE = 1e6  # seasons shrink to nothing where they are less than this share of noise
_TINY = 1e-12


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
    season = np.concatenate([_running_season(part, season_length) for part in parts])
    scale = np.concatenate([_running_scale(part, season_length) for part in parts])
    level, trend = np.empty(len(values)), np.empty((len(values), len(DAMPINGS)))
    for begin in range(0, len(parts), BLOCK):
        borders = offsets[begin : begin + BLOCK + 1]
        own = slice(borders[0], borders[-1])
        bank = _Bank(
            values[own], season[own], borders - borders[0], season_length, horizon
        )
        level[own], trend[own] = bank.run()
    return Smoothing(level, trend, season, scale, season_length)


def season_index(moments: Moments, ends: Moments, season_length: int) -> Moments:
    """Return where the season of moments is read by someone who stands at ``ends``.

    That is the latest moment of the same phase whose moving average ends before
    ``ends``; negative where there is none.

    Args:
        moments: positions in a series, also beyond its end, ``(n, steps)``.
        ends: observations seen, ``(n, 1)``.
        season_length: steps of a season.
    """
    latest = ends - 1 - season_length // 2
    index: Moments = latest - (latest - moments) % season_length
    return index


def judged_steps(horizon: int) -> tuple[int, ...]:
    """Return the steps ahead that the bank is judged by: near, middle and far."""
    return tuple(sorted({1, round(horizon**0.5), max(1, round(horizon * 2 / 3))}))


def _running_season(values: FloatArray, season_length: int) -> FloatArray:
    """Return each phase's deviation as far as it is known, ``(points,)``."""
    m, count = season_length, len(values)
    season = np.zeros(count)
    if m <= 1 or count < m + 1 - m % 2:  # observations of one moving average
        return season
    half = m // 2
    kernel = np.ones(m) / m if m % 2 else np.r_[0.5, np.ones(m - 1), 0.5] / m
    average = np.convolve(values, kernel, "valid")
    deviation, known = np.zeros(count), np.zeros(count)
    deviation[half : half + len(average)] = values[half : half + len(average)] - average
    known[half : half + len(average)] = 1
    total, weight, squares, noise = np.zeros(m), np.zeros(m), 0.0, 1.0
    for begin in range(0, count, m):
        cycle = slice(begin, min(begin + m, count))
        phases = slice(0, cycle.stop - begin)
        total[phases] = FADING * total[phases] + deviation[cycle]
        weight[phases] = FADING * weight[phases] + known[cycle]
        season[cycle] = total[phases] / (weight[phases] + noise)
        squares = FADING * squares + float(np.sum(deviation[cycle] ** 2))
        noise = _noise_ratio(total, weight, squares)
    return season


def _noise_ratio(total: FloatArray, weight: FloatArray, squares: float) -> float:
    """Return the variance within phases over that between their true means."""
    if (weight < 1.5).any():
        return 1.0  # one cycle cannot tell season from noise: halve it
    phases, cycles = len(total), weight.mean()
    means = total / weight
    within = max(squares - float(weight @ means**2), 0.0)
    within /= max(float(weight.sum()) - phases, 1.0)
    between = float(np.sum(means**2)) / (phases - 1) - within / float(cycles)
    return min(within / max(between, _TINY), _SURE)


def _running_scale(values: FloatArray, season_length: int) -> FloatArray:
    """Return the mean absolute change over a season (a step, before one has passed)."""
    steps = np.abs(np.diff(values, prepend=values[0]))
    scale = np.cumsum(steps) / np.arange(1, len(values) + 1)
    if len(values) > season_length:
        changes = np.abs(values[season_length:] - values[:-season_length])
        scale[season_length:] = np.cumsum(changes) / np.arange(1, len(changes) + 1)
    return np.maximum(scale, 1e-4)


class _Bank:
    """Damped trends with every choice of parameters, side by side on every series."""

    def __init__(
        self,
        values: FloatArray,
        season: FloatArray,
        offsets: IntArray,
        season_length: int,
        horizon: int,
    ) -> None:
        self.values, self.season, self.season_length = values, season, season_length
        lengths = np.diff(offsets)
        longest = np.argsort(-lengths, kind="stable")
        self.lengths, self.begins = lengths[longest], offsets[:-1][longest]
        self.steps = judged_steps(horizon)
        self.reach = {q: _damped_sum(q) for q in self.steps}

    def run(self) -> tuple[FloatArray, FloatArray]:
        """Return the members' weighted level and trends after each observation."""
        shape = (len(self.begins), len(_ALPHA))
        level, trend, errors = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        mean_level = np.zeros(len(self.values))
        mean_trend = np.zeros((len(self.values), len(DAMPINGS)))
        memory: list[tuple[FloatArray, FloatArray]] = []
        for t in range(int(self.lengths[0])):
            running = int(np.searchsorted(-self.lengths, -t))  # those longer than t
            at = self.begins[:running] + t
            level, trend, errors = level[:running], trend[:running], errors[:running]
            seen = self._deseasonalised(t, running)
            errors = errors + self._missed(seen, memory, running, t)
            level, trend = _update(level, trend, seen, first=t == 0)
            weights = _weights(errors, t + 1)
            mean_level[at] = (weights * level).sum(1)
            mean_trend[at] = (weights * trend) @ _OF_DAMPING
            memory = [*memory[-self.steps[-1] + 1 :], (level, trend)]
        return mean_level, mean_trend

    def _deseasonalised(self, t: int, running: int) -> FloatArray:
        seen = self.values[self.begins[:running] + t]
        if self.season_length > 1:
            now = np.array(t)
            known = int(season_index(now, now, self.season_length))
            if known >= 0:
                seen = seen - self.season[self.begins[:running] + known]
        return seen[:, None]

    def _missed(
        self,
        seen: FloatArray,
        memory: list[tuple[FloatArray, FloatArray]],
        running: int,
        t: int,
    ) -> FloatArray | float:
        """Return the sum of the absolute errors of forecasts of moment t."""
        if t < 2:  # the first forecast knows a level only
            return 0.0
        missed: FloatArray | float = 0.0
        for q in self.steps:
            if q <= t:
                level, trend = memory[-q]
                forecast = level[:running] + trend[:running] * self.reach[q]
                missed = missed + np.abs(seen - forecast)
        return missed


def _update(
    level: FloatArray, trend: FloatArray, seen: FloatArray, *, first: bool
) -> tuple[FloatArray, FloatArray]:
    if first:
        return np.broadcast_to(seen, level.shape).copy(), trend
    expected = level + _PHI * trend
    error = seen - expected
    return expected + _ALPHA * error, _PHI * trend + _ALPHA * _BETA * error


def _weights(errors: FloatArray, count: int) -> FloatArray:
    """Return each member's weight, ``(series, members)``, rows summing to one."""
    least = errors.min(1, keepdims=True)
    excess = (errors - least) / (least / count + _TINY)
    weights = np.exp(-SHARPNESS * np.minimum(excess, 1e3))
    return np.asarray(weights / weights.sum(1, keepdims=True))


def _damped_sum(steps: int) -> FloatArray:
    """Return phi + phi^2 + ... + phi^steps of every member, ``(members,)``."""
    return np.asarray(np.sum(_PHI[:, None] ** np.arange(1, steps + 1), axis=1))
