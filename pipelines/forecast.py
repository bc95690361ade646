"""Forecasts of a registered model, or of a model folder, as a batch job."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from forecasting.errors import MissingColumns, SettingError
from forecasting.forecaster import Forecaster
from forecasting.forecasts import Forecast
from forecasting.reading import read_csv
from forecasting.series import Panel
from pipelines.models import load_forecaster
from pipelines.registry import find_version
from pipelines.tracking import connect


def load_model(reference: str) -> tuple[Forecaster, str]:
    """Return a model and its full name.

    Args:
        reference: ``name``, ``name@alias``, ``name/version`` or a model folder.

    Raises:
        UnknownModel: it is not in the registry.
        ArtifactError: it is damaged.
        TrackingError: MLflow does not answer.
    """
    if Path(reference).is_dir():
        return Forecaster.load(reference), reference
    connect()
    version = find_version(reference)
    return load_forecaster(version), f"{version.name} version {version.version}"


def forecast(
    forecaster: Forecaster,
    *,
    data: Path | None,
    columns: Mapping[str, Any],
    horizon: int | None,
    levels: tuple[float, ...],
) -> tuple[Forecast, tuple[str, ...]]:
    """Forecast new observations, or what follows the series seen in training.

    Args:
        forecaster: trained.
        data: CSV with the latest observations, at least seq_len of each series.
        columns: time, target and series_id columns, where they are not plain.
        horizon: steps ahead; None for the trained horizon.
        levels: central intervals, in percent.

    Returns:
        The forecast, and notes on what was guessed while reading.

    Raises:
        DataError: the observations cannot be used.
        SettingError: the horizon or a level is out of range.
    """
    if data is None:
        return forecaster.predict(horizon=horizon, levels=levels), ()
    panel = read_latest(forecaster, data, columns)
    return forecaster.predict(panel, horizon=horizon, levels=levels), panel.notes


def read_latest(
    forecaster: Forecaster, data: Path, columns: Mapping[str, Any]
) -> Panel:
    """Read new observations, the target and the frequency as trained if they can be.

    Raises:
        DataError: the observations cannot be used.
    """
    assert forecaster.fitted is not None
    trained = forecaster.fitted.context
    asked = {name: column for name, column in columns.items() if column is not None}
    try:
        return read_csv(
            data, **({"target": trained.target, "freq": trained.calendar.freq} | asked)
        )
    except (MissingColumns, SettingError):  # another name; rows without dates
        return read_csv(data, **asked)
