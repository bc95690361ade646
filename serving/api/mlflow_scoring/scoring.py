"""Handling of scoring requests, body to response body; runs in a worker thread.

`forecasting.pyfunc` defines the columns and makes the forecast, so that the numbers are
equal to those of ``mlflow models serve``.
"""

import pandas as pd
from pydantic import BaseModel, Field

from forecasting.data.forecast import Forecast
from forecasting.pyfunc import forecast_frame
from serving.api.mlflow_scoring.tables import Params, encode_table, read_table
from serving.http.limits import check_limits
from serving.http.locations import FlawLocations, located_errors
from serving.registry.loaded_model import LoadedModel
from serving.schemas.forecast import Answering
from serving.schemas.timestamps import format_timestamps
from serving.settings import Settings

LOCATIONS = FlawLocations(
    ("body", "params", "horizon"), ("body", "params", "levels"), ("body",)
)


class Predictions(BaseModel):
    """Forecasts, one object per series and step, and the version that made them."""

    predictions: list[dict[str, float | int | str | None]] = Field(
        examples=[
            [
                {
                    "series_id": "a",
                    "step": 1,
                    "timestamp": "2024-06-01T00:00:00",
                    "point": 123.4,
                    "lower_80": 119.2,
                    "upper_80": 127.6,
                }
            ]
        ]
    )
    model: Answering


def score(
    model: LoadedModel,
    alias: str | None,
    body: bytes,
    settings: Settings,
    *,
    media_type: str,
) -> tuple[bytes, int]:
    """Forecast and return the response body as JSON, and the number of series.

    Args:
        model: model to forecast with.
        alias: alias of the model's version.
        body: CSV, or JSON of an `Invocation`.
        settings: the limits.
        media_type: media type of the body.

    Raises:
        RequestError: the body, or the series in it, cannot be used.
        RequestTooLarge: it exceeds the limits.
    """
    frame, params = read_table(body, media_type, model, settings)
    _check_size(frame, params, model, settings)
    forecast = _forecast(model, frame, params)
    table = forecast.to_frame()
    if not params.method:
        table = table.drop(columns="method")
    if forecast.timestamps is not None:
        stamps = format_timestamps(forecast.timestamps.ravel(), forecast.zone)
        table["timestamp"] = stamps
    return encode_table(model, alias, table), len(forecast.series_ids)


def _check_size(
    frame: pd.DataFrame, params: Params, model: LoadedModel, settings: Settings
) -> None:
    forecaster = model.forecaster
    if frame.empty:
        series, count = 0, len(forecaster.trained.context)
    else:
        series = count = frame["series_id"].nunique() if "series_id" in frame else 1
    steps = params.horizon or forecaster.windows.horizon
    levels = len(params.levels)
    check_limits(
        settings,
        series=series,
        points=len(frame),
        horizon=params.horizon or None,
        levels=levels,
        numbers=count * steps * (1 + 2 * levels),
        locations=LOCATIONS,
    )


def _forecast(model: LoadedModel, frame: pd.DataFrame, params: Params) -> Forecast:
    with located_errors(LOCATIONS):
        return forecast_frame(
            model.forecaster,
            frame,
            horizon=params.horizon or None,
            levels=tuple(params.levels),
        )
