"""Normalisation of the channels of series: by the training, or each series by itself.

The statistics are of valid steps only, so that padding changes nothing.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from forecasting.errors import SettingError
from forecasting.sequences.data import PaddedSeries

SeriesMethod = Literal["standard", "series", "none"]
SERIES_METHODS: tuple[str, ...] = get_args(SeriesMethod)


@dataclass(frozen=True, slots=True)
class ChannelScaler:
    """Normalises each channel of series.

    Attributes:
        method: ``standard`` by the mean and deviation of the training, ``series`` by
            those of each series, ``none`` not at all.
        center, scale: of each channel in training, ``(channels,)``.
    """

    method: SeriesMethod
    center: Tensor
    scale: Tensor

    @classmethod
    def fit(cls, series: PaddedSeries, method: SeriesMethod) -> "ChannelScaler":
        """Fit mean and deviation on the valid steps of training series.

        Raises:
            SettingError: unknown method.
        """
        if method not in SERIES_METHODS:
            expected = f"one of {', '.join(SERIES_METHODS)}"
            raise SettingError("normalization", method, expected)
        if method != "standard":
            zero = torch.zeros(series.channels, dtype=series.values.dtype)
            return cls(method, zero, zero + 1)
        steps = series.values[series.mask]  # (valid steps, C)
        deviation, mean = torch.std_mean(steps, 0, correction=0)
        return cls(method, mean, _nonzero(deviation, steps.abs().amax(0)))

    def scale_series(self, series: PaddedSeries) -> PaddedSeries:
        """Return the series normalised; padding stays zero."""
        values, mask = series.values, series.mask[..., None]
        center, scale = self.center, self.scale
        if self.method == "series":
            count = series.lengths[:, None, None]
            center = values.sum(1, keepdim=True) / count  # (B, 1, C)
            square = ((values - center) * mask).square().sum(1, keepdim=True) / count
            scale = _nonzero(square.sqrt(), values.abs().amax(1, keepdim=True))
        return PaddedSeries((values - center) / scale * mask, series.lengths)


def _nonzero(deviation: Tensor, size: Tensor) -> Tensor:
    """Return the deviation; 1 where it is that of a constant."""
    return torch.where(deviation <= 1e-12 * size, 1.0, deviation)
