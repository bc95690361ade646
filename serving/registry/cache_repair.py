"""A cache that lost versions, or could not be written for a while, gets them again."""

import asyncio
import math
from concurrent.futures import ThreadPoolExecutor

from serving.registry.loaded_model import LoadError
from serving.registry.mlflow_registry import MlflowRegistry
from serving.registry.model_store import ModelStore

AGAIN = 60.0  # seconds after which what could not be kept is tried again


class CacheRepair:
    """Fetches the versions in memory that the cache lacks, one after the other.

    Only after a loss: what left to make room for others stays away.

    Args:
        registry: where versions come from, with the cache.
        models: what is in memory.
    """

    def __init__(self, registry: MlflowRegistry, models: ModelStore) -> None:
        self._registry, self._models = registry, models
        self._next = 0.0  # when the cache may be mended again; never meanwhile
        self._thread = ThreadPoolExecutor(1, "mend")

    async def mend(self) -> None:
        """Fetch what is missing, if something was lost and the cache can be written."""
        cache, loop = self._registry.cache, asyncio.get_running_loop()
        if cache is None or not cache.lost or not cache.remembers:
            return
        if loop.time() < self._next:
            return
        self._next, cache.lost, missed = math.inf, False, False
        try:
            for name, version in list(self._models.held):
                missed |= not await self._fetch(name, version)
                if cache.lost:
                    break  # it cannot be written
        finally:
            self._next = loop.time() + AGAIN
            if missed:
                cache.lost = True

    async def _fetch(self, name: str, version: str) -> bool:
        """Have a version in the cache; return whether the registry delivered it."""
        entry = (self._models.registered or {}).get(name)
        if entry is None:
            return True  # nobody asks for it any more
        made, load = entry.made.get(version, 0), self._registry.load
        try:
            await asyncio.get_running_loop().run_in_executor(
                self._thread, load, name, version, made
            )
        except LoadError:
            return False
        return True

    def close(self) -> None:
        """Stop fetching."""
        self._thread.shutdown(wait=False, cancel_futures=True)
