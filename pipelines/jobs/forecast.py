"""Forecast job: forecasts of a registered model or of a model folder."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from forecasting.data.forecast import Forecast
from forecasting.data.panel import Panel
from forecasting.errors import SettingError
from forecasting.forecaster.forecaster import Forecaster
from forecasting.io import read_csv, read_future
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
        columns: names of the time, target and series_id columns; None to infer them.
        horizon: steps ahead; None for the trained horizon.
        levels: central intervals, in percent.

    Returns:
        The forecast, and notes on inferred columns and unknown categories.

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
    prediction = forecaster.predict(panel, horizon=horizon, levels=levels)
    return prediction, (*panel.notes, *unseen)


def read_latest(
    forecaster: Forecaster, data: Path, columns: Mapping[str, Any]
) -> Panel:
    """Read new observations in the way of the training series.

    Raises:
        DataError: the observations cannot be used.
    """
    return read_csv(data, schema=forecaster.trained.context.schema, **columns)
