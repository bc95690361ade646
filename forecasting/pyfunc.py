"""The model as MLflow's pyfunc flavour loads it, without importing MLflow.

MLflow's ``loader_module`` names this module; it calls `_load_pyfunc` with the model's
folder. Input is a frame with a column ``target`` and, where there are several series,
``series_id``; ``timestamp`` is optional. No rows: the series seen in training go on.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from forecasting.forecaster import LEVELS, Forecaster
from forecasting.forecasts import Forecast
from forecasting.reading import read_frame


class PyfuncForecaster:
    """A forecaster with the method that MLflow calls."""

    def __init__(self, forecaster: Forecaster) -> None:
        self.forecaster = forecaster

    def predict(
        self, model_input: pd.DataFrame, params: Mapping[str, Any] | None = None
    ) -> pd.DataFrame:
        """Return forecasts: ``series_id, step, timestamp, point, lower_80, ...``.

        Args:
            model_input: observations, oldest first within a series.
            params: ``horizon`` (steps ahead; 0 means the trained horizon) and
                ``levels`` (percent).

        Raises:
            DataError: the observations cannot be used.
            SettingError: a parameter is out of range.
        """
        asked = params or {}
        return forecast_frame(
            self.forecaster,
            model_input,
            horizon=int(asked.get("horizon") or 0) or None,
            levels=tuple(float(level) for level in asked.get("levels", LEVELS)),
        ).to_frame()


def forecast_frame(
    forecaster: Forecaster,
    frame: pd.DataFrame,
    *,
    horizon: int | None = None,
    levels: tuple[float, ...] = LEVELS,
) -> Forecast:
    """Forecast what follows the observations of a frame."""
    if frame.empty:
        return forecaster.predict(horizon=horizon, levels=levels)
    assert forecaster.fitted is not None
    if "timestamp" in frame and frame["timestamp"].isna().all():
        frame = frame.drop(columns="timestamp")
    dated = "timestamp" in frame
    panel = read_frame(
        frame,
        time="timestamp" if dated else None,
        target="target",
        series_id="series_id" if "series_id" in frame else None,
        freq=forecaster.fitted.context.calendar.freq if dated else None,
        source="model input",
    )
    return forecaster.predict(panel, horizon=horizon, levels=levels)


def _load_pyfunc(
    data_path: str, model_config: Mapping[str, Any] | None = None
) -> PyfuncForecaster:
    """Return the model that lies in ``data_path``; the entry point for MLflow."""
    return PyfuncForecaster(Forecaster.load(Path(data_path)))
