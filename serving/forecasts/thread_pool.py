"""Bounded thread pools, which keep the event loop free."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import ParamSpec, TypeVar

from serving.errors import TooBusy

P = ParamSpec("P")
T = TypeVar("T")


class ForecastThreads:
    """A thread pool with a bounded queue.

    Args:
        threads: number of threads.
        max_calls: running and waiting calls; further calls raise `TooBusy`.
        report: called with the number of running and waiting calls on each change.
        name: of the threads.
    """

    def __init__(
        self,
        threads: int,
        max_calls: int,
        report: Callable[[int], None] = lambda _: None,
        name: str = "forecast",
    ) -> None:
        self._pool = ThreadPoolExecutor(threads, name)
        self._max_calls, self._busy, self._report = max_calls, 0, report

    async def run(
        self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Call a function in a thread and return its result.

        Raises:
            TooBusy: too many calls wait already.
        """
        if self._busy >= self._max_calls:
            raise TooBusy
        future = self._pool.submit(function, *args, **kwargs)
        self._count(1)
        loop = asyncio.get_running_loop()

        def end(_: object) -> None:
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(self._count, -1)

        future.add_done_callback(end)  # a cancelled wait does not end the work
        return await asyncio.wrap_future(future)

    def _count(self, change: int) -> None:
        self._busy += change
        self._report(self._busy)

    def close(self) -> None:
        """Cancel waiting calls; running calls end in the background."""
        self._pool.shutdown(wait=False, cancel_futures=True)
