"""Pooled outputs of random convolutions, with dilations up to the length of a series.

Two kinds, each on the series and on its changes from step to step: the 84 kernels of
MiniRocket with the poolings of MultiRocket (Dempster et al. 2021, Tan et al. 2022), and
groups of competing random kernels, of which the strongest at each step is counted
(Hydra, Dempster et al. 2023).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import torch
from torch import Tensor
from torch.nn.functional import conv1d

from forecasting.sequences.data import PaddedSeries
from forecasting.sequences.features.pooling import draw_thresholds, pool_above

LENGTH = 9  # of a kernel
THRESHOLDS = 2500  # of all kernels and dilations of a view
MAX_DILATIONS = 32
GROUPS, COMPETING = 32, 8  # kernels of a view and dilation
BLOCK = 16  # series at once
SAMPLE = 32  # series from which thresholds are drawn


@dataclass(frozen=True, slots=True)
class Layer:
    """Kernels of one dilation.

    Attributes:
        dilation: steps between the taps.
        fixed: MiniRocket's kernels, ``(84, channels, 9)``.
        thresholds: of them, ``(count, 84)``.
        competing: ``(groups * 8, channels, 9)``; empty for none.
    """

    dilation: int
    fixed: Tensor
    thresholds: Tensor
    competing: Tensor


@dataclass(frozen=True, slots=True)
class RandomConvolutions:
    """Random convolutions of series and of their changes.

    Attributes:
        views: the layers of the series, and those of their changes.
    """

    views: tuple[list[Layer], list[Layer]]

    @classmethod
    def fit(cls, series: PaddedSeries, seed: int) -> "RandomConvolutions":
        """Draw kernels, and thresholds from outputs of training series."""
        generator = torch.Generator().manual_seed(seed)
        drawn = torch.randperm(len(series), generator=generator)[:SAMPLE]
        sample = series.take(drawn)
        steps = int(series.lengths.max())
        first, second = (
            _draw_layers(view, mask, steps, generator) for view, mask in _views(sample)
        )
        return cls((first, second))

    def transform(self, series: PaddedSeries) -> Tensor:
        """Return the features, ``(series, features)``, float32."""
        blocks = torch.arange(len(series)).split(BLOCK)
        return torch.cat([self._features(series.take(index)) for index in blocks])

    def to_tensors(self) -> dict[str, Tensor]:
        """Return all numbers by name."""
        return {
            f"{view}.{number}.{name}": torch.as_tensor(getattr(layer, name))
            for view, layers in enumerate(self.views)
            for number, layer in enumerate(layers)
            for name in Layer.__slots__
        }

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor]) -> "RandomConvolutions":
        """Return the result of `to_tensors` as convolutions."""
        views: tuple[list[Layer], list[Layer]] = ([], [])
        for view, layers in enumerate(views):
            while (prefix := f"{view}.{len(layers)}.") + "dilation" in tensors:
                fields = {name: tensors[prefix + name] for name in Layer.__slots__[1:]}
                layers.append(Layer(int(tensors[prefix + "dilation"]), **fields))
        return cls(views)

    def _features(self, series: PaddedSeries) -> Tensor:
        features: list[Tensor] = []
        for (view, mask), layers in zip(_views(series), self.views, strict=True):
            for layer in layers:
                outputs = _convolve(view, layer.fixed, layer.dilation)
                for thresholds in layer.thresholds:
                    features += pool_above(outputs, thresholds, mask)
                if len(layer.competing):
                    outputs = _convolve(view, layer.competing, layer.dilation)
                    features += count_winners(outputs, mask)
        return torch.cat(features, 1)


def count_winners(outputs: Tensor, mask: Tensor) -> list[Tensor]:
    """Return how often, and how strongly, each kernel wins within its group.

    Args:
        outputs: ``(series, groups * 8, steps)``.
        mask: whether a step is valid, ``(series, 1, steps)``.

    Returns:
        Square roots of the sum of the outputs at the steps where the kernel is the
        largest, and of the number of steps where it is the smallest, over the length.
    """
    groups = outputs.unflatten(1, (-1, COMPETING))
    largest, winner = groups.max(2)
    loser = groups.min(2).indices  # several times faster than argmin
    strength = (largest * mask).clamp_(min=0)
    count = mask.expand_as(strength).contiguous()
    shape = groups.shape[:3]
    length = mask.sum(2)
    return [
        (torch.zeros(shape).scatter_add_(2, index, values).flatten(1) / length).sqrt()
        for index, values in ((winner, strength), (loser, count))
    ]


def _views(series: PaddedSeries) -> list[tuple[Tensor, Tensor]]:
    """Return series and changes, ``(series, channels, steps)``, with masks."""
    values = series.values.float().transpose(1, 2)
    mask = series.mask[:, None].float()
    changes = torch.diff(values, dim=2, prepend=values[..., :1]) * mask
    return [(values, mask), (changes, mask)]


def _convolve(view: Tensor, kernels: Tensor, dilation: int) -> Tensor:
    padding = dilation * (LENGTH // 2)
    return conv1d(view, kernels, padding=padding, dilation=dilation)


def _draw_layers(
    view: Tensor, mask: Tensor, steps: int, generator: torch.Generator
) -> list[Layer]:
    """Return kernels of all dilations, with thresholds from a sample of series."""
    channels = view.shape[1]
    most_octaves = max(math.log2((max(steps, LENGTH + 1) - 1) / (LENGTH - 1)), 0)
    fixed = _mini_rocket_kernels()
    per_kernel = THRESHOLDS // len(fixed)
    exponents = torch.linspace(0, most_octaves, min(MAX_DILATIONS, per_kernel))
    dilations = sorted({int(2 ** float(e)) for e in exponents})
    layers = []
    for dilation in dilations:
        mixed = fixed[:, None] * _draw_channels(len(fixed), channels, generator)
        outputs = _convolve(view, mixed, dilation)
        count = max(per_kernel // len(dilations), 1)
        thresholds = draw_thresholds(outputs, mask, count, generator)
        is_power = dilation & (dilation - 1) == 0
        competing = _draw_competing(channels, generator) if is_power else fixed[:0]
        layers.append(Layer(dilation, mixed, thresholds, competing))
    return layers


def _mini_rocket_kernels() -> Tensor:
    """Return the 84 kernels with three weights of 2 and six of -1, ``(84, 9)``."""
    kernels = torch.full((84, LENGTH), -1.0)
    for kernel, places in zip(kernels, combinations(range(LENGTH), 3), strict=True):
        kernel[list(places)] = 2.0
    return kernels


def _draw_competing(channels: int, generator: torch.Generator) -> Tensor:
    kernels = torch.randn(GROUPS * COMPETING, LENGTH, generator=generator)
    kernels -= kernels.mean(1, keepdim=True)
    kernels /= kernels.abs().sum(1, keepdim=True)
    mixed = _draw_channels(GROUPS, channels, generator)
    return kernels[:, None] * mixed.repeat_interleave(COMPETING, 0)


def _draw_channels(kernels: int, channels: int, generator: torch.Generator) -> Tensor:
    """Return a random choice of channels for each kernel, ``(kernels, channels, 1)``.

    The number of channels is log-uniform.
    """
    if channels == 1:
        return torch.ones(kernels, 1, 1)
    octaves = torch.rand(kernels, generator=generator) * math.log2(min(channels, 9) + 1)
    count = (2**octaves).long().clamp(1, channels)
    rank = torch.rand(kernels, channels, generator=generator).argsort(1).argsort(1)
    return (rank < count[:, None]).float()[..., None]
