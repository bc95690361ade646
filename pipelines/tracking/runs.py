"""MLflow runs: connection, opening, description and guaranteed end.

A run is open exactly as long as the block that opened it. It ends with the block:
FINISHED, FAILED, or KILLED on Ctrl-C and SIGTERM, with everything logged so far. Runs
of a process that died are ended by the next job.
"""

import hashlib
import logging
import os
import platform
import socket
import subprocess
import tempfile
import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mlflow
import psutil
from filelock import FileLock
from mlflow.entities import Run
from sqlalchemy.engine import make_url

from pipelines.errors import TrackingError
from pipelines.tracking.access import check_access, root_cause, without_password
from pipelines.tracking.interrupts import acknowledge_interrupt, interruptible

if TYPE_CHECKING:  # `recast models` does not import torch
    from forecasting.data.panel import Panel
    from pipelines.config.job import Job

MLFLOW_DEFAULTS = {  # the user's environment variables take precedence
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    # Otherwise MLflow prints the server's address, with the password, at a run's end.
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}

MAX_ANSWER_SECONDS = 10  # for the first response of a tracking server
HOST_TAG, PROCESS_TAG = "recast.host", "recast.process"


def connect() -> str:
    """Check that the tracking store answers, and return its URI.

    A new SQLite store is created here, without a time limit; a server must answer
    within ten seconds.

    Raises:
        TrackingError: the store does not answer, a server within ten seconds.
        AccessDenied: the server refuses the user or password.
    """
    for name in ("alembic", "mlflow.store.db.utils", "mlflow.tracking.fluent"):
        logging.getLogger(name).setLevel(logging.ERROR)
    for name, value in MLFLOW_DEFAULTS.items():
        os.environ.setdefault(name, value)
    uri = str(mlflow.get_tracking_uri())
    shown = without_password(uri)
    try:
        if uri.startswith("sqlite"):
            _open_sqlite(uri)
        elif is_local(uri):
            _query_store()
        elif not _answers_before_timeout():
            reason = f"nothing came back within {MAX_ANSWER_SECONDS} s"
            raise TrackingError(shown, reason)
    except TrackingError:
        raise
    except Exception as error:  # stores and drivers raise errors of any class
        check_access(error)
        raise TrackingError(shown, root_cause(error)) from error
    return uri


def _answers_before_timeout() -> bool:
    """Query the store in a thread; return whether it answered before the timeout."""
    failure: list[BaseException] = []

    def query() -> None:
        try:
            _query_store()
        except Exception as error:
            failure.append(error)

    thread = threading.Thread(target=query, daemon=True)
    thread.start()
    thread.join(MAX_ANSWER_SECONDS)
    if failure:
        raise failure[0]
    return not thread.is_alive()


def is_local(uri: str) -> bool:
    """Return whether a store is a file or folder of this machine, not a server."""
    scheme, colon, _ = uri.partition(":")
    return not colon or scheme.partition("+")[0] in ("sqlite", "file")


def _open_sqlite(uri: str) -> None:
    """Open a SQLite file; if it is new, one process creates it while others wait.

    There is no time limit: a busy machine needs many seconds for MLflow's migrations,
    and processes that run them at the same time break each other's.
    """
    database = make_url(uri).database
    if not database or database == ":memory:":
        _query_store()
        return
    with ExitStack() as lock:
        with suppress(OSError):  # the lock belongs to another user, creating the file
            lock.enter_context(FileLock(_lock_path(database)))
        _query_store()


def _lock_path(database: str) -> Path:
    """Return a lock file for a database, outside of the database's folder."""
    digest = hashlib.sha256(str(Path(database).resolve()).encode()).hexdigest()
    return Path(tempfile.gettempdir()) / f"recast-{digest[:16]}.lock"


def _query_store() -> None:
    mlflow.MlflowClient().search_experiments(max_results=1)


@contextmanager
def tracked_run(job: "Job", name: str, *, nested: bool = False) -> Iterator[Run]:
    """Open a run of the job's experiment for the length of a block.

    Parameters: the job's settings. Artifact: the job file. Tags: package versions, host
    and git revision.
    """
    if not nested:
        mlflow.set_experiment(job.name)
        _end_stale_runs(job.name)
    with interruptible():
        status = "FINISHED"
        try:
            run = mlflow.start_run(run_name=name, nested=nested, tags=_origin_tags())
            mlflow.log_params(_flatten(job.model_dump(mode="json")))
            mlflow.log_text(job.to_yaml(), "job.yaml")
            yield run
        except BaseException as error:
            status = "KILLED" if acknowledge_interrupt(error) else "FAILED"
            raise
        finally:
            mlflow.end_run(status)


def log_dataset(panel: "Panel", job: "Job") -> None:
    """Log the series of the run as a dataset: name, source, digest, size."""
    frame = panel.to_frame().rename(columns={"target": panel.target})
    with warnings.catch_warnings():
        # MLflow warns that a file path matches two kinds of dataset source.
        warnings.filterwarnings("ignore", "The specified dataset source can be")
        # Integer steps are never missing.
        warnings.filterwarnings("ignore", "Hint: Inferred schema contains integer")
        dataset = mlflow.data.from_pandas(
            frame,
            source=str(job.data.path),
            targets=panel.target,
            name=job.data.path.name,
        )
        mlflow.log_input(dataset, context="training")


@contextmanager
def quiet_mlflow() -> Iterator[None]:
    """Silence MLflow's log below errors for the length of a block."""
    logger = logging.getLogger("mlflow")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _end_stale_runs(experiment: str) -> None:
    """Mark the open runs of dead processes of this machine as KILLED."""
    runs = mlflow.search_runs(
        experiment_names=[experiment],
        filter_string=(
            f"attributes.status = 'RUNNING' and tags.`{HOST_TAG}` = '{_host_name()}'"
        ),
        output_format="list",
    )
    for run in runs:
        if not _is_running(run.data.tags.get(PROCESS_TAG, "")):
            mlflow.MlflowClient().set_terminated(run.info.run_id, "KILLED")


def _host_name() -> str:
    return socket.gethostname()


def _process_id() -> str:
    """Return the pid and start time of this process; pids alone are reused."""
    return f"{os.getpid()}:{psutil.Process().create_time():.0f}"


def _is_running(process: str) -> bool:
    """Return whether a process of this machine still runs.

    Start times may differ by a minute: the system clock may have been adjusted.
    """
    pid, _, started = process.partition(":")
    try:
        return abs(psutil.Process(int(pid)).create_time() - float(started)) < 60
    except (psutil.Error, ValueError):
        return False


def _origin_tags() -> dict[str, str]:
    packages = ("torch", "numpy", "pandas", "mlflow", "recast-forecasting")
    tags = {f"version.{name}": version(name) for name in packages}
    tags["version.python"] = platform.python_version()
    tags[HOST_TAG] = _host_name()
    tags[PROCESS_TAG] = _process_id()
    revision = _git_revision()
    return tags | ({"mlflow.source.git.commit": revision} if revision else {})


def _git_revision() -> str | None:
    try:
        result = subprocess.run(
            ["git", "rev-parse", "HEAD"], capture_output=True, text=True, timeout=5
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return result.stdout.strip() if result.returncode == 0 else None


def _flatten(plain: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in plain.items():
        if isinstance(value, dict):
            flat |= _flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat
