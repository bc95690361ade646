"""One forecaster per series of a panel, instead of one for all series."""

import importlib.util
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from functools import partial

import numpy as np

from forecasting.data.panel import Panel
from forecasting.data.windows import WindowSpec
from forecasting.devices import limit_threads, pick_device
from forecasting.errors import SettingError
from forecasting.forecaster.forecaster import Forecaster
from forecasting.forecaster.local.models import LocalModels
from forecasting.forecaster.local.packing import PackedModels
from forecasting.kernels.blas import one_blas_thread
from forecasting.models.config import RecurrentConfig
from forecasting.training import EpochRecord, TrainingConfig
from forecasting.training.parallel import run_trainings

OnEpoch = Callable[[tuple[str, EpochRecord]], None]


def fit_each(
    panel: Panel,
    *,
    windows: WindowSpec | None = None,
    model: RecurrentConfig | None = None,
    training: TrainingConfig | None = None,
    on_epoch: Callable[[str, EpochRecord], None] | None = None,
) -> dict[str, Forecaster]:
    """Train one forecaster per series; return them by series id.

    Each is equal to `Forecaster.fit` on a panel of that series. On the CPU, forecasters
    that the compiled loops can train are trained in parallel, one per core; torch, on
    the CPU or a GPU, trains them one after another.

    Args:
        panel: series without missing values.
        windows, model, training: settings of every forecaster, see `Forecaster`.
        on_epoch: called in the caller's thread with the series' id and its record.

    Raises:
        SeriesTooShort, SettingError, TrainingDiverged: as `Forecaster.fit`, for the
            first series that fails.

    >>> import math
    >>> waves = {name: [math.sin(a * t) for t in range(60)] for name, a in
    ...     (("slow", 0.1), ("fast", 0.5))}
    >>> fleet = fit_each(Panel.from_values(waves), training=TrainingConfig(epochs=1))
    >>> fleet["fast"].predict().points.shape
    (1, 2)
    """
    untrained = [
        Forecaster(windows=windows, model=model, training=training)
        for _ in panel.series_ids
    ]
    fits = [
        partial(_fit, forecaster, panel, number)
        for number, forecaster in enumerate(untrained)
    ]

    def report(series_record: tuple[str, EpochRecord]) -> None:
        if on_epoch is not None:
            on_epoch(*series_record)

    device = pick_device(untrained[0].training.device)
    if device.type != "cpu":
        fitted = [fit(on_epoch=report) for fit in fits]
    else:
        # Thread settings are global: set and restored once for all trainings.
        compiled = importlib.util.find_spec("numba") is not None
        with (
            limit_threads(device, untrained[0].model.hidden_size),
            one_blas_thread() if compiled else nullcontext(),
        ):
            fitted = run_trainings(fits, report)
    return dict(zip(panel.series_ids, fitted, strict=True))


def join_forecasters(fleet: Mapping[str, Forecaster]) -> Forecaster:
    """Return one forecaster that holds a model a series, to save and to serve.

    It forecasts each series by its own model; another series is refused.

    Args:
        fleet: trained forecasters of one series each, as `fit_each` returns them, with
            the same settings and without covariates.

    Raises:
        SettingError: there is none, one has covariates, or settings differ.
        NotFittedError: one has not been trained.

    >>> waves = {"up": [float(t) for t in range(60)], "down": [-float(t % 9) for t in
    ...     range(60)]}
    >>> fleet = fit_each(Panel.from_values(waves), training=TrainingConfig(epochs=1))
    >>> join_forecasters(fleet).predict().series_ids
    ('up', 'down')
    """
    models = [forecaster.trained.as_global() for forecaster in fleet.values()]
    if not models:
        raise SettingError("fleet", {}, "at least one forecaster")
    if any(model.covariates for model in models):
        raise SettingError("fleet", len(models), "forecasters without covariates")
    if len({m.config.replace_model(normalization="auto") for m in models}) > 1:
        raise SettingError("fleet", len(models), "forecasters of the same settings")
    return Forecaster.of(LocalModels(PackedModels.of(models)))


def _fit(
    forecaster: Forecaster, panel: Panel, number: int, *, on_epoch: OnEpoch | None
) -> Forecaster:
    """Train on the series at position ``number`` of the panel."""
    index, name = np.array([number]), panel.series_ids[number]
    series = panel.pieces(index, np.zeros_like(index), panel.lengths[index])

    def report(record: EpochRecord) -> None:
        if on_epoch is not None:
            on_epoch((name, record))

    return forecaster.fit(series, on_epoch=report)
