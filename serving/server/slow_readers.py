"""Timeout for clients that stop reading: their connections would stay open for ever.

The connection is aborted: a closed transport would first write its buffer, however long
that takes.
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
CHECKS_PER_TIMEOUT = 4


class SlowReaders:
    """Closes connections of clients that stopped reading.

    Connections are checked periodically, at no cost to requests.

    Args:
        connections: the server's open connections.
        seconds: maximum time in which a client reads nothing.
    """

    def __init__(self, connections: "Collection[Protocols]", seconds: float) -> None:
        self._connections, self._seconds = connections, seconds
        self._unread: dict[
            Protocols, tuple[int, float]
        ] = {}  # bytes, and the time of their last change

    def watch(self) -> None:
        """Abort stalled connections, and schedule the next check."""
        loop = asyncio.get_running_loop()
        now, unread = loop.time(), {}
        for connection in self._connections:
            if not connection.transport.get_write_buffer_size():
                continue
            count = _count_unread(connection.transport)
            previous, since = self._unread.get(connection, (count, now))
            unread[connection] = count, since if count == previous else now
            if now - unread[connection][1] >= self._seconds:
                _abort(connection.transport, count)
        self._unread = unread
        loop.call_later(self._seconds / CHECKS_PER_TIMEOUT, self.watch)


def _count_unread(transport: asyncio.WriteTransport) -> int:
    """Return the unread bytes in the transport's buffer and, on Linux, the kernel's.

    The kernel buffers megabytes, and accepts more only after many have been read.
    """
    buffered = transport.get_write_buffer_size()
    if sys.platform != "linux":
        return buffered
    import fcntl
    import termios

    connection: socket.socket = transport.get_extra_info("socket")
    queued = fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, bytes(4))
    return buffered + int.from_bytes(queued, sys.byteorder)


def _abort(transport: asyncio.WriteTransport, num_bytes: int) -> None:
    client = transport.get_extra_info("peername")
    fields = {"client": client and client[0], "bytes": num_bytes}
    log.info("answer is not read, connection cut", extra={"fields": fields})
    transport.abort()
