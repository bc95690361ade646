"""A service in processes of its own: started, watched, stopped."""

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
PATIENCE = 120.0  # seconds until a service must be ready
DRAIN = 40.0  # seconds until it must have ended


@dataclass(frozen=True, slots=True)
class Server:
    """A service that is ready.

    Attributes:
        port: on the loopback.
        process: that was started; there may be others below it.
        ready_after: seconds from its start until it said that it was ready.
    """

    port: int
    process: psutil.Process
    ready_after: float

    def cpu(self) -> float:
        """Return the seconds of the processor that its processes have spent."""
        spent = [each.cpu_times() for each in self._processes()]
        return sum(each.user + each.system for each in spent)

    def memory(self) -> float:
        """Return the resident memory of its processes, in MB."""
        return sum(each.memory_info().rss for each in self._processes()) / 1e6

    def restart_peak(self) -> None:
        """Let the largest memory so far be that of now; on Linux alone."""
        for each in self._processes():
            Path(f"/proc/{each.pid}/clear_refs").write_text("5")

    def peak(self) -> float:
        """Return the largest resident memory of its processes since then, in MB."""
        found = 0.0
        for each in self._processes():
            status = Path(f"/proc/{each.pid}/status").read_text()
            found += int(status.partition("VmHWM:")[2].split()[0]) / 1000
        return found

    def post(self, path: str, body: bytes) -> tuple[int, bytes]:
        """Send one request; return the status and the body of the answer."""
        connection = HTTPConnection(HOST, self.port, timeout=60)
        try:
            headers = {"Content-Type": "application/json"}
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def _processes(self) -> list[psutil.Process]:
        return [self.process, *self.process.children(recursive=True)]


@contextmanager
def running(
    command: Sequence[str], ready: str, folder: Path, environment: Mapping[str, str]
) -> Iterator[Server]:
    """Run a service until the block ends; it is ready when the block begins.

    Args:
        command: with ``{port}`` where the port belongs.
        ready: path that answers with 200 once it is.
        folder: where it runs and leaves its log.
        environment: beside that of this process and one thread for libraries.

    Raises:
        ProcessFailed: it ended or was not ready in time; its last words are told.
    """
    port = _free_port()
    log = folder / f"{port}.log"
    with log.open("w") as output:
        began = time.perf_counter()
        started = subprocess.Popen(
            [part.format(port=port) for part in command],
            cwd=folder,
            env=_environment(environment),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait_until_ready(started, port, ready, log)
        seconds = time.perf_counter() - began
        yield Server(port, psutil.Process(started.pid), seconds)
    finally:
        _stop(started)


def _environment(more: Mapping[str, str]) -> dict[str, str]:
    """Return what a service is told; commands of this Python are found first."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    code = {"PATH": path, "PYTHONPATH": str(ROOT)}
    return {**os.environ, **ONE_THREAD, **code, **more}


def _wait_until_ready(
    started: subprocess.Popen[bytes], port: int, path: str, log: Path
) -> None:
    end = time.monotonic() + PATIENCE
    while not _answers(port, path):
        if started.poll() is not None or time.monotonic() > end:
            said = log.read_text(errors="replace")[-1000:].strip()
            name = " ".join(map(str, started.args))  # type: ignore[arg-type]
            raise ProcessFailed(f"{name} did not become ready, and said: {said}")
        time.sleep(0.02)


def _answers(port: int, path: str) -> bool:
    connection = HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def _stop(started: subprocess.Popen[bytes]) -> None:
    """Ask the process to end, then see to whatever it started."""
    started.terminate()
    try:
        started.wait(DRAIN)
    except subprocess.TimeoutExpired:
        started.kill()
        started.wait()
    with suppress(ProcessLookupError):  # nobody was left
        os.killpg(started.pid, signal.SIGKILL)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
