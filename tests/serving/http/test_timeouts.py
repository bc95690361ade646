"""Slow bodies and answers are ended, and requests of disconnected clients."""

import asyncio
import gc
import socket
import threading
import time

import pytest

from serving.http.timeouts import TimeoutMiddleware, _Request

ROUTE = "/v1/models/waves/forecast"
HEAD = f"POST {ROUTE} HTTP/1.1\r\nHost: localhost\r\n"


@pytest.fixture(scope="module")
def hasty(copy_registry, tmp_path_factory, running):
    """Run a service with short timeouts, one thread and wide limits."""
    folder = tmp_path_factory.mktemp("hasty")
    uri = copy_registry(folder).uri
    limits = {"max_series": 200_000, "max_points": 10**7, "max_horizon": 10_000}
    patience = {"body_seconds": 0.5, "request_seconds": 0.5, "threads": 1}
    with running(uri, folder, **limits, **patience) as service:
        service.wait_for(lambda: service.readyz().get("state") == "ready")
        yield service


@pytest.fixture
def connect(hasty):
    host, port = hasty.url.removeprefix("http://").split(":")
    return lambda: socket.create_connection((host, int(port)), timeout=180)


def heavy(horizon=10_000, count=60):
    """Return a body that keeps a worker thread busy: it has dates."""
    values = [float(i % 7) for i in range(6)]
    stamps = [f"2024-01-0{day}" for day in range(1, 7)]
    series = [
        {"id": str(i), "values": values, "timestamps": stamps} for i in range(count)
    ]
    return {"series": series, "horizon": horizon}


def test_a_body_that_trickles_in_is_refused_in_time(hasty, connect):
    with connect() as connection:
        connection.sendall(f"{HEAD}Content-Length: 100\r\n\r\n".encode())
        began = time.monotonic()
        trickle = threading.Thread(target=send_slowly, args=(connection,))
        trickle.start()
        answer = b""
        while b"urn:" not in answer and (part := connection.recv(10_000)):
            answer += part
        took = time.monotonic() - began
        trickle.join()

    assert answer.startswith(b"HTTP/1.1 408")
    assert b"urn:recast:problem:body-too-slow" in answer
    assert b"connection: close" in answer.lower()
    assert 0.4 < took < 15  # seconds; 20 where nothing is set


def send_slowly(connection):
    for _ in range(10):
        try:
            connection.sendall(b" ")
        except OSError:
            return
        time.sleep(0.1)


def test_an_answer_that_takes_too_long_is_given_up(hasty, assert_problem):
    response = hasty.forecast(body=heavy())

    assert_problem(response, 503, "answer-too-slow", "not ready within 0.5 seconds")
    assert response.headers["retry-after"] == "5"
    assert hasty.wait_for(lambda: hasty.forecast().status_code == 200)


def test_who_leaves_while_the_answer_waits_costs_nothing(hasty, connect):
    # On a busy machine some come before the thread is taken, or leave after the end.
    tries = (leave(hasty, connect, f"gone-{number}") for number in range(10))
    assert any(line["status"] == 499 and line["ms"] < 400 for line in tries)
    assert hasty.lines("request failed") == []
    assert not [x for x in hasty.lines() if x["level"] in ("error", "critical")]


def leave(hasty, connect, name):
    """Disconnect while the only thread is busy; return the request's log line."""
    body = b'{"horizon": 3}'
    busy = threading.Thread(target=hasty.forecast, kwargs={"body": heavy()})
    busy.start()
    time.sleep(0.1)
    with connect() as connection:
        head = f"{HEAD}X-Request-ID: {name}\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body)
        time.sleep(0.1)
    busy.join()
    (line,) = hasty.requests(name)
    return line


async def answer_nothing(_scope, receive, send):
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def ask_once(app):
    async def receive():
        return {"type": "http.request", "body": b"x", "more_body": False}

    async def send(_message):
        pass

    scope = {"type": "http", "headers": [(b"content-length", b"1")]}
    await app(scope, receive, send)


def test_a_request_leaves_nothing_for_the_garbage_collector():
    async def ask():
        gc.collect()
        gc.disable()
        await ask_once(TimeoutMiddleware(answer_nothing, 5, 5))
        return {type(one) for one in gc.get_objects()}

    try:
        left = asyncio.run(ask())
    finally:
        gc.enable()

    assert _Request not in left
