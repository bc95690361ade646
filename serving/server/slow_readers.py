"""Answers that nobody reads: their connections are cut, for they would stay for ever.

A transport that is closed first writes what waits in it, however long that takes.
"""

import asyncio
import logging
import socket
import sys
from collections.abc import Collection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from uvicorn.server import Protocols
log = logging.getLogger(__name__)


LOOKS = 4  # in the time that a client may read nothing


class SlowReaders:
    """Looks now and then who reads what waits for him; it costs no request anything.

    Args:
        connections: those that are open, as the server keeps them.
        seconds: in which the client must have read something.
    """

    def __init__(self, connections: "Collection[Protocols]", seconds: float) -> None:
        self._connections, self._seconds = connections, seconds
        self._seen: dict[Protocols, tuple[int, float]] = {}  # bytes, and since when

    def watch(self) -> None:
        """Cut the connections where nothing moves, and look again later."""
        loop = asyncio.get_running_loop()
        now, seen = loop.time(), {}
        for connection in self._connections:
            if not connection.transport.get_write_buffer_size():
                continue
            waiting = _count_unread(connection.transport)
            before, since = self._seen.get(connection, (waiting, now))
            seen[connection] = waiting, since if waiting == before else now
            if now - seen[connection][1] >= self._seconds:
                _cut(connection.transport, waiting)
        self._seen = seen
        loop.call_later(self._seconds / LOOKS, self.watch)


def _count_unread(transport: asyncio.WriteTransport) -> int:
    """Return the bytes that wait, with those that the system has taken, on Linux.

    It takes megabytes, and more of them only when much of that has been read.
    """
    waiting = transport.get_write_buffer_size()
    if sys.platform != "linux":
        return waiting
    import fcntl
    import termios

    connection: socket.socket = transport.get_extra_info("socket")
    taken = fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, bytes(4))
    return waiting + int.from_bytes(taken, sys.byteorder)


def _cut(transport: asyncio.WriteTransport, waiting: int) -> None:
    client = transport.get_extra_info("peername")
    fields = {"client": client and client[0], "bytes": waiting}
    log.info("answer is not read, connection cut", extra={"fields": fields})
    transport.abort()
