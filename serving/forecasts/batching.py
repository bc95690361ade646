"""Dynamic batching: concurrent requests share one forward pass of the network.

Requests that arrive within one turn of the event loop are batched by model and horizon.
There is no timer: a lone request is not delayed. A small batch runs in the thread of
the event loop; a large one goes to the worker threads.
"""

import asyncio
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from forecasting.data.forecast import check_levels
from forecasting.errors import InvalidValues
from forecasting.forecaster.predict import check_finite
from forecasting.types import FloatArray
from serving.errors import RequestError, TooBusy
from serving.forecasts.encoding import EncodedForecasts
from serving.forecasts.thread_pool import ForecastThreads
from serving.http.locations import located_errors, to_request_error

MAX_INLINE_PRODUCTS = 2**24  # about 1 ms; a handover to a thread would cost more
MAX_BATCH_LEVELS = 20  # levels in one pass; further levels start another batch
PRODUCTS_PER_NUMBER = 2**9  # writing one number as text costs as much
Result = bytes | RequestError  # the forecasts as JSON


class ModelRequest(Protocol):
    """A request as arrays, in the form that its model reads."""

    @property
    def series_ids(self) -> Sequence[str]:
        """Names of the series."""

    @property
    def steps(self) -> int:
        """Steps ahead."""

    @property
    def levels(self) -> tuple[float, ...]:
        """Levels of the intervals, in the order of the request."""

    @property
    def timestamps(self) -> Sequence[bytes] | None:
        """Timestamps of the steps ahead as JSON, one text per series; None without."""


class BatchModel(Protocol):
    """A model that forecasts several requests in one pass."""

    @property
    def name(self) -> str:
        """Name in the metrics."""

    @property
    def key(self) -> Hashable:
        """Key of the requests that may share a pass."""

    def work(self, requests: Sequence[Any], steps: int) -> int:
        """Return the cost of requests in multiplications, without their output."""

    def forecast(
        self, requests: Sequence[Any], steps: int, levels: tuple[float, ...]
    ) -> tuple[FloatArray, FloatArray, Sequence[str]]:
        """Return points ``(series, steps)``, bounds as `Predictor`, and methods.

        Raises:
            InvalidValues: the model takes logarithms and a value is not positive.
        """


@dataclass(slots=True)
class Batch:
    """Requests to one model for one horizon, with the futures of their results."""

    model: BatchModel
    steps: int
    levels: set[float] = field(default_factory=set)
    requests: list[tuple[ModelRequest, asyncio.Future[bytes]]] = field(
        default_factory=list
    )
    rows: int = 0

    @property
    def work(self) -> int:
        """Cost of the batch in multiplications of the networks, output included."""
        numbers = self.rows * self.steps * (1 + 2 * len(self.levels))
        requests = [request for request, _ in self.requests]
        products = self.model.work(requests, self.steps)
        return products + PRODUCTS_PER_NUMBER * numbers

    def has_room(self, request: ModelRequest) -> bool:
        """Return whether the levels of another request fit in."""
        return len(self.levels.union(request.levels)) <= MAX_BATCH_LEVELS

    def add(self, request: ModelRequest, future: "asyncio.Future[bytes]") -> None:
        """Add a request and the future of its result."""
        self.requests.append((request, future))
        self.levels.update(request.levels)
        self.rows += len(request.series_ids)

    def run(self) -> list[Result]:
        """Return the forecasts of each request as JSON, or its error.

        A request without a forecast does not fail the others.
        """
        requests = [request for request, _ in self.requests]
        try:
            return [*self._forecast(requests)]
        except InvalidValues as error:
            if len(requests) == 1:
                return [to_request_error(error)]
            return [result for request in requests for result in self._alone(request)]

    def _alone(self, request: ModelRequest) -> Iterator[Result]:
        try:
            yield from self._forecast([request])
        except InvalidValues as error:
            yield to_request_error(error)

    def _forecast(self, requests: list[ModelRequest]) -> Iterator[Result]:
        """Yield the results of requests forecast in one pass.

        Raises:
            InvalidValues: the model takes logarithms and a value is not positive.
        """
        levels = check_levels(self.levels)
        points, bounds, methods = self.model.forecast(requests, self.steps, levels)
        encoded, first = EncodedForecasts(levels, points, bounds), 0
        is_finite = bool(np.isfinite(points).all())
        for request in requests:
            part = slice(first, first + len(request.series_ids))
            error = None if is_finite else _find_error(points[part])
            yield error or encoded.select(
                request.series_ids,
                first,
                request.levels,
                request.timestamps,
                methods=methods[part],
            )
            first = part.stop

    def set_results(self, results: list[Result]) -> None:
        """Set the result of each request."""
        for (_, future), result in zip(self.requests, results, strict=True):
            if future.done():  # the client may have disconnected
                continue
            if isinstance(result, RequestError):
                future.set_exception(result)
            else:
                future.set_result(result)

    def fail(self, error: Exception) -> None:
        """Set the error of each request."""
        for _, future in self.requests:
            if not future.done():
                future.set_exception(error)


class Batcher:
    """Collects concurrent requests and forecasts them in batches.

    Args:
        workers: threads for large batches.
        count: called with the model and the number of series of each batch.
    """

    def __init__(
        self, workers: ForecastThreads, count: Callable[[str, int], None]
    ) -> None:
        self._workers, self._count = workers, count
        self._waiting: dict[tuple[Hashable, int], list[Batch]] = {}
        self._running: set[asyncio.Task[None]] = set()

    async def forecast(self, model: BatchModel, request: ModelRequest) -> bytes:
        """Forecast a request as part of a batch; return its forecasts as JSON.

        Raises:
            RequestError: no finite forecast follows the observations.
            TooBusy: too many requests wait already.
        """
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._run)
        batches = self._waiting.setdefault((model.key, request.steps), [])
        if not batches or not batches[-1].has_room(request):
            batches.append(Batch(model, request.steps))
        future: asyncio.Future[bytes] = loop.create_future()
        batches[-1].add(request, future)
        return await future

    def _run(self) -> None:
        waiting, self._waiting = self._waiting, {}
        for batch in (batch for batches in waiting.values() for batch in batches):
            if batch.work > MAX_INLINE_PRODUCTS:
                task = asyncio.create_task(self._run_in_thread(batch))
                self._running.add(task)
                task.add_done_callback(self._running.discard)
                continue
            try:
                batch.set_results(batch.run())
                self._count(batch.model.name, batch.rows)
            except Exception as error:
                batch.fail(error)

    async def _run_in_thread(self, batch: Batch) -> None:
        try:
            batch.set_results(await self._workers.run(batch.run))
            self._count(batch.model.name, batch.rows)
        except (TooBusy, Exception) as error:
            batch.fail(error)


def _find_error(points: FloatArray) -> RequestError | None:
    """Return the error for infinite forecasts of a request, or None."""
    try:
        with located_errors():
            check_finite(points)
    except RequestError as error:
        return error
    return None
