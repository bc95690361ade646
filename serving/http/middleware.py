"""Round every request: its id, its line in the log, its limits, its headers."""

import logging
import random
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.errors import BodyTooLarge
from serving.http.problems import problem_response
from serving.observability.logging import log_request
from serving.observability.metrics import Metrics

log = logging.getLogger("serving.requests")


REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")


METHODS = ("GET", "POST", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE")


CLIENT_LEFT = 499  # what nginx logs for it; never sent


HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}


RawHeaders = list[tuple[bytes, bytes]]


RAW = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]


@dataclass(slots=True)
class Exchange:
    """One request and how far its answer has come."""

    request_id: str
    began: float = field(default_factory=time.perf_counter)
    status: int = CLIENT_LEFT
    started: bool = False


class RequestLogMiddleware:
    """Gives each request an id, a line in the log, a place in the metrics.

    What goes wrong unforeseen is answered with status 500 and logged, here and only
    here, so that nothing of it reaches the client.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app, self.metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        exchange = Exchange(_request_id(scope))

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                exchange.started, exchange.status = True, message["status"]
                message["headers"] = _complete(message["headers"], exchange.request_id)
            await send(message)

        try:
            await self.app(scope, receive, answer)
        except ClientDisconnect:
            pass
        except Exception as error:
            fields = {"request_id": exchange.request_id}
            log.exception("request failed", extra={"fields": fields})
            if exchange.started:
                raise
            await problem_response(error)(scope, receive, answer)
        finally:
            self._record(scope, exchange)

    def _record(self, scope: Scope, exchange: Exchange) -> None:
        seconds = time.perf_counter() - exchange.began
        method = scope["method"] if scope["method"] in METHODS else "other"
        route = getattr(scope.get("route"), "path", "none")
        self.metrics.count_request(method, route, exchange.status, seconds)
        fields = {
            "method": method,
            "path": scope["path"],
            "route": route,
            "status": exchange.status,
            "ms": round(1000 * seconds, 3),
            "request_id": exchange.request_id,
            **scope.get("fields", {}),
        }
        log_request(log, fields)


class BodyLimit:
    """Refuses bodies that are too large, whether they say their length or not."""

    def __init__(self, app: ASGIApp, most: int) -> None:
        self.app, self.most = app, most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        length = _header(scope, b"content-length")
        if length.isdigit() and int(length) > self.most:
            await problem_response(BodyTooLarge(self.most))(scope, receive, send)
            return
        if length.isdigit() and not _header(scope, b"transfer-encoding"):
            await self.app(scope, receive, send)
            return
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self.most:
                raise BodyTooLarge(self.most)
            return message

        await self.app(scope, counted, send)


class HeadAsGet:
    """Answers HEAD as GET; the server leaves out the body."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self.app(scope, receive, send)
            return
        asked: Scope = {**scope, "method": "GET"}
        try:
            await self.app(asked, receive, send)
        finally:  # for the log and the metrics
            scope["route"] = asked.get("route")


def _request_id(scope: Scope) -> str:
    given = _header(scope, b"x-request-id").decode("latin-1")
    if REQUEST_ID.fullmatch(given):
        return given
    return f"{random.getrandbits(128):032x}"  # tells requests apart, hides nothing


def _header(scope: Scope, name: bytes) -> bytes:
    """Return the first header of a name, in lower case; empty without any."""
    for key, value in scope["headers"]:
        if key == name:
            return bytes(value)
    return b""


def _complete(headers: Iterable[tuple[bytes, bytes]], request_id: str) -> RawHeaders:
    """Return headers with those of every answer; what is there stays as it is."""
    own = [(name, value) for name, value in headers if name != b"x-request-id"]
    there = {name for name, _ in own}
    own += [pair for pair in RAW if pair[0] not in there]
    own.append((b"x-request-id", request_id.encode()))
    return own
