"""From the body of a forecast request to the body of its answer; runs in a thread.

JSON in, one pass of the networks, JSON out. Plain requests take the short way of
`serving.forecasts.fast_request`.
"""

import numpy as np
import orjson

from forecasting.data.forecast import Forecast
from forecasting.errors import DataError, MissingCovariates, SettingError
from serving.errors import RequestError, ServiceError
from serving.forecasts.encoding import Encoded, encode_answer
from serving.forecasts.fast_request import (
    FastForecast,
    FastRequest,
    answer_fast,
    decode_fast,
    plan,
)
from serving.forecasts.limits import check_limits
from serving.forecasts.panels import make_panel
from serving.http.validation import read_body
from serving.registry.loaded_model import LoadedModel
from serving.schemas.forecast import ForecastRequest
from serving.schemas.timestamps import format_timestamps
from serving.settings import Settings


def answer(
    model: LoadedModel, alias: str | None, body: bytes, settings: Settings
) -> tuple[bytes, int]:
    """Return the answer to a request as JSON, and how many series it forecasts.

    Args:
        model: that shall make the forecast.
        alias: that the model was asked by.
        body: JSON of a `ForecastRequest`; empty means ``{}``.
        settings: the limits.

    Raises:
        RequestError: the body, or the series in it, cannot be used.
        RequestTooLarge: it asks for more than the limits.
    """
    plain = read_plain(body, model, settings)
    told = None if plain is None else answer_fast(model, plain)
    if plain is not None and told is not None:
        return encode_answer(model, alias, told), len(plain.names)
    return answer_any(model, alias, body, settings)


def answer_any(
    model: LoadedModel, alias: str | None, body: bytes, settings: Settings
) -> tuple[bytes, int]:
    """Return what `answer` does, whatever the request holds."""
    asked = read_request(body, model, settings)
    forecast = _forecast(asked, model)
    dated = asked.series is None or asked.series[0].timestamps is not None
    told = _encode(forecast, dated=dated)
    return encode_answer(model, alias, told), len(forecast.series_ids)


def _forecast(asked: ForecastRequest, model: LoadedModel) -> Forecast:
    forecaster = model.forecaster
    assert forecaster.fitted is not None
    panel = None
    if asked.series is not None:
        panel = make_panel(
            asked.series,
            forecaster.fitted,
            horizon=asked.horizon or forecaster.windows.horizon,
        )
    try:
        return forecaster.predict(panel, horizon=asked.horizon, levels=asked.levels)
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
    """Return what a body asks of a model; empty means ``{}``.

    Raises:
        RequestError: the body cannot be used.
        RequestTooLarge: it asks for more than the limits.
    """
    asked = read_body(ForecastRequest, body or b"{}", settings)
    _check(asked, model, settings)
    return asked


def read_plain(
    body: bytes, model: LoadedModel, settings: Settings
) -> FastForecast | None:
    """Return a plain request within the limits; None for anything else."""
    asked = None if model.quick is None else decode_fast(body, model)
    if asked is None:
        return None
    try:
        _check(asked, model, settings)
    except ServiceError:
        return None
    return plan(asked, model)


def _check(
    asked: ForecastRequest | FastRequest, model: LoadedModel, settings: Settings
) -> None:
    """Refuse what asks for more than the limits.

    Raises:
        RequestError, RequestTooLarge: as `check_limits`.
    """
    forecaster, series, levels = model.forecaster, asked.series, len(asked.levels)
    assert forecaster.fitted is not None
    count = len(forecaster.fitted.context) if series is None else len(series)
    steps = asked.horizon or forecaster.windows.horizon
    check_limits(
        settings,
        series=0 if series is None else count,
        points=sum(len(one.values) for one in series or ()),
        horizon=asked.horizon,
        levels=levels,
        numbers=count * steps * (1 + 2 * levels),
    )


def _encode(forecast: Forecast, *, dated: bool) -> bytes:
    levels = tuple(forecast.intervals)
    pairs = [*forecast.intervals.values()]
    sides = [*(low for low, _ in pairs), *(high for _, high in pairs)]
    bounds = np.reshape(sides, (len(sides), *forecast.points.shape))
    made = Encoded(levels, forecast.points, bounds)
    stamps = None
    if dated and forecast.timestamps is not None:
        stamps = [*map(orjson.dumps, format_timestamps(forecast.timestamps))]
    return made.tell(forecast.series_ids, 0, levels, stamps)
