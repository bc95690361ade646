"""Errors of loading a version, and the pause before it is tried again."""

import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

from serving.errors import ForeignVersion, ServiceError, VersionUnusable
from serving.masking import first_line
from serving.registry.snapshot import Key, RegistryChange

log = logging.getLogger(__name__)
FIRST_PAUSE_SECONDS, MAX_PAUSE_SECONDS = 1.0, 60.0


class LoadError(Exception):
    """A version cannot be loaded; the message holds no secrets and may be shown.

    Attributes:
        cause: first line of the inner error, for the log; empty if the message says it.
    """

    def __init__(self, reason: str, cause: BaseException | None = None) -> None:
        super().__init__(reason)
        self.cause = first_line(cause) if cause else ""


class ForeignModel(LoadError):
    """A version was made by something else than Recast, in a shared registry."""


@contextmanager
def load_errors(reason: str) -> Iterator[None]:
    """Raise any error within the context as a `LoadError` with a reason."""
    try:
        yield
    except LoadError:
        raise
    except Exception as error:  # whatever MLflow, a driver, a disk or a model may raise
        log.debug("load failed", exc_info=True)
        raise LoadError(reason, error) from error


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

    def drop_removed(self, change: RegistryChange) -> None:
        """Remove failures of versions that were removed or replaced in the registry.

        A removed version that an alias still points to remains refused.
        """
        for key in [key for key in self if not change.still_named(key)]:
            del self._failures[key]

    def retry(self) -> None:
        """Allow the next try of every version at once, after a registry outage."""
        for key, failure in self._failures.items():
            self._failures[key] = replace(failure, retry_at=0.0)


def _error(key: Key, failure: LoadFailure) -> ServiceError:
    if failure.foreign:
        return ForeignVersion(*key)
    return VersionUnusable(*key, failure.reason)
