"""Batches of normalised windows, for the linear part and the training loop."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from forecasting.covariates.design import Design
from forecasting.covariates.layout import EncodedCovariates, Layout, append_covariates
from forecasting.data.panel import Panel
from forecasting.data.windows import Windows, WindowSpec
from forecasting.scaling.methods import METHODS, Method
from forecasting.scaling.normalization import Normalizer
from forecasting.scaling.window_scaling import (
    BOUND,
    EtsStates,
    ScaledWindows,
    last_season,
)
from forecasting.types import IntArray

MAX_REGRESSION_WINDOWS = 65_536  # drawn for a regression
MAX_GATHERED_VALUES = 2**19  # numbers gathered at once, unless one batch has more
EVALUATION_BATCH = 4096  # windows of a forward pass without gradients, at most
MAX_BLOCK_VALUES = 2**21  # larger blocks cost time to allocate
Batch = tuple[Tensor, Tensor]  # inputs (n, seq_len, features), targets (n, horizon)


class BatchSource(Protocol):
    """Source of training or validation windows, by index or in order."""

    @property
    def device(self) -> torch.device:
        """Device of the windows."""

    def __len__(self) -> int:
        """Return the number of windows."""

    def in_order(self) -> Iterator[Batch]:
        """Yield all windows, oldest first, in blocks of bounded size."""

    def regression_batches(self) -> Iterator[Batch]:
        """Yield the windows that a regression is fitted to, in bounded blocks."""

    @property
    def numbers(self) -> int:
        """Numbers in a window, input and target."""

    def order(
        self,
        batch_size: int,
        batches: int | None = None,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Return the indices of all windows in a new random order.

        Or, with ``batches``, those of as many batches of windows drawn at random.
        """

    def take(self, index: Tensor) -> Batch:
        """Return windows by their index."""

    def sample_evenly(self, count: int) -> Batch:
        """Return at most ``count`` windows, evenly spaced."""


@dataclass(frozen=True, slots=True)
class WindowDataset:
    """Windows of scaled series, gathered and levelled on demand.

    Attributes:
        values: u of `forecasting.scaling.normalization`, ``(points,)``.
        windows: positions of the windows, on the same device.
        method: of levelling each window.
        covariates: of every point, on the same device; None without any.
        states: of exponential smoothing at every point, for ``ets`` and ``log_ets``.
        series_weights: probability of each series to be drawn, ``(series,)``; None to
            take every window once an epoch.
        season: steps of a season, 1 for none.
    """

    values: Tensor
    windows: Windows
    method: Method
    covariates: EncodedCovariates | None = None
    states: EtsStates | None = None
    series_weights: Tensor | None = None
    season: int = 1

    @property
    def device(self) -> torch.device:
        """Device of the windows."""
        return self.values.device

    @property
    def layout(self) -> Layout | None:
        """Layout of the inputs' columns; None without covariates."""
        return None if self.covariates is None else self.covariates.layout

    def design(self, steps: int) -> Design | None:
        """Return the linear part's regressors for ``steps`` steps; None without any."""
        layout = self.layout
        return (
            None if layout is None else Design(layout, self.windows.spec.seq_len, steps)
        )

    def __len__(self) -> int:
        return len(self.windows)

    def take(self, index: Tensor) -> Batch:
        """Return z of windows: inputs ``(n, seq_len, 1)``, targets ``(n, horizon)``.

        With covariates, the inputs are ``(n, seq_len + horizon, features)``.
        """
        seq_len = self.windows.spec.seq_len
        if self.states is None:
            window = self.windows.gather(self.values, index)
            level, size = METHODS[self.method].level(window[:, :seq_len])
            inputs = (window[:, :seq_len] - level).div_(size)
            targets = (window[:, seq_len:] - level).div_(size)
        else:
            states = self.states.with_padding(seq_len)
            series, first = self.windows.locate(index)
            ends = first + seq_len - self.windows.begins[series]
            stops = first + seq_len + states.padding
            inputs, base, size = states.measure(stops, ends, seq_len)
            targets = states.following(stops).sub_(base).div_(size)
            targets.clamp_(-BOUND, BOUND)
        if self.covariates is None:
            return inputs[..., None], targets
        columns = self.windows.gather(self.covariates.columns, index)
        return append_covariates(inputs[..., None], columns), targets

    def frame(self, index: Tensor) -> ScaledWindows:
        """Return z of windows, and the scaling that turns forecasts of them into u."""
        seq_len = self.windows.spec.seq_len
        series, first = self.windows.locate(index)
        begins, ends = self.windows.begins[series], first + seq_len
        if self.states is not None:
            return self.states.frame(series, ends - begins, seq_len)
        window = self.windows.gather(self.values, index)
        recent = last_season(self.values, begins[:, None], ends, self.season)
        return METHODS[self.method].scale_windows(window[:, :seq_len], recent)

    def in_order(self) -> Iterator[Batch]:
        """Yield all windows, oldest first, in blocks of bounded size."""
        every = torch.arange(len(self), device=self.values.device)
        yield from self._in_blocks(every)

    def regression_batches(self) -> Iterator[Batch]:
        """Yield all windows in order, or a draw by ``series_weights``."""
        if self.series_weights is None:
            yield from self.in_order()
            return
        generator = torch.Generator(self.values.device).manual_seed(0)
        for _ in range(min(len(self), MAX_REGRESSION_WINDOWS) // EVALUATION_BATCH + 1):
            drawn = self.windows.draw(self.series_weights, EVALUATION_BATCH, generator)
            yield from self._in_blocks(drawn)

    def _in_blocks(self, index: Tensor) -> Iterator[Batch]:
        rows = max(MAX_BLOCK_VALUES // self.windows.spec.length, 1)
        for block in index.split(min(rows, EVALUATION_BATCH)):
            if len(block):
                yield self.take(block)

    @property
    def numbers(self) -> int:
        """Numbers in a window, input and target."""
        width = 1 if self.layout is None else self.layout.width
        return self.windows.spec.length * width

    def order(
        self,
        batch_size: int,
        batches: int | None = None,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Return all windows in random order, or a number of random batches."""
        if batches is None:
            device = self.values.device
            return torch.randperm(len(self), device=device, generator=generator)
        series_weights = (
            self.windows.counts()
            if self.series_weights is None
            else self.series_weights
        )
        series_weights = series_weights.float()
        drawn = [
            self.windows.draw(series_weights, batch_size, generator)
            for _ in range(batches)
        ]
        return torch.cat(drawn)

    def sample_evenly(self, count: int) -> Batch:
        """Return at most ``count`` windows, evenly spaced."""
        return self.take(self.windows.sample_evenly(count))


def iterate_batches(
    batches: BatchSource, order: Tensor, batch_size: int
) -> Iterator[Batch]:
    """Yield windows in an order, several whole batches at a time.

    Gathering has a fixed cost per call, as long as the block stays in the cache.
    """
    num_batches = max(1, MAX_GATHERED_VALUES // (batch_size * batches.numbers))
    yield from map(batches.take, order.split(num_batches * batch_size))


def split_windows(
    panel: Panel,
    spec: WindowSpec,
    normalizer: Normalizer,
    ends: IntArray,
    encoded: EncodedCovariates | None,
    device: torch.device,
    *,
    season_length: int = 1,
    states: EtsStates | None = None,
) -> tuple[WindowDataset, WindowDataset]:
    """Return the training windows, and the later windows for validation.

    Args:
        panel: the series.
        spec: shape of a window.
        normalizer: fitted on the earlier parts.
        ends: end of the training part of each series.
        encoded: covariates of every observation.
        device: of the windows.
        season_length: steps of the season that smoothing takes out.
        states: result of `smooth_panel`; default: computed, if the method needs it.
    """
    values = normalizer.scale_series(panel).to(device)
    covariates = encoded and encoded.to(device)
    every = replace(spec, stride=1)
    min_lengths, any_length = None, None
    if normalizer.scaling.is_smoothed:
        if states is None:
            states = smooth_panel(panel, normalizer, spec.horizon, season_length)
        states = states.with_padding(spec.seq_len).to(device)
        min_lengths = min_history(ends, spec)
        any_length = np.ones_like(ends)
    earlier = Windows(panel.offsets, spec, stop=ends, least=min_lengths).to(device)
    later = Windows(panel.offsets, every, start=ends, least=any_length).to(device)
    batches = WindowDataset(
        values, earlier, normalizer.method, covariates, states, season=season_length
    )
    return batches, replace(batches, windows=later)


def series_probabilities(
    batches: WindowDataset, ends: IntArray, *, balance: float, relative: float
) -> Tensor:
    """Return the probability of each series to be drawn, ``(series,)``.

    Args:
        batches: the windows to draw from.
        ends: end of the training part of each series.
        balance, relative: see `forecasting.training.TrainingConfig`.
    """
    series_weights = batches.windows.counts().float() ** (1 - balance)
    if batches.states is not None and relative:
        last = (
            torch.from_numpy(ends).to(batches.values.device) + batches.states.begins - 1
        )
        scale = batches.states.scale[last]
        series_weights = series_weights * (
            1 - relative + relative * scale / scale.mean()
        )
    return series_weights / series_weights.sum()


def smooth_panel(
    panel: Panel, normalizer: Normalizer, horizon: int, season_length: int
) -> EtsStates:
    """Smooth every series of a panel exponentially."""
    owner = np.repeat(np.arange(len(panel)), panel.lengths)
    return EtsStates.fit(
        normalizer.scale_points(panel.values, owner),
        panel.offsets,
        season_length=season_length,
        horizon=horizon,
    )


def min_history(ends: IntArray, spec: WindowSpec) -> IntArray:
    """Return the minimum observations before a training target, ``(series,)``.

    Half a window; of shorter series, as many as leave them one target.
    """
    return np.clip(ends - spec.horizon, 2, max(spec.seq_len // 2, 2))
