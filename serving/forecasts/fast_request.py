"""Plain requests, decoded and forecast as arrays, without pydantic and pandas.

A plain request has values and at most evenly spaced timestamps; it has no covariates.
The functions return None for any other or invalid request; `serving.forecasts.forecast`
handles it, with a message for each flaw.
"""

from collections.abc import Iterable, Sequence
from typing import Annotated, NamedTuple

import msgspec
import numpy as np
from msgspec import Meta, Struct

from forecasting.data.forecast import check_levels
from forecasting.errors import InvalidValues
from forecasting.forecaster.history import Histories
from serving.forecasts.encoding import EncodedForecasts
from serving.forecasts.fast_timestamps import NotConsecutive, future_timestamps
from serving.registry.loaded_model import LoadedModel
from serving.schemas.series import MAX_ID_LENGTH
from serving.settings import MAX_LEVELS


class FastSeries(Struct, forbid_unknown_fields=True, gc=False):
    """A series of a plain request; see `serving.schemas.series.Series`."""

    id: Annotated[str, Meta(min_length=1, max_length=MAX_ID_LENGTH)]
    values: Annotated[list[float], Meta(min_length=1)]
    timestamps: list[str | int] | None = None


class FastRequest(Struct, forbid_unknown_fields=True, gc=False):
    """A decoded plain request; see `serving.schemas.forecast.ForecastRequest`."""

    series: Annotated[list[FastSeries], Meta(min_length=1)]
    horizon: Annotated[int, Meta(ge=1)] | None = None
    levels: Annotated[
        tuple[Annotated[float, Meta(ge=1, le=99)], ...], Meta(max_length=MAX_LEVELS)
    ] = (80.0, 95.0)


class FastForecast(NamedTuple):
    """The arguments of the forecast for a plain request.

    Attributes:
        names, values: ids and histories of the series.
        steps: steps ahead.
        levels: levels of the intervals, in the order of the request.
        timestamps: timestamps of the steps ahead as JSON, one text per series; None
            for a request without timestamps.
    """

    names: list[str]
    values: list[list[float]]
    steps: int
    levels: tuple[float, ...]
    timestamps: list[bytes] | None

    def select(self, forecasts: EncodedForecasts, first: int = 0) -> bytes:
        """Return the JSON of the request's forecasts, which begin at row ``first``."""
        return forecasts.select(self.names, first, self.levels, self.timestamps)


_decoder = msgspec.json.Decoder(FastRequest)


def decode_fast(body: bytes, model: LoadedModel) -> FastRequest | None:
    """Decode a plain request for a model; None for any other."""
    fitted = model.predictor.model
    if fitted.covariates:
        return None
    try:
        request = _decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    series, minimum = request.series, fitted.min_history
    if len(series) > 1 and len({history.id for history in series}) < len(series):
        return None
    is_short = any(len(history.values) < minimum for history in series)
    return None if is_short else request


def prepare_fast(request: FastRequest, model: LoadedModel) -> FastForecast | None:
    """Return the arguments of a request's forecast; None if it is not plain."""
    fitted = model.forecaster.trained
    steps = request.horizon or model.forecaster.windows.horizon
    names, values, stamps = [], [], []
    for history in request.series:
        names.append(history.id)
        values.append(history.values)
        if history.timestamps is not None:
            if len(history.timestamps) != len(history.values):
                return None
            stamps.append(history.timestamps)
    if not stamps:
        return FastForecast(names, values, steps, request.levels, None)
    if len(stamps) < len(names):
        return None
    try:
        following = future_timestamps(fitted.context.calendar, stamps, steps)
    except NotConsecutive:
        return None
    return FastForecast(names, values, steps, request.levels, following)


def forecast_fast(
    model: LoadedModel,
    requests: Sequence[FastForecast],
    steps: int,
    levels: Iterable[float],
) -> EncodedForecasts | None:
    """Forecast the series of several requests in one pass; None on invalid values."""
    predictor, ascending = model.predictor, check_levels(levels)
    names = [name for request in requests for name in request.names]
    histories = Histories.from_lists(
        [values for request in requests for values in request.values],
        predictor.model.find_places(names),
    )
    try:
        points, bounds = predictor.forecast(histories, steps=steps, levels=ascending)
    except InvalidValues:
        return None
    return (
        EncodedForecasts(ascending, points, bounds)
        if np.isfinite(points).all()
        else None
    )


def answer_fast(model: LoadedModel, request: FastForecast) -> bytes | None:
    """Forecast a single request and return JSON; None where there is no forecast."""
    forecasts = forecast_fast(model, [request], request.steps, request.levels)
    return None if forecasts is None else request.select(forecasts)
