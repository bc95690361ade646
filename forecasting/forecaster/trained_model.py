"""Settings of a forecaster, and its state after training."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
import torch

from forecasting.covariates.encoding import Covariates
from forecasting.covariates.layout import Layout
from forecasting.data.panel import Panel
from forecasting.data.windows import WindowSpec
from forecasting.devices import pick_device
from forecasting.errors import SettingError
from forecasting.intervals.shown import ShownRange
from forecasting.intervals.table import IntervalTable
from forecasting.models.config import RecurrentConfig
from forecasting.models.network import RecurrentNetwork
from forecasting.scaling.methods import METHODS, Method, ScalingMethod
from forecasting.scaling.normalization import Normalizer
from forecasting.selection.guard import RUNGS, Guard, Rungs
from forecasting.selection.rungs import find_short
from forecasting.training import TrainingConfig
from forecasting.types import IntArray
from forecasting.zeroshot import MAX_CONTEXT


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecasterConfig:
    """Settings of a forecaster: windows, network and training.

    Attributes:
        windows: lookback, horizon and stride.
        model: cell, sizes, strategy, normalisation.
        training: optimizer, early stopping, device, seed.
    """

    windows: WindowSpec = field(default_factory=WindowSpec)
    model: RecurrentConfig = field(default_factory=RecurrentConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)

    @property
    def min_length(self) -> int:
        """Minimum number of observations of a training series."""
        windows = self.windows
        return self._scaling.min_training_length(windows.seq_len, windows.horizon)

    @property
    def min_history(self) -> int:
        """Minimum number of observations before a forecast of the networks."""
        return self._scaling.min_history(self.windows.seq_len)

    @property
    def _scaling(self) -> ScalingMethod:
        """The normalisation, or one like those that ``auto`` tries: not smoothed."""
        method = self.model.normalization
        return METHODS["none" if method == "auto" else method]

    @property
    def steps_out(self) -> int:
        """Steps ahead that the network's linear part forecasts at once."""
        return 1 if self.model.strategy == "recursive" else self.windows.horizon

    def memory(self, method: Method) -> int:
        """Return the maximum number of observations that a forecast depends on."""
        season_length = self.model.season_length
        return METHODS[method].memory(self.windows.seq_len, season_length)

    def check(self) -> torch.device:
        """Check that the settings are compatible; return the training device.

        Raises:
            SettingError: two of them contradict each other, or the device is missing.
        """
        model, training = self.model, self.training
        reads_backward = model.bidirectional or model.strategy == "seq2seq"
        if training.truncate is not None and (
            reads_backward or model.loss_at == "step"
        ):
            raise SettingError(
                "truncate",
                training.truncate,
                "null unless one direction reads the window and the loss is at its end",
            )
        return pick_device(training.device)

    def replace_model(self, **settings: Any) -> "ForecasterConfig":
        """Return the settings with others of the network."""
        return replace(self, model=replace(self.model, **settings))

    def make_network(self, method: Method, layout: Layout | None) -> RecurrentNetwork:
        """Create an untrained network for windows of a normalisation and a layout."""
        return RecurrentNetwork(
            self.model,
            seq_len=self.windows.seq_len,
            horizon=self.windows.horizon,
            level=method,
            layout=layout,
        )


class TrainedModel(ABC):
    """The trained state of a forecaster: of one model for all series, or one a series.

    Attributes:
        config: settings of the forecaster.
        context: the last observations of every training series: seq_len, or more with
            exponential smoothing.
        covariates: of the training, with their encoding.
    """

    config: ForecasterConfig
    context: Panel
    covariates: Covariates

    @property
    @abstractmethod
    def normalization(self) -> str:
        """Normalisation in words, with the number of series where they differ."""

    @property
    @abstractmethod
    def memory(self) -> int:
        """Maximum number of observations that a forecast depends on."""

    @property
    @abstractmethod
    def device(self) -> torch.device:
        """Device of the networks."""

    @property
    @abstractmethod
    def min_history(self) -> int:
        """Minimum number of observations before a forecast of the networks."""

    @property
    @abstractmethod
    def has_guard(self) -> bool:
        """Whether a guard selects the forecast of each series."""

    @property
    @abstractmethod
    def is_smoothed(self) -> bool:
        """Whether windows are scaled by exponential smoothing, of any series."""

    @property
    @abstractmethod
    def num_bytes(self) -> int:
        """Bytes of weights, tables and stored observations."""

    @abstractmethod
    def choose_rungs(self, places: IntArray, lengths: IntArray) -> IntArray | None:
        """Return the rung of each series, ``(series,)``; None without a guard.

        Args:
            places: position of each series, as `find_places` returns it.
            lengths: number of observations of each; one that does not fill a window is
                forecast simply.
        """

    @abstractmethod
    def without_guard(self) -> Self:
        """Return the model with the forecasts of its networks for all series."""

    def as_global(self) -> "GlobalModel":
        """Return the model, if it is one of all series.

        Raises:
            SettingError: it holds a model a series.
        """
        if not isinstance(self, GlobalModel):
            expected = "a model of all series; this one holds a model a series"
            raise SettingError("model", f"{len(self.context)} models", expected)
        return self

    @property
    def seq_len(self) -> int:
        """Observations in a window."""
        return self.config.windows.seq_len

    @property
    def horizon(self) -> int:
        """Steps ahead that one pass of the networks forecasts."""
        return self.config.windows.horizon

    @property
    def season_length(self) -> int:
        """Steps of a season; 1 for none."""
        return self.config.model.season_length

    @property
    def quantiles(self) -> tuple[float, ...]:
        """Probabilities that the networks forecast quantiles of; empty for none."""
        return self.config.model.quantiles

    @property
    def min_observations(self) -> int:
        """Minimum number of observations before a forecast: with a guard, one."""
        return 1 if self.has_guard else self.min_history

    @property
    def num_lags(self) -> int:
        """Number of observations that explanations cover.

        Forecasts by the last season and by smoothing reach back a season, where that is
        longer than the window.
        """
        if not (self.has_guard or self.is_smoothed):
            return self.seq_len
        return max(self.seq_len, self.season_length)

    def count_rolled_steps(self, steps: int) -> int:
        """Return the steps of the passes that it takes to forecast ``steps``."""
        return -(-steps // self.horizon) * self.horizon

    def find_places(self, series_ids: Sequence[str]) -> IntArray:
        """Return the position of each series in ``context``, or -1, ``(series,)``.

        A model of a single series treats every series as that one.
        """
        if len(self.places) == 1:
            return np.zeros(len(series_ids), dtype=np.int64)
        places = [self.places.get(name, -1) for name in series_ids]
        return np.array(places, dtype=np.int64)

    def find_unknown(self, series_ids: Iterable[str]) -> list[str]:
        """Return the series that cannot be forecast because they were not trained on.

        One model of all series forecasts any.
        """
        return []

    def answering_methods(self, places: IntArray, lengths: IntArray) -> tuple[str, ...]:
        """Return the method that forecasts each series, ``(series,)``.

        One of `forecasting.selection.guard.RUNGS`; ``network`` without a guard.

        Args:
            places, lengths: as in `choose_rungs`.
        """
        rungs = self.choose_rungs(places, lengths)
        if rungs is None:
            return ("network",) * len(places)
        return tuple(RUNGS[rung] for rung in rungs.tolist())

    @property
    def method_counts(self) -> dict[str, int]:
        """Number of training series that each method forecasts, most frequent first."""
        places = np.arange(len(self.context))
        methods = self.answering_methods(places, self.context.lengths)
        return dict(Counter(methods).most_common())

    @cached_property
    def places(self) -> dict[str, int]:
        """Position of each series in ``context``, by id."""
        return {name: place for place, name in enumerate(self.context.series_ids)}


@dataclass(frozen=True, kw_only=True)
class GlobalModel(TrainedModel):
    """One model of all series: networks, statistics, intervals, context.

    Attributes:
        config: settings of the forecaster.
        networks: one per member.
        normalizer: fitted statistics, one row per series of ``context``.
        intervals: spread of the errors, by probability and step, normalised.
        context, covariates: see `TrainedModel`.
        non_negative: no observation seen in training was below zero.
        guard: selects the forecast of each series; None for the networks' forecast.
        shown: range of each training series, which limits forecasts; None without
            limits, in artifacts of the formats 1 and 2.
    """

    config: ForecasterConfig
    networks: list[RecurrentNetwork]
    normalizer: Normalizer
    intervals: IntervalTable
    context: Panel
    non_negative: bool
    covariates: Covariates
    guard: Guard | None = None
    shown: ShownRange | None = None

    @property
    def method(self) -> Method:
        """Normalisation, chosen by validation if the settings say ``auto``."""
        return self.normalizer.method

    @property
    def normalization(self) -> str:
        """Normalisation in words."""
        return self.method

    @property
    def scaling(self) -> ScalingMethod:
        """The normalisation as an object."""
        return self.normalizer.scaling

    @property
    def memory(self) -> int:
        """Maximum number of observations that a forecast depends on."""
        length = self.window_memory
        is_zero_shot = self.guard is not None and self.guard.uses_zero_shot
        return max(length, MAX_CONTEXT) if is_zero_shot else length

    @property
    def window_memory(self) -> int:
        """Maximum number of observations that a scaled window depends on."""
        return self.config.memory(self.method)

    @property
    def device(self) -> torch.device:
        """Device of the networks."""
        return self.networks[0].head.weight.device

    @property
    def min_history(self) -> int:
        """Minimum number of observations before a forecast of the networks."""
        return self.scaling.min_history(self.seq_len)

    @property
    def has_guard(self) -> bool:
        """Whether a guard selects the forecast of each series."""
        return self.guard is not None

    @property
    def is_smoothed(self) -> bool:
        """Whether windows are scaled by exponential smoothing."""
        return self.scaling.is_smoothed

    def choose_rungs(self, places: IntArray, lengths: IntArray) -> IntArray | None:
        """Return the rung of each series, ``(series,)``; None without a guard."""
        if self.guard is None:
            return None
        rungs = self.guard.choices(places)
        is_short = find_short(rungs, lengths, np.asarray(self.min_history))
        if is_short.any():
            has_season = lengths >= self.season_length
            rungs = self.guard.simplify(rungs, is_short, has_season)
        return rungs

    def find_rungs(self, series_ids: Sequence[str]) -> Rungs | None:
        """Return the guard's choices for series; None without a guard."""
        if self.guard is None:
            return None
        return self.guard.rungs_of(self.find_places(series_ids))

    def without_guard(self) -> Self:
        """Return the model with the forecasts of its networks for all series."""
        return replace(self, guard=None)

    @cached_property
    def num_bytes(self) -> int:
        """Bytes of weights, tables and stored observations."""
        states = (network.state_dict().values() for network in self.networks)
        arrays = [tensor.numpy(force=True) for state in states for tensor in state]
        context, scaler = self.context, self.normalizer
        arrays += [scaler.center, scaler.scale, scaler.floor, scaler.shift]
        arrays += [self.intervals.quantiles, *context.covariates.values()]
        arrays += [context.values, context.offsets, context.timestamps]
        if self.shown is not None:
            arrays += [self.shown.lowest, self.shown.highest, self.shown.lengths]
        if self.guard is not None:
            arrays += [self.guard.by_series, self.guard.linear.weights.numpy()]
        numbers = sum(int(array.nbytes) for array in arrays)
        return numbers + sum(map(len, context.series_ids))
