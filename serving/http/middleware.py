"""Request ids, the request log, body size limit, headers, HEAD and front routes.

ASGI middleware that every request passes.
"""

import logging
import random
import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from starlette.requests import ClientDisconnect
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.errors import BodyTooLarge, ServiceError
from serving.http.problems import error_response
from serving.observability.logging import log_request
from serving.observability.metrics import Metrics

log = logging.getLogger("serving.requests")
REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
METHODS = ("GET", "POST", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE")
CLIENT_LEFT = 499  # nginx logs this status for a closed connection; never sent

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}

RawHeaders = list[tuple[bytes, bytes]]

RAW_HEADERS = [
    (name.lower().encode(), value.encode()) for name, value in HEADERS.items()
]


@dataclass(slots=True)
class Exchange:
    """The id and start of a request, and the state of its response."""

    request_id: str
    began: float = field(default_factory=time.perf_counter)
    status: int = CLIENT_LEFT
    started: bool = False


class RequestLogMiddleware:
    """Gives each request an id, logs it and counts it in the metrics.

    An unexpected error is logged and answered with status 500 in this class only, so
    that no detail of it reaches the client.
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
            await error_response(error, scope["path"])(scope, receive, answer)
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
    """Refuses bodies that are too large, with or without a Content-Length header."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self.app, self.max_bytes = app, max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        length = read_header(scope, b"content-length")
        if length.isdigit() and int(length) > self.max_bytes:
            error = BodyTooLarge(self.max_bytes)
            await error_response(error, scope["path"])(scope, receive, send)
            return
        if length.isdigit() and not read_header(scope, b"transfer-encoding"):
            await self.app(scope, receive, send)
            return
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self.max_bytes:
                raise BodyTooLarge(self.max_bytes)
            return message

        await self.app(scope, counted, send)


class HeadAsGet:
    """Handles HEAD as GET; the server omits the body."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self.app(scope, receive, send)
            return
        get_scope: Scope = {**scope, "method": "GET"}
        try:
            await self.app(get_scope, receive, send)
        finally:  # for the log and the metrics
            scope["route"] = get_scope.get("route")


class FrontRoutes:
    """Handles some routes in front of the router and its stack of handlers.

    For routes so busy that the stack would cost a noticeable part of a request.
    """

    def __init__(self, app: ASGIApp, routes: Sequence[Route]) -> None:
        self.app, self.routes = app, routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        for route in self.routes:
            match, child_scope = route.matches(scope)
            if match is Match.FULL:
                scope.update(child_scope)
                try:
                    await route.app(scope, receive, send)
                except ServiceError as error:
                    await error_response(error, scope["path"])(scope, receive, send)
                return
        await self.app(scope, receive, send)


def _request_id(scope: Scope) -> str:
    client_id = read_header(scope, b"x-request-id").decode("latin-1")
    if REQUEST_ID.fullmatch(client_id):
        return client_id
    return f"{random.getrandbits(128):032x}"  # unique, not secret


def read_header(scope: Scope, name: bytes) -> bytes:
    """Return the value of the first header of a lower-case name, or empty bytes."""
    for key, value in scope["headers"]:
        if key == name:
            return value  # type: ignore[no-any-return]
    return b""


def _complete(headers: Iterable[tuple[bytes, bytes]], request_id: str) -> RawHeaders:
    """Return response headers with the missing security headers and the request id."""
    complete = [(name, value) for name, value in headers if name != b"x-request-id"]
    names = {name for name, _ in complete}
    complete += [pair for pair in RAW_HEADERS if pair[0] not in names]
    complete.append((b"x-request-id", request_id.encode()))
    return complete
