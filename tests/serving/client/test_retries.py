"""Retries of the client: causes, number and pauses, with a real server."""

import asyncio
import threading
import time
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from serving.client import AsyncClient, Client, ProblemAnswer, Retries, Unreachable

QUICK = Retries(most=3, first=0.01, longest=0.5)
GOOD = (200, {}, b'{"models": []}')


@contextmanager
def answering(*answers, wait=0.0):
    """Run a server with these answers, the last one for ever; yield url and requests.

    An answer is status, headers and body; None breaks the connection.
    """
    requests = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            answer = answers[min(len(requests), len(answers) - 1)]
            requests.append((time.monotonic(), self.path, dict(self.headers)))
            time.sleep(wait)
            if answer is None:
                return self.connection.close()
            status, headers, body = answer
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            return self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", requests
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def ask(url, kind="sync", **options):
    async def wait():
        async with AsyncClient(url, **options) as client:
            return await client.models()

    if kind == "async":
        return asyncio.run(wait())
    with Client(url, **options) as client:
        return client.models()


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("first", [(503, {}, b""), (429, {}, b""), None])
def test_temporary_failures_are_retried(first, kind):
    with answering(first, first, GOOD) as (url, requests):
        assert ask(url, kind, retries=QUICK) == []

    assert len(requests) == 3


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_tries_end(kind):
    with (
        answering((503, {}, b"")) as (url, requests),
        pytest.raises(ProblemAnswer, match="503 Service Unavailable"),
    ):
        ask(url, kind, retries=QUICK)

    assert len(requests) == 4


@pytest.mark.parametrize("status", [400, 401, 404, 409, 413, 422, 500, 502])
def test_everything_else_is_asked_once(status):
    with (
        answering((status, {}, b"<html>")) as (url, requests),
        pytest.raises(ProblemAnswer, match=f"{status} .*: <html>"),
    ):
        ask(url, retries=QUICK)

    assert len(requests) == 1


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_nobody_there_is_unreachable(free_port, kind):
    with pytest.raises(Unreachable, match=f"{free_port} does not answer .*asked 4 ti"):
        ask(f"http://127.0.0.1:{free_port}", kind, retries=QUICK)


def test_a_service_that_is_silent_is_asked_once():
    with (
        answering(GOOD, wait=1.5) as (url, requests),
        pytest.raises(Unreachable, match="timed out; asked once"),
    ):
        ask(url, timeout=0.5, retries=QUICK)

    assert len(requests) == 1


def test_retry_after_is_honoured():
    with answering((503, {"Retry-After": "1"}, b""), GOOD) as (url, requests):
        ask(url, retries=Retries(first=0.01))

    assert requests[1][0] - requests[0][0] >= 1


def test_a_retry_after_beyond_the_longest_pause_ends_the_tries():
    with (
        answering((429, {"Retry-After": "60"}, b"")) as (url, requests),
        pytest.raises(ProblemAnswer, match="429"),
    ):
        ask(url, retries=QUICK)

    assert len(requests) == 1


def test_a_retry_after_may_be_a_date():
    headers = {"Retry-After": formatdate(time.time() + 20, usegmt=True)}

    assert 15 < Retries().pause(1, httpx.Response(503, headers=headers)) <= 20


def test_pauses_double_up_to_the_longest():
    retries = Retries(most=9, first=1, longest=10)

    pauses = [retries.pause(n, httpx.Response(503)) for n in range(1, 10)]

    assert 0.5 <= pauses[0] <= 1
    assert 2 <= pauses[2] <= 4
    assert max(pauses) <= 10
    assert retries.pause(10, httpx.Response(503)) is None


def test_the_key_and_the_path_of_the_url_go_along():
    with answering(GOOD) as (url, requests):
        ask(f"{url}/recast/", api_key="secret")

    [(_, path, headers)] = requests
    assert path == "/recast/v1/models"
    assert headers["Authorization"] == "Bearer secret"
