"""Prepare training windows of a panel: split by time, fit scales, cut windows.

Everything is fitted on the earlier part of each series; the latest part validates.
"""

from dataclasses import dataclass, replace

import numpy as np

from forecasting.covariates.encoding import Covariates, check_strategy
from forecasting.covariates.layout import EncodedCovariates
from forecasting.data.panel import Panel
from forecasting.data.windows import WindowSpec
from forecasting.datasets.host_dataset import HostDataset, storage_device
from forecasting.datasets.window_dataset import (
    WindowDataset,
    series_probabilities,
    split_windows,
)
from forecasting.devices import pick_device
from forecasting.errors import SeriesTooShort
from forecasting.forecaster.fine_tuning import PretrainedSource
from forecasting.models.config import RecurrentConfig
from forecasting.scaling.normalization import Method, Normalizer
from forecasting.scaling.window_scaling import ETS_METHODS, NUM_ETS_STATES
from forecasting.selection.normalization import choose_normalization
from forecasting.training import TrainingConfig
from forecasting.types import IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedData:
    """Training and validation windows of a panel, with encoding and statistics."""

    covariates: Covariates
    normalizer: Normalizer
    batches: WindowDataset
    validation: WindowDataset


def prepare(
    panel: Panel,
    ends: IntArray,
    spec: WindowSpec,
    model: RecurrentConfig,
    training: TrainingConfig,
    start: PretrainedSource | None,
) -> PreparedData:
    """Fit scales on the first ``ends[s]`` observations; split windows at that point."""
    device = pick_device(training.device)
    covariates = (
        start.fitted.covariates
        if start is not None
        else Covariates.fit(panel, ends, seasons=model.calendar_features)
    )
    check_strategy(model.strategy, covariates.names("past"))
    encoded = covariates.encode_panel(panel)
    method = resolve_method(panel, spec, model, ends, encoded)
    normalizer = Normalizer.fit(panel, method, seq_len=spec.seq_len, ends=ends)
    if start is not None:
        normalizer = start.merge_statistics(normalizer, panel)
    season = model.season_length
    storage = storage_device(_num_values(panel, method, encoded), device)
    batches, validation = split_windows(
        panel, spec, normalizer, ends, encoded, storage, season_length=season
    )
    if storage != device:
        batches, validation = (
            HostDataset.of(batches, device),
            HostDataset.of(validation, device),
        )
    if not len(batches):
        raise too_short_error(panel, spec, min_length(spec, model))
    if training.steps is not None:
        series_weights = series_probabilities(
            batches, ends, balance=training.balance, relative=training.relative
        )
        batches = replace(batches, series_weights=series_weights)
    return PreparedData(
        covariates=covariates,
        normalizer=normalizer,
        batches=batches,
        validation=validation,
    )


def _num_values(panel: Panel, method: Method, encoded: EncodedCovariates | None) -> int:
    """Return the number of float32 values stored for a panel."""
    columns = 1 if encoded is None else encoded.layout.width
    if method in ETS_METHODS:
        columns += NUM_ETS_STATES
    return columns * len(panel.values)


def min_length(spec: WindowSpec, model: RecurrentConfig) -> int:
    """Return the minimum number of observations of a training series."""
    return spec.horizon + 2 if model.normalization in ETS_METHODS else spec.length


def training_ends(
    panel: Panel, spec: WindowSpec, share: float, min_observations: int | None = None
) -> IntArray:
    """Return the end index of each series' training part, ``(series,)``.

    The validation part is the latest ``share``, at least one horizon. A series that
    would be left with fewer than ``min_observations`` for training (default one
    complete window) has no validation part.
    """
    lengths = panel.lengths
    if share == 0:
        return lengths
    ends = lengths - np.maximum(spec.horizon, (lengths * share).astype(np.int64))
    return np.where(ends < (min_observations or spec.length), lengths, ends)


def resolve_method(
    panel: Panel,
    spec: WindowSpec,
    model: RecurrentConfig,
    ends: IntArray,
    encoded: EncodedCovariates | None = None,
) -> Method:
    """Return the model's normalisation; resolve ``auto`` on these series."""
    if model.normalization == "auto":
        return choose_normalization(panel, spec, ends, encoded)
    return model.normalization


def too_short_error(
    panel: Panel, spec: WindowSpec, min_observations: int
) -> SeriesTooShort:
    """Return the error for series without a single window."""
    reason = f"seq_len {spec.seq_len} + horizon {spec.horizon}"
    if min_observations < spec.length:
        reason = f"two observations + horizon {spec.horizon}"
    short = [
        (name, int(length))
        for name, length in zip(panel.series_ids, panel.lengths, strict=True)
        if length < min_observations
    ]
    return SeriesTooShort(short, min_observations, reason)
