"""How long a request may take, and that nobody works for a client who has left."""

import asyncio
from collections.abc import Callable
from functools import partial

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.errors import AnswerTooSlow, BodyTooSlow
from serving.http.problems import problem_response

ATTENTION = 0.05  # seconds after which we look whether the client is still there


class TimeoutMiddleware:
    """Ends requests that take too long, and those whose client has left.

    What has not begun is not begun any more; what runs in a thread runs to its end.

    Args:
        app: what answers.
        body: seconds for sending a body.
        answer: seconds for the rest.
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
    """One request, and until when it may take."""

    def __init__(self, receive: Receive, send: Send, answer: float) -> None:
        self.limit, self.started = asyncio.timeout(None), False
        self.reason: Callable[[], Exception] = ClientDisconnect
        self._receive, self._send, self._answer = receive, send, answer
        self._loop = asyncio.get_running_loop()
        self._complete = False
        self._attention: asyncio.TimerHandle | None = None
        self._watch: asyncio.Task[None] | None = None

    def allow(self, seconds: float, reason: Callable[[], Exception]) -> None:
        """End the request after some seconds, for a reason."""
        self.reason = reason
        self.limit.reschedule(self._loop.time() + seconds)

    def await_answer(self) -> None:
        """Note that the body is there."""
        self._complete = True
        self.allow(self._answer, partial(AnswerTooSlow, self._answer))
        self._attention = self._loop.call_later(ATTENTION, self._attend)

    async def receive(self) -> Message:
        message = await self._receive()
        if not self._complete and not message.get("more_body", False):
            self.await_answer()
        return message

    async def send(self, message: Message) -> None:
        self.started = True
        await self._send(message)

    def end(self) -> None:
        """Wait for nothing any more, and leave no circle for the garbage collector."""
        if self._attention is not None:
            self._attention.cancel()
        if self._watch is not None:
            self._watch.cancel()
        self._attention = self._watch = None

    def _attend(self) -> None:
        self._watch = self._loop.create_task(self._wait_for_leaving())

    async def _wait_for_leaving(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        if not self.started:
            self.allow(0, ClientDisconnect)


def _has_body(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    return "Transfer-Encoding" in headers or headers.get("Content-Length", "0") != "0"
