"""The versions that could not be loaded, and when each is tried again."""

import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from serving.errors import ForeignVersion, ServiceError, VersionUnusable
from serving.registry.loaded_model import ForeignModel, LoadError
from serving.registry.lru_cache import Key
from serving.registry.snapshot import ModelSnapshot

log = logging.getLogger(__name__)


FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0  # seconds until a refused version is retried


@dataclass(frozen=True, slots=True)
class LoadFailure:
    """A version that could not be loaded, and when to try again."""

    reason: str
    foreign: bool
    pause: float
    until: float


class LoadFailures(Mapping[Key, LoadFailure]):
    """Refusals by name and version.

    Each failure doubles the pause before a version is tried again. One that Recast did
    not make is tried only when the registry was away: it will be no other.

    Args:
        count: called with a model's name when a version of it is refused.
    """

    def __init__(self, count: Callable[[str], None]) -> None:
        self._count = count
        self._refusals: dict[Key, LoadFailure] = {}

    def __getitem__(self, key: Key) -> LoadFailure:
        return self._refusals[key]

    def __iter__(self) -> Iterator[Key]:
        return iter(self._refusals)

    def __len__(self) -> int:
        return len(self._refusals)

    def is_foreign(self, key: Key) -> bool:
        """Return whether a version is known to be made by something else."""
        refusal = self._refusals.get(key)
        return refusal is not None and refusal.foreign

    def check(self, key: Key) -> None:
        """Refuse a version whose time to be tried again has not come.

        Raises:
            ForeignVersion: something else than Recast made it.
            VersionUnusable: it could not be loaded.
        """
        refusal = self._refusals.get(key)
        if refusal is not None and time.monotonic() < refusal.until:
            raise _error(key, refusal)

    def add(self, key: Key, error: LoadError) -> ServiceError:
        """Remember that a version could not be loaded; return what clients are told."""
        before, reason = self._refusals.get(key), str(error)
        foreign = isinstance(error, ForeignModel)
        pause = min(2 * before.pause, LONGEST_PAUSE) if before else FIRST_PAUSE
        until = math.inf if foreign else time.monotonic() + pause
        refusal = self._refusals[key] = LoadFailure(reason, foreign, pause, until)
        if not foreign:
            self._count(key[0])
        if before is None or before.reason != reason:
            fields = {"model": key[0], "version": key[1], "reason": reason}
            fields |= {"cause": error.cause} if error.cause else {}
            level = logging.INFO if foreign else logging.ERROR
            log.log(level, "version refused", extra={"fields": fields})
        return _error(key, refusal)

    def lift(self, key: Key) -> None:
        """Forget that a version was refused, if it was: it has been loaded."""
        self._refusals.pop(key, None)

    def forget(
        self, before: Mapping[str, ModelSnapshot], now: Mapping[str, ModelSnapshot]
    ) -> None:
        """Forget what nobody can ask for any more, or is another version by now.

        One that is gone, and that an alias still points to, is refused as before.
        """
        for name, version in list(self._refusals):
            entry = now.get(name)
            then = before.get(name, entry)
            if entry is None or then is None:
                del self._refusals[name, version]
                continue
            listed = version in entry.versions or version in entry.aliases.values()
            if not listed or then.made.get(version) != entry.made.get(version):
                del self._refusals[name, version]

    def retry(self) -> None:
        """Let every version be tried at once: the registry was away, and answers."""
        for key, refusal in self._refusals.items():
            self._refusals[key] = replace(refusal, until=0.0)


def _error(key: Key, refusal: LoadFailure) -> ServiceError:
    if refusal.foreign:
        return ForeignVersion(*key)
    return VersionUnusable(*key, refusal.reason)
