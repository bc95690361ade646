"""MLflow runs: connection, opening, description and guaranteed end.

A run is open exactly as long as the block that opened it. It ends with the block:
FINISHED, FAILED, or KILLED on Ctrl-C and SIGTERM, with everything logged so far. Runs
of a process that died are ended by the next job (`stale_runs.py`).
"""

import logging
import os
import platform
import subprocess
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import mlflow
import sqlalchemy
from mlflow.entities import Run

from model_registry.addresses import without_password
from pipelines.errors import TrackingError
from pipelines.tracking.access import check_access, root_cause
from pipelines.tracking.interrupts import acknowledge_interrupt, interruptible
from pipelines.tracking.locks import (
    ask_database,
    is_database,
    new_store_lock,
    wait_for_writers,
)
from pipelines.tracking.stale_runs import (
    forget_death,
    heartbeat,
    life_tags,
    sweep_stale_runs,
)

if TYPE_CHECKING:  # `recast models` does not import torch
    from pathlib import Path

    import pandas as pd
    from mlflow.data.pandas_dataset import PandasDataset

    from forecasting.data.panel import Panel
    from pipelines.config.job import Job
    from pipelines.config.sequence_job import SequenceJob

MLFLOW_DEFAULTS = {  # the user's environment variables take precedence
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    # Otherwise MLflow prints the server's address, with the password, at a run's end.
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}

MAX_ANSWER_SECONDS = 10  # for the first response of a tracking server


def connect() -> str:
    """Check that the tracking store answers, and return its URI.

    A new store in a file or database is created here, without a time limit; a server
    must answer within ten seconds.

    Raises:
        TrackingError: the store does not answer, a server within ten seconds.
        AccessDenied: the server refuses the user or password.
    """
    for name in ("alembic", "mlflow.tracking.fluent"):
        logging.getLogger(name).setLevel(logging.ERROR)
    # It logs the traceback of each error of a database that it raises besides.
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)
    for name, value in MLFLOW_DEFAULTS.items():
        os.environ.setdefault(name, value)
    uri = str(mlflow.get_tracking_uri())
    try:
        if is_local(uri) or is_database(uri):
            _open_store(uri)
        else:
            _await_answer(uri, _query_store)
    except TrackingError:
        raise
    except Exception as error:  # stores and drivers raise errors of any class
        check_access(error)
        raise TrackingError(without_password(uri), root_cause(error)) from error
    return uri


def _open_store(uri: str) -> None:
    """Query a store in a file or database, and create it if it is new."""
    if is_database(uri):  # MLflow would try for two minutes
        _await_answer(uri, lambda: ask_database(uri, sqlalchemy.select(1)))
    else:
        wait_for_writers()
    with new_store_lock(uri):
        _query_store()


def _await_answer(uri: str, query: Callable[[], object]) -> None:
    """Query a server in a thread.

    Raises:
        TrackingError: nothing came back before the timeout.
    """
    failure: list[BaseException] = []

    def run() -> None:
        try:
            query()
        except Exception as error:
            failure.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(MAX_ANSWER_SECONDS)
    if failure:
        raise failure[0]
    if thread.is_alive():
        reason = f"nothing came back within {MAX_ANSWER_SECONDS} s"
        raise TrackingError(without_password(uri), reason)


def is_local(uri: str) -> bool:
    """Return whether a store is a file or folder of this machine, not a server."""
    scheme, colon, _ = uri.partition(":")
    return not colon or scheme.partition("+")[0] in ("sqlite", "file")


def _query_store() -> None:
    mlflow.MlflowClient().search_experiments(max_results=1)


@contextmanager
def tracked_run(
    job: "Job | SequenceJob",
    name: str,
    *,
    settings: Mapping[str, Any] | None = None,
    nested: bool = False,
    run_id: str | None = None,
    on_start: Callable[[str], None] | None = None,
    tags: Mapping[str, str] | None = None,
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
        run_id: run to open again; None for a new one.
        on_start: called with the run's id as soon as there is one.
        tags: further tags.
    """
    if not nested:
        mlflow.set_experiment(job.name)
        sweep_stale_runs()
    with interruptible():
        status = "FINISHED"
        try:
            run = mlflow.start_run(
                run_id,
                run_name=None if run_id else name,
                nested=nested,
                tags=_origin_tags() | dict(tags or {}),
            )
            if run_id is not None:
                forget_death(run_id)
            if on_start is not None:
                on_start(run.info.run_id)
            mlflow.log_params(_parameters(job, settings or {}))
            mlflow.log_text(job.to_yaml(), "job.yaml")
            with heartbeat(run.info.run_id):
                yield run
        except BaseException as error:
            status = "KILLED" if acknowledge_interrupt(error) else "FAILED"
            raise
        finally:
            mlflow.end_run(status)


def find_unfinished(experiment: str, tags: Mapping[str, str]) -> Run | None:
    """Return the latest run of an experiment with some tags that did not finish.

    Returns:
        The run; None without one.
    """
    client = mlflow.MlflowClient()
    found = client.get_experiment_by_name(experiment)
    if found is None:
        return None
    filters = [f"tags.`{name}` = '{value}'" for name, value in tags.items()]
    filters.append("attributes.status != 'FINISHED'")
    runs = client.search_runs(
        [found.experiment_id], " and ".join(filters), max_results=1
    )
    return next(iter(runs), None)


def name_run(*words: str) -> str:
    """Return a name that tells a run from others of its experiment by its time."""
    return f"{' '.join(words)} {datetime.now():%Y-%m-%d %H:%M}"


def make_dataset(panel: "Panel", job: "Job") -> "PandasDataset":
    """Return the series of a run as a dataset of MLflow: name, source, digest, size."""
    frame = panel.to_frame().rename(columns={"target": panel.target})
    return dataset_of(frame, job.data.path, panel.target)


def dataset_of(frame: "pd.DataFrame", path: "Path", target: str) -> "PandasDataset":
    """Return a table as a dataset of MLflow.

    Args:
        frame: the table.
        path: of the file that it is from.
        target: column that is learnt.
    """
    with warnings.catch_warnings():
        # MLflow warns that a file path matches two kinds of dataset source.
        warnings.filterwarnings("ignore", "The specified dataset source can be")
        return mlflow.data.from_pandas(
            frame,
            source=str(path),
            targets=target,
            name=path.name,
        )


def log_dataset(dataset: "PandasDataset") -> None:
    """Log the series of the open run as its training data."""
    with warnings.catch_warnings():
        # Integer steps are never missing.
        warnings.filterwarnings("ignore", "Hint: Inferred schema contains integer")
        mlflow.log_input(dataset, context="training")


def _parameters(
    job: "Job | SequenceJob", settings: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the settings of a job by dotted path, open ones as they were chosen."""
    plain = job.model_dump(mode="json", exclude={"resources"})
    plain = _flatten(plain) | dict(settings)
    if plain.get("model.normalization") == "auto":
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


def _origin_tags() -> dict[str, str]:
    packages = ("torch", "numpy", "pandas", "mlflow", "recast-forecasting")
    tags = {f"version.{name}": version(name) for name in packages}
    tags["version.python"] = platform.python_version()
    revision = _git_revision()
    return (
        tags
        | life_tags()
        | ({"mlflow.source.git.commit": revision} if revision else {})
    )


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
