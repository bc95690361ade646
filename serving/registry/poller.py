"""Periodic refresh of the models from the registry, also during its outages."""

import asyncio
import gc
import logging
import time
from collections.abc import Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from serving.registry.cache_repair import CacheRepair
from serving.registry.mlflow_registry import RegistryDown
from serving.registry.model_source import ModelSource
from serving.registry.model_store import ModelStore
from serving.registry.snapshot import ModelSnapshot

T = TypeVar("T")
log = logging.getLogger(__name__)
TIMEOUT_SECONDS = 15.0  # time without an answer until the registry counts as away
START_TIMEOUT_SECONDS = 2.0  # the same at the start, if there is a cache to read
GC_THRESHOLD = 20_000  # new objects between two collections of the youngest


class Poller:
    """A task that reads the registry every few seconds and updates the models.

    If the registry is away at the start, its last state is read from the disk cache.

    Attributes:
        startup_done: set once settled, or if a read failed and no state is cached.
        settled: every version that the registry named has been tried once.
        from_cache: the state of the registry comes from the cache.
    """

    def __init__(self, source: ModelSource, models: ModelStore, seconds: float) -> None:
        self.settled = self.from_cache = False
        self.startup_done = asyncio.Event()
        self._source, self._models, self._seconds = source, models, seconds
        self._last_answer: float | None = None
        self._reachable: bool | None = None
        self._thread = ThreadPoolExecutor(1, "poll")
        self._repair = CacheRepair(source, models)

    @property
    def reachable(self) -> bool:
        """Whether the registry answers."""
        age = self.age
        max_age = max(TIMEOUT_SECONDS, 3 * self._seconds)
        return bool(self._reachable) and age is not None and age < max_age

    @property
    def age(self) -> float | None:
        """Seconds since the registry last answered; None when it never has."""
        return (
            None if self._last_answer is None else time.monotonic() - self._last_answer
        )

    @property
    def has_registry(self) -> bool:
        """Whether there should be a registry: its address was set, or it answered."""
        return self._source.is_configured or self.from_cache

    async def run(self) -> None:
        """Poll until cancelled."""
        async with asyncio.TaskGroup() as updates:
            while True:
                registered = await self._log_errors(self._read_registry())
                if registered is None:
                    self.startup_done.set()
                else:
                    updates.create_task(self._log_errors(self._follow(registered)))
                await asyncio.sleep(self._seconds)

    async def refresh(self) -> None:
        """Read the registry now, and follow it."""
        registered = await self._log_errors(self._read_registry())
        if registered is not None:
            await self._log_errors(self._follow(registered))

    def close(self) -> None:
        """Stop polling."""
        self._thread.shutdown(wait=False, cancel_futures=True)
        self._repair.close()

    async def _log_errors(self, step: Coroutine[None, None, T]) -> T | None:
        """Log errors: a poller that dies would freeze the models for ever."""
        try:
            return await step
        except Exception:
            log.exception("polling failed")
            return None

    async def _read_registry(self) -> Mapping[str, ModelSnapshot] | None:
        """Return the registered models; at the start, the cache is the fallback."""
        loop, starting = asyncio.get_running_loop(), self._models.registered is None
        timeout = TIMEOUT_SECONDS
        if starting and self._source.cache:
            timeout = START_TIMEOUT_SECONDS
        try:
            async with asyncio.timeout(timeout):
                registered = await loop.run_in_executor(self._thread, self._source.read)
        except (RegistryDown, TimeoutError) as error:
            reason = str(error) or f"nothing came back within {timeout:g} s"
            self._log_reachability(reachable=False, reason=reason)
            if not starting:
                return None
            cached = await asyncio.to_thread(self._source.read_cached)
            return {} if cached is None and not self.has_registry else cached
        self._last_answer = time.monotonic()
        self._log_reachability(reachable=True)
        return registered

    async def _follow(self, registered: Mapping[str, ModelSnapshot]) -> None:
        self.from_cache = self._last_answer is None and bool(registered)
        await self._models.follow(registered)
        if not self.settled and not self._models.pending_swaps:
            self.settled = True
            _freeze_garbage()
            self.startup_done.set()
        await self._repair.repair()

    def _log_reachability(self, *, reachable: bool, reason: str | None = None) -> None:
        """Log a change between reachable and away."""
        if reachable == self._reachable:
            return
        self._reachable = reachable
        if reachable:
            self._models.failures.retry()
            log.info("registry answers")
        else:
            log.warning("registry is away", extra={"fields": {"reason": reason}})


def _freeze_garbage() -> None:
    """Exclude all current objects from garbage collection, as they live on.

    Scanning the objects of MLflow and torch takes 60 ms each time. Most objects of
    requests are freed by reference counting, so that little is left to collect.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD)
