"""MLflow runs: opened, described and, whatever happens, ended.

A run is open exactly as long as the block that opened it. However the block ends, the
run ends with it: FINISHED, FAILED, or KILLED on Ctrl-C and SIGTERM, with everything
logged so far. Runs whose process died without a word are ended by the next job.
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
from pipelines.tracking.access import check_access, first_cause, without_password
from pipelines.tracking.interrupts import heard, interruptible

if TYPE_CHECKING:  # `recast models` need not wait for torch
    from forecasting.data.panel import Panel
    from pipelines.config.job import Job
DEFAULTS = {  # what the user has set wins
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    # It would end every run of a server with its address, password included.
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}


ANSWER_SECONDS = 10  # how long a tracking server may take to say anything


HOST, PROCESS = "recast.host", "recast.process"


def connect() -> str:
    """Make sure the tracking store answers, and return its URI.

    A new SQLite store is set up here, once, before anything is written to it; that
    takes as long as it takes, a server has ten seconds to answer.

    Raises:
        TrackingError: it does not answer, a server within ten seconds.
        AccessDenied: it asks for another user or password.
    """
    for name in ("alembic", "mlflow.store.db.utils", "mlflow.tracking.fluent"):
        logging.getLogger(name).setLevel(logging.ERROR)
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    uri = str(mlflow.get_tracking_uri())
    shown = without_password(uri)
    try:
        if uri.startswith("sqlite"):
            _open_file(uri)
        elif is_local(uri):
            _ask()
        elif not _answers_in_time():
            raise TrackingError(shown, f"nothing came back within {ANSWER_SECONDS} s")
    except TrackingError:
        raise
    except Exception as error:  # whatever a store or its driver may raise
        check_access(error)
        raise TrackingError(shown, first_cause(error)) from error
    return uri


def _answers_in_time() -> bool:
    """Ask the store for anything; return whether it answered before the deadline."""
    failure: list[BaseException] = []

    def ask() -> None:
        try:
            _ask()
        except Exception as error:
            failure.append(error)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(ANSWER_SECONDS)
    if failure:
        raise failure[0]
    return not asking.is_alive()


def is_local(uri: str) -> bool:
    """Return whether a store is a file or folder of this machine, not a server."""
    scheme, found, _ = uri.partition(":")
    return not found or scheme.partition("+")[0] in ("sqlite", "file")


def _open_file(uri: str) -> None:
    """Open a SQLite file, and set it up if it is new: one process, the others wait.

    However long that takes: a busy machine needs many seconds for MLflow's migrations,
    and processes that run them at once break each other's.
    """
    database = make_url(uri).database
    if not database or database == ":memory:":
        _ask()
        return
    with ExitStack() as setting_up:
        with suppress(OSError):  # another user's lock, who sets it up then
            setting_up.enter_context(FileLock(_lock_of(database)))
        _ask()


def _lock_of(database: str) -> Path:
    """Return a file to lock in place of a database, whose folder stays as it is."""
    digest = hashlib.sha256(str(Path(database).resolve()).encode()).hexdigest()
    return Path(tempfile.gettempdir()) / f"recast-{digest[:16]}.lock"


def _ask() -> None:
    mlflow.MlflowClient().search_experiments(max_results=1)


@contextmanager
def tracked_run(job: "Job", name: str, *, nested: bool = False) -> Iterator[Run]:
    """Open a run of the job's experiment for the length of a block.

    The job's settings are its parameters, the job file its artifact; versions, host and
    git revision are its tags.
    """
    if not nested:
        mlflow.set_experiment(job.name)
        _end_stale_runs(job.name)
    with interruptible():
        status = "FINISHED"
        try:
            run = mlflow.start_run(run_name=name, nested=nested, tags=_origin())
            mlflow.log_params(_flatten(job.model_dump(mode="json")))
            mlflow.log_text(job.to_yaml(), "job.yaml")
            yield run
        except BaseException as error:
            status = "KILLED" if heard(error) else "FAILED"
            raise
        finally:
            mlflow.end_run(status)


def log_dataset(panel: "Panel", job: "Job") -> None:
    """Log which series the run saw: name, source, digest, size."""
    frame = panel.to_frame().rename(columns={"target": panel.target})
    with warnings.catch_warnings():
        # MLflow knows a file path by two names for one thing, and says so.
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
    """Silence MLflow's chatter; what matters is said by the reports."""
    logger = logging.getLogger("mlflow")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _end_stale_runs(experiment: str) -> None:
    """End runs of this machine whose process is gone as KILLED."""
    found = mlflow.search_runs(
        experiment_names=[experiment],
        filter_string=f"attributes.status = 'RUNNING' and tags.`{HOST}` = '{_host()}'",
        output_format="list",
    )
    for run in found:
        if not _runs(run.data.tags.get(PROCESS, "")):
            mlflow.MlflowClient().set_terminated(run.info.run_id, "KILLED")


def _host() -> str:
    return socket.gethostname()


def _process() -> str:
    """Name this process: its number, and its start, for numbers are used again."""
    return f"{os.getpid()}:{psutil.Process().create_time():.0f}"


def _runs(process: str) -> bool:
    """Return whether a process of this machine still runs; its clock may be mended."""
    pid, _, started = process.partition(":")
    try:
        return abs(psutil.Process(int(pid)).create_time() - float(started)) < 60
    except (psutil.Error, ValueError):
        return False


def _origin() -> dict[str, str]:
    packages = ("torch", "numpy", "pandas", "mlflow", "recast-forecasting")
    tags = {f"version.{name}": version(name) for name in packages}
    tags["version.python"] = platform.python_version()
    tags[HOST] = _host()
    tags[PROCESS] = _process()
    revision = _git_revision()
    return tags | ({"mlflow.source.git.commit": revision} if revision else {})


def _git_revision() -> str | None:
    try:
        found = subprocess.run(
            ["git", "rev-parse", "HEAD"], capture_output=True, text=True, timeout=5
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout.strip() if found.returncode == 0 else None


def _flatten(plain: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in plain.items():
        if isinstance(value, dict):
            flat |= _flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat
