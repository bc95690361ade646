"""MLflow runs: connection, opening, description and guaranteed end.

A run is open exactly as long as the block that opened it. It ends with the block:
FINISHED, FAILED, or KILLED on Ctrl-C and SIGTERM, with everything logged so far. Runs
of a process that died are ended by the next job.
"""

import logging
import os
import platform
import socket
import subprocess
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import mlflow
import psutil
from mlflow.entities import Run

from pipelines.errors import TrackingError
from pipelines.tracking.access import check_access, root_cause, without_password
from pipelines.tracking.interrupts import acknowledge_interrupt, interruptible
from pipelines.tracking.locks import new_store_lock

if TYPE_CHECKING:  # `recast models` does not import torch
    from mlflow.data.pandas_dataset import PandasDataset

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
        if is_local(uri):
            with new_store_lock(uri):
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


def _query_store() -> None:
    mlflow.MlflowClient().search_experiments(max_results=1)


@contextmanager
def tracked_run(
    job: "Job",
    name: str,
    *,
    settings: Mapping[str, Any] | None = None,
    nested: bool = False,
) -> Iterator[Run]:
    """Open a run of the job's experiment for the length of a block.

    Parameters: the job's settings. Artifact: the job file. Tags: package versions, host
    and git revision.

    Args:
        job: its settings become parameters.
        name: of the run.
        settings: values, by dotted path, of the settings that the job leaves open. An
            automatic normalization is left out; it is logged when it is chosen.
        nested: whether the run belongs to the open one.
    """
    if not nested:
        mlflow.set_experiment(job.name)
        _end_stale_runs(job.name)
    with interruptible():
        status = "FINISHED"
        try:
            run = mlflow.start_run(run_name=name, nested=nested, tags=_origin_tags())
            mlflow.log_params(_parameters(job, settings or {}))
            mlflow.log_text(job.to_yaml(), "job.yaml")
            yield run
        except BaseException as error:
            status = "KILLED" if acknowledge_interrupt(error) else "FAILED"
            raise
        finally:
            mlflow.end_run(status)


def name_run(*words: str) -> str:
    """Return a name that tells a run from others of its experiment by its time."""
    return f"{' '.join(words)} {datetime.now():%Y-%m-%d %H:%M}"


def make_dataset(panel: "Panel", job: "Job") -> "PandasDataset":
    """Return the series of a run as a dataset of MLflow: name, source, digest, size."""
    frame = panel.to_frame().rename(columns={"target": panel.target})
    with warnings.catch_warnings():
        # MLflow warns that a file path matches two kinds of dataset source.
        warnings.filterwarnings("ignore", "The specified dataset source can be")
        return mlflow.data.from_pandas(
            frame,
            source=str(job.data.path),
            targets=panel.target,
            name=job.data.path.name,
        )


def log_dataset(dataset: "PandasDataset") -> None:
    """Log the series of the open run as its training data."""
    with warnings.catch_warnings():
        # Integer steps are never missing.
        warnings.filterwarnings("ignore", "Hint: Inferred schema contains integer")
        mlflow.log_input(dataset, context="training")


def _parameters(job: "Job", settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a job by dotted path, open ones as they were chosen."""
    plain = _flatten(job.model_dump(mode="json")) | dict(settings)
    if plain["model.normalization"] == "auto":
        del plain["model.normalization"]
    return plain


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
