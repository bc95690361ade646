"""No request takes longer than the service allows, whoever makes it wait."""

import asyncio

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.errors import TooSlow, problem_response


class Deadline:
    """Gives up on a request after some time, from its first byte to its last.

    A forecast that still waits for its turn is then never computed.

    Args:
        app: what answers.
        seconds: that an answer may take.
    """

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self.app, self._seconds = app, seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def answer(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        timeout = asyncio.timeout(self._seconds)
        try:
            async with timeout:
                await self.app(scope, receive, answer)
        except TimeoutError:
            if not timeout.expired():
                raise
            if started:
                raise ClientDisconnect from None  # it reads too slowly
            await problem_response(TooSlow(self._seconds))(scope, receive, send)
