"""Pooled states of random recurrent networks, which are not trained.

Echo-state networks (Jaeger 2001) of many small groups of leaky tanh units, of time
scales from one step to an eighth of a series, in both directions. A state gives the
poolings of random convolutions: with them the random networks reach an accuracy that
their last state alone does not.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from forecasting.models.cells import reverse_steps
from forecasting.sequences.data import PaddedSeries
from forecasting.sequences.features.pooling import draw_thresholds, pool_above

GROUP, GROUPS = 8, 96  # units of a group, groups
THRESHOLDS = 4  # of a unit and direction
MAX_NORM = 1.2  # of a group's recurrent weights
BLOCK = 16  # series at once
SAMPLE = 32  # series from which thresholds are drawn


@dataclass(frozen=True, slots=True)
class RandomReservoirs:
    """Random recurrent networks.

    Attributes:
        recurrent: weights, ``(groups, 8, 8)``.
        inputs: weights of values and changes, ``(groups, 2 * channels, 8)``.
        bias: ``(groups, 1, 8)``.
        leak: share of a step by which the state changes, ``(groups, 1, 1)``.
        scale: of the changes of each channel, ``(channels,)``.
        thresholds: ``(count, units of both directions)``.
    """

    recurrent: Tensor
    inputs: Tensor
    bias: Tensor
    leak: Tensor
    scale: Tensor
    thresholds: Tensor

    @classmethod
    def fit(cls, series: PaddedSeries, seed: int) -> "RandomReservoirs":
        """Draw weights, and thresholds from the states of training series."""
        generator = torch.Generator().manual_seed(seed)

        def normal(*shape: int) -> Tensor:
            return torch.randn(GROUPS, *shape, generator=generator)

        def uniform() -> Tensor:
            return torch.rand(GROUPS, 1, 1, generator=generator)

        recurrent = normal(GROUP, GROUP)
        norm = torch.linalg.matrix_norm(recurrent, 2)[:, None, None]
        recurrent *= MAX_NORM * uniform() / norm
        channels = series.channels
        kind = torch.randint(3, (GROUPS, 1, 1), generator=generator)
        read = torch.cat(
            [
                (kind != 1).expand(-1, channels, -1),
                (kind != 0).expand(-1, channels, -1),
            ],
            1,
        )
        weights = normal(2 * channels, GROUP) * read * (0.7 * normal(1, 1)).exp()
        octaves = math.log2(max(2.0, float(series.lengths.max()) / 8))
        leak = 2 ** (-uniform() * octaves)
        values = series.values.float()
        changes = torch.diff(values, dim=1)[series.mask[:, 1:]]
        scale = changes.square().mean(0).sqrt() if len(changes) else changes.sum(0)
        scale = torch.where(scale > 0, scale, 1.0)
        random = cls(
            recurrent,
            weights / channels**0.5,
            0.5 * normal(1, GROUP),
            leak,
            scale,
            torch.empty(0),
        )
        drawn = torch.randperm(len(series), generator=generator)[:SAMPLE]
        sample = series.take(drawn)
        states, mask = random.states(sample), sample.mask[:, None].float()
        thresholds = draw_thresholds(states, mask, THRESHOLDS, generator)
        return replace(random, thresholds=thresholds)

    def states(self, series: PaddedSeries) -> Tensor:
        """Return the states of both directions, ``(series, units, steps)``."""
        values, lengths = series.values.float(), series.lengths
        later = reverse_steps(self._run(reverse_steps(values, lengths)), lengths)
        return torch.cat([self._run(values), later], 2).transpose(1, 2)

    def transform(self, series: PaddedSeries) -> Tensor:
        """Return the features, ``(series, features)``, float32."""
        blocks = torch.arange(len(series)).split(BLOCK)
        return torch.cat([self._features(series.take(index)) for index in blocks])

    def to_tensors(self) -> dict[str, Tensor]:
        """Return all numbers by name."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor]) -> "RandomReservoirs":
        """Return the result of `to_tensors` as reservoirs."""
        return cls(*(tensors[name] for name in cls.__slots__))

    def _run(self, values: Tensor) -> Tensor:
        """Return the states of one direction, ``(series, steps, units)``."""
        changes = torch.diff(values, dim=1, prepend=values[:, :1]) / self.scale
        read = torch.cat([values, changes], 2)  # (B, L, 2 C)
        state = torch.zeros(GROUPS, len(values), GROUP)
        states = []
        for step in read.unbind(1):
            driven = torch.matmul(step, self.inputs) + self.bias
            following = torch.baddbmm(driven, state, self.recurrent).tanh_()
            state = torch.lerp(state, following, self.leak)
            states.append(state.transpose(0, 1).flatten(1))
        return torch.stack(states, 1)

    def _features(self, series: PaddedSeries) -> Tensor:
        states = self.states(series).contiguous()
        mask = series.mask[:, None].float()
        pooled = pool_above(states, self.thresholds, series.lengths)
        last = (series.lengths - 1)[:, None, None].expand(-1, states.shape[1], 1)
        rising = (states.diff(dim=2) > 0) * mask[..., 1:]
        rises = rising.sum(2) / mask.sum(2)
        return torch.cat([pooled, states.gather(2, last)[..., 0], rises], 1)
