"""The fast path of forecast requests: plain ones are answered before the router.

The middleware stands directly in front of the router. Any request that is not plain
goes on to the route in `serving.api.v1.routes`, which reports flaws and which the
OpenAPI document describes.
"""

import re
from typing import NamedTuple

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.errors import TooBusy
from serving.forecasts.encoding import encode_answer
from serving.forecasts.forecast import read_fast
from serving.http.problems import problem_response
from serving.observability.logging import add_log_fields
from serving.service import Service

PATH = re.compile(r"/v1/models/([^/]+)/forecast")
QUERY = re.compile(rb"(?:alias=([A-Za-z0-9_.-]+)|version=([1-9][0-9]{0,8}))?")
MAX_FAST_BODY_BYTES = 2**16  # larger bodies are decoded in the worker threads


class Route(NamedTuple):
    """The route under which the log and the metrics count a request."""

    path: str = "/v1/models/{name}/forecast"


ROUTE = Route()


class FastRoute:
    """Answers plain forecast requests and passes on all others."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self.app, self.service = app, service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        match = PATH.fullmatch(scope["path"]) if _is_small_post(scope) else None
        query = QUERY.fullmatch(scope["query_string"]) if match else None
        if match is None or query is None:
            await self.app(scope, receive, send)
            return
        alias, version = (part.decode() if part else None for part in query.groups())
        body = await _read_body(receive)
        try:
            content = await self._answer(scope, match[1], alias, version, body)
        except TooBusy as error:
            scope["route"] = ROUTE
            await problem_response(error)(scope, receive, send)
            return
        if content is None:
            await self.app(scope, _ReplayedBody(body, receive), send)
            return
        scope["route"] = ROUTE
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(content)),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    async def _answer(
        self,
        scope: Scope,
        name: str,
        alias: str | None,
        version: str | None,
        body: bytes,
    ) -> bytes | None:
        """Return the response body; None if the request is not plain."""
        service = self.service
        model = service.models.find_loaded(name, alias, version)
        request = read_fast(body, model, service.settings) if model else None
        if model is None or request is None:
            return None
        forecasts = await service.batcher.forecast(model, request)
        if forecasts is None:
            return None
        add_log_fields(scope, model=name, version=model.version)
        service.metrics.count_forecasts(name, len(request.names))
        used_alias = None if version is not None else alias or service.models.alias
        return encode_answer(model, used_alias, forecasts)


class _ReplayedBody:
    """An ASGI receive channel that returns a body that was read already."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self.body: bytes | None = body
        self.receive = receive

    async def __call__(self) -> Message:
        body, self.body = self.body, None
        if body is None:
            return await self.receive()
        return {"type": "http.request", "body": body, "more_body": False}


def _is_small_post(scope: Scope) -> bool:
    if scope["type"] != "http" or scope["method"] != "POST":
        return False
    length = next(
        (value for name, value in scope["headers"] if name == b"content-length"), b""
    )
    return length.isdigit() and int(length) <= MAX_FAST_BODY_BYTES


async def _read_body(receive: Receive) -> bytes:
    parts, more = [], True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return parts[0] if len(parts) == 1 else b"".join(parts)
