"""Window-wise scaling, the second step of the normalization, and its inverse.

    z = (u - season - level) / size          of the window's observations
    u = z * size + base                      of the steps ahead

The base is the u of a forecast of zero, the size is one unit of z. Most methods take
level and size from the window alone, and their base is the level. With ``ets`` and
``log_ets`` both come from `forecasting.scaling.ets`: the base is the forecast of
exponential smoothing, that is level, damped trend and season.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from forecasting.scaling.ets import DAMPINGS, Smoothing, smooth
from forecasting.types import FloatArray, IntArray

BOUND = 20.0  # larger |z| are clipped: jumps without precedent in the series
NUM_ETS_STATES = 4 + len(DAMPINGS)  # numbers per point in `EtsStates`


class ScaledWindows(NamedTuple):
    """Scaled windows, and the statistics to invert the scaling.

    Attributes:
        inputs: z, ``(n, seq_len)``.
        base: u of a forecast of zero, ``(n, 1)`` or ``(n, horizon)``.
        size: of a unit, ``(n, 1)``.
        recent: u of the last season observed, ``(n, season_length)``.
    """

    inputs: Tensor
    base: Tensor
    size: Tensor
    recent: Tensor

    def measure(self, values: Tensor) -> Tensor:
        """Return z of the values after the windows, ``(n, steps)``."""
        return (values - self.base[:, : values.shape[1]]) / self.size

    def to(self, device: torch.device) -> "ScaledWindows":
        """Return the windows on a device."""
        if self.inputs.device == device:
            return self
        return ScaledWindows(*(part.to(device) for part in self))

    def restore(self, forecast: Tensor) -> Tensor:
        """Return u of forecasts z, ``(n, steps)``."""
        base = self.base  # one column, or one for each step of the horizon
        if base.shape[1] > forecast.shape[1]:
            base = base[:, : forecast.shape[1]]
        return forecast * self.size + base


def last_season(values: Tensor, begins: Tensor, ends: Tensor, season: int) -> Tensor:
    """Return the last ``season`` values before ``ends``, ``(n, season)``.

    A series with fewer values is padded in front with its first value.

    Args:
        values: flat, ``(points,)``.
        begins: flat position of each row's series, ``(n, 1)``.
        ends: flat position after each row's last observation, ``(n,)``.
        season: number of values.
    """
    back = torch.arange(-season, 0, device=ends.device)
    return values[(ends[:, None] + back).maximum(begins)]


@dataclass(frozen=True, slots=True)
class EtsStates:
    """States of exponential smoothing after each observation, as tensors.

    Attributes:
        values: u, ``(points,)``.
        season: see `forecasting.scaling.ets.Smoothing`, ``(points,)``.
        statistics: level, scale and trends, ``(points, 2 + dampings)``.
        damped: weight of each trend in every step ahead, ``(dampings, horizon)``.
        begins: first position of each series, ``(series,)``.
        season_length: steps of a season.
        padding: number of zeros before the first series, in all arrays of points.
    """

    values: Tensor
    season: Tensor
    statistics: Tensor
    damped: Tensor
    begins: Tensor
    season_length: int
    padding: int = 0

    @classmethod
    def fit(
        cls, values: FloatArray, offsets: IntArray, *, season_length: int, horizon: int
    ) -> "EtsStates":
        """Smooth series u, ``(points,)``, and keep the result in single precision."""
        smoothing: Smoothing = smooth(
            values, offsets, season_length=season_length, horizon=horizon
        )
        steps = np.arange(1, horizon + 1)
        damped = [np.cumsum(phi**steps) for phi in DAMPINGS]

        def tensor(array: FloatArray) -> Tensor:
            return torch.from_numpy(array.astype(np.float32))

        statistics = [smoothing.level, smoothing.scale, smoothing.trend]
        return cls(
            values=tensor(values),
            season=tensor(smoothing.season),
            statistics=tensor(np.column_stack(statistics)),
            damped=tensor(np.array(damped)),
            begins=torch.from_numpy(offsets[:-1].copy()),
            season_length=season_length,
        )

    @property
    def scale(self) -> Tensor:
        """Mean absolute change over a season so far, ``(points,)``."""
        return self.statistics[:, 1]

    def to(self, device: torch.device) -> "EtsStates":
        """Return the states on a device."""
        return replace(
            self,
            values=self.values.to(device),
            season=self.season.to(device),
            statistics=self.statistics.to(device),
            damped=self.damped.to(device),
            begins=self.begins.to(device),
        )

    def with_padding(self, seq_len: int) -> "EtsStates":
        """Return the states, padded in front so that every window is a plain slice.

        Windows may reach back beyond the first series, by ``seq_len`` or two seasons.
        """
        more = max(seq_len, 2 * self.season_length) - self.padding
        if more <= 0:
            return self

        def lead(array: Tensor) -> Tensor:
            return torch.cat([array.new_zeros(more, *array.shape[1:]), array])

        return replace(
            self,
            values=lead(self.values),
            season=lead(self.season),
            statistics=lead(self.statistics),
            begins=self.begins + more,
            padding=self.padding + more,
        )

    def frame(self, series: Tensor, ends: Tensor, seq_len: int) -> ScaledWindows:
        """Return the scaled windows that end before ``ends``.

        Args:
            series: series of each window, ``(n,)``.
            ends: number of observations so far, ``(n,)``, at least 1.
            seq_len: observations in a window.
        """
        padded = self.with_padding(seq_len)
        begins, season = padded.begins[series], self.season_length
        stops = begins + ends
        recent = last_season(padded.values, begins[:, None], stops, season)
        return ScaledWindows(*padded.measure(stops, ends, seq_len), recent)

    def measure(
        self, stops: Tensor, ends: Tensor, seq_len: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return inputs, base and size of windows, see `ScaledWindows`.

        A window that reaches back beyond its series is padded with the first value.

        Args:
            stops: flat positions after the windows, ``(n,)``, in padded states.
            ends: number of observations so far, ``(n,)``, at least 1.
            seq_len: observations in a window.
        """
        statistics = self.statistics.index_select(0, stops - 1)
        level, size = statistics[:, :1], statistics[:, 1:2]
        inputs = slices(self.values, stops - seq_len, seq_len)
        base = level + statistics[:, 2:] @ self.damped
        if self.season_length > 1:
            cycle = self._cycle(stops, ends)
            half = self.season_length // 2
            _add_cycles(inputs, cycle, half - seq_len, -1)
            _add_cycles(base, cycle, half, 1)
        inputs.sub_(level).div_(size).clamp_(-BOUND, BOUND)
        num_missing = (seq_len - ends).clamp_min_(0)
        first = inputs.gather(1, num_missing[:, None])
        inputs.lerp_(first, _until(num_missing, seq_len))
        return inputs, base, size

    def following(self, stops: Tensor) -> Tensor:
        """Return u of the observed values from ``stops`` on, ``(n, horizon)``."""
        return slices(self.values, stops, self.damped.shape[1])

    def _cycle(self, stops: Tensor, ends: Tensor) -> Tensor:
        """Return the latest season of every phase, ``(n, season_length)``.

        It ends half a season back (`forecasting.scaling.ets.season_index`): from one
        window to the next it moves on by one. Zero where there is none.
        """
        length = self.season_length
        reach = length + length // 2
        cycle = slices(self.season, stops - reach, length)
        unknown = (reach - ends).clamp_(0, length)
        return cycle.lerp_(cycle.new_zeros(1), _until(unknown, length))


def slices(values: Tensor, begins: Tensor, length: int) -> Tensor:
    """Return slices of values ``(points,)`` from each position on, ``(n, length)``."""
    return values.unfold(0, length, 1).index_select(0, begins)


def _until(columns: Tensor, length: int) -> Tensor:
    """Return masks: 1 before each row's column, 0 from it on, ``(n, length)``."""
    step = torch.arange(2 * length, device=columns.device) < length
    return slices(step.float(), length - columns, length)


def _add_cycles(rows: Tensor, cycle: Tensor, phase: int, sign: int) -> None:
    """Add a repeated cycle to rows, in place.

    Args:
        rows: to add to, ``(n, steps)``.
        cycle: of each row, ``(n, length)``.
        phase: first column of the cycle, modulo its length.
        sign: 1 to add, -1 to subtract.
    """
    length, steps = cycle.shape[1], rows.shape[1]
    phase %= length
    head = min(-phase % length, steps)
    num_cycles = (steps - head) // length
    tail = head + num_cycles * length
    rows[:, :head].add_(cycle[:, phase : phase + head], alpha=sign)
    cycles = rows[:, head:tail].unflatten(1, (num_cycles, length))
    cycles.add_(cycle[:, None], alpha=sign)
    rows[:, tail:].add_(cycle[:, : steps - tail], alpha=sign)
