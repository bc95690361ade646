"""Histories of series as flat arrays, and their scaled form at forecast origins.

Observations after an origin are never read; only known covariates of the steps ahead
are. Histories are read in blocks of bounded memory.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Protocol, Self

import numpy as np
import torch
from torch import Tensor

from forecasting.forecaster.trained_model import ForecasterConfig, GlobalModel
from forecasting.intervals.shown import ShownRange
from forecasting.intervals.volatility import window_volatility
from forecasting.scaling.methods import METHODS, Method
from forecasting.scaling.normalization import Normalizer
from forecasting.scaling.window_scaling import (
    EtsStates,
    ScaledWindows,
)
from forecasting.types import FloatArray, IntArray

MAX_BLOCK_ROWS = 8192
MAX_BLOCK_POINTS = 2**20  # observations per block


class CovariateSource(Protocol):
    """Encoded covariates of the windows before origins and of the steps after them."""

    def take(self, rows: slice, first: int, last: int) -> Tensor:
        """Gather the steps ``first`` to ``last`` of some rows, counted from 0.

        Step 0 is the first one of the window.

        Returns:
            ``(rows, last - first, layout.width - 1)``.
        """


@dataclass(frozen=True, slots=True)
class CovariateRows:
    """Covariates in one tensor, ``(rows, seq_len + steps, layout.width - 1)``.

    Steps after the last one repeat it.
    """

    encoded: Tensor

    def take(self, rows: slice, first: int, last: int) -> Tensor:
        """Gather the steps ``first`` to ``last`` of some rows, counted from 0."""
        end = self.encoded.shape[1]
        if last <= end:
            return self.encoded[rows, first:last]
        steps = torch.arange(first, last).clamp(max=end - 1)
        return self.encoded[rows][:, steps]


@dataclass(frozen=True, slots=True, kw_only=True)
class Histories:
    """Observations before forecast origins, a row for each forecast.

    Attributes:
        values: observations, original units, ``(points,)``; rows may share them.
        begins: position of the first observation of each row, ``(rows,)``.
        ends: position after the last observation of each row, ``(rows,)``.
        places: position of the row's series in the model, ``(rows,)``; -1 for a series
            that is not among those of the training.
        covariates: encoded covariates; None for a model without any.
    """

    values: FloatArray
    begins: IntArray
    ends: IntArray
    places: IntArray
    covariates: CovariateSource | None = None

    @classmethod
    def from_lists(
        cls,
        values: Sequence[Sequence[float]],
        places: IntArray,
        covariates: Tensor | None = None,
    ) -> Self:
        """Build histories from one list of finite numbers per row, oldest first."""
        lengths = [len(row) for row in values]
        offsets = np.array([0, *lengths]).cumsum()
        flat = np.fromiter(chain.from_iterable(values), np.float64, sum(lengths))
        return cls(
            values=flat,
            begins=offsets[:-1],
            ends=offsets[1:],
            places=places,
            covariates=None if covariates is None else CovariateRows(covariates),
        )

    def __len__(self) -> int:
        return len(self.ends)

    def blocks(self, memory: int) -> Iterator[slice]:
        """Yield blocks of consecutive rows that fit in memory together.

        Args:
            memory: observations read of the series of the training; all observations
                are read of others, for their statistics.
        """
        if len(self) == 1:
            yield slice(0, 1)
            return
        lengths = self.ends - self.begins
        lengths = np.where(self.places < 0, lengths, np.minimum(lengths, memory))
        cumulative, begin = np.cumsum(lengths), 0
        while begin < len(self):
            limit = cumulative[begin] - lengths[begin] + MAX_BLOCK_POINTS
            count = int(np.searchsorted(cumulative, limit, side="right")) - begin
            yield slice(begin, begin + min(max(count, 1), MAX_BLOCK_ROWS))
            begin += min(max(count, 1), MAX_BLOCK_ROWS)

    def last_values(self, block: slice, count: int) -> FloatArray:
        """Return the last observations of some rows, ``(rows, count)``.

        A row with fewer observations is padded in front with its first one.
        """
        if len(self) == 1 and self.ends[0] - self.begins[0] >= count:
            return self.values[None, self.ends[0] - count : self.ends[0]]
        steps = np.arange(-count, 0)
        positions = self.ends[block, None] + steps
        padded = np.maximum(positions, self.begins[block, None])
        return np.asarray(self.values[padded])

    def complete_series(self, rows: IntArray) -> tuple[FloatArray, IntArray]:
        """Return all observations of some rows, ``(points,)``, and their borders."""
        begins, counts = self.begins[rows], self.ends[rows] - self.begins[rows]
        offsets = np.concatenate([[0], np.cumsum(counts)])
        positions = np.arange(offsets[-1]) + np.repeat(begins - offsets[:-1], counts)
        return self.values[positions], offsets


class WindowHistory:
    """The last observations before origins, extended by forecasts.

    Args:
        observed: u, ``(n, length)``: seq_len, or season_length if that is longer.
        config: sizes of the windows and of a season.
        method: normalisation of the windows, one without smoothing.
    """

    def __init__(
        self, observed: Tensor, config: ForecasterConfig, method: Method
    ) -> None:
        self.observed, self.config, self.method = observed, config, method

    def scaled_windows(self) -> ScaledWindows:
        """Return the scaled windows at the end of the history."""
        window = self.observed[:, -self.config.windows.seq_len :]
        recent = self.observed[:, -self.config.model.season_length :]
        return METHODS[self.method].scale_windows(window, recent)

    def extend(self, forecast: Tensor) -> "WindowHistory":
        """Return the history moved on by forecasts u ``(n, steps)``."""
        joined = torch.cat([self.observed, forecast], 1)
        recent = joined[:, -self.observed.shape[1] :]
        return WindowHistory(recent, self.config, self.method)


class SmoothedHistory:
    """The observations before origins, smoothed again when forecasts are added.

    Args:
        observed: u of the last observations, ``(n, length)``.
        counts: number of observations of each row, ``(n,)``; the columns before them
            are padding.
        config: sizes of the windows and of a season.
    """

    def __init__(
        self, observed: FloatArray, counts: IntArray, config: ForecasterConfig
    ) -> None:
        self.observed, self.counts, self.config = observed, counts, config

    def scaled_windows(self) -> ScaledWindows:
        """Return the scaled windows at the end of the histories."""
        length = self.observed.shape[1]
        is_observed = np.arange(length) >= length - self.counts[:, None]
        states = EtsStates.fit(
            self.observed[is_observed],
            np.concatenate([[0], np.cumsum(self.counts)]),
            season_length=self.config.model.season_length,
            horizon=self.config.windows.horizon,
        )
        rows, ends = torch.arange(len(self.counts)), torch.from_numpy(self.counts)
        return states.frame(rows, ends, self.config.windows.seq_len)

    def extend(self, forecast: Tensor) -> "SmoothedHistory":
        """Return the histories with forecasts u ``(n, steps)`` appended."""
        joined = np.hstack([self.observed, forecast.double().numpy()])
        return SmoothedHistory(joined, self.counts + forecast.shape[1], self.config)


History = WindowHistory | SmoothedHistory


@dataclass(frozen=True, slots=True)
class ScaledHistories:
    """Scaled histories of some rows, with the statistics to unscale forecasts.

    Attributes:
        normalizer: fitted statistics, one row per forecast.
        history: u of `forecasting.scaling.normalization`, one row per forecast.
        frame: the scaled windows right before the origins, on the CPU.
        floor: lower bound of forecasts, original units, ``(rows, 1)``: 0 if neither
            training nor the history has negative values, else minus infinity.
        rows: position of the rows among all `Histories`.
        covariates: of all histories; None without any.
        choices: the guard's rung of each row, ``(rows,)``; None without a guard.
        shown: range of values that the series have shown; None without limits.
    """

    normalizer: Normalizer
    history: History
    frame: ScaledWindows
    floor: FloatArray
    rows: slice
    covariates: CovariateSource | None
    choices: Tensor | None = None
    shown: ShownRange | None = None

    def __len__(self) -> int:
        return len(self.floor)

    @property
    def size(self) -> FloatArray:
        """Scale of each window, in units of u, ``(rows, 1)``."""
        return self.frame.size.numpy().astype(np.float64)

    @property
    def volatility(self) -> FloatArray:
        """Volatility of each window, in units of its size, ``(rows,)``."""
        return window_volatility(self.frame.inputs.numpy().astype(np.float64))

    def scale(self, values: FloatArray) -> FloatArray:
        """Return u of values ``(rows, steps)``."""
        return self.normalizer.scale_values(values)

    def unscale(self, scaled: FloatArray) -> FloatArray:
        """Return original units of u ``(..., rows, steps)``, not below the floor."""
        return np.maximum(self.normalizer.unscale(scaled), self.floor)

    def limit(self, values: FloatArray, reach: float, first: int = 0) -> FloatArray:
        """Return values within the limits of the series, see `ShownRange.clip`."""
        return values if self.shown is None else self.shown.clip(values, reach, first)

    def slopes(self, values: FloatArray) -> FloatArray:
        """Return the change of values on logarithms per u, ``(rows, steps)``."""
        normalizer = self.normalizer
        return np.asarray(
            (values + normalizer.shift[:, None]) * normalizer.scale[:, None]
        )

    def covariates_from(self, first: int, length: int) -> Tensor | None:
        """Return the covariates of ``length`` steps from ``first`` on, counted from 0.

        None without covariates.
        """
        if self.covariates is None:
            return None
        return self.covariates.take(self.rows, first, first + length)


def start_history(u: FloatArray, counts: IntArray, model: GlobalModel) -> History:
    """Return a history of scaled observations u ``(n, length)``.

    Args:
        u: the last observations, padded in front.
        counts: number of observations of each row, ``(n,)``; where it is below
            ``length``, the columns before are padding.
        model: reads the windows.
    """
    if model.scaling.is_smoothed:
        return SmoothedHistory(u, np.minimum(counts, u.shape[1]), model.config)
    observed = torch.from_numpy(u.astype(np.float32))  # infinite beyond float32
    return WindowHistory(observed, model.config, model.method)
