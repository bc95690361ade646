"""Handling of forecast requests, body to response body; runs in a worker thread.

Plain requests take the fast path of `serving.forecasts.fast_request`.
"""

import numpy as np
import orjson

from forecasting.data.forecast import Forecast
from forecasting.errors import DataError, MissingCovariates, SettingError
from serving.errors import RequestError, ServiceError
from serving.forecasts.encoding import EncodedForecasts, encode_answer
from serving.forecasts.fast_request import (
    FastForecast,
    FastRequest,
    answer_fast,
    decode_fast,
    prepare_fast,
)
from serving.forecasts.limits import check_limits
from serving.forecasts.panels import make_panel
from serving.http.shapes import check_forecast, check_shape
from serving.http.validation import read_body
from serving.registry.loaded_model import LoadedModel
from serving.schemas.forecast import ForecastRequest
from serving.schemas.timestamps import format_timestamps
from serving.settings import Settings


def answer(
    model: LoadedModel, alias: str | None, body: bytes, settings: Settings
) -> tuple[bytes, int]:
    """Forecast and return the response body as JSON, and the number of series.

    Args:
        model: model to forecast with.
        alias: alias in the request; None where it named a version.
        body: JSON of a `ForecastRequest`; empty means ``{}``.
        settings: the limits.

    Raises:
        RequestError: the body, or the series in it, cannot be used.
        RequestTooLarge: it exceeds the limits.
    """
    check_shape(check_forecast, body, settings)  # before anything is built of it
    plain = read_fast(body, model, settings)
    content = None if plain is None else answer_fast(model, plain)
    if plain is not None and content is not None:
        return encode_answer(model, alias, content), len(plain.names)
    return answer_any(model, alias, body, settings)


def answer_any(
    model: LoadedModel, alias: str | None, body: bytes, settings: Settings
) -> tuple[bytes, int]:
    """Forecast as `answer` does, without the fast path."""
    request = read_request(body, model, settings)
    forecast = _forecast(request, model)
    has_timestamps = request.series is None or request.series[0].timestamps is not None
    content = _encode(forecast, has_timestamps=has_timestamps)
    return encode_answer(model, alias, content), len(forecast.series_ids)


def _forecast(request: ForecastRequest, model: LoadedModel) -> Forecast:
    forecaster = model.forecaster
    panel = None
    if request.series is not None:
        panel = make_panel(
            request.series,
            forecaster.trained,
            horizon=request.horizon or forecaster.windows.horizon,
        )
    try:
        return forecaster.predict(panel, horizon=request.horizon, levels=request.levels)
    except MissingCovariates as error:
        cause = error.advise(
            "Send the series, with known_covariates for each observation and each "
            "step ahead."
        )
        raise RequestError([(("body", "series"), str(cause))], cause) from error
    except SettingError as error:
        raise RequestError([(("body", error.setting), str(error))], error) from error
    except DataError as error:
        raise RequestError([(("body", "series"), str(error))], error) from error


def read_request(
    body: bytes, model: LoadedModel, settings: Settings
) -> ForecastRequest:
    """Decode and check the body of a request; empty means ``{}``.

    Raises:
        RequestError: the body cannot be used.
        RequestTooLarge: it exceeds the limits.
    """
    request = read_body(ForecastRequest, body or b"{}", settings, check_forecast)
    _check(request, model, settings)
    return request


def read_fast(
    body: bytes, model: LoadedModel, settings: Settings
) -> FastForecast | None:
    """Decode a plain request within the limits; None for any other."""
    request = decode_fast(body, model)
    if request is None:
        return None
    try:
        _check(request, model, settings)
    except ServiceError:
        return None
    return prepare_fast(request, model)


def _check(
    request: ForecastRequest | FastRequest, model: LoadedModel, settings: Settings
) -> None:
    """Refuse a request over the limits.

    Raises:
        RequestError, RequestTooLarge: as `check_limits`.
    """
    forecaster, series, levels = model.forecaster, request.series, len(request.levels)
    count = len(forecaster.trained.context) if series is None else len(series)
    steps = request.horizon or forecaster.windows.horizon
    check_limits(
        settings,
        series=0 if series is None else count,
        points=sum(len(history.values) for history in series or ()),
        horizon=request.horizon,
        levels=levels,
        numbers=count * steps * (1 + 2 * levels),
    )


def _encode(forecast: Forecast, *, has_timestamps: bool) -> bytes:
    levels = tuple(forecast.intervals)
    pairs = [*forecast.intervals.values()]
    sides = [*(low for low, _ in pairs), *(high for _, high in pairs)]
    bounds = np.reshape(sides, (len(sides), *forecast.points.shape))
    encoded = EncodedForecasts(levels, forecast.points, bounds)
    stamps = None
    if has_timestamps and forecast.timestamps is not None:
        stamps = [*map(orjson.dumps, format_timestamps(forecast.timestamps))]
    return encoded.select(forecast.series_ids, 0, levels, stamps)
