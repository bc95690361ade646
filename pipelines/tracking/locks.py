"""Locks between processes of this machine: of a new store, and of a model's alias.

A lock is a file in the system's temporary folder, and ends with its process. There is
no time limit: a busy machine needs many seconds for MLflow's migrations. Processes that
share a tracking server from several machines do not exclude each other.
"""

import hashlib
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import mlflow
from filelock import FileLock, Timeout
from sqlalchemy.engine import make_url

from pipelines.tracking.access import without_password

SILENT_SECONDS = 1.0  # of waiting; then a line says so


def sqlite_file(uri: str) -> Path | None:
    """Return the file of a SQLite store; None for another store, or one in memory."""
    if not uri.startswith("sqlite"):
        return None
    database = make_url(uri).database
    return None if database in (None, "", ":memory:") else Path(database).resolve()


@contextmanager
def new_store_lock(uri: str) -> Iterator[None]:
    """Exclude other processes while a SQLite store is opened, and perhaps created.

    MLflow's migrations break each other if two processes run them at once. A line on
    stderr says so where the store is new, or where another process is creating it.
    """
    path = sqlite_file(uri)
    if path is None:
        yield
        return
    with process_lock(str(path), f"waiting for another process to open {path} ..."):
        if not path.exists() or not path.stat().st_size:
            _say(f"creating the MLflow store {path} ...")
        yield


@contextmanager
def alias_lock(name: str) -> Iterator[None]:
    """Exclude other processes while a version of a model competes for an alias.

    Otherwise each of several first trainings would see no champion, and become it.
    """
    uri = str(mlflow.get_tracking_uri())
    store = sqlite_file(uri) or without_password(uri)
    with process_lock(f"{store} {name}", f"waiting for another training of {name} ..."):
        yield


@contextmanager
def process_lock(key: str, waiting: str) -> Iterator[None]:
    """Hold the lock of a key for the length of a block.

    Args:
        key: anything that names the resource.
        waiting: line on stderr if another process has the lock.
    """
    digest = hashlib.sha256(key.encode()).hexdigest()
    path = Path(tempfile.gettempdir()) / f"recast-{digest[:16]}.lock"
    with ExitStack() as stack:
        with suppress(OSError):  # the lock file belongs to another user
            lock = FileLock(path)
            try:
                lock.acquire(timeout=SILENT_SECONDS)
            except Timeout:
                _say(waiting)
                lock.acquire()
            stack.callback(lock.release)
        yield


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
