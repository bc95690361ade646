"""What windows are measured from: the second, window-wise step of the normalisation.

A frame says where a forecast of zero lies, and what one unit is:

    z = (u - season - level) / size          of the window's observations
    u = z * size + base                      of the steps ahead

Most methods take level and size from the window alone, and their base is the level.
With ``ets`` and ``log_ets``, `forecasting.smoothing` says them: their base is what
exponential smoothing forecasts, level, damped trend and season.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from forecasting.normalization import Method, window_level
from forecasting.series import FloatArray, IntArray
from forecasting.smoothing import DAMPINGS, Smoothing, season_index, smooth

BOUND = 20.0  # |z| beyond it is cut off: a jump that smoothing has never seen
SMOOTHED = ("ets", "log_ets")


class Frame(NamedTuple):
    """Windows in their own units, and the way back.

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
        """Return z of what followed, ``(n, steps)``."""
        return (values - self.base[:, : values.shape[1]]) / self.size

    def to(self, device: torch.device) -> "Frame":
        """Return it on a device."""
        return Frame(*(part.to(device) for part in self))

    def restore(self, forecast: Tensor) -> Tensor:
        """Return u of forecasts z, ``(n, steps)``."""
        return forecast * self.size + self.base[:, : forecast.shape[1]]


def frame_window(window: Tensor, method: Method, recent: Tensor) -> Frame:
    """Return the frame of windows u ``(n, seq_len)`` by themselves alone."""
    level, size = window_level(window, method)
    return Frame((window - level) / size, level, size, recent)


def last_season(values: Tensor, begins: Tensor, ends: Tensor, season: int) -> Tensor:
    """Return the last ``season`` values before ``ends``, ``(n, season)``.

    Of a series with fewer, the first one comes again and again before the others.

    Args:
        values: flat, ``(points,)``.
        begins: flat position of each row's series, ``(n, 1)``.
        ends: flat position behind what was observed, ``(n,)``.
        season: how many.
    """
    back = torch.arange(-season, 0, device=ends.device)
    return values[(ends[:, None] + back).maximum(begins)]


@dataclass(frozen=True, slots=True)
class States:
    """What smoothing knows at every moment of series, as tensors beside their values.

    Attributes:
        values: u, ``(points,)``.
        level, season, scale: see `forecasting.smoothing.Smoothing`, ``(points,)``.
        path: what the trends add to the level, step by step, ``(points, dampings)``
            times ``(dampings, horizon)``: the two factors.
        begins: first position of each series, ``(series,)``.
        season_length: steps of a season.
    """

    values: Tensor
    level: Tensor
    season: Tensor
    scale: Tensor
    path: tuple[Tensor, Tensor]
    begins: Tensor
    season_length: int

    @classmethod
    def fit(
        cls, values: FloatArray, offsets: IntArray, *, season_length: int, horizon: int
    ) -> "States":
        """Smooth series u, ``(points,)``, and keep the result in single precision."""
        found: Smoothing = smooth(
            values, offsets, season_length=season_length, horizon=horizon
        )
        steps = np.arange(1, horizon + 1)
        damped = [np.cumsum(phi**steps) for phi in DAMPINGS]

        def tensor(array: FloatArray) -> Tensor:
            return torch.from_numpy(array.astype(np.float32))

        return cls(
            values=tensor(values),
            level=tensor(found.level),
            season=tensor(found.season),
            scale=tensor(found.scale),
            path=(tensor(found.trend), tensor(np.array(damped))),
            begins=torch.from_numpy(offsets[:-1].copy()),
            season_length=season_length,
        )

    def to(self, device: torch.device) -> "States":
        """Return them on a device."""
        return replace(
            self,
            values=self.values.to(device),
            level=self.level.to(device),
            season=self.season.to(device),
            scale=self.scale.to(device),
            path=(self.path[0].to(device), self.path[1].to(device)),
            begins=self.begins.to(device),
        )

    def frame(self, series: Tensor, ends: Tensor, seq_len: int) -> Frame:
        """Return the frame of windows that end before ``ends``.

        A window that reaches back beyond its series begins with the first value again
        and again.

        Args:
            series: which series each window is of, ``(n,)``.
            ends: observations seen, ``(n,)``, at least 1.
            seq_len: observations in a window.
        """
        begin = self.begins[series][:, None]
        horizon = self.path[1].shape[1]
        back = torch.arange(-seq_len, 0, device=ends.device)
        moments = (ends[:, None] + back).clamp_min(0)
        now = self.begins[series] + ends - 1
        level, size = self.level[now, None], self.scale[now, None]
        seen = self.values[begin + moments] - self._seasons(begin, moments, ends)
        ahead = ends[:, None] + torch.arange(horizon, device=ends.device)
        base = level + self.path[0][now] @ self.path[1]
        base = base + self._seasons(begin, ahead, ends)
        inputs = ((seen - level) / size).clamp(-BOUND, BOUND)
        recent = last_season(self.values, begin, now + 1, self.season_length)
        return Frame(inputs, base, size, recent)

    def _seasons(self, begin: Tensor, moments: Tensor, ends: Tensor) -> Tensor:
        if self.season_length == 1:
            return torch.zeros((), device=ends.device)
        index = season_index(moments, ends[:, None], self.season_length)
        return torch.where(index < 0, 0.0, self.season[begin + index.clamp_min(0)])
