"""Executor by Ray: each task of a batch is a Ray task with its needs.

Ray places the tasks, keeps processes warm between them, and runs a task again where its
worker or node died. Ray is imported when a cluster is opened.
"""

import math
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipelines.batch.cluster.ray_node import Driver, find_store_problem, run_on_node
from pipelines.batch.executor import Ended, Started
from pipelines.batch.tasks import Task, fail, next_attempt
from pipelines.config.resources import Resources
from pipelines.errors import ClusterError, InputError
from pipelines.tracking.interrupts import acknowledge_interrupt

LOCAL = "local"
MAX_ANSWER_SECONDS = 10  # for the first answer of a cluster
MAX_DEATHS = 3  # of the worker or node of a task, after which it has failed
POLL_SECONDS = 1.0
CANCEL_SECONDS = 30.0  # for cancelled tasks to end their runs, then they are killed
MAX_MESSAGE = 200  # characters of a message of Ray
OBJECT_STORE_BYTES = 100 * 2**20  # tasks and results are small

QUIET = {  # the user's environment variables take precedence
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "1",  # no GPU for a task that needs none
}


@contextmanager
def open_cluster(address: str) -> Iterator[None]:
    """Connect to a Ray cluster for the length of a block.

    Args:
        address: ``HOST:PORT`` of the head node, or ``local`` for a cluster of this
            machine that ends with the block.

    Raises:
        InputError: Ray is not installed.
        ClusterError: the cluster does not answer within ten seconds.
    """
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    try:
        import ray
    except ModuleNotFoundError as error:
        if error.name != "ray":
            raise
        raise InputError(
            "--ray needs the package ray: pip install 'recast-forecasting[ray]'"
        ) from None
    with _place_of_session(address) as options:
        before = signal.getsignal(signal.SIGTERM)
        try:
            ray.init(log_to_driver=False, logging_level="error", **options)
        except Exception as error:
            raise ClusterError(address, _first_sentence(error)) from error
        if callable(before):  # Ray has replaced it
            signal.signal(signal.SIGTERM, before)
        _shorten_messages()
        try:
            yield
        finally:
            ray.shutdown()


def _shorten_messages() -> None:
    """Print the first lines of Ray's messages to stderr; Ray prints pages to stdout."""
    from ray._private import worker

    def print_first_lines(data: dict[str, Any], **_: Any) -> None:
        for text in data["lines"]:
            line = (text.strip().splitlines() or [""])[0]
            sys.stderr.write(f"Ray: {line[:MAX_MESSAGE]}\n")

    worker.print_to_stdstream = print_first_lines


class RayCluster:
    """Executor on the Ray cluster that is open, see `open_cluster`.

    Args:
        folder: of the batch, by which nodes see whether they share the driver's disk.
        tracking_uri: of MLflow.
        workers: number of tasks at once; default as many as fit.

    Raises:
        InputError: the store of MLflow is a file of this machine, and the cluster has
            nodes on others.
    """

    def __init__(
        self, folder: Path, tracking_uri: str, workers: int | None = None
    ) -> None:
        self._folder, self._uri, self._workers = folder, tracking_uri, workers
        for node in _alive_nodes():
            name = node["NodeManagerHostname"]
            if name == platform.node():
                continue
            problem = find_store_problem(tracking_uri, name, shares_folder=True)
            if problem is not None:
                raise InputError(problem)

    def run(self, tasks: Iterable[Task]) -> Iterator[Started | Ended]:
        """Run tasks as Ray tasks; see `pipelines.batch.executor.Executor.run`."""
        marker = self._folder / f".driver-{uuid.uuid4().hex}"
        marker.touch()
        running = _Running(Driver.of_this_process(marker, self._uri))
        queue = iter(tasks)
        waiting = next(queue, None)
        try:
            while waiting is not None or running:
                while waiting is not None and self._has_place(running, waiting):
                    problem = find_missing_resources(waiting)
                    if problem is not None:
                        yield Ended(replace(fail(waiting, problem), is_final=True))
                    else:
                        running.submit(waiting)
                    waiting = next(queue, None)
                yield from running.collect()
        except BaseException as error:
            acknowledge_interrupt(error)  # the tasks need time to end
            raise
        finally:
            running.close()
            marker.unlink(missing_ok=True)

    def _has_place(self, running: "_Running", task: Task) -> bool:
        """Return whether to submit a task: one may wait behind each that runs."""
        if self._workers is not None:
            return len(running) < self._workers
        return len(running) < 2 * max(count_places(task.resources), 1)


class _Running:
    """The submitted tasks, each as a stream of its starts and of its result.

    Args:
        driver: this process, as the nodes need to know it.
    """

    def __init__(self, driver: Driver) -> None:
        import ray

        self._ray = ray
        self._tasks: dict[Any, Task] = {}
        self._attempts: dict[Any, int] = {}
        self._driver = ray.put(driver)
        self._remote = ray.remote(_stream_task)

    def __len__(self) -> int:
        return len(self._tasks)

    def submit(self, task: Task) -> None:
        """Hand a task to Ray."""
        needs = task.resources
        stream = self._remote.options(
            name=task.name,
            num_cpus=needs.cpus,
            num_gpus=needs.gpus,
            memory=needs.memory and int(needs.memory),
            max_retries=MAX_DEATHS,
            retry_exceptions=[AttemptFailed],
            scheduling_strategy="SPREAD",
        ).remote(task, self._driver)
        self._tasks[stream], self._attempts[stream] = task, 0

    def collect(self) -> Iterator[Started | Ended]:
        """Wait a second for news of a task, and yield it."""
        if not self._tasks:
            return
        ready, _ = self._ray.wait(
            list(self._tasks), timeout=POLL_SECONDS, fetch_local=False
        )
        for stream in ready:
            news = self._read(stream)
            if isinstance(news, Ended):
                del self._tasks[stream], self._attempts[stream]
            if news is not None:
                yield news

    def _read(self, stream: Any) -> Started | Ended | None:
        """Return the next item of a task's stream, its log written."""
        task = self._tasks[stream]
        try:
            item = self._ray.get(next(stream))
        except (self._ray.exceptions.RayError, StopIteration) as error:
            result = fail(task, _describe_death(error))
            attempts = max(self._attempts[stream], 1)
            return Ended(replace(result, attempts=attempts))
        if isinstance(item, Started):
            is_new = item.attempt > self._attempts[stream]
            self._attempts[stream] = item.attempt
            return item if is_new else None
        result, text = item
        if text:
            with task.log.open("a", encoding="utf-8") as file:
                file.write(text)
        return None if next_attempt(task, result) else Ended(result)

    def close(self) -> None:
        """Cancel the tasks that run, so that their MLflow runs end."""
        for stream in self._tasks:
            self._ray.cancel(stream)
        end = time.monotonic() + CANCEL_SECONDS
        for stream in self._tasks:
            self._drain(stream, end)
        self._tasks.clear()

    def _drain(self, stream: Any, end: float) -> None:
        """Wait for the end of a cancelled task, then kill it."""
        with suppress(self._ray.exceptions.RayError, StopIteration):
            while (left := end - time.monotonic()) > 0:
                if self._ray.wait([stream], timeout=left)[0]:
                    self._ray.get(next(stream))
            self._ray.cancel(stream, force=True)


class AttemptFailed(Exception):
    """Raised to let Ray run a task again that failed, not for good."""


def _stream_task(task: Task, driver: Driver) -> Iterator[Started | tuple[Any, str]]:
    """Run a task in a Ray worker; yield its start, and its result with its log.

    Ray drops as many items of a repeated attempt as it has delivered of the earlier
    ones: each of these has a start and perhaps a failure.
    """
    import ray

    attempt = _attempt_number()
    if attempt > 1:
        since = task.since or driver.started  # the job may have ended unheard
        work = replace(task.work, resume=True)
        task = replace(task, work=work, since=since, attempt=attempt)
    node = ray.get_runtime_context().get_node_id()[:8]
    start = Started(task.number, f"{platform.node()}/{node}", attempt)
    for _ in range(2 * attempt - 1):
        yield start
    result, text = run_on_node(task, driver)
    yield result, text
    if next_attempt(task, result) is not None:
        raise AttemptFailed(result.error)


def _attempt_number() -> int:
    """Return the number of a Ray task's attempt, from 1; Ray has no public name."""
    from ray._private.worker import global_worker

    return int(global_worker.core_worker.get_current_task_attempt_number()) + 1


def count_places(needs: Resources) -> int:
    """Return how many tasks of the same needs the cluster runs at once."""
    return sum(_count_places(node["Resources"], needs) for node in _alive_nodes())


def find_missing_resources(task: Task) -> str | None:
    """Return why no node can run a task; None if one can."""
    needs = task.resources
    if needs.gpus > 1 and needs.gpus != int(needs.gpus):
        return f"resources.gpus: expected a whole number above 1, found {needs.gpus:g}"
    if count_places(needs):
        return None
    nodes = [node["Resources"] for node in _alive_nodes()]
    largest = {
        name: max((node.get(name, 0.0) for node in nodes), default=0.0)
        for name in ("CPU", "GPU", "memory")
    }
    return (
        f"resources: no node has {needs.cpus:g} cpus, {needs.gpus:g} gpus and "
        f"{(needs.memory or 0) / 1e9:.3g} GB free for one job; the largest have "
        f"{largest['CPU']:g} cpus, {largest['GPU']:g} gpus and "
        f"{largest['memory'] / 1e9:.3g} GB. Lower resources.cpus, resources.gpus or "
        "resources.memory in the job, or add a node."
    )


def _count_places(node: dict[str, float], needs: Resources) -> int:
    amounts = {"CPU": needs.cpus, "GPU": needs.gpus, "memory": needs.memory or 0}
    ratios = [node.get(name, 0.0) / need for name, need in amounts.items() if need]
    return math.floor(min(ratios) + 1e-9)


def _alive_nodes() -> list[dict[str, Any]]:
    import ray

    return [node for node in ray.nodes() if node["Alive"]]


def _describe_death(error: Exception) -> str:
    """Return the reason for a task's end without a result, in one sentence."""
    import ray

    reasons = {
        ray.exceptions.OutOfMemoryError: (
            "Ray killed the worker, for its node ran out of memory: set "
            "resources.memory in the job to what it needs"
        ),
        ray.exceptions.NodeDiedError: "the node died",
        ray.exceptions.LocalRayletDiedError: "the node died",
        ray.exceptions.WorkerCrashedError: "the worker process died",
    }
    for kind, reason in reasons.items():
        if isinstance(error, kind):
            return f"{reason}, {MAX_DEATHS + 1} times in all"
    cause = getattr(error, "cause", None) or error  # of an error in the worker
    name, text = type(cause).__name__, _first_sentence(cause)
    advice = "see the logs of Ray, and install the same version on all nodes"
    return f"Ray could not run the job: {name}: {text}; {advice}"


@contextmanager
def _place_of_session(address: str) -> Iterator[dict[str, Any]]:
    """Return options of `ray.init`; files of a local cluster are removed at the end."""
    if address != LOCAL:
        check_address(address)
        yield {"address": address}
        return
    # Sockets have short paths: the temporary folder of macOS is too long.
    parent = "/tmp" if os.path.isdir("/tmp") else None
    folder = tempfile.mkdtemp(prefix="recast-ray-", dir=parent)
    try:
        yield {
            "address": LOCAL,
            "include_dashboard": False,
            "object_store_memory": OBJECT_STORE_BYTES,
            "_temp_dir": folder,
        }
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def check_address(address: str) -> None:
    """Check that a Ray cluster answers at an address.

    Ray itself waits for minutes, and cannot be interrupted; so a process asks.

    Raises:
        ClusterError: it does not answer within ten seconds.
    """
    if address.startswith("ray://"):
        raise ClusterError(address, "this is an address of Ray Client")
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise ClusterError(address, "expected HOST:PORT, such as 10.0.0.1:6379")
    start = time.monotonic()
    try:
        socket.create_connection((host, int(port)), MAX_ANSWER_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise ClusterError(address, _first_sentence(error)) from None
    left = max(MAX_ANSWER_SECONDS - (time.monotonic() - start), 0.1)
    command = [sys.executable, "-m", "ray.scripts.scripts", "health-check"]
    try:
        answer = subprocess.run(
            [*command, "--address", address],
            capture_output=True,
            text=True,
            timeout=left,
        )
    except subprocess.TimeoutExpired:
        reason = f"no Ray cluster answered within {MAX_ANSWER_SECONDS} s"
        raise ClusterError(address, reason) from None
    if answer.returncode:
        lines = answer.stderr.strip().splitlines() or ["it is not healthy"]
        raise ClusterError(address, lines[-1])


def _first_sentence(error: BaseException) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].rstrip(".")
