"""Fine-tuning: training that starts from the weights of a trained forecaster.

Weights mean something only for the windows, the layers and the scale that they were
learnt with, so all of these stay. A series that the start knows keeps its statistics;
one that is new to it is given its own.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from forecasting.data.covariates import ROLES
from forecasting.data.panel import Panel
from forecasting.data.windows import WindowSpec
from forecasting.errors import SettingError
from forecasting.forecaster.trained_model import TrainedModel
from forecasting.models.config import RecurrentConfig
from forecasting.scaling.normalization import Normalizer
from forecasting.types import IntArray

FREE = ("normalization", "dropout")  # checked by its method; without weights


@dataclass(frozen=True, slots=True)
class PretrainedSource:
    """What a training starts from.

    Attributes:
        windows, model: the trained forecaster's settings.
        fitted: what it knows.
    """

    windows: WindowSpec
    model: RecurrentConfig
    fitted: TrainedModel

    def check(
        self, windows: WindowSpec, model: RecurrentConfig, panel: Panel | None = None
    ) -> None:
        """Make sure that a forecaster with these settings can take the weights over.

        Args:
            windows, model: its settings.
            panel: what it shall be trained on, where that is known: its covariates
                must be those of the start too.

        Raises:
            SettingError: one of them is another than the start's; both are named.
        """
        method = self.fitted.normalizer.method
        _same("seq_len", windows.seq_len, self.windows.seq_len)
        _same("horizon", windows.horizon, self.windows.horizon)
        theirs = asdict(self.model)
        for name, value in asdict(model).items():
            if name not in FREE:
                _same(name, value, theirs[name])
        if model.normalization != "auto":
            _same("normalization", model.normalization, method)
        if panel is not None:
            self._check_covariates(panel)

    def _check_covariates(self, panel: Panel) -> None:
        theirs = self.fitted.covariates
        for role in ROLES:
            found = tuple(sorted(n for n, r in panel.roles.items() if r == role))
            _same(f"{role}_covariates", found, tuple(sorted(theirs.names(role))))
        for one in theirs.columns:
            text = panel.covariates[one.name].dtype == object
            kinds = [("numbers", "text")[i] for i in (text, one.categories is not None)]
            _same(f"covariate {one.name!r}", *kinds)
        if theirs.cycles and panel.calendar.freq is None:
            _same("timestamps", "integer steps", "dates")

    def keep_statistics(self, normalizer: Normalizer, panel: Panel) -> Normalizer:
        """Return a panel's statistics, the start's own where it knows the series."""
        known, own = self.fitted.normalizer, self.fitted.context
        there = np.flatnonzero(training_ends_of(panel, own) >= 0)
        places = {name: place for place, name in enumerate(own.series_ids)}
        theirs = [places[panel.series_ids[series]] for series in there]
        kept = normalizer.select(np.arange(len(panel)))  # a copy
        for name in ("center", "scale", "floor", "shift"):
            getattr(kept, name)[there] = getattr(known, name)[theirs]
        return kept


def training_ends_of(panel: Panel, context: Panel) -> IntArray:
    """Return how much of each series a model may have been trained on, ``(series,)``.

    Args:
        panel: series, which may go on from those that the model knows.
        context: the last observations that the model saw of each series.

    Returns:
        The number of observations up to the last that the model saw; -1 for a series
        that it does not know: another name, or mostly other values at the same moments.
    """
    places = {name: place for place, name in enumerate(context.series_ids)}
    ends = np.full(len(panel), -1)
    if panel.timestamps.dtype != context.timestamps.dtype:  # steps against dates
        return ends
    for series, name in enumerate(panel.series_ids):
        if name not in places:
            continue
        stamps, values = _one(panel, series)
        last_stamps, last_values = _one(context, places[name])
        shared, here, there = np.intersect1d(
            stamps, last_stamps, assume_unique=True, return_indices=True
        )
        same = np.isclose(values[here], last_values[there], rtol=1e-6)
        if not len(shared) or same.mean() >= 0.5:  # a few may have been revised
            ends[series] = np.searchsorted(stamps, last_stamps[-1], side="right")
    return ends


def _one(panel: Panel, series: int) -> tuple[np.ndarray, np.ndarray]:
    own = slice(panel.offsets[series], panel.offsets[series + 1])
    return panel.timestamps[own], panel.values[own]


def _same(setting: str, found: Any, expected: Any) -> None:
    if found != expected:
        wanted = f"{expected!r}, as in the model that training starts from"
        raise SettingError(setting, found, wanted)
