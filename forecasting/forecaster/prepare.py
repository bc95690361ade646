"""From a panel to windows to learn from: split by time, fit scales, cut.

Everything is fitted on each series' earlier part; its latest part validates. Nothing
here sees beyond the panel it is given.
"""

from dataclasses import dataclass, replace

import numpy as np

from forecasting.covariates.encoding import Covariates, check_strategy
from forecasting.covariates.layout import Encoded
from forecasting.data.panel import Panel
from forecasting.data.windows import WindowSpec
from forecasting.datasets.host_dataset import HostDataset, home_of
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
from forecasting.selection.normalization import choose_method
from forecasting.training import TrainingConfig
from forecasting.types import IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedData:
    """A panel as networks learn from it."""

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
    """Fit scales on the first ``ends[s]`` observations; cut windows there and after."""
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
        normalizer = start.keep_statistics(normalizer, panel)
    season = model.season_length
    home = home_of(_numbers(panel, method, encoded), device)
    batches, validation = split_windows(
        panel, spec, normalizer, ends, encoded, home, season_length=season
    )
    if home != device:
        batches, validation = (
            HostDataset.of(batches, device),
            HostDataset.of(validation, device),
        )
    if not len(batches):
        raise too_short(panel, spec, least_length(spec, model))
    if training.steps is not None:
        chances = series_probabilities(
            batches, ends, balance=training.balance, relative=training.relative
        )
        batches = replace(batches, chances=chances)
    return PreparedData(
        covariates=covariates,
        normalizer=normalizer,
        batches=batches,
        validation=validation,
    )


def _numbers(panel: Panel, method: Method, encoded: Encoded | None) -> int:
    """Return how many numbers are kept of a panel, in single precision."""
    columns = 1 if encoded is None else encoded.layout.width
    if method in ETS_METHODS:
        columns += NUM_ETS_STATES
    return columns * len(panel.values)


def least_length(spec: WindowSpec, model: RecurrentConfig) -> int:
    """Return how many observations a series needs to be learnt from."""
    return spec.horizon + 2 if model.normalization in ETS_METHODS else spec.length


def training_ends(
    panel: Panel, spec: WindowSpec, share: float, least: int | None = None
) -> IntArray:
    """Return where each series' training part ends, ``(series,)``.

    The validation part is the latest ``share``, at least one horizon. A series that
    would be left without a training window, ``least`` observations (default one whole
    window), has no validation part.
    """
    lengths = panel.lengths
    if share == 0:
        return lengths
    ends = lengths - np.maximum(spec.horizon, (lengths * share).astype(np.int64))
    return np.where(ends < (least or spec.length), lengths, ends)


def resolve_method(
    panel: Panel,
    spec: WindowSpec,
    model: RecurrentConfig,
    ends: IntArray,
    encoded: Encoded | None = None,
) -> Method:
    """Return the model's normalisation; ``auto`` is chosen on these series."""
    if model.normalization == "auto":
        return choose_method(panel, spec, ends, encoded)
    return model.normalization


def too_short(panel: Panel, spec: WindowSpec, least: int) -> SeriesTooShort:
    """Return the error that names the series without a single window."""
    reason = f"seq_len {spec.seq_len} + horizon {spec.horizon}"
    if least < spec.length:
        reason = f"two observations + horizon {spec.horizon}"
    short = [
        (name, int(length))
        for name, length in zip(panel.series_ids, panel.lengths, strict=True)
        if length < least
    ]
    return SeriesTooShort(short, least, reason)
