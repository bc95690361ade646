"""Prepare training windows of a panel: split by time, fit scales, cut windows.

Everything is fitted on the earlier part of each series; the latest part validates.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch

from forecasting.covariates.encoding import Covariates, check_strategy
from forecasting.covariates.layout import EncodedCovariates
from forecasting.data.panel import Panel
from forecasting.datasets.host_dataset import HostDataset, storage_device
from forecasting.datasets.window_dataset import (
    WindowDataset,
    series_probabilities,
    split_windows,
)
from forecasting.devices import pick_device
from forecasting.errors import SeriesTooShort
from forecasting.forecaster.fine_tuning import merge_statistics
from forecasting.forecaster.trained_model import ForecasterConfig, GlobalModel
from forecasting.scaling.methods import METHODS, Method
from forecasting.scaling.normalization import Normalizer
from forecasting.scaling.window_scaling import NUM_ETS_STATES
from forecasting.selection.normalization import choose_normalization
from forecasting.types import IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedData:
    """Training and validation windows of a panel, with encoding and statistics.

    Attributes:
        covariates: their encoding as numbers, fitted on the training part.
        normalizer: statistics of the training part of every series.
        batches: windows of the training part.
        validation: windows with targets in the later part; it may be empty.
        offsets: borders of the series, ``(series + 1,)``.
        ends: end of the training part of each series, ``(series,)``.
    """

    covariates: Covariates
    normalizer: Normalizer
    batches: WindowDataset
    validation: WindowDataset
    offsets: IntArray
    ends: IntArray

    @property
    def device(self) -> torch.device:
        """The training device."""
        return self.batches.device

    @property
    def held_out(self) -> WindowDataset:
        """Validation windows; the training windows if there are none."""
        return self.validation if len(self.validation) else self.batches


def prepare(
    panel: Panel, config: ForecasterConfig, start: GlobalModel | None = None
) -> PreparedData:
    """Split each series, fit its scale on the earlier part, and cut both into windows.

    Args:
        panel: series without missing values.
        config: settings of windows, normalisation, validation and device.
        start: a trained model, whose encoding and statistics are used.

    Raises:
        SeriesTooShort: no series has a window.
        SettingError: the strategy cannot use these covariates.
        InvalidValues: the normalisation takes logarithms of values that have none.
    """
    spec, model, training = config.windows, config.model, config.training
    ends = training_ends(panel, config)
    covariates = (
        start.covariates
        if start is not None
        else Covariates.fit(panel, ends, seasons=model.calendar_features)
    )
    check_strategy(model.strategy, covariates.names("past"))
    encoded = covariates.encode_panel(panel)
    method = (
        choose_normalization(panel, spec, ends, encoded)
        if model.normalization == "auto"
        else model.normalization
    )
    normalizer = Normalizer.fit(panel, method, seq_len=spec.seq_len, ends=ends)
    if start is not None:
        normalizer = merge_statistics(start, normalizer, panel)
    device = pick_device(training.device)
    storage = storage_device(_num_values(panel, method, encoded), device)
    batches, validation = split_windows(
        panel,
        spec,
        normalizer,
        ends,
        encoded,
        storage,
        season_length=model.season_length,
    )
    if not len(batches):
        raise _too_short(panel, config)
    if training.steps is not None:
        series_weights = series_probabilities(
            batches, ends, balance=training.balance, relative=training.relative
        )
        batches = replace(batches, series_weights=series_weights)
    if storage != device:
        batches = HostDataset.of(batches, device)
        validation = HostDataset.of(validation, device)
    return PreparedData(
        covariates=covariates,
        normalizer=normalizer,
        batches=batches,
        validation=validation,
        offsets=panel.offsets,
        ends=ends,
    )


def training_ends(panel: Panel, config: ForecasterConfig) -> IntArray:
    """Return the end index of each series' training part, ``(series,)``.

    The validation part is the latest share, at least one horizon. A series that would
    be left with fewer than ``config.min_length`` observations for training has no
    validation part.
    """
    lengths, share = panel.lengths, config.training.validation
    if share == 0:
        return lengths
    later = np.maximum(config.windows.horizon, (lengths * share).astype(np.int64))
    ends = lengths - later
    return np.where(ends < config.min_length, lengths, ends)


def _num_values(panel: Panel, method: Method, encoded: EncodedCovariates | None) -> int:
    """Return the number of float32 values stored for a panel."""
    columns = 1 if encoded is None else encoded.layout.width
    if METHODS[method].is_smoothed:
        columns += NUM_ETS_STATES
    return columns * len(panel.values)


def _too_short(panel: Panel, config: ForecasterConfig) -> SeriesTooShort:
    """Return the error for series without a single window."""
    spec, required = config.windows, config.min_length
    reason = f"seq_len {spec.seq_len} + horizon {spec.horizon}"
    if required < spec.length:
        reason = f"two observations + horizon {spec.horizon}"
    short = [
        (name, int(length))
        for name, length in zip(panel.series_ids, panel.lengths, strict=True)
        if length < required
    ]
    return SeriesTooShort(short, required, reason)
