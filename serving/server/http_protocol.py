"""HTTP parser with bounded heads, without Upgrades, and with half-closed connections.

httptools copies a header anew with each piece that arrives, so that a header of a
hundred megabytes blocks the event loop for seconds. And it reads a request that offers
another protocol as one without a body: clients such as Java's offer HTTP/2 with their
first request, and would be answered as if they had sent nothing.

uvicorn closes a connection as soon as the client ends its side, even if the client
waits for the answer (``shutdown(SHUT_WR)``, ``nc -N``).
"""

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD_BYTES = 65_536  # of a head, and of trailers and chunk extensions
PROBE_SECONDS = 0.05  # from a client's end to the first probe; then always twice
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
TOO_LARGE = f"Headers have at most {MAX_HEAD_BYTES:,} bytes."


class _HeadTooLargeError(Exception):
    """A head has too many bytes."""


class HttpProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol with a bounded head; it never leaves HTTP/1.1.

    Bytes are counted from the last parser event: the begin or end of a head, a piece of
    a body, the end of a request. Bytes of trailers and of chunk extensions cause no
    event, so that they count as well.
    """

    _has_ended = False  # whether the client has ended its side of the connection
    _pending = 0  # bytes since the last event, without the piece that contained it
    _head_bound = 0  # the same with it and the current piece: a head is not longer
    _has_event = False  # whether the current piece contained an event

    def data_received(self, data: bytes) -> None:
        """Parse a piece of data, or reject the request if its head is too large."""
        self._unset_keepalive_if_required()
        self._head_bound, self._has_event = self._head_bound + len(data), False
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._ignore_upgrade(data[upgrade.args[0] :])
            return
        except httptools.HttpParserError as error:
            too_large = isinstance(error.__context__, _HeadTooLargeError)
            self._reject(TOO_LARGE if too_large else "Invalid HTTP request received.")
            return
        self._pending = 0 if self._has_event else self._pending + len(data)
        self._head_bound = len(data) if self._has_event else self._head_bound
        if self._pending > MAX_HEAD_BYTES:
            self._reject(TOO_LARGE)

    def eof_received(self) -> bool:  # type: ignore[override]
        """Keep the connection open until a complete request has been answered."""
        cycle = self.cycle
        if cycle is None or cycle.response_complete or cycle.more_body:
            return False
        cycle.keep_alive = False
        if not self._has_ended:
            self._has_ended = True
            self.loop.call_later(PROBE_SECONDS, self._probe, PROBE_SECONDS)
        return True

    def _probe(self, pause: float) -> None:
        """Send an interim response as long as the answer has not begun.

        The end of a client's side looks the same whether it waits or has left. A client
        that waits ignores the response, one that has left resets the connection, so
        that nothing more is computed for it.
        """
        if self.transport.is_closing() or self.cycle.response_started:
            return
        if not self.pipeline and self.cycle.scope["http_version"] == "1.1":
            self.transport.write(CONTINUE)
        self.loop.call_later(2 * pause, self._probe, 2 * pause)

    def on_message_begin(self) -> None:
        """Start a head."""
        self._has_event = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """End a head, and check its size.

        Raises:
            _HeadTooLargeError: it has too many bytes, even if they arrived at once.
        """
        self._has_event = True
        if self._head_bound > MAX_HEAD_BYTES and self._head_size() > MAX_HEAD_BYTES:
            raise _HeadTooLargeError
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Receive a piece of a body."""
        self._has_event = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End a request."""
        self._has_event = True
        super().on_message_complete()

    def _head_size(self) -> int:
        """Return the number of bytes of the head."""
        return len(self.url) + sum(len(k) + len(v) + 4 for k, v in self.headers)

    def _should_upgrade(self) -> bool:
        """Return True for any Upgrade offer, to be handled by `_ignore_upgrade`."""
        return self.parser.get_method() != b"CONNECT"

    def _ignore_upgrade(self, rest: bytes) -> None:
        """Parse the request again without the Upgrade header, then the rest."""
        method = self.parser.get_method()
        if method == b"CONNECT":
            return  # already answered
        version = self.parser.get_http_version().encode()
        headers = [pair for pair in self.headers if pair[0] != b"upgrade"]
        lines = [b"%b %b HTTP/%b" % (method, self.url, version)]
        lines += [b"%b: %b" % pair for pair in headers]
        self.scope = None  # type: ignore[assignment]
        self.parser = httptools.HttpRequestParser(self)
        self.data_received(b"\r\n".join([*lines, b"", rest]))

    def _reject(self, reason: str) -> None:
        self.logger.warning(reason)
        self.send_400_response(reason)
