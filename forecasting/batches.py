"""Batches of normalised windows, as the linear part and the training loop take them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor

from forecasting.design import Design
from forecasting.features import Encoded, Layout, beside_covariates
from forecasting.normalization import Method, Normalizer, window_level
from forecasting.series import IntArray, Panel
from forecasting.windows import Windows, WindowSpec

EVALUATION_BATCH = 8192  # windows a forward pass without gradients

Batch = tuple[Tensor, Tensor]  # inputs (n, seq_len, features), targets (n, horizon)


class Batches(Protocol):
    """Windows to learn from or to validate on."""

    @property
    def device(self) -> torch.device:
        """Where the windows are."""

    def __len__(self) -> int:
        """Return how many windows there are."""

    def in_order(self) -> Iterator[Batch]:
        """Yield all windows, oldest first, in blocks of bounded size."""

    def shuffled(self, batch_size: int) -> Iterator[Batch]:
        """Yield all windows in a new random order, in batches."""

    def evenly(self, most: int) -> Batch:
        """Return at most ``most`` windows, evenly spread."""


@dataclass(frozen=True, slots=True)
class WindowBatches:
    """Windows of scaled series, gathered and levelled when they are asked for.

    Attributes:
        values: u of `forecasting.normalization`, ``(points,)``.
        windows: which windows, on the same device.
        method: how each is levelled.
        covariates: of every point, on the same device; None without any.
    """

    values: Tensor
    windows: Windows
    method: Method
    covariates: Encoded | None = None

    @property
    def device(self) -> torch.device:
        """Where the windows are."""
        return self.values.device

    @property
    def layout(self) -> Layout | None:
        """Of the inputs' columns; None without covariates."""
        return None if self.covariates is None else self.covariates.layout

    def design(self, steps: int) -> Design | None:
        """Return what a forecast of ``steps`` steps is linear in, with covariates."""
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
        window = self.windows.gather(self.values, index)
        level, size = window_level(window[:, :seq_len], self.method)
        window = (window - level) / size
        inputs, targets = window[:, :seq_len, None], window[:, seq_len:]
        if self.covariates is not None:
            own = self.windows.gather(self.covariates.columns, index)
            inputs = beside_covariates(inputs, own)
        return inputs, targets

    def in_order(self) -> Iterator[Batch]:
        """Yield all windows, oldest first, in blocks of bounded size."""
        count = len(self)
        for begin in range(0, count, EVALUATION_BATCH):
            end = min(begin + EVALUATION_BATCH, count)
            yield self.take(torch.arange(begin, end, device=self.device))

    def shuffled(self, batch_size: int) -> Iterator[Batch]:
        """Yield all windows in a new random order, in batches."""
        order = torch.randperm(len(self), device=self.device)
        for begin in range(0, len(order), batch_size):
            yield self.take(order[begin : begin + batch_size])

    def evenly(self, most: int) -> Batch:
        """Return at most ``most`` windows, evenly spread."""
        return self.take(self.windows.evenly(most))


def split_windows(
    panel: Panel,
    spec: WindowSpec,
    normalizer: Normalizer,
    ends: IntArray,
    encoded: Encoded | None,
    device: torch.device,
) -> tuple[WindowBatches, WindowBatches]:
    """Return the windows to learn from, and the later ones, which validate.

    Args:
        panel: the series.
        spec: shape of a window.
        normalizer: fitted on the earlier parts.
        ends: where the training part of each series ends.
        encoded: covariates of every observation.
        device: where the windows shall be.
    """
    values = normalizer.scale_series(panel).to(device)
    own = encoded and encoded.to(device)
    every = replace(spec, stride=1)
    earlier = Windows(panel.offsets, spec, stop=ends).to(device)
    later = Windows(panel.offsets, every, start=ends).to(device)
    return (
        WindowBatches(values, earlier, normalizer.method, own),
        WindowBatches(values, later, normalizer.method, own),
    )
