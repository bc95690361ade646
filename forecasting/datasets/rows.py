"""Rows in memory, each a training example: windows, or series with their classes."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from forecasting.datasets.window_dataset import EVALUATION_BATCH, Batch


@dataclass(frozen=True, slots=True)
class RowBatches:
    """Windows in memory, for training or validation.

    Attributes:
        inputs: ``(rows, seq_len, features)``, or codes of symbols ``(rows, seq_len)``.
        targets: ``(rows, horizon)``; class probabilities ``(rows, classes)``, or codes
            of the class at each step ``(rows, seq_len)``.
    """

    inputs: Tensor
    targets: Tensor

    @property
    def device(self) -> torch.device:
        """Device of the rows."""
        return self.inputs.device

    def __len__(self) -> int:
        return len(self.inputs)

    def to(self, device: torch.device) -> "RowBatches":
        """Return the rows on ``device``, numbers in float32, as training needs them."""
        inputs, targets = (
            part.to(device, torch.float32 if part.is_floating_point() else part.dtype)
            for part in (self.inputs, self.targets)
        )
        return RowBatches(inputs, targets)

    def in_order(self) -> Iterator[Batch]:
        """Yield all rows in order, in blocks of bounded size."""
        for begin in range(0, len(self), EVALUATION_BATCH):
            block = slice(begin, begin + EVALUATION_BATCH)
            yield self.inputs[block], self.targets[block]

    def regression_batches(self) -> Iterator[Batch]:
        """Yield all rows in order, for the linear regression."""
        return self.in_order()

    @property
    def numbers(self) -> int:
        """Number of values in a row, input and target."""
        return self.inputs[0].numel() + self.targets.shape[1]

    def order(
        self,
        batch_size: int,
        batches: int | None = None,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Return a random order of all rows, or indices of random ``batches``."""
        device, count = self.device, len(self)
        if batches is None:
            return torch.randperm(count, device=device, generator=generator)
        shape = (batches * batch_size,)
        return torch.randint(count, shape, device=device, generator=generator)

    def take(self, index: Tensor) -> Batch:
        """Return rows by index."""
        return self.inputs[index], self.targets[index]

    def sample_evenly(self, max_count: int) -> Batch:
        """Return at most ``max_count`` rows, evenly spaced."""
        count = min(len(self), max_count)
        index = torch.arange(count, device=self.device) * len(self) // max(count, 1)
        return self.inputs[index], self.targets[index]

    def split(self, share: float) -> "tuple[RowBatches, RowBatches]":
        """Return the earlier rows and the latest ``share``.

        Assuming that neighbouring rows are one step apart, rows whose targets overlap
        the later part are left out, unless half of the rows or fewer would remain.
        """
        count, overlap = len(self), self.targets.shape[1] - 1
        later = count - int(count * share)
        before_overlap = later - overlap
        earlier = before_overlap if before_overlap > count // 2 else later
        return (
            RowBatches(self.inputs[:earlier], self.targets[:earlier]),
            RowBatches(self.inputs[later:], self.targets[later:]),
        )
