"""The model as MLflow's pyfunc flavour loads it, without importing MLflow.

MLflow's ``loader_module`` names this module; it calls `_load_pyfunc` with the model's
folder. Input is a frame with a column ``target`` and, where there are several series,
``series_id``; ``timestamp`` is optional. No rows: the series seen in training go on.

The model's covariates are columns of their names. Rows without a target at the end of
a series hold the known ones of the steps ahead; where no row has a target, they are
those of the series seen in training.
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
    context, covariates = forecaster.fitted.context, forecaster.fitted.covariates
    known = covariates.names("known")
    named = "series_id" if "series_id" in frame else None
    if "timestamp" in frame and frame["timestamp"].isna().all():
        frame = frame.drop(columns="timestamp")
    dated = "timestamp" in frame
    if known and frame["target"].isna().all():
        time = "timestamp" if dated else None
        future = read_future(frame, context, known, time=time, series_id=named)
        return forecaster.predict(future=future, horizon=horizon, levels=levels)
    panel = read_frame(
        frame,
        time="timestamp" if dated else None,
        target="target",
        series_id=named,
        freq=context.calendar.freq if dated else None,
        past_covariates=covariates.names("past"),
        known_covariates=known,
        static_covariates=covariates.names("static"),
        source="model input",
    )
    return forecaster.predict(panel, horizon=horizon, levels=levels)


def example_frame(forecaster: Forecaster, most: int) -> pd.DataFrame:
    """Return observations as a model takes them: the ends of its first ``most`` series.

    These are seq_len observations of each.
    Where known covariates belong to it, rows of the steps ahead follow, in which these
    stay as they last were.
    """
    assert forecaster.fitted is not None
    context, covariates = forecaster.fitted.context, forecaster.fitted.covariates
    shown = np.arange(min(most, len(context)))
    ends = context.lengths[shown]
    begins = np.maximum(ends - forecaster.windows.seq_len, 0)
    panel = context.pieces(shown, begins, ends)
    steps = forecaster.windows.horizon if covariates.names("known") else 0
    ahead = context.calendar.future(panel.last_timestamps(), steps)
    frames = []
    for row, series_id in enumerate(panel.series_ids):
        own = slice(panel.offsets[row], panel.offsets[row + 1])
        stamps = np.concatenate([panel.timestamps[own], ahead[row]])
        target = np.append(panel.values[own], np.full(steps, np.nan))
        columns = {"series_id": series_id, "timestamp": stamps, "target": target}
        for one in covariates.columns:
            values = panel.covariates[one.name][own]
            last = np.full(steps, values[-1], dtype=values.dtype)
            columns[one.name] = np.append(values, last)
        frames.append(pd.DataFrame(columns))
    return pd.concat(frames, ignore_index=True).astype({"timestamp": str})


def _load_pyfunc(
    data_path: str, model_config: Mapping[str, Any] | None = None
) -> PyfuncForecaster:
    """Return the model that lies in ``data_path``; the entry point for MLflow."""
    return PyfuncForecaster(Forecaster.load(Path(data_path)))
