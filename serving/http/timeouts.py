"""Timeouts of bodies and responses, and cancellation for disconnected clients."""

import asyncio
from collections.abc import Callable
from functools import partial

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.errors import AnswerTooSlow, BodyTooSlow
from serving.http.problems import problem_response

DISCONNECT_CHECK_SECONDS = 0.05  # until a request is watched for disconnection


class TimeoutMiddleware:
    """Cancels requests that take too long, and requests of disconnected clients.

    Waiting work is not started any more; work in a thread runs to its end.

    Args:
        app: the next ASGI application.
        body: seconds for receiving a body.
        answer: seconds from the complete body to the start of the response.
    """

    def __init__(self, app: ASGIApp, body: float, answer: float) -> None:
        self.app, self.body, self.answer = app, body, answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = _Request(receive, send, self.answer)
        try:
            async with request.limit:
                if _has_body(scope):
                    request.allow(self.body, partial(BodyTooSlow, self.body))
                else:
                    request.await_answer()
                await self.app(scope, request.receive, request.send)
        except TimeoutError:
            if not request.limit.expired():
                raise
            reason = request.reason()
            if isinstance(reason, ClientDisconnect) or request.started:
                raise reason from None
            await problem_response(reason)(scope, receive, send)
        finally:
            request.end()


class _Request:
    """A request and its current deadline."""

    def __init__(self, receive: Receive, send: Send, answer: float) -> None:
        self.limit, self.started = asyncio.timeout(None), False
        self.reason: Callable[[], Exception] = ClientDisconnect
        self._receive, self._send, self._answer = receive, send, answer
        self._loop = asyncio.get_running_loop()
        self._complete = False
        self._timer: asyncio.TimerHandle | None = None
        self._watch: asyncio.Task[None] | None = None

    def allow(self, seconds: float, reason: Callable[[], Exception]) -> None:
        """Set the deadline of the request and the error that ends it."""
        self.reason = reason
        self.limit.reschedule(self._loop.time() + seconds)

    def await_answer(self) -> None:
        """Start the deadline of the response: the body is complete."""
        self._complete = True
        self.allow(self._answer, partial(AnswerTooSlow, self._answer))
        self._timer = self._loop.call_later(
            DISCONNECT_CHECK_SECONDS, self._watch_connection
        )

    async def receive(self) -> Message:
        message = await self._receive()
        if not self._complete and not message.get("more_body", False):
            self.await_answer()
        return message

    async def send(self, message: Message) -> None:
        self.started = True
        await self._send(message)

    def end(self) -> None:
        """Stop watching the connection, and leave no reference cycle."""
        if self._timer is not None:
            self._timer.cancel()
        if self._watch is not None:
            self._watch.cancel()
        self._timer = self._watch = None

    def _watch_connection(self) -> None:
        self._watch = self._loop.create_task(self._wait_for_disconnect())

    async def _wait_for_disconnect(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        if not self.started:
            self.allow(0, ClientDisconnect)


def _has_body(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    return "Transfer-Encoding" in headers or headers.get("Content-Length", "0") != "0"
