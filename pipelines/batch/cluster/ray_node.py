"""Run of a task on a node of a Ray cluster: its environment, its data, its log.

Nothing of Ray is imported: the functions run in any process.
"""

import math
import os
import platform
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path

import yaml
from filelock import FileLock

from pipelines.batch.folder import WORKER_SECONDS
from pipelines.batch.tasks import Task, TaskResult, fail, run_task
from pipelines.batch.worker import limit_threads

# Environment variables of the driver that a node receives.
PASSED_PREFIXES = ("MLFLOW_", "AWS_", "AZURE_", "GOOGLE_", "DATABRICKS_", "PG")
PASSED_NAMES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE")
RUN_NAMES = ("MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID")  # of the driver's open run
MAX_LOG_BYTES = 1_000_000  # of a log that travels to the driver, its end


@dataclass(frozen=True, slots=True)
class Driver:
    """Process that started the batch, as a node needs to know it.

    Attributes:
        host: name of its machine.
        folder: its working folder.
        marker: file in the folder of the batch, which only nodes that share it see.
        tracking_uri: of MLflow.
        environment: variables with credentials; they show in no representation.
        version: of Recast.
        started: seconds since 1970.
    """

    host: str
    folder: Path
    marker: Path
    tracking_uri: str = field(repr=False)
    environment: dict[str, str] = field(repr=False)
    version: str
    started: float

    @classmethod
    def of_this_process(cls, marker: Path, tracking_uri: str) -> "Driver":
        """Return this process as a driver."""
        environment = {
            name: value
            for name, value in os.environ.items()
            if name.startswith(PASSED_PREFIXES) or name.upper() in PASSED_NAMES
        }
        for name in RUN_NAMES:
            environment.pop(name, None)
        return cls(
            host=platform.node(),
            folder=Path.cwd(),
            marker=marker,
            tracking_uri=tracking_uri,
            environment=environment | {"MLFLOW_TRACKING_URI": tracking_uri},
            version=version("recast-forecasting"),
            started=time.time(),
        )


def run_on_node(task: Task, driver: Driver) -> tuple[TaskResult, str]:
    """Run a task on this node; return its result and the text of its log.

    The text is empty where the node has the driver's folder, for the log is there.

    Raises:
        KeyboardInterrupt: the task was cancelled.
    """
    problem = find_problem(task, driver)
    if problem is not None:
        return replace(fail(task, problem), is_final=True), f"Error: {problem}\n"
    os.environ.update(driver.environment)
    limit_threads(math.ceil(task.resources.cpus))  # a worker runs tasks of any needs
    if driver.folder.is_dir():
        os.chdir(driver.folder)
    if driver.marker.exists():
        with _alone(task, driver):
            return run_task(task), ""
    with _local_log(task) as local:
        result = run_task(local)
        return replace(result, log=str(task.log)), _last_bytes(local.log)


def find_problem(task: Task, driver: Driver) -> str | None:
    """Return why this node cannot run a task, and the remedy; None if it can."""
    node = platform.node()
    installed = version("recast-forecasting")
    if installed != driver.version:
        return (
            f"the node {node} has Recast {installed}, the driver {driver.version}: "
            "install the same version on all nodes."
        )
    if node == driver.host:
        return None
    problem = find_store_problem(driver.tracking_uri, node, driver.marker.exists())
    if problem is not None:
        return problem
    if task.trial is not None and task.trial.storage.startswith("sqlite"):
        return (
            f"the database of the trials is a file of the driver's machine, and the "
            f"node {node} is another machine. Give one that all nodes reach: "
            "--storage postgresql://USER:PASSWORD@HOST/DATABASE"
        )
    path = Path(yaml.safe_load(task.job)["data"]["path"])
    if path.exists():
        return None
    return (
        f"data.path: {path} is not on the node {node}. Put the file at this path on "
        "each node, or on a folder that all share."
    )


def find_store_problem(uri: str, node: str, shares_folder: bool) -> str | None:
    """Return why a node of another machine cannot write to a store; None if it can.

    Args:
        uri: of MLflow.
        node: name of the machine.
        shares_folder: whether it has the driver's folder, such as on NFS.
    """
    scheme = uri.partition(":")[0].partition("+")[0] if ":" in uri else "file"
    advice = (
        "Start an MLflow server that all nodes reach, and set MLFLOW_TRACKING_URI to "
        "its address: http://HOST:5000"
    )
    if scheme in ("sqlite", "file"):
        return (
            f"MLflow's store is a {scheme} store on the driver's machine, and the node "
            f"{node} is another machine. {advice}"
        )
    if scheme not in ("http", "https", "databricks") and not shares_folder:
        return (
            f"MLflow's store is a database, so each job writes its model to its own "
            f"disk, and the node {node} does not share the driver's folder. {advice}"
        )
    return None


@contextmanager
def _alone(task: Task, driver: Driver) -> Iterator[None]:
    """Wait for an attempt on a lost node with a live process, and exclude it.

    A later batch waits for such files, too: see `pipelines.batch.folder`.
    """
    path = driver.marker.parent / f"worker-{task.number}.lock"
    with FileLock(path, timeout=WORKER_SECONDS):
        yield
        path.unlink(missing_ok=True)


@contextmanager
def _local_log(task: Task) -> Iterator[Task]:
    """Return the task with a log in a new folder of this node."""
    folder = Path(tempfile.mkdtemp(prefix="recast-log-"))
    try:
        yield replace(task, log=folder / task.log.name)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _last_bytes(path: Path) -> str:
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(size - MAX_LOG_BYTES, 0))
        return file.read().decode("utf-8", errors="replace")
