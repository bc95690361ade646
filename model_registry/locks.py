"""Locks between processes of this machine, such as that of a model's alias.

A lock is a file in the system's temporary folder, and ends with its process. Processes
that share a tracking server from several machines do not exclude each other.
"""

import hashlib
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import mlflow
from filelock import FileLock, Timeout
from sqlalchemy.engine import make_url

from model_registry.addresses import without_password

SILENT_SECONDS = 1.0  # of waiting; then a line says so


def sqlite_file(uri: str) -> Path | None:
    """Return the file of a SQLite store; None for another store, or one in memory."""
    if not uri.startswith("sqlite"):
        return None
    database = make_url(uri).database
    return None if database in (None, "", ":memory:") else Path(database).resolve()


@contextmanager
def alias_lock(name: str, seconds: float | None = None) -> Iterator[None]:
    """Exclude other processes while a version of a model competes for an alias.

    Otherwise each of several first trainings would see no champion, and become it.

    Args:
        name: of the model.
        seconds: to wait; default there is no limit, as a busy machine may need many.

    Raises:
        TimeoutError: another process has the lock for longer than that.
    """
    uri = str(mlflow.get_tracking_uri())
    store = sqlite_file(uri) or without_password(uri)
    waiting = f"waiting for another training of {name} ..."
    with process_lock(f"{store} {name}", waiting, seconds):
        yield


@contextmanager
def process_lock(
    key: str, waiting: str, seconds: float | None = None
) -> Iterator[None]:
    """Hold the lock of a key for the length of a block.

    Args:
        key: anything that names the resource.
        waiting: line on stderr if another process has the lock.
        seconds: to wait, without that line; default there is no limit.

    Raises:
        TimeoutError: another process has the lock for longer than ``seconds``.
    """
    lock = FileLock(_lock_file(key), is_singleton=True)  # may be nested
    is_locked = _acquire(lock, waiting, seconds)
    try:
        yield
    finally:
        if is_locked:
            lock.release()


def _acquire(lock: FileLock, waiting: str, seconds: float | None) -> bool:
    """Acquire a lock; return False where its file belongs to another user."""
    try:
        lock.acquire(timeout=SILENT_SECONDS if seconds is None else seconds)
    except Timeout:
        if seconds is not None:
            raise
        say(waiting)
        lock.acquire()
    except OSError:
        return False
    return True


def try_lock(key: str) -> FileLock | None:
    """Return the lock of a key, held; None if another process holds it."""
    lock = FileLock(_lock_file(key))
    try:
        lock.acquire(blocking=False)
    except (Timeout, OSError):
        return None
    return lock


def _lock_file(key: str) -> Path:
    digest = hashlib.sha256(key.encode()).hexdigest()
    return Path(tempfile.gettempdir()) / f"recast-{digest[:16]}.lock"


def say(line: str) -> None:
    """Write a line to stderr at once."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
