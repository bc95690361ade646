"""Start, observe and stop a service in separate processes."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import psutil

from benchmarks.common.timing import ONE_THREAD, ROOT, ProcessFailed

HOST = "127.0.0.1"
MAX_START_SECONDS = 120.0  # until a service must be ready
MAX_STOP_SECONDS = 40.0  # until a terminated service is killed


@dataclass(frozen=True, slots=True)
class Server:
    """A service that is ready.

    Attributes:
        port: port on the loopback.
        process: the first process of the service; it may have children.
        ready_after: seconds from its start until it answered that it was ready.
    """

    port: int
    process: psutil.Process
    ready_after: float

    def cpu(self) -> float:
        """Return the processor seconds of its processes so far."""
        times = [process.cpu_times() for process in self._processes()]
        return sum(each.user + each.system for each in times)

    def memory(self) -> float:
        """Return the resident memory of its processes, in MB."""
        processes = self._processes()
        return sum(process.memory_info().rss for process in processes) / 1e6

    def restart_peak(self) -> None:
        """Reset the peak of resident memory to the present value; Linux only."""
        for process in self._processes():
            Path(f"/proc/{process.pid}/clear_refs").write_text("5")

    def peak(self) -> float:
        """Return the peak resident memory since `restart_peak`, in MB; Linux only."""
        megabytes = 0.0
        for process in self._processes():
            status = Path(f"/proc/{process.pid}/status").read_text()
            megabytes += int(status.partition("VmHWM:")[2].split()[0]) / 1000
        return megabytes

    def post(self, path: str, body: bytes) -> tuple[int, bytes]:
        """Send one request and return the status and body of the response."""
        connection = HTTPConnection(HOST, self.port, timeout=60)
        try:
            headers = {"Content-Type": "application/json"}
            connection.request("POST", path, body, headers)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def _processes(self) -> list[psutil.Process]:
        return [self.process, *self.process.children(recursive=True)]


@contextmanager
def running(
    command: Sequence[str],
    ready_path: str,
    folder: Path,
    environment: Mapping[str, str],
) -> Iterator[Server]:
    """Run a service for the length of the block, which begins when it is ready.

    Args:
        command: command line with ``{port}`` in place of the port.
        ready_path: path that answers with 200 once the service is ready.
        folder: working directory, and folder of the log.
        environment: variables added to those of this process and to one thread for
            libraries.

    Raises:
        ProcessFailed: the service ended or was not ready in time; the message holds the
            end of its log.
    """
    port = _free_port()
    log = folder / f"{port}.log"
    with log.open("w") as output:
        start = time.perf_counter()
        process = subprocess.Popen(
            [part.format(port=port) for part in command],
            cwd=folder,
            env=_environment(environment),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait_until_ready(process, port, ready_path, log)
        seconds = time.perf_counter() - start
        yield Server(port, psutil.Process(process.pid), seconds)
    finally:
        _stop(process)


def _environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a service; this Python's commands come first."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    code = {"PATH": path, "PYTHONPATH": str(ROOT)}
    return {**os.environ, **ONE_THREAD, **code, **variables}


def _wait_until_ready(
    process: subprocess.Popen[bytes], port: int, path: str, log: Path
) -> None:
    end = time.monotonic() + MAX_START_SECONDS
    while not _is_ready(port, path):
        if process.poll() is not None or time.monotonic() > end:
            output = log.read_text(errors="replace")[-1000:].strip()
            name = " ".join(map(str, process.args))  # type: ignore[arg-type]
            raise ProcessFailed(f"{name} did not become ready, and said: {output}")
        time.sleep(0.02)


def _is_ready(port: int, path: str) -> bool:
    connection = HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Terminate the process, then kill the rest of its process group."""
    process.terminate()
    try:
        process.wait(MAX_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    with suppress(ProcessLookupError):  # the group has no process left
        os.killpg(process.pid, signal.SIGKILL)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
