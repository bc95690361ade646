"""Fine-tuning: training that starts from the weights of a trained forecaster.

Weights are valid only for the windows, layers and scaling they were trained with, so
these must be equal; guard, intervals and the settings of the training may differ.
Series of the first training keep their statistics; new series get statistics fitted on
their own values.
"""

from typing import Any

import numpy as np

from forecasting.covariates.encoding import Covariates
from forecasting.data.covariates import ROLES
from forecasting.data.panel import Panel
from forecasting.errors import SettingError
from forecasting.forecaster.trained_model import ForecasterConfig, GlobalModel
from forecasting.scaling.normalization import Normalizer
from forecasting.types import IntArray

SOURCE = "the model that training starts from"
WEIGHT_SETTINGS = (  # that weights depend on, besides windows and normalization
    "cell",
    "nonlinearity",
    "hidden_size",
    "num_layers",
    "bidirectional",
    "merge",
    "strategy",
    "patch_len",
    "linear_skip",
    "calendar_features",
    "quantiles",
)


def check_start(
    start: GlobalModel, config: ForecasterConfig, panel: Panel | None = None
) -> None:
    """Check that a forecaster with these settings can take over trained weights.

    Equal must be the windows, the layers (`WEIGHT_SETTINGS`), the normalisation, and
    the season where smoothing takes it out. There may be fewer members: the first ones
    are taken.

    Args:
        start: the trained model.
        config: settings of the new forecaster.
        panel: its training series, if available; they must have the covariates of the
            trained model.

    Raises:
        SettingError: such a setting differs from that of the trained model; both values
            are named.
    """
    model, source = config.model, start.config.model
    _check_equal("seq_len", config.windows.seq_len, start.seq_len)
    _check_equal("horizon", config.windows.horizon, start.horizon)
    for name in WEIGHT_SETTINGS:
        _check_equal(name, getattr(model, name), getattr(source, name))
    if model.normalization != "auto":
        _check_equal("normalization", model.normalization, start.method)
    if start.scaling.is_smoothed:
        _check_equal("season_length", model.season_length, start.season_length)
    if model.members > len(start.networks):
        expected = f"at most {len(start.networks)}, the members {SOURCE} has"
        raise SettingError("members", model.members, expected)
    if panel is not None:
        _check_covariates(panel, start.covariates)


def _check_covariates(panel: Panel, source: Covariates) -> None:
    for role in ROLES:
        value = tuple(sorted(n for n, r in panel.roles.items() if r == role))
        _check_equal(f"{role}_covariates", value, tuple(sorted(source.names(role))))
    for covariate in source.columns:
        text = panel.covariates[covariate.name].dtype == object
        kinds = [
            ("numbers", "text")[i] for i in (text, covariate.categories is not None)
        ]
        _check_equal(f"covariate {covariate.name!r}", *kinds)
    if source.cycles and panel.calendar.freq is None:
        _check_equal("timestamps", "integer steps", "dates")


def merge_statistics(
    start: GlobalModel, normalizer: Normalizer, panel: Panel
) -> Normalizer:
    """Return statistics of a panel; series of a trained model keep theirs."""
    rows = np.flatnonzero(trained_lengths(panel, start.context) >= 0)
    source = [start.places[panel.series_ids[series]] for series in rows]
    merged = normalizer.select(np.arange(len(panel)))  # a copy
    for name in ("center", "scale", "floor", "shift"):
        getattr(merged, name)[rows] = getattr(start.normalizer, name)[source]
    return merged


def trained_lengths(panel: Panel, context: Panel) -> IntArray:
    """Return the number of observations per series that a model may have trained on.

    Args:
        panel: series, which may continue those of the training.
        context: the last training observations of each series.

    Returns:
        The number of observations up to the last one of the training, ``(series,)``; -1
        for a series outside the training: another name, or mostly different values at
        the same timestamps.
    """
    places = {name: place for place, name in enumerate(context.series_ids)}
    ends = np.full(len(panel), -1)
    if panel.timestamps.dtype != context.timestamps.dtype:  # integers against dates
        return ends
    for series, name in enumerate(panel.series_ids):
        if name not in places:
            continue
        stamps, values = _series_points(panel, series)
        last_stamps, last_values = _series_points(context, places[name])
        common, index, last_index = np.intersect1d(
            stamps, last_stamps, assume_unique=True, return_indices=True
        )
        same = np.isclose(values[index], last_values[last_index], rtol=1e-6)
        if not len(common) or same.mean() >= 0.5:  # a few may have been revised
            ends[series] = np.searchsorted(stamps, last_stamps[-1], side="right")
    return ends


def _series_points(panel: Panel, series: int) -> tuple[np.ndarray, np.ndarray]:
    points = slice(panel.offsets[series], panel.offsets[series + 1])
    return panel.timestamps[points], panel.values[points]


def _check_equal(setting: str, value: Any, expected: Any) -> None:
    if value != expected:
        requirement = f"{expected!r}, as in {SOURCE}"
        raise SettingError(setting, value, requirement)
