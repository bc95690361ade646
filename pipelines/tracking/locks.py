"""Stores that several jobs write to: the lock of a new one, and the wait for writers.

SQLite has a lock itself, which lets one process write at a time; here is the time that
others wait for it. The lock of a new store has no time limit: a busy machine needs many
seconds for MLflow's migrations.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import NullPool, Select, create_engine, event
from sqlalchemy.engine import Engine

from model_registry.addresses import without_password
from model_registry.locks import process_lock, say, sqlite_file

SQLITE_WAIT_SECONDS = 60  # for other writers; MLflow's 20 s are few for many jobs


def is_database(uri: str) -> bool:
    """Return whether a store is a database server that jobs write to directly."""
    return uri.partition(":")[0].partition("+")[0] in ("postgresql", "mysql", "mssql")


def ask_database(uri: str, query: Select[tuple[Any]]) -> Any:
    """Return the one value of a query to a database server."""
    with create_engine(uri, poolclass=NullPool).connect() as connection:
        return connection.execute(query).scalar_one()


def wait_for_writers() -> None:
    """Let SQLite wait longer for the writers of other processes than MLflow does.

    MLflow sets 20 s in each session, and offers no setting for it.
    """
    if not event.contains(Engine, "before_cursor_execute", _lengthen_wait):
        event.listen(Engine, "before_cursor_execute", _lengthen_wait, retval=True)


def _lengthen_wait(
    _connection: object, _cursor: object, statement: str, parameters: object, *_: object
) -> tuple[str, object]:
    if statement.startswith("PRAGMA busy_timeout ="):
        statement = f"PRAGMA busy_timeout = {1000 * SQLITE_WAIT_SECONDS}"
    return statement, parameters


@contextmanager
def new_store_lock(uri: str) -> Iterator[None]:
    """Exclude other processes while a store is opened, and perhaps created.

    MLflow's migrations break each other if two processes run them at once. A line on
    stderr says so where the store is new, or where another process is creating it.

    Raises:
        PermissionError: a new store cannot be created in its folder, which MLflow would
            try for two minutes.
    """
    path = sqlite_file(uri)
    if path is None and not is_database(uri):
        yield
        return
    if path is not None and not path.exists():
        folder = next(parent for parent in path.parents if parent.exists())
        if not os.access(folder, os.W_OK):
            raise PermissionError(f"the folder {folder} cannot be written to")
    place = str(path or without_password(uri))
    with process_lock(place, f"waiting for another process to open {place} ..."):
        if path is not None and not (path.exists() and path.stat().st_size):
            say(f"creating the MLflow store {path} ...")
        yield
