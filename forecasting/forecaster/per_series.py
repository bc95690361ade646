"""A forecaster for each series of a panel, instead of one for all of them."""

import importlib.util
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial

import numpy as np

from forecasting.data.panel import Panel
from forecasting.data.windows import WindowSpec
from forecasting.devices import fitting_threads, pick_device
from forecasting.forecaster.forecaster import Forecaster
from forecasting.kernels.blas import one_blas_thread
from forecasting.models.config import RecurrentConfig
from forecasting.training import EpochRecord, TrainingConfig
from forecasting.training.parallel import side_by_side

Tell = Callable[[tuple[str, EpochRecord]], None]


def fit_each(
    panel: Panel,
    *,
    windows: WindowSpec | None = None,
    model: RecurrentConfig | None = None,
    training: TrainingConfig | None = None,
    on_epoch: Callable[[str, EpochRecord], None] | None = None,
) -> dict[str, Forecaster]:
    """Train a forecaster on each series alone; return them by series id.

    Each is the one that `Forecaster.fit` gives for a panel of that series. On the CPU
    as many are trained at a time as there are cores, where the compiled loops can train
    them; what torch has to train, there or on a GPU, is trained one after another.

    Args:
        panel: series without missing values.
        windows, model, training: of every forecaster, see `Forecaster`.
        on_epoch: called in this thread with the series' id and its record.

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
    started = [
        Forecaster(windows=windows, model=model, training=training)
        for _ in panel.series_ids
    ]
    fits = [
        partial(_fit, forecaster, panel, number)
        for number, forecaster in enumerate(started)
    ]

    def tell(said: tuple[str, EpochRecord]) -> None:
        if on_epoch is not None:
            on_epoch(*said)

    device = pick_device(started[0].training.device)
    if device.type != "cpu":
        fitted = [fit(on_epoch=tell) for fit in fits]
    else:
        # What each training sets and puts back is set for all of them, once.
        compiled = importlib.util.find_spec("numba") is not None
        with (
            fitting_threads(device, started[0].model.hidden_size),
            one_blas_thread() if compiled else nullcontext(),
        ):
            fitted = side_by_side(fits, tell)
    return dict(zip(panel.series_ids, fitted, strict=True))


def _fit(
    forecaster: Forecaster, panel: Panel, number: int, *, on_epoch: Tell | None
) -> Forecaster:
    """Train on one series of the panel, by its number."""
    own, name = np.array([number]), panel.series_ids[number]
    series = panel.pieces(own, np.zeros_like(own), panel.lengths[own])

    def tell(record: EpochRecord) -> None:
        if on_epoch is not None:
            on_epoch((name, record))

    return forecaster.fit(series, on_epoch=tell)
