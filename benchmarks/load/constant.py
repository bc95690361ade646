"""The least that a service can do: reply with the same answer to every request.

Run by uvicorn; the file that the environment variable CONSTANT_ANSWER names has the
answer, a real one of Recast's service. `app` has routes of FastAPI, `raw` is ASGI
without a framework.
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
    """Return the constant as a route without a declared type does."""
    return CONTENT


@app.post("/typed")
async def typed() -> dict[str, Any]:
    """Return the constant of a declared type: pydantic writes the JSON."""
    return CONTENT


async def raw(
    scope: MutableMapping[str, Any],
    receive: Callable[[], Awaitable[Message]],
    send: Callable[[Message], Awaitable[None]],
) -> None:
    """Answer as uvicorn asks, with nothing in between."""
    if scope["type"] == "lifespan":
        return
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": ANSWER})
