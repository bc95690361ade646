"""The heads of requests: bounded, and read as they are meant.

The parser copies a header anew with each piece of it that comes, so that one of a
hundred megabytes keeps everybody waiting for seconds. And it takes a request that
offers another protocol for one without a body: clients such as Java's offer HTTP/2 with
the first request, and would be answered as if they had sent nothing.
"""

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST = 65_536  # bytes of a head, and of what is read besides heads and bodies


TOO_LARGE = f"Headers have at most {MOST:,} bytes."


class _HeadTooLargeError(Exception):
    """A head has too many bytes."""


class HttpProtocol(HttpToolsProtocol):
    """Takes heads of so many bytes, and goes on with HTTP/1.1 whatever they offer.

    Bytes count from the last head, body or end of a request that was read: so do those
    of trailers, and of extensions of chunks.
    """

    _quiet = 0  # bytes since then, but for those that came along with it
    _reach = 0  # the same with those, and with what is being read: a head has no more
    _heard = False  # whether any of these was read now

    def data_received(self, data: bytes) -> None:
        """Read what has come, unless it is too much of one head."""
        self._unset_keepalive_if_required()
        self._reach, self._heard = self._reach + len(data), False
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._decline(data[upgrade.args[0] :])
            return
        except httptools.HttpParserError as error:
            too_large = isinstance(error.__context__, _HeadTooLargeError)
            self._refuse(TOO_LARGE if too_large else "Invalid HTTP request received.")
            return
        self._quiet = 0 if self._heard else self._quiet + len(data)
        self._reach = len(data) if self._heard else self._reach
        if self._quiet > MOST:
            self._refuse(TOO_LARGE)

    def on_message_begin(self) -> None:
        """Begin a head."""
        self._heard = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """End a head, unless it has too many bytes.

        Raises:
            _HeadTooLargeError: it has, though they came at once.
        """
        self._heard = True
        if self._reach > MOST and self._size() > MOST:
            raise _HeadTooLargeError
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a piece of a body."""
        self._heard = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End a request."""
        self._heard = True
        super().on_message_complete()

    def _size(self) -> int:
        """Return how many bytes the head has."""
        return len(self.url) + sum(len(k) + len(v) + 4 for k, v in self.headers)

    def _should_upgrade(self) -> bool:
        """Keep a request that offers another protocol for `_decline`."""
        return self.parser.get_method() != b"CONNECT"

    def _decline(self, rest: bytes) -> None:
        """Read the request again, without the offer, and what follows its head."""
        method = self.parser.get_method()
        if method == b"CONNECT":
            return  # has been answered
        version = self.parser.get_http_version().encode()
        kept = [pair for pair in self.headers if pair[0] != b"upgrade"]
        lines = [b"%b %b HTTP/%b" % (method, self.url, version)]
        lines += [b"%b: %b" % pair for pair in kept]
        self.scope = None  # type: ignore[assignment]
        self.parser = httptools.HttpRequestParser(self)
        self.data_received(b"\r\n".join([*lines, b"", rest]))

    def _refuse(self, reason: str) -> None:
        self.logger.warning(reason)
        self.send_400_response(reason)
