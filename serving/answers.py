"""From the body of a forecast request to the body of its answer; runs in a thread.

JSON in, one pass of the networks, JSON out. Plain requests take the short way of
`serving.plain`.
"""

import numpy as np
import orjson
from pydantic import ValidationError

from forecasting.errors import DataError, MissingCovariates, SettingError
from forecasting.forecasts import Forecast
from serving.encoding import Encoded, encode_answer
from serving.errors import (
    RequestError,
    RequestTooLarge,
    ServiceError,
    validation_flaws,
)
from serving.moments import show_moments
from serving.panels import make_panel
from serving.plain import Plain, PlainRequest, answer_plain, decode_plain, plan
from serving.registry import Model
from serving.schemas import ForecastRequest
from serving.settings import Settings


def answer(
    model: Model, alias: str | None, body: bytes, settings: Settings
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
    told = None if plain is None else answer_plain(model, plain)
    if plain is not None and told is not None:
        return encode_answer(model, alias, told), len(plain.names)
    return answer_any(model, alias, body, settings)


def answer_any(
    model: Model, alias: str | None, body: bytes, settings: Settings
) -> tuple[bytes, int]:
    """Return what `answer` does, whatever the request holds."""
    asked = read_request(body, model, settings)
    forecast = _forecast(asked, model)
    dated = asked.series is None or asked.series[0].timestamps is not None
    told = _encode(forecast, dated=dated)
    return encode_answer(model, alias, told), len(forecast.series_ids)


def _forecast(asked: ForecastRequest, model: Model) -> Forecast:
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


def read_request(body: bytes, model: Model, settings: Settings) -> ForecastRequest:
    """Return what a body asks of a model; empty means ``{}``.

    Raises:
        RequestError: the body cannot be used.
        RequestTooLarge: it asks for more than the limits.
    """
    try:
        asked = ForecastRequest.model_validate_json(body or b"{}")
    except ValidationError as error:
        raise validation_flaws(error) from None
    _check_limits(asked, model, settings)
    return asked


def read_plain(body: bytes, model: Model, settings: Settings) -> Plain | None:
    """Return a plain request within the limits; None for anything else."""
    asked = None if model.quick is None else decode_plain(body, model)
    if asked is None:
        return None
    try:
        _check_limits(asked, model, settings)
    except ServiceError:
        return None
    return plan(asked, model)


def _check_limits(
    asked: ForecastRequest | PlainRequest, model: Model, settings: Settings
) -> None:
    """Refuse what asks for more than the limits.

    Raises:
        RequestError: the horizon is too long, or there are too many levels.
        RequestTooLarge: there are too many series, observations or numbers.
    """
    forecaster = model.forecaster
    assert forecaster.fitted is not None
    horizon = asked.horizon or forecaster.windows.horizon
    if asked.horizon is not None and horizon > settings.max_horizon:
        message = f"at most {settings.max_horizon} steps ahead; found {horizon}"
        raise RequestError([(("body", "horizon"), message)])
    if len(asked.levels) > settings.max_levels:
        message = f"at most {settings.max_levels} levels; found {len(asked.levels)}"
        raise RequestError([(("body", "levels"), message)])
    count = len(forecaster.fitted.context)
    if asked.series is not None:
        count = len(asked.series)
        points = sum(len(one.values) for one in asked.series)
        for what, found, most in (
            ("series", count, settings.max_series),
            ("observations", points, settings.max_points),
        ):
            if found > most:
                raise RequestTooLarge(what, found, most, ("body", "series"))
    numbers = count * horizon * (1 + 2 * len(asked.levels))
    if numbers > settings.max_points:
        what = "numbers would be in the answer"
        raise RequestTooLarge(what, numbers, settings.max_points, ("body",))


def _encode(forecast: Forecast, *, dated: bool) -> bytes:
    levels = tuple(forecast.intervals)
    pairs = [*forecast.intervals.values()]
    sides = [*(low for low, _ in pairs), *(high for _, high in pairs)]
    bounds = np.reshape(sides, (len(sides), *forecast.points.shape))
    made = Encoded(levels, forecast.points, bounds)
    stamps = None
    if dated and forecast.timestamps is not None:
        stamps = [*map(orjson.dumps, show_moments(forecast.timestamps))]
    return made.tell(forecast.series_ids, 0, levels, stamps)
