"""Looking at the registry again and again, away or not."""

import asyncio
import gc
import logging
import time
from collections.abc import Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from serving.registry.cache_repair import CacheRepair
from serving.registry.mlflow_registry import MlflowRegistry, RegistryDown
from serving.registry.model_store import ModelStore
from serving.registry.snapshot import ModelSnapshot

T = TypeVar("T")


log = logging.getLogger(__name__)


PATIENCE = 15.0  # seconds without an answer after which the registry counts as away


YOUNG = 20_000  # objects made until garbage is looked for among them


START = 2.0  # the same at the start, where a cache may answer instead


class Poller:
    """Asks the registry every few seconds and lets the models follow it.

    At the start, while the registry is away, the models follow what the cache
    remembers of it.

    Attributes:
        tried: set once settled, or when the first look found nothing out.
        settled: everything that the registry named has been tried once.
        recalled: what is known of the registry comes from the cache.
    """

    def __init__(
        self, registry: MlflowRegistry, models: ModelStore, seconds: float
    ) -> None:
        self.settled = self.recalled = False
        self.tried = asyncio.Event()
        self._registry, self._models, self._seconds = registry, models, seconds
        self._answered: float | None = None
        self._reachable: bool | None = None
        self._thread = ThreadPoolExecutor(1, "poll")
        self._mender = CacheRepair(registry, models)

    @property
    def reachable(self) -> bool:
        """Whether the registry answers."""
        age = self.age
        patient = max(PATIENCE, 3 * self._seconds)
        return bool(self._reachable) and age is not None and age < patient

    @property
    def age(self) -> float | None:
        """Seconds since the registry last answered; None when it never has."""
        return None if self._answered is None else time.monotonic() - self._answered

    async def run(self) -> None:
        """Poll until cancelled."""
        async with asyncio.TaskGroup() as moves:
            while True:
                registered = await self._guard(self._look())
                if registered is None:
                    self.tried.set()
                else:
                    moves.create_task(self._guard(self._follow(registered)))
                await asyncio.sleep(self._seconds)

    def close(self) -> None:
        """Stop asking."""
        self._thread.shutdown(wait=False, cancel_futures=True)
        self._mender.close()

    async def _guard(self, step: Coroutine[None, None, T]) -> T | None:
        """Log what goes wrong: a poller that dies would freeze the models for ever."""
        try:
            return await step
        except Exception:
            log.exception("polling failed")
            return None

    async def _look(self) -> Mapping[str, ModelSnapshot] | None:
        """Return what is registered; at the start, the cache may say it."""
        loop, starting = asyncio.get_running_loop(), self._models.registered is None
        patience = START if starting and self._registry.cache else PATIENCE
        try:
            async with asyncio.timeout(patience):
                registered = await loop.run_in_executor(
                    self._thread, self._registry.read
                )
        except (RegistryDown, TimeoutError) as error:
            reason = str(error) or f"nothing came back within {patience:g} s"
            self._note(reachable=False, reason=reason)
            return await asyncio.to_thread(self._registry.recall) if starting else None
        self._answered = time.monotonic()
        self._note(reachable=True)
        return registered

    async def _follow(self, registered: Mapping[str, ModelSnapshot]) -> None:
        self.recalled = self._answered is None
        await self._models.follow(registered)
        if not self.settled and not self._models.moving:
            self.settled = True
            _leave_to_stay()
            self.tried.set()
        await self._mender.mend()

    def _note(self, *, reachable: bool, reason: str | None = None) -> None:
        """Log a change of state, once."""
        if reachable == self._reachable:
            return
        self._reachable = reachable
        if reachable:
            self._models.retry()
            log.info("registry answers")
        else:
            log.warning("registry is away", extra={"fields": {"reason": reason}})


def _leave_to_stay() -> None:
    """Keep what is there now out of the garbage collector's sight: it stays.

    Looking through all that MLflow and torch have made takes 60 ms, again and again.
    What requests make is let go by counts of references, and little is left to collect.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG)
