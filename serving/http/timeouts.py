"""Timeouts of bodies and responses, and cancellation for disconnected clients."""

import asyncio
from collections.abc import Callable
from functools import partial

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.errors import AnswerTooSlow, BodyTooSlow
from serving.http.problems import error_response

EVENT_STREAM = b"text/event-stream"
CHECK_SECONDS = 0.05  # until a request gets a deadline and is watched for disconnection


class TimeoutMiddleware:
    """Cancels requests that take too long, and requests of disconnected clients.

    Waiting work is not started any more; work in a thread runs to its end.

    Args:
        app: the next ASGI application.
        body: seconds for receiving a body.
        answer: seconds from the complete body to the end of the response, or to the
            start of a stream of events.
    """

    def __init__(self, app: ASGIApp, body: float, answer: float) -> None:
        self.app, self.body, self.answer = app, body, answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = _Request(scope, receive, send, self.body, self.answer)
        try:
            async with request.limit:
                await self.app(scope, request.receive, request.send)
        except TimeoutError:
            if not request.limit.expired():
                raise
            reason = request.reason()
            if isinstance(reason, ClientDisconnect) or request.started:
                raise reason from None
            await error_response(reason, scope["path"])(scope, receive, send)
        finally:
            request.end()


class _Request:
    """A request and its current deadline.

    A request that is answered at once costs a single timer: deadlines are set, and the
    connection is watched, only when that has run out.
    """

    def __init__(
        self, scope: Scope, receive: Receive, send: Send, body: float, answer: float
    ) -> None:
        self.limit, self.started = asyncio.timeout(None), False
        self.reason: Callable[[], Exception] = ClientDisconnect
        self._receive, self._send = receive, send
        self._body, self._answer = body, answer
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self._completed = None if _has_body(scope) else self._began
        self._timer: asyncio.TimerHandle | None = self._loop.call_later(
            min(CHECK_SECONDS, body, answer), self._set_deadline
        )
        self._watch: asyncio.Task[None] | None = None

    async def receive(self) -> Message:
        message = await self._receive()
        if self._completed is None and not message.get("more_body", False):
            self._completed = self._loop.time()
            if self._timer is None:
                self._set_deadline()
        return message

    async def send(self, message: Message) -> None:
        if not self.started and _is_stream(message):
            self.limit.reschedule(None)  # it has no end of its own
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
        self.started = True
        await self._send(message)

    def end(self) -> None:
        """Stop watching the connection, and leave no reference cycle."""
        if self._timer is not None:
            self._timer.cancel()
        if self._watch is not None:
            self._watch.cancel()
        self._timer = self._watch = None

    def _set_deadline(self) -> None:
        """Set the deadline of the body, or, if that is complete, of the response."""
        self._timer = None
        if self._completed is None:
            self._allow(self._began + self._body, partial(BodyTooSlow, self._body))
            return
        deadline = self._completed + self._answer
        self._allow(deadline, partial(AnswerTooSlow, self._answer))
        self._watch = self._loop.create_task(self._wait_for_disconnect())

    def _allow(self, deadline: float, reason: Callable[[], Exception]) -> None:
        """Set the deadline of the request and the error that ends it."""
        self.reason = reason
        self.limit.reschedule(deadline)

    async def _wait_for_disconnect(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        if not self.started:
            self._allow(self._loop.time(), ClientDisconnect)


def _is_stream(message: Message) -> bool:
    """Return whether a message starts a stream of events."""
    return message["type"] == "http.response.start" and any(
        name == b"content-type" and value.startswith(EVENT_STREAM)
        for name, value in message["headers"]
    )


def _has_body(scope: Scope) -> bool:
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value != b"0")
        for name, value in scope["headers"]
    )
