"""Threads that compute forecasts, so that the event loop stays free; bounded."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
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
        self._busy += 1
        try:
            future = self._pool.submit(function, *args, **kwargs)
            return await asyncio.wrap_future(future)
        finally:
            self._busy -= 1

    def close(self) -> None:
        """Let what runs end, and start nothing more."""
        self._pool.shutdown(wait=False, cancel_futures=True)
