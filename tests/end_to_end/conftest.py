"""Fixtures: MLflow servers and PostgreSQL clusters of a test, as real processes."""

import functools
import importlib.util
import os
import pwd
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
START_SECONDS = 180  # for a server's first answer
DATABASE_PASSWORD = "deep-w4ter"


@pytest.fixture(scope="session")
def servers() -> SimpleNamespace:
    """Return functions that run servers for the length of a block."""
    functions = (
        *(find_free_port, is_answering, process_of),
        *(tracking_server, postgres, backend_store),
    )
    return SimpleNamespace(
        **{function.__name__: function for function in functions},
        password=DATABASE_PASSWORD,
    )


def find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_answering(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=2).close()
    except OSError:
        return False
    return True


def wait_for(condition: Callable[[], bool], process: subprocess.Popen, log: Path):
    end = time.monotonic() + START_SECONDS
    while not condition():
        assert process.poll() is None, f"it has died:\n{log.read_text()}"
        assert time.monotonic() < end, f"it does not answer:\n{log.read_text()}"
        time.sleep(0.05)


@contextmanager
def process_of(
    command, log: Path, ready: Callable[[], bool], end=signal.SIGTERM, **options
):
    """Run a server until the block ends."""
    with log.open("w") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=output, start_new_session=True, **options
        )
    try:
        wait_for(ready, process, log)
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, end)
        process.wait(timeout=60)


def compose_options() -> list[str]:
    """Return the server's options in the compose file, without its stores."""
    compose = yaml.safe_load((ROOT / "mlflow" / "compose.yaml").read_text())
    stores = ("--backend-store-uri", "--artifacts-destination")
    command = compose["services"]["mlflow"]["command"]
    return [option for option in command if not option.startswith(stores)]


@contextmanager
def tracking_server(folder: Path, store: str, *options: str, **variables: str):
    """Run an MLflow server until the block ends; yield its address and log."""
    port = find_free_port()
    url = f"http://127.0.0.1:{port}"
    command = [
        sys.executable, "-m", "mlflow", "server", "--workers", "1", "--port", str(port),
        "--backend-store-uri", store, "--artifacts-destination", str(folder / "stored"),
        *compose_options(), *options,
    ]  # fmt: skip
    environment = os.environ | variables
    environment["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] = "false"
    environment.pop("MLFLOW_TRACKING_URI", None)
    ready = functools.partial(is_answering, f"{url}/health")
    log = folder / "mlflow.log"
    with process_of(command, log, ready, cwd=folder, env=environment):
        yield url, log


def find_postgres() -> Path | None:
    """Return the folder of PostgreSQL's programs, which Debian keeps off the path."""
    programs = ("initdb", "postgres", "pg_isready")
    folders = [Path(folder) for folder in os.get_exec_path()]
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    complete = (f for f in folders if all((f / name).is_file() for name in programs))
    return next(complete, None)


def postgres_user() -> dict[str, Any]:
    """Return the user of PostgreSQL, for `subprocess`: PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return {}
    try:
        account = pwd.getpwnam("postgres")
    except KeyError:
        pytest.skip("no user named postgres, and PostgreSQL does not run as root")
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


@contextmanager
def postgres(log: Path) -> Iterator[str]:
    """Run a separate PostgreSQL cluster until the block ends; yield its URI."""
    programs = find_postgres()
    if programs is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    if importlib.util.find_spec("psycopg2") is None:
        pytest.skip("psycopg2 is not installed: pip install psycopg2-binary")
    user = postgres_user()
    port = find_free_port()
    # Another user must reach it: pytest's own folders are closed to others.
    with tempfile.TemporaryDirectory(prefix="recast-pg-") as root:
        folder, secret = Path(root), Path(root) / "password"
        secret.write_text(DATABASE_PASSWORD)
        if user:
            os.chown(folder, user["user"], user["group"])
            os.chown(secret, user["user"], user["group"])
        initdb = subprocess.run(
            [programs / "initdb", "--pgdata", folder / "data", "--username", "mlflow",
             "--auth", "scram-sha-256", "--pwfile", secret, "--no-sync"],
            capture_output=True, text=True, timeout=60, cwd=folder, **user,
        )  # fmt: skip
        assert initdb.returncode == 0, initdb.stderr
        command = [
            programs / "postgres", "-D", folder / "data", "-p", str(port), "-k", folder,
            "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off",
        ]  # fmt: skip
        ready = [programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
        with process_of(
            command, log, lambda: subprocess.run(ready).returncode == 0,
            end=signal.SIGINT, cwd=folder, **user,
        ):  # fmt: skip
            yield f"postgresql+psycopg2://mlflow@127.0.0.1:{port}/postgres"


@contextmanager
def backend_store(kind: str, folder: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the URI of a store, and the variables that the server needs for it."""
    if kind == "sqlite":
        yield f"sqlite:///{folder}/backend.db", {}
        return
    with postgres(folder / "postgres.log") as uri:
        yield uri, {"PGPASSWORD": DATABASE_PASSWORD}
