"""Threads that compute forecasts, so that the event loop stays free; bounded."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import ParamSpec, TypeVar

from serving.errors import TooBusy

P = ParamSpec("P")


T = TypeVar("T")


class ForecastThreads:
    """Runs functions in threads.

    Args:
        threads: at the same time.
        most: running or waiting; beyond that, callers are told to come back.
        tell: called with how many run or wait, whenever that changes.
    """

    def __init__(
        self, threads: int, most: int, tell: Callable[[int], None] = lambda _: None
    ) -> None:
        self._pool = ThreadPoolExecutor(threads, "forecast")
        self._most, self._busy, self._tell = most, 0, tell

    async def run(
        self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Call a function in a thread and return what it returns.

        Raises:
            TooBusy: too many calls wait already.
        """
        if self._busy >= self._most:
            raise TooBusy
        future = self._pool.submit(function, *args, **kwargs)
        self._count(1)
        loop = asyncio.get_running_loop()

        def end(_: object) -> None:
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(self._count, -1)

        future.add_done_callback(end)  # who gives up waiting does not end the work
        return await asyncio.wrap_future(future)

    def _count(self, more: int) -> None:
        self._busy += more
        self._tell(self._busy)

    def close(self) -> None:
        """Let what runs end, and start nothing more."""
        self._pool.shutdown(wait=False, cancel_futures=True)
