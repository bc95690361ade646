"""Requests for zero-shot forecasts: body to arrays, and to the response body."""

from serving.forecasts.batching import Batcher
from serving.forecasts.encoding import encode_answer
from serving.forecasts.forecast import MAX_INLINE_BODY_BYTES
from serving.forecasts.thread_pool import ForecastThreads
from serving.forecasts.timestamps import NotConsecutive
from serving.forecasts.zeroshot.arrays import (
    ZeroShotArrays,
    make_arrays,
    parse_arrays,
    read_arrays,
    read_request,
)
from serving.forecasts.zeroshot.model import ZeroShotModel
from serving.settings import Settings


class ZeroShotForecasts:
    """Answers requests for forecasts without a trained model.

    Args:
        batcher: forecasts the requests of one moment together.
        workers: threads for large bodies and for timestamps of many series.
        settings: the limits.

    Attributes:
        model: the zero-shot forecaster.
    """

    def __init__(
        self, batcher: Batcher, workers: ForecastThreads, settings: Settings
    ) -> None:
        self.model = ZeroShotModel()
        self._batcher, self._workers, self._settings = batcher, workers, settings

    async def answer(self, body: bytes) -> tuple[bytes, int]:
        """Forecast; return the response body as JSON, and the number of series.

        Args:
            body: JSON of a `ZeroShotRequest`.

        Raises:
            RequestError: the body, or the series in it, cannot be used.
            RequestTooLarge: it exceeds the limits.
            TooBusy: too many requests wait already.
        """
        arrays = await self._read(body)
        forecasts = await self._batcher.forecast(self.model, arrays)
        content = encode_answer(self.model.name, self.model.version, None, forecasts)
        return content, len(arrays.series_ids)

    async def _read(self, body: bytes) -> ZeroShotArrays:
        if len(body) > MAX_INLINE_BODY_BYTES:
            return await self._workers.run(read_arrays, body, self._settings)
        request = read_request(body, self._settings)
        if len(request.series) == 1 or request.series[0].timestamps is None:
            try:
                return make_arrays(request)
            except NotConsecutive:
                pass
        return await self._workers.run(parse_arrays, request)
