"""The heads of requests: bounded, and read as they are meant.

The parser copies a header anew with each piece of it that comes, so that one of a
hundred megabytes keeps everybody waiting for seconds. And it takes a request that
offers another protocol for one without a body: clients such as Java's offer HTTP/2 with
the first request, and would be answered as if they had sent nothing.
"""

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST = 65_536  # bytes of a head, beyond the piece of it that came first


class Heads(HttpToolsProtocol):
    """Takes heads of so many bytes, and goes on with HTTP/1.1 whatever they offer."""

    _more = 0

    def data_received(self, data: bytes) -> None:
        """Read what has come, unless it is too much of one head."""
        going_on = self.scope is not None and "method" not in self.scope
        self._more = self._more + len(data) if going_on else 0
        if self._more > MOST:
            self._refuse(f"Headers have at most {MOST:,} bytes.")
            return
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._decline(data[upgrade.args[0] :])
        except httptools.HttpParserError:
            self._refuse("Invalid HTTP request received.")

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
