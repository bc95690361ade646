"""Batches of normalised windows, as the linear part and the training loop take them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from forecasting.normalization import Method, window_level
from forecasting.windows import Windows

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
    """

    values: Tensor
    windows: Windows
    method: Method

    @property
    def device(self) -> torch.device:
        """Where the windows are."""
        return self.values.device

    def __len__(self) -> int:
        return len(self.windows)

    def take(self, index: Tensor) -> Batch:
        """Return z of windows: inputs ``(n, seq_len, 1)``, targets ``(n, horizon)``."""
        seq_len = self.windows.spec.seq_len
        window = self.windows.gather(self.values, index)
        level, size = window_level(window[:, :seq_len], self.method)
        window = (window - level) / size
        return window[:, :seq_len, None], window[:, seq_len:]

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
