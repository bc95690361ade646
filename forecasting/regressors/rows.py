"""Windows that lie in memory, one a row, and how they are normalised.

What `forecasting.datasets.window_dataset` and `forecasting.scaling.normalization` do for series, this does for
rows of which nobody knows the series that they were cut from.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from forecasting.datasets.window_dataset import EVALUATION_BATCH, Batch
from forecasting.errors import SettingError

RowMethod = Literal["standard", "last", "none"]
ROW_METHODS: tuple[str, ...] = get_args(RowMethod)


@dataclass(frozen=True, slots=True)
class RowBatches:
    """Rows to learn from or to validate on.

    Attributes:
        inputs: ``(rows, seq_len, features)``.
        targets: ``(rows, horizon)``.
    """

    inputs: Tensor
    targets: Tensor

    @property
    def device(self) -> torch.device:
        """Where the rows are."""
        return self.inputs.device

    def __len__(self) -> int:
        return len(self.inputs)

    def to(self, device: torch.device) -> "RowBatches":
        """Return the rows on ``device``, in float32: what a network is trained on."""
        return RowBatches(
            self.inputs.to(device, torch.float32),
            self.targets.to(device, torch.float32),
        )

    def in_order(self) -> Iterator[Batch]:
        """Yield all rows as they come, in blocks of bounded size."""
        for begin in range(0, len(self), EVALUATION_BATCH):
            block = slice(begin, begin + EVALUATION_BATCH)
            yield self.inputs[block], self.targets[block]

    def evidence(self) -> Iterator[Batch]:
        """Yield all rows as they come."""
        return self.in_order()

    @property
    def numbers(self) -> int:
        """Numbers in a row, input and target."""
        return self.inputs[0].numel() + self.targets.shape[1]

    def order(
        self,
        batch_size: int,
        batches: int | None = None,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Return all rows in a new random order, or so many batches of random rows."""
        device, count = self.device, len(self)
        if batches is None:
            return torch.randperm(count, device=device, generator=generator)
        drawn = (batches * batch_size,)
        return torch.randint(count, drawn, device=device, generator=generator)

    def take(self, index: Tensor) -> Batch:
        """Return rows by their numbers."""
        return self.inputs[index], self.targets[index]

    def evenly(self, most: int) -> Batch:
        """Return at most ``most`` rows, evenly spread."""
        count = min(len(self), most)
        index = torch.arange(count, device=self.device) * len(self) // max(count, 1)
        return self.inputs[index], self.targets[index]

    def split(self, share: float) -> "tuple[RowBatches, RowBatches]":
        """Return the earlier rows and the latest ``share``.

        Rows between, whose targets reach into the later part when neighbouring rows
        are a step apart, are left out, unless half of the rows or fewer would remain.
        """
        count, overlap = len(self), self.targets.shape[1] - 1
        later = count - int(count * share)
        apart = later - overlap
        earlier = apart if apart > count // 2 else later
        return (
            RowBatches(self.inputs[:earlier], self.targets[:earlier]),
            RowBatches(self.inputs[later:], self.targets[later:]),
        )


@dataclass(frozen=True, slots=True)
class RowNormalizer:
    """Brings windows and what followed them to one size.

    Unless the network reads its own forecasts, targets are changes from the window's
    last value, and the inputs have one feature more: each step's change from the step
    before. Where a series is smooth, that is where the news is.

    Attributes:
        method: ``standard`` keeps the level of each window in the inputs, ``last``
            takes the last value from them and from the targets, ``none`` leaves all
            as it is.
        fed_back: the network reads its own forecasts, so that targets are what the
            first feature of the inputs is.
        input_center, input_scale: of each feature, ``(features,)``.
        target_center, target_scale: of the targets, all steps together.
    """

    method: RowMethod
    fed_back: bool
    input_center: Tensor
    input_scale: Tensor
    target_center: Tensor
    target_scale: Tensor

    @classmethod
    def fit(
        cls, rows: RowBatches, method: RowMethod, *, fed_back: bool
    ) -> "RowNormalizer":
        """Fit means and standard deviations on rows in original units.

        Raises:
            SettingError: there is no such method.
        """
        if method not in ROW_METHODS:
            raise SettingError(
                "normalization", method, f"one of {', '.join(ROW_METHODS)} for rows"
            )
        zero = torch.zeros(1, dtype=rows.inputs.dtype)
        blank = cls(method, fed_back, zero, zero + 1, zero, zero + 1)
        if method == "none":
            return blank
        shown = blank.scale_rows(rows)
        center, scale = _moments(shown.inputs.flatten(0, 1))
        if method == "last":
            center[0] = 0  # the last value stays where the window starts again
        if fed_back:
            return cls(method, fed_back, center, scale, center[0], scale[0])
        offset, spread = _moments(shown.targets.flatten())
        drift = offset.abs() < spread  # of the past: left to the network to continue
        return cls(method, fed_back, center, scale, offset * ~drift, spread)

    def scale(self, inputs: Tensor) -> Tensor:
        """Return normalised inputs, ``(rows, seq_len, features)``."""
        if self.method != "none" and not self.fed_back:
            first = inputs[..., :1]
            changes = torch.diff(first, dim=1, prepend=first[:, :1])
            inputs = torch.cat([inputs, changes], -1)
        if self.method == "last":
            level = inputs[:, -1:, :1]
            inputs = torch.cat([inputs[..., :1] - level, inputs[..., 1:]], -1)
        return (inputs - self.input_center) / self.input_scale

    def scale_rows(self, rows: RowBatches) -> RowBatches:
        """Return normalised inputs and targets."""
        targets = rows.targets - self._origin(rows.inputs) - self.target_center
        return RowBatches(self.scale(rows.inputs), targets / self.target_scale)

    def unscale(self, inputs: Tensor, forecast: Tensor) -> Tensor:
        """Return forecasts ``(rows, horizon)`` in original units.

        Args:
            inputs: the windows that they continue, original units.
            forecast: normalised.
        """
        restored = forecast * self.target_scale + self.target_center
        return restored + self._origin(inputs)

    def _origin(self, inputs: Tensor) -> Tensor:
        """Return the values that targets are taken from, ``(rows, 1)``."""
        last = inputs[:, -1, :1]
        changes = self.method == "last" or (
            self.method == "standard" and not self.fed_back
        )
        return last if changes else torch.zeros_like(last)


def _moments(values: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and standard deviation of each column; 1 for a constant one."""
    deviation, mean = torch.std_mean(values, 0, correction=0)
    constant = deviation <= 1e-12 * values.abs().amax(0)
    return mean, torch.where(constant, 1.0, deviation)
