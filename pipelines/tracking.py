"""MLflow runs: opened, described and, whatever happens, ended.

A run is open exactly as long as the block that opened it. However the block ends, the
run ends with it: FINISHED, FAILED, or KILLED on Ctrl-C and SIGTERM, with everything
logged so far. Runs whose process died without a word are ended by the next job.
"""

import logging
import os
import platform
import re
import socket
import subprocess
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import mlflow
import psutil
from mlflow.entities import Run

from pipelines.errors import TrackingError
from pipelines.interrupts import heard, interruptible

if TYPE_CHECKING:  # `recast models` need not wait for torch
    from forecasting.series import Panel
    from pipelines.job import Job

DEFAULTS = {  # what the user has set wins
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}
ANSWER_SECONDS = 10  # how long a tracking server may take to say anything
HOST, PROCESS = "recast.host", "recast.process"


def connect() -> str:
    """Make sure the tracking store answers, and return its URI.

    A new SQLite store is set up here, once, before anything is written to it; that
    takes as long as it takes, a server has ten seconds to answer.

    Raises:
        TrackingError: it does not answer.
    """
    for name in ("alembic", "mlflow.store.db.utils", "mlflow.tracking.fluent"):
        logging.getLogger(name).setLevel(logging.ERROR)
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    uri = str(mlflow.get_tracking_uri())
    shown = without_password(uri)
    failure: list[BaseException] = []

    def ask() -> None:
        try:
            mlflow.MlflowClient().search_experiments(max_results=1)
        except Exception as error:  # whatever a store or its driver may raise
            failure.append(error)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(None if is_local(uri) else ANSWER_SECONDS)
    if asking.is_alive():
        raise TrackingError(shown, f"nothing came back within {ANSWER_SECONDS} s")
    if failure:
        raise TrackingError(shown, _first_cause(failure[0]))
    return uri


def is_local(uri: str) -> bool:
    """Return whether a store is a file or folder of this machine, not a server."""
    scheme, found, _ = uri.partition(":")
    return not found or scheme.partition("+")[0] in ("sqlite", "file")


def without_password(uri: str) -> str:
    """Return a URI, or a text with URIs, as a message may show it."""
    return re.sub(r"(://[^\s:/@]*:)(?!\d*/)[^\s]*@", r"\1***@", uri)


def _first_cause(error: BaseException) -> str:
    """Return in one line what started it: where the system said no, its words."""
    root, cause = error, error.__cause__ or error.__context__
    while cause is not None:
        root = cause if isinstance(cause, OSError) else root
        cause = cause.__cause__ or cause.__context__
    lines = str(root).strip().splitlines() or [type(root).__name__]
    return without_password(lines[0])[:300]


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
