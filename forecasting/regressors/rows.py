"""Normalisation of windows in memory, one per row.

The counterpart of `forecasting.scaling.normalization` for rows that belong to no known
series.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from forecasting.datasets.rows import RowBatches
from forecasting.errors import SettingError

RowMethod = Literal["standard", "last", "none"]
ROW_METHODS: tuple[str, ...] = get_args(RowMethod)


@dataclass(frozen=True, slots=True)
class RowNormalizer:
    """Normalises windows and their targets by statistics of the training rows.

    Unless the network reads its own forecasts, targets are changes from the window's
    last value, and the inputs have one feature more: each step's change from the step
    before, which carries most of the information of a smooth series.

    Attributes:
        method: ``standard`` keeps the level of each window in the inputs, ``last``
            subtracts the last value from them and from the targets, ``none`` changes
            nothing.
        fed_back: the network reads its own forecasts, so that targets are scaled like
            the first feature of the inputs.
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
            SettingError: unknown method.
        """
        if method not in ROW_METHODS:
            raise SettingError(
                "normalization", method, f"one of {', '.join(ROW_METHODS)} for rows"
            )
        zero = torch.zeros(1, dtype=rows.inputs.dtype)
        identity = cls(method, fed_back, zero, zero + 1, zero, zero + 1)
        if method == "none":
            return identity
        scaled = identity.scale_rows(rows)
        center, scale = _moments(scaled.inputs.flatten(0, 1))
        if method == "last":
            center[0] = 0  # the last value of every window stays at zero
        if fed_back:
            return cls(method, fed_back, center, scale, center[0], scale[0])
        offset, spread = _moments(scaled.targets.flatten())
        drift = offset.abs() < spread  # small drifts are left to the network
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
            inputs: the preceding windows, original units.
            forecast: normalised.
        """
        restored = forecast * self.target_scale + self.target_center
        return restored + self._origin(inputs)

    def _origin(self, inputs: Tensor) -> Tensor:
        """Return the values subtracted from the targets, ``(rows, 1)``."""
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
