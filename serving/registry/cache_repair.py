"""Refill of a disk cache that lost versions or could not be written for a while."""

import asyncio
import math
from concurrent.futures import ThreadPoolExecutor

from serving.registry.loaded_model import LoadError
from serving.registry.mlflow_registry import MlflowRegistry
from serving.registry.model_store import ModelStore

RETRY_SECONDS = 60.0  # pause between two repairs


class CacheRepair:
    """Fetches the versions in memory that the cache lacks, one after the other.

    Only after a loss: versions that were removed to make room are not fetched again.

    Args:
        registry: source of the versions, with the cache.
        models: versions in memory.
    """

    def __init__(self, registry: MlflowRegistry, models: ModelStore) -> None:
        self._registry, self._models = registry, models
        self._next = 0.0  # earliest time of the next repair; infinite during one
        self._thread = ThreadPoolExecutor(1, "repair")

    async def repair(self) -> None:
        """Fetch missing versions if any were lost and the cache can be written."""
        cache, loop = self._registry.cache, asyncio.get_running_loop()
        if cache is None or not cache.incomplete or not cache.has_state:
            return
        if loop.time() < self._next:
            return
        self._next, cache.incomplete, failed = math.inf, False, False
        try:
            for name, version in list(self._models.loaded):
                failed |= not await self._fetch(name, version)
                if cache.incomplete:
                    break  # it cannot be written
        finally:
            self._next = loop.time() + RETRY_SECONDS
            if failed:
                cache.incomplete = True

    async def _fetch(self, name: str, version: str) -> bool:
        """Write a version to the cache; return False if the registry failed."""
        entry = (self._models.registered or {}).get(name)
        if entry is None:
            return True  # it is registered no more
        creation_time = entry.creation_times.get(version, 0)
        try:
            await asyncio.get_running_loop().run_in_executor(
                self._thread, self._registry.load, name, version, creation_time
            )
        except LoadError:
            return False
        return True

    def close(self) -> None:
        """Stop fetching."""
        self._thread.shutdown(wait=False, cancel_futures=True)
