"""Trained state of a model a series: the model of a series, and facts on all."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np
import torch

from forecasting.covariates.encoding import Covariates
from forecasting.errors import UnknownSeries
from forecasting.forecaster.local.packing import PackedModels
from forecasting.forecaster.storage.artifact import NO_COVARIATES, unpack_context
from forecasting.forecaster.trained_model import GlobalModel, TrainedModel
from forecasting.intervals.table import IntervalTable
from forecasting.scaling.methods import METHODS
from forecasting.selection.guard import Guard
from forecasting.selection.rungs import find_short
from forecasting.types import IntArray
from forecasting.zeroshot import MAX_CONTEXT

ADVICE = (
    "Check the ids: each of these series has a model of its own, and another series "
    "has none. Train again with it."
)


class LocalModels(TrainedModel):
    """A model of its own for each series.

    Args:
        packed: the models.
        path: of the artifact, for messages.
        device: of the networks; default the CPU.

    Attributes:
        config, context, covariates: see `TrainedModel`; there are no covariates.
    """

    def __init__(
        self,
        packed: PackedModels,
        path: Path = Path(),
        device: torch.device | None = None,
    ) -> None:
        self.packed, self._path = packed, path
        self._device = device or torch.device("cpu")
        config = {"series_ids": packed.series_ids, "schema": {}, **packed.shared}
        context = unpack_context(config, packed.tensors)
        self.context = replace(context, schema=context.complete_schema())
        self.covariates = Covariates.from_plain(NO_COVARIATES)
        self.config = self.unpack(0).config
        self._methods = np.array([s["normalization"] for s in packed.varied])

    def unpack(self, place: int) -> GlobalModel:
        """Return the model of the series at ``place``, read from the tensors."""
        return self.packed.unpack(place, self._path, self._device)

    def find_places(self, series_ids: Sequence[str]) -> IntArray:
        """Return the position of each series, ``(series,)``.

        Raises:
            UnknownSeries: a series has no model.
        """
        if unknown := self.find_unknown(series_ids):
            raise UnknownSeries(unknown, self.context.series_ids, ADVICE)
        return super().find_places(series_ids)

    def find_unknown(self, series_ids: Iterable[str]) -> list[str]:
        """Return the series that have no model; a single model is that of any."""
        if len(self.places) == 1:
            return []
        return [name for name in series_ids if name not in self.places]

    def choose_rungs(self, places: IntArray, lengths: IntArray) -> IntArray | None:
        """Return the rung of each series, ``(series,)``; None without a guard."""
        by_series = self.packed.tensors.get("guard.by_series")
        if by_series is None:
            return None
        rungs = by_series.numpy()[places, 0]
        is_short = find_short(rungs, lengths, self._min_histories[places])
        return Guard.simplify(rungs, is_short, lengths >= self.season_length)

    def without_guard(self) -> Self:
        """Return the models with the forecasts of their networks for all series."""
        return self._with(self.packed.without_guard())

    def with_intervals(self, tables: Mapping[int, IntervalTable]) -> Self:
        """Return the models with other intervals of some series, by position."""
        return self._with(self.packed.with_intervals(tables))

    def _with(self, packed: PackedModels) -> Self:
        return type(self)(packed, self._path, self._device)

    @property
    def normalization(self) -> str:
        """Normalisation in words, with the number of series where they differ."""
        return describe_normalizations(self._methods.tolist())

    @property
    def device(self) -> torch.device:
        """Device of the networks."""
        return self._device

    @cached_property
    def _min_histories(self) -> IntArray:
        """Minimum number of observations before a forecast of each, ``(series,)``."""
        lengths = {
            method: METHODS[method].min_history(self.seq_len)
            for method in set(self._methods.tolist())
        }
        return np.array([lengths[method] for method in self._methods.tolist()])

    @property
    def min_history(self) -> int:
        """Minimum number of observations before a forecast of any network."""
        return int(self._min_histories.max())

    @property
    def has_guard(self) -> bool:
        """Whether a guard selects the forecast of each series."""
        return "guard.by_series" in self.packed.tensors

    @property
    def memory(self) -> int:
        """Maximum number of observations that a forecast depends on."""
        methods = {*self._methods.tolist()}
        length = max(self.config.memory(method) for method in methods)
        return max(length, MAX_CONTEXT) if self.packed.uses_zero_shot else length

    @property
    def is_smoothed(self) -> bool:
        """Whether windows are scaled by exponential smoothing, of any series."""
        return any(METHODS[method].is_smoothed for method in {*self._methods.tolist()})

    @property
    def num_bytes(self) -> int:
        """Bytes of weights, tables and stored observations."""
        return sum(tensor.nbytes for tensor in self.packed.tensors.values())


def describe_normalizations(methods: Iterable[str]) -> str:
    """Return normalisations in words: ``log``, or ``log for 12, last for 8``."""
    counts = Counter(methods).most_common()
    if len(counts) == 1:
        return counts[0][0]
    return ", ".join(f"{method} for {count}" for method, count in counts)
