"""Refill of a disk cache that lost versions or could not be written for a while."""

import asyncio
import math
from concurrent.futures import ThreadPoolExecutor

from serving.registry.load_failures import LoadError
from serving.registry.model_source import ModelSource
from serving.registry.model_store import ModelStore
from serving.registry.snapshot import Key

RETRY_SECONDS = 60.0  # pause between two repairs


class CacheRepair:
    """Fetches the versions in memory that the cache lacks, one after the other.

    Only after a loss: versions that were removed to make room are not fetched again.

    Args:
        source: loads the versions, with the cache.
        models: versions in memory.
    """

    def __init__(self, source: ModelSource, models: ModelStore) -> None:
        self._source, self._models = source, models
        self._next = 0.0  # earliest time of the next repair; infinite during one
        self._thread = ThreadPoolExecutor(1, "repair")

    async def repair(self) -> None:
        """Fetch missing versions if any were lost and the cache can be written."""
        cache, loop = self._source.cache, asyncio.get_running_loop()
        if cache is None or not cache.incomplete or not cache.has_state:
            return
        if loop.time() < self._next:
            return
        self._next, cache.incomplete, failed = math.inf, False, False
        try:
            for key in list(self._models.loaded):
                failed |= not await self._fetch(key)
                if cache.incomplete:
                    break  # it cannot be written
        finally:
            self._next = loop.time() + RETRY_SECONDS
            if failed:
                cache.incomplete = True

    async def _fetch(self, key: Key) -> bool:
        """Write a version to the cache; return False if the registry failed."""
        loop, models = asyncio.get_running_loop(), self._models
        try:
            await loop.run_in_executor(
                self._thread, self._source.load, *key, models.creation_time(*key)
            )
        except LoadError:
            return False
        return True

    def close(self) -> None:
        """Stop fetching."""
        self._thread.shutdown(wait=False, cancel_futures=True)
