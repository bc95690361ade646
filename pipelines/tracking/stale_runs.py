"""Open runs of dead processes: heartbeats tell them, and the next job ends them.

A run is open as long as its process lives. A killed process, or a machine that went,
leaves it RUNNING. So each open run carries three tags: the host by name, the process,
and the time of its latest heartbeat, which a thread renews every minute. Before a job
opens its run, it marks stale runs of all experiments of the store as KILLED:

- a run of a process of this PID namespace, as soon as the process has ended;
- any other run, once its heartbeat is ten minutes old. A host's name proves nothing: a
  restarted container bears the name of its predecessor, and pid 1, as others do too;
- a run without a heartbeat, of an earlier version, a day after its start.

Heartbeats are times of the store's clock where it has one (an MLflow server, a
database server), else of the machine's: hosts with clocks ten minutes apart must not
share a store without a server.
"""

import os
import socket
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from pathlib import Path

import mlflow
import psutil
import sqlalchemy
from mlflow.entities import Run
from mlflow.exceptions import MlflowException
from mlflow.utils.credentials import get_default_host_creds
from mlflow.utils.rest_utils import http_request

from pipelines.tracking.locks import ask_database, is_database

HOST_TAG, PROCESS_TAG = "recast.host", "recast.process"
HEARTBEAT_TAG, DEATH_TAG = "recast.heartbeat", "recast.died"
HEARTBEAT_SECONDS = 60.0
MAX_SILENCE_SECONDS = 600.0  # of a live run of another host, clock differences included
MAX_SECONDS_WITHOUT_HEARTBEAT = 86_400.0  # of a live run of an earlier version
SWEEP_SECONDS = 60.0  # between sweeps of a process that runs many jobs
MAX_OPEN_RUNS = 1000  # that a sweep looks at, oldest first
CLOCK_TIMEOUT_SECONDS = 5

_last_sweeps: dict[str, float] = {}  # by URI of the store


def life_tags() -> dict[str, str]:
    """Return the tags by which others tell whether a run of this process is alive."""
    return {
        HOST_TAG: socket.gethostname(),
        PROCESS_TAG: describe_process(),
        HEARTBEAT_TAG: _format_time(_store_time()),
    }


def forget_death(run_id: str) -> None:
    """Delete the tag of a death from a run that is opened again."""
    client = mlflow.MlflowClient()
    if DEATH_TAG in client.get_run(run_id).data.tags:
        client.delete_tag(run_id, DEATH_TAG)


@contextmanager
def heartbeat(run_id: str, seconds: float = HEARTBEAT_SECONDS) -> Iterator[None]:
    """Renew the heartbeat of a run in a thread for the length of a block.

    The thread never delays the end of the block, and errors of the store are ignored:
    the job itself reports them where they matter.

    Args:
        run_id: the run; its creation was the first heartbeat.
        seconds: between two heartbeats.
    """
    ended = threading.Event()
    arguments = (mlflow.MlflowClient(), run_id, ended, seconds)
    threading.Thread(
        target=_beat, args=arguments, name="recast-heartbeat", daemon=True
    ).start()
    try:
        yield
    finally:
        ended.set()


def _beat(
    client: mlflow.MlflowClient, run_id: str, ended: threading.Event, seconds: float
) -> None:
    check_status = True  # another host may have swept the run while it was reopened
    latest = time.time()
    while not ended.wait(seconds):
        check_status |= time.time() - latest > MAX_SILENCE_SECONDS / 2  # a suspension
        with suppress(Exception):
            client.set_tag(run_id, HEARTBEAT_TAG, _format_time(_store_time()))
            latest = time.time()
            if check_status:
                _revive(client, run_id, ended)
            check_status = False


def _revive(client: mlflow.MlflowClient, run_id: str, ended: threading.Event) -> None:
    """Mark a live run that another host took for dead as RUNNING again."""
    if client.get_run(run_id).info.status == "KILLED" and not ended.is_set():
        client.update_run(run_id, status="RUNNING")
        client.delete_tag(run_id, DEATH_TAG)


def sweep_stale_runs() -> None:
    """Mark the stale runs of all experiments of the store as KILLED.

    A tag says why, and when the last sign of life was; that is the end of the run. A
    process that runs many jobs sweeps once a minute. Errors of the store are ignored.
    """
    uri, now = str(mlflow.get_tracking_uri()), time.monotonic()
    if now - _last_sweeps.get(uri, -SWEEP_SECONDS) < SWEEP_SECONDS:
        return
    _last_sweeps[uri] = now
    with suppress(MlflowException):
        client = mlflow.MlflowClient()
        for run in _open_runs():
            if describe_death(run):
                _end(client, run.info.run_id)


def _open_runs() -> list[Run]:
    """Return the open runs of jobs of Recast in all experiments."""
    runs = mlflow.search_runs(
        search_all_experiments=True,
        filter_string=f"attributes.status = 'RUNNING' and tags.`{PROCESS_TAG}` != ''",
        max_results=MAX_OPEN_RUNS,
        order_by=["attributes.start_time ASC"],
        output_format="list",
    )
    return list(runs)


def _end(client: mlflow.MlflowClient, run_id: str) -> None:
    """Mark a run as KILLED, unless its job goes on elsewhere meanwhile."""
    run = client.get_run(run_id)
    reason = describe_death(run)
    if run.info.status != "RUNNING" or reason is None:
        return
    client.set_tag(run_id, DEATH_TAG, reason)
    client.set_terminated(run_id, "KILLED", int(_last_sign(run) * 1000))
    again = client.get_run(run_id)
    if again.data.tags.get(PROCESS_TAG) != run.data.tags.get(PROCESS_TAG):
        client.update_run(run_id, status="RUNNING")


def describe_death(run: Run) -> str | None:
    """Return in words why an open run must be dead; None if it may be alive."""
    host, process = (run.data.tags.get(tag, "") for tag in (HOST_TAG, PROCESS_TAG))
    last = _last_sign(run)
    pid, _, namespace = process.partition("@")
    if namespace and namespace == _pid_namespace():
        if _is_alive(process):
            return None
        reason = f"process {pid.partition(':')[0]} of host {host} has ended"
    else:
        silence = _store_time() - last
        limit = MAX_SILENCE_SECONDS
        if HEARTBEAT_TAG not in run.data.tags:
            limit = MAX_SECONDS_WITHOUT_HEARTBEAT
        if silence <= limit:
            return None
        reason = f"host {host} has been silent for {silence / 60:.0f} minutes"
    return f"{reason}; last sign of life {_format_time(last)}"


def _last_sign(run: Run) -> float:
    """Return the time of a run's latest heartbeat, else of its start."""
    try:
        return datetime.fromisoformat(run.data.tags[HEARTBEAT_TAG]).timestamp()
    except (LookupError, ValueError):
        return float(run.info.start_time / 1000)


def describe_process(pid: int | None = None) -> str:
    """Return a process as ``PID:START@NAMESPACE``; a pid alone is used again.

    Args:
        pid: of this PID namespace; None for this process.

    Raises:
        psutil.NoSuchProcess: the process has ended.
    """
    process = psutil.Process(pid)
    if process.status() == psutil.STATUS_ZOMBIE:
        raise psutil.NoSuchProcess(process.pid)
    return f"{process.pid}:{_start(process)}@{_pid_namespace()}"


def _is_alive(process: str) -> bool:
    """Return whether a process of this PID namespace is still running."""
    try:
        pid = int(process.partition(":")[0])
        return describe_process(pid) == process
    except psutil.NoSuchProcess:
        return False
    except (psutil.Error, ValueError, OSError):
        return True  # it cannot be told


def _start(process: psutil.Process) -> str:
    """Return the start of a process, in clock ticks since boot where Linux has them.

    A time of day would change whenever the clock is set.
    """
    if sys.platform != "linux":
        return f"{process.create_time():.0f}"
    stat = Path(f"/proc/{process.pid}/stat").read_text()
    return stat.rpartition(")")[2].split()[19]  # starttime of proc_pid_stat(5)


@cache
def _pid_namespace() -> str:
    """Return a name of the PID namespace: pids within one are comparable.

    Linux: boot and PID namespace, of which each container has one. Elsewhere: the host
    by its name and hardware address.
    """
    if sys.platform != "linux":
        return f"{socket.gethostname()}-{uuid.getnode():x}"
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}-{os.stat('/proc/self/ns/pid').st_ino}"
    except OSError:  # some sandboxes hide them; then heartbeats alone tell
        return ""


def _format_time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _store_time() -> float:
    """Return the time of the store's clock in seconds since 1970."""
    return time.time() + _clock_offset(str(mlflow.get_tracking_uri()))


@cache
def _clock_offset(uri: str) -> float:
    """Return by how many seconds a store's clock is ahead; 0 if it has none."""
    try:
        if uri.startswith(("http:", "https:")):
            return _server_time(uri) - time.time()
        if is_database(uri):
            return _database_time(uri) - time.time()
    except Exception:  # drivers and proxies raise errors of any class
        return 0.0
    return 0.0


def _server_time(uri: str) -> float:
    """Return the time in the response of an MLflow server, to the second."""
    response = http_request(
        get_default_host_creds(uri), "/health", "GET",
        max_retries=0, timeout=CLOCK_TIMEOUT_SECONDS,
    )  # fmt: skip
    return parsedate_to_datetime(response.headers["Date"]).timestamp()


def _database_time(uri: str) -> float:
    """Return the time of a database server."""
    from mlflow.store.db.utils import get_current_time_millis_expression

    kind = uri.partition(":")[0].partition("+")[0]
    now = sqlalchemy.select(get_current_time_millis_expression(kind))
    return float(ask_database(uri, now)) / 1000
