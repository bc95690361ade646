"""Nobody holds a request for ever: not the client, not the service itself."""

import asyncio

import httpx
import pytest
from starlette.requests import ClientDisconnect

from serving.app import create_app
from serving.deadline import Deadline
from serving.settings import Settings


@pytest.fixture
def post(monkeypatch, tmp_path):
    """Sends a body to an application that allows 0.2 seconds."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/none.db")
    app = create_app(Settings(max_seconds=0.2))

    @app.post("/slow")
    async def slow():
        await asyncio.sleep(30)

    def post(path, body):
        async def go():
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(
                transport=transport, base_url="http://x"
            ) as client:
                return await client.post(path, content=body)

        return asyncio.run(go())

    return post


async def trickle():
    yield b"{"
    await asyncio.sleep(30)
    yield b"}"


@pytest.mark.parametrize(
    ("path", "body"),
    [("/slow", b"{}"), ("/v1/models/waves/forecast", trickle())],
    ids=["a slow answer", "a slow client"],
)
def test_what_takes_too_long_is_given_up(post, assert_problem, path, body):
    response = post(path, body)

    assert_problem(response, 503, "too-slow", "within 0.2 seconds")
    assert response.headers["retry-after"] == "1"
    assert response.headers["x-content-type-options"] == "nosniff"


def test_an_answer_that_has_begun_is_cut_off():
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await asyncio.sleep(30)

    sent = []

    async def send(message):
        sent.append(message["type"])

    with pytest.raises(ClientDisconnect):
        asyncio.run(Deadline(app, 0.05)({"type": "http"}, None, send))
    assert sent == ["http.response.start"]


def test_a_timeout_of_something_else_is_no_deadline():
    async def app(scope, receive, send):
        raise TimeoutError("the registry")

    with pytest.raises(TimeoutError, match="the registry"):
        asyncio.run(Deadline(app, 30)({"type": "http"}, None, None))
