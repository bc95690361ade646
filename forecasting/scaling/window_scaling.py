"""What windows are measured from: the second, window-wise step of the normalisation.

A frame says where a forecast of zero lies, and what one unit is:

    z = (u - season - level) / size          of the window's observations
    u = z * size + base                      of the steps ahead

Most methods take level and size from the window alone, and their base is the level.
With ``ets`` and ``log_ets``, `forecasting.scaling.ets` says them: their base is what
exponential smoothing forecasts, level, damped trend and season.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from forecasting.scaling.ets import DAMPINGS, Smoothing, smooth
from forecasting.scaling.normalization import LEVEL_FREE_METHODS, Method, window_level
from forecasting.types import FloatArray, IntArray

BOUND = 20.0  # |z| beyond it is cut off: a jump that smoothing has never seen


ETS_METHODS = ("ets", "log_ets")


NUM_ETS_STATES = 4 + len(DAMPINGS)  # numbers at every point that `EtsStates` holds


class ScaledWindows(NamedTuple):
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

    def to(self, device: torch.device) -> "ScaledWindows":
        """Return it on a device."""
        if self.inputs.device == device:
            return self
        return ScaledWindows(*(part.to(device) for part in self))

    def restore(self, forecast: Tensor) -> Tensor:
        """Return u of forecasts z, ``(n, steps)``."""
        base = self.base  # of one column, or of the whole horizon
        if base.shape[1] > forecast.shape[1]:
            base = base[:, : forecast.shape[1]]
        return forecast * self.size + base


def scale_window(window: Tensor, method: Method, recent: Tensor) -> ScaledWindows:
    """Return the frame of windows u ``(n, seq_len)`` by themselves alone."""
    level, size = window_level(window, method)
    inputs = window if method in LEVEL_FREE_METHODS else window - level
    return ScaledWindows(
        inputs / size if method == "window" else inputs, level, size, recent
    )


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
class EtsStates:
    """What smoothing knows at every moment of series, as tensors beside their values.

    Attributes:
        values: u, ``(points,)``.
        season: see `forecasting.scaling.ets.Smoothing`, ``(points,)``.
        known: level, scale and trends, ``(points, 2 + dampings)``.
        damped: how often each trend is in every step ahead, ``(dampings, horizon)``.
        begins: first position of each series, ``(series,)``.
        season_length: steps of a season.
        room: zeros before the first series, in all of these.
    """

    values: Tensor
    season: Tensor
    known: Tensor
    damped: Tensor
    begins: Tensor
    season_length: int
    room: int = 0

    @classmethod
    def fit(
        cls, values: FloatArray, offsets: IntArray, *, season_length: int, horizon: int
    ) -> "EtsStates":
        """Smooth series u, ``(points,)``, and keep the result in single precision."""
        found: Smoothing = smooth(
            values, offsets, season_length=season_length, horizon=horizon
        )
        steps = np.arange(1, horizon + 1)
        damped = [np.cumsum(phi**steps) for phi in DAMPINGS]

        def tensor(array: FloatArray) -> Tensor:
            return torch.from_numpy(array.astype(np.float32))

        known = np.column_stack([found.level, found.scale, found.trend])
        return cls(
            values=tensor(values),
            season=tensor(found.season),
            known=tensor(known),
            damped=tensor(np.array(damped)),
            begins=torch.from_numpy(offsets[:-1].copy()),
            season_length=season_length,
        )

    @property
    def scale(self) -> Tensor:
        """Mean absolute change over a season so far, ``(points,)``."""
        return self.known[:, 1]

    def to(self, device: torch.device) -> "EtsStates":
        """Return them on a device."""
        return replace(
            self,
            values=self.values.to(device),
            season=self.season.to(device),
            known=self.known.to(device),
            damped=self.damped.to(device),
            begins=self.begins.to(device),
        )

    def with_room(self, seq_len: int) -> "EtsStates":
        """Return them with so many zeros in front that windows are plain slices.

        Windows may reach back beyond the first series, as far as ``seq_len`` or what
        is known of its season does.
        """
        more = max(seq_len, 2 * self.season_length) - self.room
        if more <= 0:
            return self

        def lead(array: Tensor) -> Tensor:
            return torch.cat([array.new_zeros(more, *array.shape[1:]), array])

        return replace(
            self,
            values=lead(self.values),
            season=lead(self.season),
            known=lead(self.known),
            begins=self.begins + more,
            room=self.room + more,
        )

    def frame(self, series: Tensor, ends: Tensor, seq_len: int) -> ScaledWindows:
        """Return the frame of windows that end before ``ends``.

        Args:
            series: which series each window is of, ``(n,)``.
            ends: observations seen, ``(n,)``, at least 1.
            seq_len: observations in a window.
        """
        roomy = self.with_room(seq_len)
        begins, season = roomy.begins[series], self.season_length
        stops = begins + ends
        recent = last_season(roomy.values, begins[:, None], stops, season)
        return ScaledWindows(*roomy.measure(stops, ends, seq_len), recent)

    def measure(
        self, stops: Tensor, ends: Tensor, seq_len: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return inputs, base and size of windows, see `ScaledWindows`.

        A window that reaches back beyond its series begins with the first value again
        and again.

        Args:
            stops: flat positions behind the windows, ``(n,)``; `with_room` for them.
            ends: observations seen, ``(n,)``, at least 1.
            seq_len: observations in a window.
        """
        known = self.known.index_select(0, stops - 1)
        level, size = known[:, :1], known[:, 1:2]
        inputs = slices(self.values, stops - seq_len, seq_len)
        base = level + known[:, 2:] @ self.damped
        if self.season_length > 1:
            cycle = self._cycle(stops, ends)
            half = self.season_length // 2
            _add_cycles(inputs, cycle, half - seq_len, -1)
            _add_cycles(base, cycle, half, 1)
        inputs.sub_(level).div_(size).clamp_(-BOUND, BOUND)
        before = (seq_len - ends).clamp_min_(0)
        first = inputs.gather(1, before[:, None])
        inputs.lerp_(first, _until(before, seq_len))
        return inputs, base, size

    def following(self, stops: Tensor) -> Tensor:
        """Return u of the steps from ``stops`` on, ``(n, horizon)``, all observed."""
        return slices(self.values, stops, self.damped.shape[1])

    def _cycle(self, stops: Tensor, ends: Tensor) -> Tensor:
        """Return the season of every phase that is known, ``(n, season_length)``.

        They are the latest, half a season back (`forecasting.scaling.ets.season_index`):
        from one window to the next all move on by one. Zero where there is none.
        """
        length = self.season_length
        back = length + length // 2
        cycle = slices(self.season, stops - back, length)
        unknown = (back - ends).clamp_(0, length)
        return cycle.lerp_(cycle.new_zeros(1), _until(unknown, length))


def slices(values: Tensor, begins: Tensor, length: int) -> Tensor:
    """Return so many values ``(points,)`` from each position on, ``(n, length)``."""
    return values.unfold(0, length, 1).index_select(0, begins)


def _until(columns: Tensor, length: int) -> Tensor:
    """Return rows that are one before a column, zero from it on, ``(n, length)``."""
    step = torch.arange(2 * length, device=columns.device) < length
    return slices(step.float(), length - columns, length)


def _add_cycles(rows: Tensor, cycle: Tensor, phase: int, sign: int) -> None:
    """Add a cycle to rows again and again, in place.

    Args:
        rows: to add to, ``(n, steps)``.
        cycle: of each row, ``(n, length)``.
        phase: column of the cycle, modulo its length, that comes first.
        sign: 1 to add, -1 to subtract.
    """
    length, steps = cycle.shape[1], rows.shape[1]
    phase %= length
    head = min(-phase % length, steps)
    whole = (steps - head) // length
    tail = head + whole * length
    rows[:, :head].add_(cycle[:, phase : phase + head], alpha=sign)
    cycles = rows[:, head:tail].unflatten(1, (whole, length))
    cycles.add_(cycle[:, None], alpha=sign)
    rows[:, tail:].add_(cycle[:, : steps - tail], alpha=sign)
