"""A server that ends without losing a request, and workers that do.

uvicorn closes its socket and every idle connection at once: what waits in the socket's
queue, or is on its way over an idle connection, is lost. Here the queue is emptied
before the socket closes, and idle connections stay open a moment longer.
"""

import asyncio
import logging
import socket
import time

from uvicorn import Config, Server
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors.multiprocess import Multiprocess, Process

from serving.observability.multiprocess_metrics import forget
from serving.server.slow_readers import SlowReaders
from serving.settings import Settings

log = logging.getLogger(__name__)


GRACE = 1.0  # seconds in which a client may still send over an idle connection


LEAVE_SECONDS = 10.0  # how long a worker may take to end when it has drained


SIGN_SECONDS = 0.5  # how long we listen for a sign of life, each time


LOOK_SECONDS = 0.05  # between two looks at who is still draining


HEALTH_SECONDS = 60.0  # a worker that is silent for longer is replaced


CLOSE = (b"connection", b"close")


class GracefulServer(Server):
    """Answers all that has reached it before it ends."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and cut off who does not read."""
        await super().startup(sockets)
        SlowReaders(self.server_state.connections, Settings().body_seconds).watch()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take what waits, answer it, and close."""
        # In place: the answers that are being made share the list.
        self.server_state.default_headers.append(CLOSE)
        await self._take_what_waits(sockets or [])
        loop = asyncio.get_running_loop()
        end = loop.time() + GRACE
        while self.server_state.connections and loop.time() < end:
            if self.force_exit:
                break
            await asyncio.sleep(0.02)
        await super().shutdown(sockets)

    async def _take_what_waits(self, sockets: list[socket.socket]) -> None:
        """Accept the connections in the sockets' queues and close the sockets."""
        waiting = [one for listener in sockets for one in _accept_all(listener)]
        for server in self.servers:
            server.close()
        for listener in sockets:
            listener.close()
        loop = asyncio.get_running_loop()
        for connection in waiting:
            await loop.connect_accepted_socket(self._make_protocol, connection)

    def _make_protocol(self) -> asyncio.Protocol:
        return self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
        )


class WorkerProcess(Process):
    """A process with a draining server.

    Attributes:
        heard: when it last gave a sign of life.
    """

    def __init__(self, config: Config, sockets: list[socket.socket]) -> None:
        super().__init__(config, sockets)
        self.heard = time.monotonic()

    def is_alive(self, timeout: float = SIGN_SECONDS) -> bool:
        """Whether it lives; one that is silent for long does not."""
        if self.process.is_alive() and self.ping(timeout):
            self.heard = time.monotonic()
        silent = time.monotonic() - self.heard
        return self.process.is_alive() and silent < HEALTH_SECONDS

    def target(self, sockets: list[socket.socket] | None = None) -> None:
        """Load the application and answer; until it is loaded, a signal ends it."""
        self.config.load()
        super().target(sockets)

    @property
    def server(self) -> Server:
        """The server; made in the process that runs it."""
        if self._server is None:
            self._server = GracefulServer(self.config)
        return self._server


class WorkerProcesses(Multiprocess):
    """Processes that answer on one socket; one that dies is replaced.

    SIGHUP replaces all of them, one after the other, SIGTTIN adds one, and SIGTTOU lets
    one go. What uvicorn has for that starts processes that do not drain, and does
    nothing else meanwhile.

    Attributes:
        failed: a worker could not start, and none was started again.
    """

    def __init__(self, config: Config, sockets: list[socket.socket]) -> None:
        super().__init__(config, sockets)
        self.failed = False
        self._old: list[Process] = []  # to be replaced, on SIGHUP
        self._next: Process | None = None  # in the place of the first of them
        self._leaving: dict[Process, float] = {}  # and until when

    def init_processes(self) -> None:
        """Start the workers."""
        self.processes = [self._start() for _ in range(self.processes_num)]

    def keep_subprocess_alive(self) -> None:
        """Replace workers that have died, and those that are to be replaced."""
        self._bury()
        for number, process in enumerate(self.processes):
            if self.should_exit.is_set() or process.is_alive():
                continue
            self._end(process)
            if process.exitcode == STARTUP_FAILURE:
                self.failed = True
                self.should_exit.set()
                return
            self.processes[number] = self._start()
        if not self.should_exit.is_set():
            self._replace()

    def restart_all(self) -> None:
        """Let a new worker take each one's place, as soon as it takes requests."""
        self._old = list(self.processes)

    def handle_ttin(self) -> None:
        """Start one more."""
        self.processes_num += 1
        self.processes.append(self._start())

    def handle_ttou(self) -> None:
        """Let one go, but the last."""
        if self.processes_num > 1:
            self.processes_num -= 1
            self._let_go(self.processes.pop())

    def terminate_all(self) -> None:
        """Let the workers drain; ours is no longer the last hand on the socket."""
        for process in self.processes:
            self._let_go(process)
        if self._next is not None:
            self._let_go(self._next)
        for listener in self.sockets:
            listener.close()

    def join_all(self) -> None:
        """Wait until the workers have drained; kill those that cannot."""
        while self._leaving:
            self._bury()
            time.sleep(LOOK_SECONDS)

    def _start(self) -> WorkerProcess:
        worker = WorkerProcess(self.config, self.sockets)
        worker.start()
        return worker

    def _replace(self) -> None:
        """Go a step on in replacing the old; without waiting, for others may die."""
        self._old = [process for process in self._old if process in self.processes]
        if self._next is None:
            self._next = self._start() if self._old else None
        elif self._next.is_ready(SIGN_SECONDS):
            if self._old:
                number = self.processes.index(self._old[0])
                self._let_go(self._old[0])
                self.processes[number] = self._next
            else:  # it died, and was replaced
                self._let_go(self._next)
            self._next = None
        elif not self._next.is_alive(SIGN_SECONDS):
            self._end(self._next)
            log.error("new worker does not start, old ones go on")
            self._next, self._old = None, []

    def _let_go(self, process: Process) -> None:
        """Let a worker drain, and not wait for it."""
        patience = (self.config.timeout_graceful_shutdown or 0) + LEAVE_SECONDS
        process.terminate()
        self._leaving[process] = time.monotonic() + patience

    def _bury(self) -> None:
        """Forget workers that have drained; kill those that take too long."""
        for process, end in list(self._leaving.items()):
            if not process.process.is_alive() or time.monotonic() > end:
                del self._leaving[process]
                self._end(process)

    def _end(self, process: Process) -> None:
        process.kill()
        process.join()
        forget(process.pid)


def _accept_all(listener: socket.socket) -> list[socket.socket]:
    listener.setblocking(False)
    found = []
    while True:
        try:
            found.append(listener.accept()[0])
        except OSError:  # nobody waits
            return found
