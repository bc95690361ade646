"""Looking at the registry again and again, away or not."""

import asyncio
import logging
import time
from concurrent.futures import ThreadPoolExecutor

from serving.models import Models
from serving.registry import Registry, RegistryDown

log = logging.getLogger(__name__)
PATIENCE = 15.0  # seconds without an answer after which the registry counts as away


class Poller:
    """Asks the registry every few seconds and lets the models follow it.

    Attributes:
        settled: everything that the registry named has been tried once.
    """

    def __init__(self, registry: Registry, models: Models, seconds: float) -> None:
        self.settled = False
        self._registry, self._models, self._seconds = registry, models, seconds
        self._answered: float | None = None
        self._reachable: bool | None = None
        self._thread = ThreadPoolExecutor(1, "poll")

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
        while True:
            try:
                await self._look()
            except Exception:  # a poller that dies would freeze the models for ever
                log.exception("polling failed")
            await asyncio.sleep(self._seconds)

    def close(self) -> None:
        """Stop asking."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _look(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(PATIENCE):
                registered = await loop.run_in_executor(
                    self._thread, self._registry.read
                )
        except (RegistryDown, TimeoutError) as error:
            reason = str(error) or f"nothing came back within {PATIENCE:g} s"
            self._note(reachable=False, reason=reason)
            return
        self._answered = time.monotonic()
        self._note(reachable=True)
        await self._models.follow(registered)
        self.settled = True

    def _note(self, *, reachable: bool, reason: str | None = None) -> None:
        """Log a change of state, once."""
        if reachable == self._reachable:
            return
        self._reachable = reachable
        if reachable:
            log.info("registry answers")
        else:
            log.warning("registry is away", extra={"fields": {"reason": reason}})
