"""Versions that could not be loaded, and the pause before each is tried again."""

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
FIRST_PAUSE_SECONDS, MAX_PAUSE_SECONDS = 1.0, 60.0


@dataclass(frozen=True, slots=True)
class LoadFailure:
    """A failure to load a version.

    Attributes:
        reason: shown to clients.
        foreign: something else than Recast made the version.
        pause: seconds before the next try.
        retry_at: time of the next try, on the monotonic clock.
    """

    reason: str
    foreign: bool
    pause: float
    retry_at: float


class LoadFailures(Mapping[Key, LoadFailure]):
    """Failures by name and version.

    Each failure doubles the pause before a version is tried again. A version that
    Recast did not make is tried again only after the registry was away, because its
    content cannot change.

    Args:
        count_failure: called with a model's name when a version of it is refused.
    """

    def __init__(self, count_failure: Callable[[str], None]) -> None:
        self._count_failure = count_failure
        self._failures: dict[Key, LoadFailure] = {}

    def __getitem__(self, key: Key) -> LoadFailure:
        return self._failures[key]

    def __iter__(self) -> Iterator[Key]:
        return iter(self._failures)

    def __len__(self) -> int:
        return len(self._failures)

    def is_foreign(self, key: Key) -> bool:
        """Return whether a version was refused because Recast did not make it."""
        failure = self._failures.get(key)
        return failure is not None and failure.foreign

    def check(self, key: Key) -> None:
        """Refuse a version during the pause before its next try.

        Raises:
            ForeignVersion: something else than Recast made it.
            VersionUnusable: it could not be loaded.
        """
        failure = self._failures.get(key)
        if failure is not None and time.monotonic() < failure.retry_at:
            raise _error(key, failure)

    def add(self, key: Key, error: LoadError) -> ServiceError:
        """Record a failure, log it if it is new, and return the error for clients."""
        previous, reason = self._failures.get(key), str(error)
        foreign = isinstance(error, ForeignModel)
        pause = FIRST_PAUSE_SECONDS
        if previous:
            pause = min(2 * previous.pause, MAX_PAUSE_SECONDS)
        retry_at = math.inf if foreign else time.monotonic() + pause
        failure = self._failures[key] = LoadFailure(reason, foreign, pause, retry_at)
        if not foreign:
            self._count_failure(key[0])
        if previous is None or previous.reason != reason:
            fields = {"model": key[0], "version": key[1], "reason": reason}
            fields |= {"cause": error.cause} if error.cause else {}
            level = logging.INFO if foreign else logging.ERROR
            log.log(level, "version refused", extra={"fields": fields})
        return _error(key, failure)

    def discard(self, key: Key) -> None:
        """Remove the failure of a version that has been loaded, if there was one."""
        self._failures.pop(key, None)

    def drop_removed(
        self,
        previous: Mapping[str, ModelSnapshot],
        current: Mapping[str, ModelSnapshot],
    ) -> None:
        """Remove failures of versions that were removed or replaced in the registry.

        A removed version that an alias still points to remains refused.
        """
        for name, version in list(self._failures):
            entry = current.get(name)
            before = previous.get(name, entry)
            if entry is None or before is None:
                del self._failures[name, version]
                continue
            listed = version in entry.versions or version in entry.aliases.values()
            created = entry.creation_times.get(version)
            if not listed or before.creation_times.get(version) != created:
                del self._failures[name, version]

    def retry(self) -> None:
        """Allow the next try of every version at once, after a registry outage."""
        for key, failure in self._failures.items():
            self._failures[key] = replace(failure, retry_at=0.0)


def _error(key: Key, failure: LoadFailure) -> ServiceError:
    if failure.foreign:
        return ForeignVersion(*key)
    return VersionUnusable(*key, failure.reason)
