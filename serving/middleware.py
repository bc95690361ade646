"""Round every request: its id, its line in the log, its limits, its headers."""

import logging
import re
import time
import uuid
from dataclasses import dataclass, field

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.errors import BodyTooLarge, problem_response
from serving.metrics import Metrics

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


@dataclass(slots=True)
class Exchange:
    """One request and how far its answer has come."""

    request_id: str
    began: float = field(default_factory=time.perf_counter)
    status: int = CLIENT_LEFT
    started: bool = False


class Observed:
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
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = exchange.request_id
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
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
        log.info("request", extra={"fields": fields})


class BodyLimit:
    """Refuses bodies that are too large, whether they say their length or not."""

    def __init__(self, app: ASGIApp, most: int) -> None:
        self.app, self.most = app, most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        length = Headers(scope=scope).get("Content-Length", "")
        if length.isdigit() and int(length) > self.most:
            await problem_response(BodyTooLarge(self.most))(scope, receive, send)
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


def _request_id(scope: Scope) -> str:
    given = Headers(scope=scope).get("X-Request-ID", "")
    return given if REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
