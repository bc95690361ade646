"""Requests that arrive together make one pass of the network.

What arrives within one turn of the event loop is collected and goes together, by model
and horizon. There is no timer: a lone request waits for nobody. Little work is done at
once, in the event loop's own thread; much goes to the workers.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from serving.errors import TooBusy
from serving.forecasts.fast_request import FastForecast, answer_fast, forecast_fast
from serving.forecasts.thread_pool import ForecastThreads
from serving.registry.loaded_model import LoadedModel

AT_ONCE = 2**24  # products of a pass that cost less than a thread's turn: a millisecond


TOGETHER = 20  # levels that one pass gives: others make a pass of their own


NUMBER = 2**9  # products that cost as much as writing one number


Told = bytes | None  # the forecasts as JSON


@dataclass(slots=True)
class Batch:
    """Requests to one model for one horizon, and whom to tell."""

    model: LoadedModel
    steps: int
    levels: set[float] = field(default_factory=set)
    asked: list[tuple[FastForecast, asyncio.Future[Told]]] = field(default_factory=list)
    rows: int = 0

    @property
    def work(self) -> int:
        """Products that the networks form, and what costs as much as they do."""
        assert self.model.quick is not None
        numbers = self.rows * self.steps * (1 + 2 * len(self.levels))
        return self.model.quick.work(self.rows, self.steps) + NUMBER * numbers

    def has_room(self, asked: FastForecast) -> bool:
        """Return whether the levels of one more request fit in."""
        return len(self.levels.union(asked.levels)) <= TOGETHER

    def add(self, asked: FastForecast, told: "asyncio.Future[Told]") -> None:
        """Take one more request."""
        self.asked.append((asked, told))
        self.levels.update(asked.levels)
        self.rows += len(asked.names)

    def run(self) -> list[Told]:
        """Return what is told to each request; None where there is no forecast.

        A request whose series have none does not keep others from theirs.
        """
        requests = [asked for asked, _ in self.asked]
        made = forecast_fast(self.model, requests, self.steps, self.levels)
        if made is None and len(requests) > 1:
            return [answer_fast(self.model, asked) for asked in requests]
        if made is None:
            return [None]
        first, told = 0, list[Told]()
        for asked in requests:
            told.append(asked.tell(made, first))
            first += len(asked.names)
        return told

    def tell(self, told: list[Told]) -> None:
        """Tell each request."""
        for (_, future), own in zip(self.asked, told, strict=True):
            if not future.done():  # who asked may have left
                future.set_result(own)

    def fail(self, error: Exception) -> None:
        """Tell each request that there is no forecast."""
        for _, future in self.asked:
            if not future.done():
                future.set_exception(error)


class Batcher:
    """Collects requests and answers them together.

    Args:
        workers: for passes that take long.
        count: called with the model and the series of each pass.
    """

    def __init__(
        self, workers: ForecastThreads, count: Callable[[str, int], None]
    ) -> None:
        self._workers, self._count = workers, count
        self._waiting: dict[tuple[int, int], list[Batch]] = {}
        self._running: set[asyncio.Task[None]] = set()

    async def forecast(self, model: LoadedModel, asked: FastForecast) -> Told:
        """Return the forecasts of a request; None where the library has none.

        Raises:
            TooBusy: too many requests wait already.
        """
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._run)
        batches = self._waiting.setdefault((id(model), asked.steps), [])
        if not batches or not batches[-1].has_room(asked):
            batches.append(Batch(model, asked.steps))
        told: asyncio.Future[Told] = loop.create_future()
        batches[-1].add(asked, told)
        return await told

    def _run(self) -> None:
        waiting, self._waiting = self._waiting, {}
        for batch in (batch for batches in waiting.values() for batch in batches):
            if batch.work > AT_ONCE:
                task = asyncio.create_task(self._run_beside(batch))
                self._running.add(task)
                task.add_done_callback(self._running.discard)
                continue
            try:
                batch.tell(batch.run())
                self._count(batch.model.name, batch.rows)
            except Exception as error:
                batch.fail(error)

    async def _run_beside(self, batch: Batch) -> None:
        try:
            batch.tell(await self._workers.run(batch.run))
            self._count(batch.model.name, batch.rows)
        except (TooBusy, Exception) as error:
            batch.fail(error)
