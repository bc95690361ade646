"""Forecast requests: body to arrays, and to the response body by way of the batcher."""

from serving.forecasts.arrays import (
    RequestArrays,
    TrainedBatches,
    make_arrays,
    parse_arrays,
)
from serving.forecasts.batching import Batcher
from serving.forecasts.covariates import locate_infinite
from serving.forecasts.encoding import encode_answer
from serving.forecasts.thread_pool import ForecastThreads
from serving.forecasts.timestamps import NotConsecutive
from serving.http.decoding import BodyDecoder
from serving.http.limits import check_limits
from serving.registry.loaded_model import LoadedModel
from serving.schemas.request import ForecastRequest
from serving.settings import Settings

MAX_INLINE_BODY_BYTES = 2**16  # larger bodies are decoded in the worker threads
DECODER = BodyDecoder[ForecastRequest](ForecastRequest, locate_infinite)


class Forecasts:
    """Answers forecast requests: small ones on the event loop, others in threads.

    Args:
        batcher: forecasts the requests of one moment together.
        workers: threads for large bodies.
        settings: the limits.
    """

    def __init__(
        self, batcher: Batcher, workers: ForecastThreads, settings: Settings
    ) -> None:
        self._batcher, self._workers, self._settings = batcher, workers, settings

    async def answer(
        self, model: LoadedModel, alias: str | None, body: bytes
    ) -> tuple[bytes, int]:
        """Forecast; return the response body as JSON, and the number of series.

        Args:
            model: model to forecast with.
            alias: alias in the request; None where it named a version.
            body: JSON of a `ForecastRequest`; empty means ``{}``.

        Raises:
            RequestError: the body, or the series in it, cannot be used.
            RequestTooLarge: it exceeds the limits.
            TooBusy: too many requests wait already.
        """
        arrays = await self._read(model, body)
        forecasts = await self._batcher.forecast(TrainedBatches(model), arrays)
        content = encode_answer(model.name, model.version, alias, forecasts)
        return content, len(arrays)

    async def _read(self, model: LoadedModel, body: bytes) -> RequestArrays:
        if len(body) > MAX_INLINE_BODY_BYTES:
            return await self._workers.run(read_arrays, body, model, self._settings)
        request = read_request(body, model, self._settings)
        if request.series is not None:
            try:
                return make_arrays(request, model)
            except NotConsecutive:
                pass
        return await self._workers.run(parse_arrays, request, model)


def read_request(
    body: bytes, model: LoadedModel, settings: Settings
) -> ForecastRequest:
    """Decode and check the body of a request; empty means ``{}``.

    Raises:
        RequestError: the body cannot be used.
        RequestTooLarge: it exceeds the limits.
    """
    request = DECODER.decode(body or b"{}")
    series, num_levels = request.series, len(request.levels)
    count = len(model.predictor.model.context) if series is None else len(series)
    steps = request.horizon or model.forecaster.windows.horizon
    check_limits(
        settings,
        series=0 if series is None else count,
        points=sum([len(history.values) for history in series or ()]),
        horizon=request.horizon,
        levels=num_levels,
        numbers=count * steps * (1 + 2 * num_levels),
    )
    return request


def read_arrays(body: bytes, model: LoadedModel, settings: Settings) -> RequestArrays:
    """Return the arrays of a request with any timestamps; runs in a worker thread.

    Raises:
        RequestError: the body, or the series in it, cannot be used.
        RequestTooLarge: it exceeds the limits.
    """
    request = read_request(body, model, settings)
    if request.series is None:
        return parse_arrays(request, model)
    try:
        return make_arrays(request, model)
    except NotConsecutive:
        return parse_arrays(request, model)
