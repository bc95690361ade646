"""Dynamic batching: concurrent requests share one forward pass of the network.

Requests that arrive within one turn of the event loop are batched by model and horizon.
There is no timer: a lone request is not delayed. A small batch runs in the thread of
the event loop; a large one goes to the worker threads.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from serving.errors import TooBusy
from serving.forecasts.fast_request import FastForecast, answer_fast, forecast_fast
from serving.forecasts.thread_pool import ForecastThreads
from serving.registry.loaded_model import LoadedModel

MAX_INLINE_PRODUCTS = 2**24  # about 1 ms; a handover to a thread would cost more
MAX_BATCH_LEVELS = 20  # levels in one pass; further levels start another batch
PRODUCTS_PER_NUMBER = 2**9  # writing one number as text costs as much
Content = bytes | None  # the forecasts as JSON


@dataclass(slots=True)
class Batch:
    """Requests to one model for one horizon, with the futures of their results."""

    model: LoadedModel
    steps: int
    levels: set[float] = field(default_factory=set)
    requests: list[tuple[FastForecast, asyncio.Future[Content]]] = field(
        default_factory=list
    )
    rows: int = 0

    @property
    def work(self) -> int:
        """Cost of the batch in multiplications of the networks, output included."""
        numbers = self.rows * self.steps * (1 + 2 * len(self.levels))
        return (
            self.model.predictor.work(self.rows, self.steps)
            + PRODUCTS_PER_NUMBER * numbers
        )

    def has_room(self, request: FastForecast) -> bool:
        """Return whether the levels of another request fit in."""
        return len(self.levels.union(request.levels)) <= MAX_BATCH_LEVELS

    def add(self, request: FastForecast, future: "asyncio.Future[Content]") -> None:
        """Add a request and the future of its result."""
        self.requests.append((request, future))
        self.levels.update(request.levels)
        self.rows += len(request.names)

    def run(self) -> list[Content]:
        """Return the forecasts of each request as JSON; None where there are none.

        A request without a forecast does not fail the others.
        """
        requests = [request for request, _ in self.requests]
        forecasts = forecast_fast(self.model, requests, self.steps, self.levels)
        if forecasts is None and len(requests) > 1:
            return [answer_fast(self.model, request) for request in requests]
        if forecasts is None:
            return [None]
        first, contents = 0, list[Content]()
        for request in requests:
            contents.append(request.select(forecasts, first))
            first += len(request.names)
        return contents

    def set_results(self, contents: list[Content]) -> None:
        """Set the result of each request."""
        for (_, future), content in zip(self.requests, contents, strict=True):
            if not future.done():  # the client may have disconnected
                future.set_result(content)

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
        self._waiting: dict[tuple[int, int], list[Batch]] = {}
        self._running: set[asyncio.Task[None]] = set()

    async def forecast(self, model: LoadedModel, request: FastForecast) -> Content:
        """Forecast a request as part of a batch; None where the model has no forecast.

        Raises:
            TooBusy: too many requests wait already.
        """
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._run)
        batches = self._waiting.setdefault((id(model), request.steps), [])
        if not batches or not batches[-1].has_room(request):
            batches.append(Batch(model, request.steps))
        future: asyncio.Future[Content] = loop.create_future()
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
