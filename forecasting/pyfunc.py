"""Entry point for MLflow's pyfunc flavour, without importing MLflow.

MLflow's ``loader_module`` names this module; it calls `_load_pyfunc` with the model's
folder. Input is a frame with a column ``target`` and, where there are several series,
``series_id``; ``timestamp`` is optional. An empty frame continues the series of the
training.

Covariates are columns by name. Rows without a target at the end of a series hold the
future values of known covariates; if no row has a target, they belong to the series of
the training.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from forecasting.data.forecast import Forecast
from forecasting.forecaster.forecaster import LEVELS, Forecaster
from forecasting.io import read_frame, read_future


class PyfuncForecaster:
    """Adapts a forecaster to the interface of MLflow's Python models."""

    def __init__(self, forecaster: Forecaster) -> None:
        self.forecaster = forecaster
        self._predictor = forecaster.predictor  # loads the loops before any request

    def predict(
        self, model_input: pd.DataFrame, params: Mapping[str, Any] | None = None
    ) -> pd.DataFrame:
        """Return forecasts: ``series_id, step, timestamp, point, lower_80, ...``.

        With the parameter ``method``, a column names the method of each series.

        Args:
            model_input: observations, oldest first within a series.
            params: ``horizon`` (steps ahead; 0 means the trained horizon), ``levels``
                (percent) and ``method``.

        Raises:
            DataError: the observations are invalid.
            SettingError: a parameter is out of range.
        """
        options = params or {}
        table = forecast_frame(
            self.forecaster,
            model_input,
            horizon=int(options.get("horizon") or 0) or None,
            levels=tuple(float(level) for level in options.get("levels", LEVELS)),
        ).to_frame()
        return table if options.get("method") else table.drop(columns="method")


def forecast_frame(
    forecaster: Forecaster,
    frame: pd.DataFrame,
    *,
    horizon: int | None = None,
    levels: tuple[float, ...] = LEVELS,
) -> Forecast:
    """Forecast the series of a frame; an empty one continues the training series."""
    if frame.empty:
        return forecaster.predict(horizon=horizon, levels=levels)
    context, covariates = forecaster.trained.context, forecaster.trained.covariates
    known_names = covariates.names("known")
    id_column = "series_id" if "series_id" in frame else None
    if "timestamp" in frame and frame["timestamp"].isna().all():
        frame = frame.drop(columns="timestamp")
    has_timestamps = "timestamp" in frame
    if known_names and frame["target"].isna().all():
        time = "timestamp" if has_timestamps else None
        future = read_future(
            frame, context, known_names, time=time, series_id=id_column
        )
        return forecaster.predict(future=future, horizon=horizon, levels=levels)
    panel = read_frame(
        frame,
        time="timestamp" if has_timestamps else None,
        target="target",
        series_id=id_column,
        freq=context.calendar.freq if has_timestamps else None,
        past_covariates=covariates.names("past"),
        known_covariates=known_names,
        static_covariates=covariates.names("static"),
        source="model input",
    )
    return forecaster.predict(panel, horizon=horizon, levels=levels)


def example_frame(forecaster: Forecaster, max_series: int) -> pd.DataFrame:
    """Return example input: the ends of the first ``max_series`` training series.

    Each has seq_len observations. If the model has known covariates, rows for the
    future steps follow, in which these covariates repeat their last values.
    """
    context, covariates = forecaster.trained.context, forecaster.trained.covariates
    selected = np.arange(min(max_series, len(context)))
    ends = context.lengths[selected]
    begins = np.maximum(ends - forecaster.windows.seq_len, 0)
    panel = context.pieces(selected, begins, ends)
    steps = forecaster.windows.horizon if covariates.names("known") else 0
    future_stamps = context.calendar.future(panel.last_timestamps(), steps)
    frames = []
    for row, series_id in enumerate(panel.series_ids):
        points = slice(panel.offsets[row], panel.offsets[row + 1])
        stamps = np.concatenate([panel.timestamps[points], future_stamps[row]])
        target = np.append(panel.values[points], np.full(steps, np.nan))
        columns = {"series_id": series_id, "timestamp": stamps, "target": target}
        for covariate in covariates.columns:
            values = panel.covariates[covariate.name][points]
            last = np.full(steps, values[-1], dtype=values.dtype)
            columns[covariate.name] = np.append(values, last)
        frames.append(pd.DataFrame(columns))
    return pd.concat(frames, ignore_index=True).astype({"timestamp": str})


def _load_pyfunc(
    data_path: str, model_config: Mapping[str, Any] | None = None
) -> PyfuncForecaster:
    """Load the model in ``data_path``; the entry point for MLflow."""
    return PyfuncForecaster(Forecaster.load(Path(data_path)))
