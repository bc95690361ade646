"""Minimal services that send one constant response, as a lower bound of cost.

Run by uvicorn; the environment variable CONSTANT_ANSWER is the path of the response's
body, a real one of Recast's service. `app` has routes of FastAPI, `raw` is ASGI without
a framework.
"""

import json
import os
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

from fastapi import FastAPI

Message = MutableMapping[str, Any]
ANSWER = Path(os.environ["CONSTANT_ANSWER"]).read_bytes()
CONTENT: dict[str, Any] = json.loads(ANSWER)
HEADERS = [
    (b"content-type", b"application/json"),
    (b"content-length", str(len(ANSWER)).encode()),
]

app = FastAPI()


@app.post("/plain", response_model=None)
async def plain() -> dict[str, Any]:
    """Return the constant from a route without a response type."""
    return CONTENT


@app.post("/typed")
async def typed() -> dict[str, Any]:
    """Return the constant from a route with a response type; pydantic writes JSON."""
    return CONTENT


async def raw(
    scope: MutableMapping[str, Any],
    receive: Callable[[], Awaitable[Message]],
    send: Callable[[Message], Awaitable[None]],
) -> None:
    """Send the constant without a framework."""
    if scope["type"] == "lifespan":
        return
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": ANSWER})
