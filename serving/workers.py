"""Threads that compute forecasts, so that the event loop stays free; bounded."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import ParamSpec, TypeVar

from serving.errors import TooBusy

P = ParamSpec("P")
T = TypeVar("T")


class Workers:
    """Runs functions in threads.

    Args:
        threads: at the same time.
        most: running or waiting; beyond that, callers are told to come back.
    """

    def __init__(self, threads: int, most: int) -> None:
        self._pool = ThreadPoolExecutor(threads, "forecast")
        self._most, self._busy = most, 0

    @property
    def busy(self) -> int:
        """Calls running or waiting."""
        return self._busy

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
        self._busy += 1
        loop = asyncio.get_running_loop()

        def end(_: object) -> None:
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(self._end)

        future.add_done_callback(end)  # who gives up waiting does not end the work
        return await asyncio.wrap_future(future)

    def _end(self) -> None:
        self._busy -= 1

    def close(self) -> None:
        """Let what runs end, and start nothing more."""
        self._pool.shutdown(wait=False, cancel_futures=True)
