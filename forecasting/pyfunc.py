"""Entry point for MLflow's pyfunc flavour, without importing MLflow.

MLflow's ``loader_module`` names this module; it calls `_load_pyfunc` with the model's
folder. Models of discrete series are those of `forecasting.sequences.answers.pyfunc`.

Input of a forecaster is a frame with a column ``target`` and, where there are several
series, ``series_id``; ``timestamp`` is optional. Columns may have any type that
`read_frame` takes. An empty frame continues the series of the training.

Covariates are columns by name. Rows without a target at the end of a series hold the
future values of known covariates; if no row has a target, they belong to the series of
the training.

Forecasts have the zone of the timestamps in the input. Naive timestamps sent to a model
with a zone are its local times, and so are those of the forecast.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from forecasting.data.forecast import Forecast
from forecasting.data.panel import Panel
from forecasting.data.schema import Schema
from forecasting.errors import InvalidTimestamps, SettingError
from forecasting.forecaster.forecaster import LEVELS, Forecaster
from forecasting.forecaster.storage.artifact import FORECAST, read_task
from forecasting.io import read_future, read_latest
from forecasting.io.frames import to_plain_column, whole_ids
from forecasting.timestamps.parsing import parse_timestamps
from forecasting.timestamps.zones import format_moments, zone_of_text

if TYPE_CHECKING:  # scikit-learn takes a second to import
    from forecasting.sequences.answers.pyfunc import PyfuncSequences


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
    frame = _plain_frame(frame, context)
    known_names = covariates.names("known")
    schema = _find_schema(frame, context.schema)
    if known_names and schema.target in frame and frame[schema.target].isna().all():
        future = read_future(frame, replace(context, schema=schema), known_names)
        return forecaster.predict(future=future, horizon=horizon, levels=levels)
    panel = _read_panel(frame, context, schema)
    forecast = forecaster.predict(panel, horizon=horizon, levels=levels)
    if "timestamp" not in frame:
        return forecast
    return forecast.in_zone(_sent_zone(frame["timestamp"]))


def _sent_zone(column: "pd.Series[Any]") -> str | None:
    """Return the zone of the last timestamp; None for naive ones."""
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        moments = column.iloc[:1]
        return parse_timestamps("timestamp", moments, "row {}".format).zone
    return zone_of_text(str(column.iloc[-1]))


def _find_schema(frame: pd.DataFrame, trained: Schema) -> Schema:
    """Return the schema of a frame with the columns of the signature, or those trained.

    The signature has ``series_id``, ``timestamp`` and ``target``, the first two
    optional.
    """
    if "target" not in frame or "target" in trained.roles:
        return trained
    time = ("timestamp",) if "timestamp" in frame else None
    return replace(
        trained,
        time=time,
        target="target",
        series_id=("series_id",) if "series_id" in frame else None,
        freq=None if time is None else trained.freq,
        time_format=None,
        zone=None if time is None else trained.zone,
        resample=None if time is None else trained.resample,
    )


def _read_panel(frame: pd.DataFrame, context: Panel, schema: Schema) -> Panel:
    """Read new observations.

    Raises:
        InvalidTimestamps: numbers stand for the dates of the training.
    """
    try:
        return read_latest(frame, context, schema=schema, name="model input")
    except SettingError as error:
        if error.setting != "freq" or "timestamp" not in frame:
            raise
        first = frame["timestamp"].iloc[0]
        problem = (
            f"{first!s:.50} is a number, and the series of the training have dates"
        )
        advice = "Send dates such as 2024-01-31, or no timestamps."
        raise InvalidTimestamps("timestamp", problem, advice) from None


def _plain_frame(frame: pd.DataFrame, context: Panel) -> pd.DataFrame:
    """Return the columns in plain types, series ids as in the training.

    Timestamps that are all missing are left out.
    """
    plain = {
        str(name): to_plain_column(str(name), column.reset_index(drop=True))
        for name, column in frame.items()
    }
    if "timestamp" in plain and plain["timestamp"].isna().all():
        del plain["timestamp"]
    if "timestamp" in plain and context.calendar.freq is None:
        plain["timestamp"] = _to_steps(plain["timestamp"])
    if "series_id" in plain:
        plain["series_id"] = _match_ids(plain["series_id"], context.series_ids)
    return pd.DataFrame(plain)


def _to_steps(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """Return steps that were sent as text as numbers."""
    if pd.api.types.is_numeric_dtype(column.dtype):
        return whole_ids(column)
    text = column.astype(str).str.strip()
    return text.astype(np.int64) if text.str.fullmatch(r"-?\d{1,15}").all() else column


def _match_ids(column: "pd.Series[Any]", ids: tuple[str, ...]) -> "pd.Series[Any]":
    """Return ids that were sent as numbers as the text of the training.

    The number 7 is the series ``7`` or, where only one series has that number, ``007``.
    """
    if not pd.api.types.is_numeric_dtype(column.dtype):
        return column
    names: dict[int, list[str]] = {}
    for name in ids:
        if name.isdecimal():
            names.setdefault(int(name), []).append(name)
    same = {n: places[0] for n, places in names.items() if len(places) == 1}
    return whole_ids(column).map(
        lambda value: value if str(value) in ids else same.get(value, value)
    )


def example_frame(forecaster: Forecaster, max_series: int) -> pd.DataFrame:
    """Return example input: the ends of the first ``max_series`` training series.

    Each has seq_len observations. If the model has known covariates, rows for the
    future steps follow, in which these covariates repeat their last values.
    """
    context, covariates = forecaster.trained.context, forecaster.trained.covariates
    order = np.argsort(context.lengths < forecaster.trained.min_history, kind="stable")
    selected = np.sort(order[:max_series])
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
    example = pd.concat(frames, ignore_index=True)
    if context.calendar.freq is None:
        return example
    if context.calendar.zone is None:
        return example.astype({"timestamp": str})
    moments = example["timestamp"].to_numpy()
    return example.assign(timestamp=format_moments(moments, context.calendar.zone))


def _load_pyfunc(
    data_path: str, model_config: Mapping[str, Any] | None = None
) -> "PyfuncForecaster | PyfuncSequences":
    """Load the model in ``data_path``; the entry point for MLflow."""
    if read_task(Path(data_path)) != FORECAST:
        from forecasting.sequences.answers.pyfunc import PyfuncSequences
        from forecasting.sequences.storage import load_sequence_model

        return PyfuncSequences(load_sequence_model(data_path))
    return PyfuncForecaster(Forecaster.load(Path(data_path)))
