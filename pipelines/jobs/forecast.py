"""Forecast job: forecasts of a registered model or of a model folder."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from forecasting.data.forecast import Forecast
from forecasting.data.panel import Panel
from forecasting.errors import (
    MAX_SHOWN,
    SeriesTooShort,
    SettingError,
    join_shown,
)
from forecasting.forecaster.forecaster import Forecaster
from forecasting.io import read_future
from pipelines.tracking.models import open_model


def load_model(reference: str) -> tuple[Forecaster, str]:
    """Load a model and return it with its full name, ``name version 3``.

    Errors as in `pipelines.tracking.models.open_model`.
    """
    forecaster, version = open_model(reference)
    if version is None:
        return forecaster, reference
    return forecaster, f"{version.name} version {version.version}"


def forecast(
    forecaster: Forecaster,
    *,
    data: Path | None,
    future: Path | None = None,
    columns: Mapping[str, Any],
    horizon: int | None,
    levels: tuple[float, ...],
) -> tuple[Forecast, tuple[str, ...]]:
    """Forecast new observations, or continue the training series.

    Args:
        forecaster: trained model.
        data: CSV with the latest observations, at least seq_len of each series; rows
            at the end of a series without a target hold its future known covariates.
        future: CSV with the known covariates over the horizon.
        columns: settings of `forecasting.data.schema.Schema` that replace those of
            the training, such as time, target, series_id and missing; None keeps them.
        horizon: steps ahead; None for the trained horizon.
        levels: central intervals, in percent.

    Returns:
        The forecast, and notes on the observations, such as unknown categories, and
        series that are too short for a forecast of the model: these are left out.

    Raises:
        DataError: the observations cannot be used.
        SettingError: the horizon or a level is out of range.
    """
    panel = forecaster.trained.context
    covariates = forecaster.trained.covariates.names("known")
    if data is not None:
        panel = read_latest(forecaster, data, columns)
    if future is not None:
        if not covariates:
            expected = "left out: the model has no known covariates"
            raise SettingError("future", str(future), expected)
        keys = {name: columns.get(name) for name in ("time", "series_id")}
        panel = panel.with_future(read_future(future, panel, covariates, **keys))
    unseen = forecaster.trained.covariates.unseen(panel, is_new=data is not None)
    panel, notes = _leave_out_short(forecaster, panel)
    prediction = forecaster.predict(panel, horizon=horizon, levels=levels)
    return prediction, (*panel.notes, *unseen, *notes)


def _leave_out_short(
    forecaster: Forecaster, panel: Panel
) -> tuple[Panel, tuple[str, ...]]:
    """Return the series that the model can forecast, and a note on the short ones.

    Raises:
        SeriesTooShort: all are shorter than a window.
    """
    trained = forecaster.trained
    is_short = panel.lengths < trained.min_history
    if not is_short.any():
        return panel, ()
    lengths = zip(panel.series_ids, panel.lengths.tolist(), strict=True)
    if is_short.all():
        reason = f"seq_len {trained.seq_len}"
        raise SeriesTooShort(lengths, trained.min_history, reason)
    places = np.flatnonzero(is_short)[:MAX_SHOWN].tolist()
    shown = [f"{panel.series_ids[i]!r} ({panel.lengths[i]})" for i in places]
    names = join_shown(shown, int(is_short.sum()))
    short = f"series with fewer than {trained.min_history} observations"
    if trained.min_observations < trained.min_history:
        return panel, (f"{short}, forecast by the last value: {names}",)
    series = np.flatnonzero(~is_short)
    longer = panel.pieces(series, np.zeros_like(series), panel.lengths[series])
    return longer, (f"{short}, left out: {names}",)


def read_latest(
    forecaster: Forecaster, data: Path, columns: Mapping[str, Any]
) -> Panel:
    """Read new observations in the way of the training series.

    Raises:
        DataError: the observations cannot be used.
    """
    return forecaster.read(data, **columns)
