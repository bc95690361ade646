"""uvicorn server and worker processes that shut down without losing a request.

uvicorn closes its socket and every idle connection at once: connections in the socket's
queue, and requests on their way over idle connections, are lost. Here the queue is
emptied before the socket closes, and idle connections stay open a moment longer.

Worker processes are forked from one that has imported the application: they start at
once, also on a busy machine, and share the memory of its modules. macOS has libraries
that do not survive a fork; there, and without a fork server, each worker imports the
application itself.
"""

import asyncio
import logging
import multiprocessing
import socket
import sys
import time

from uvicorn import Config, Server
from uvicorn._subprocess import subprocess_started
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors.multiprocess import Multiprocess, Process

from forecasting.fork_server import process_context
from serving.observability.multiprocess_metrics import remove_process
from serving.server.draining import begin_draining
from serving.server.slow_readers import SlowReaders
from serving.settings import Settings

log = logging.getLogger(__name__)
GRACE_SECONDS = 1.0  # time in which a client may still send over an idle connection
EXIT_SECONDS = 10.0  # time for a worker to exit after draining
PING_SECONDS = 0.5  # timeout of one ping to a worker
POLL_SECONDS = 0.05  # pause between two checks of draining workers
MAX_SILENCE_SECONDS = 60.0  # a worker without an answered ping is then replaced
MAX_START_SECONDS = 300.0  # before its first answer: a busy machine imports slowly
CLOSE_HEADER = (b"connection", b"close")
APPLICATION = "serving.app"  # imported before workers are forked
processes = (
    process_context()
    if sys.platform == "linux"
    else multiprocessing.get_context("spawn")
)


def load_application() -> None:
    """Import the application in the process that workers are forked from, if any.

    A signal meanwhile ends this process, because nothing is served yet.
    """
    if processes.get_start_method() != "forkserver":
        return
    processes.set_forkserver_preload([APPLICATION])
    first = processes.Process(target=int)  # it starts when the imports are done
    first.start()
    first.join()


class GracefulServer(Server):
    """A server that answers every request that reached it before it exits."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and watch for clients that stop reading."""
        await super().startup(sockets)
        SlowReaders(self.server_state.connections, Settings().body_seconds).watch()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept and answer queued connections, then close."""
        begin_draining()
        # In place, because the answers in progress share the list.
        self.server_state.default_headers.append(CLOSE_HEADER)
        await self._accept_queued(sockets or [])
        loop = asyncio.get_running_loop()
        end = loop.time() + GRACE_SECONDS
        while self.server_state.connections and loop.time() < end:
            if self.force_exit:
                break
            await asyncio.sleep(0.02)
        await super().shutdown(sockets)

    async def _accept_queued(self, sockets: list[socket.socket]) -> None:
        """Accept the connections in the sockets' queues and close the sockets."""
        queued = [
            connection for listener in sockets for connection in _accept_all(listener)
        ]
        for server in self.servers:
            server.close()
        for listener in sockets:
            listener.close()
        loop = asyncio.get_running_loop()
        for connection in queued:
            await loop.connect_accepted_socket(self._make_protocol, connection)

    def _make_protocol(self) -> asyncio.Protocol:
        return self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
        )


class WorkerProcess(Process):
    """A process with a graceful server.

    Attributes:
        deadline: time by which the next ping must be answered, on the monotonic clock.
    """

    def __init__(self, config: Config, sockets: list[socket.socket]) -> None:
        super().__init__(config, sockets)
        self.process = processes.Process(  # type: ignore[assignment]
            target=subprocess_started,
            kwargs={
                "config": config,
                "target": self.target,
                "sockets": sockets,
                "stdin_fileno": None,
            },
        )
        self.deadline = time.monotonic() + MAX_START_SECONDS

    def is_alive(self, timeout: float = PING_SECONDS) -> bool:
        """Return whether the process starts, or runs and answered a ping lately."""
        if self.process.is_alive() and self.ping(timeout):
            self.deadline = time.monotonic() + MAX_SILENCE_SECONDS
        return self.process.is_alive() and time.monotonic() < self.deadline

    def target(self, sockets: list[socket.socket] | None = None) -> None:
        """Load the application and serve; a signal while loading ends the process."""
        self.config.load()
        super().target(sockets)

    @property
    def server(self) -> Server:
        """The server, created in the process that runs it."""
        if self._server is None:
            self._server = GracefulServer(self.config)
        return self._server


class WorkerProcesses(Multiprocess):
    """A supervisor of worker processes on one socket; it replaces those that die.

    SIGHUP replaces all workers, one after the other, SIGTTIN adds one, and SIGTTOU
    removes one. uvicorn's own handlers start processes that do not drain, and block the
    supervisor meanwhile.

    Attributes:
        failed: a worker could not start, so the supervisor exits.
    """

    def __init__(self, config: Config, sockets: list[socket.socket]) -> None:
        super().__init__(config, sockets)
        self.failed = False
        self._outdated: list[Process] = []  # to be replaced, after SIGHUP
        self._replacement: Process | None = None  # of the first outdated
        self._draining: dict[Process, float] = {}  # and the time to kill it

    def init_processes(self) -> None:
        """Start the workers."""
        self.processes = [self._start() for _ in range(self.processes_num)]

    def keep_subprocess_alive(self) -> None:
        """Replace workers that have died, and outdated ones."""
        self._reap()
        for number, process in enumerate(self.processes):
            if self.should_exit.is_set() or process.is_alive():
                continue
            self._kill(process)
            if process.exitcode == STARTUP_FAILURE:
                self.failed = True
                self.should_exit.set()
                return
            self.processes[number] = self._start()
        if not self.should_exit.is_set():
            self._replace()

    def restart_all(self) -> None:
        """Mark all workers as outdated; each is replaced once a new one is ready."""
        self._outdated = list(self.processes)

    def handle_ttin(self) -> None:
        """Start one more worker."""
        self.processes_num += 1
        self.processes.append(self._start())

    def handle_ttou(self) -> None:
        """Drain one worker, unless it is the last."""
        if self.processes_num > 1:
            self.processes_num -= 1
            self._drain(self.processes.pop())

    def terminate_all(self) -> None:
        """Drain the workers and close this process's copy of the socket."""
        for process in self.processes:
            self._drain(process)
        if self._replacement is not None:
            self._drain(self._replacement)
        for listener in self.sockets:
            listener.close()

    def join_all(self) -> None:
        """Wait until the workers have drained; kill those that take too long."""
        while self._draining:
            self._reap()
            time.sleep(POLL_SECONDS)

    def _start(self) -> WorkerProcess:
        worker = WorkerProcess(self.config, self.sockets)
        worker.start()
        return worker

    def _replace(self) -> None:
        """Advance the replacement of outdated workers by one step, without waiting."""
        self._outdated = [
            process for process in self._outdated if process in self.processes
        ]
        if self._replacement is None:
            self._replacement = self._start() if self._outdated else None
        elif self._replacement.is_ready(PING_SECONDS):
            if self._outdated:
                number = self.processes.index(self._outdated[0])
                self._drain(self._outdated[0])
                self.processes[number] = self._replacement
            else:  # the outdated one died, and was replaced
                self._drain(self._replacement)
            self._replacement = None
        elif not self._replacement.is_alive(PING_SECONDS):
            self._kill(self._replacement)
            log.error("new worker does not start, old ones go on")
            self._replacement, self._outdated = None, []

    def _drain(self, process: Process) -> None:
        """Ask a worker to drain, without waiting for it."""
        timeout = (self.config.timeout_graceful_shutdown or 0) + EXIT_SECONDS
        process.terminate()
        self._draining[process] = time.monotonic() + timeout

    def _reap(self) -> None:
        """Remove workers that have drained; kill those that take too long."""
        for process, end in list(self._draining.items()):
            if not process.process.is_alive() or time.monotonic() > end:
                del self._draining[process]
                self._kill(process)

    def _kill(self, process: Process) -> None:
        process.kill()
        process.join()
        remove_process(process.pid)


def _accept_all(listener: socket.socket) -> list[socket.socket]:
    listener.setblocking(False)
    connections = []
    while True:
        try:
            connections.append(listener.accept()[0])
        except OSError:  # the queue is empty
            return connections
