"""Connections that a client half-closes, and those that it leaves open."""

import http.client
import json
import socket
import threading
import time

import pytest

ROUTE = "/v1/models/waves/forecast"
HEAD = f"POST {ROUTE} HTTP/1.1\r\nHost: localhost\r\n"
IDLE_SECONDS = 2


@pytest.fixture(scope="module")
def brief(built, tmp_path_factory, running):
    """A service with one thread that closes idle connections early."""
    folder = tmp_path_factory.mktemp("brief")
    limits = {"max_series": 10_000, "max_points": 10**7, "max_horizon": 10_000}
    settings = {"keep_alive_seconds": IDLE_SECONDS, "threads": 1}
    uri = f"sqlite:///{built}/mlflow.db"
    with running(uri, folder, **limits, **settings) as service:
        service.wait_for(lambda: service.readyz().get("state") == "ready")
        yield service


@pytest.fixture
def connection(brief):
    address = (brief.client.base_url.host, brief.client.base_url.port)
    with socket.create_connection(address, timeout=180) as connection:
        yield connection


def request(body, name="x"):
    text = json.dumps(body)
    return (
        f"{HEAD}X-Request-ID: {name}\r\nContent-Length: {len(text)}\r\n\r\n{text}"
    ).encode()


def received(connection):
    return b"".join(iter(lambda: connection.recv(65536), b""))


def ask_alive(connection):
    """Send a request over a connection and read the complete answer."""
    connection.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
    answer = b""
    while not answer.endswith(b"}"):
        part = connection.recv(65536)
        assert part, answer
        answer += part


def heavy(count=10):
    """Return a body that keeps the thread busy for a while: it has dates."""
    stamps = [f"2024-01-0{day}" for day in range(1, 7)]
    values = [float(i % 7) for i in range(6)]
    series = [
        {"id": str(i), "values": values, "timestamps": stamps} for i in range(count)
    ]
    return {"series": series, "horizon": 10_000}


def test_a_client_that_half_closes_gets_its_answer(connection, brief):
    body = {"horizon": 1, "levels": []}
    connection.sendall(request(body))
    connection.shutdown(socket.SHUT_WR)

    answer = received(connection)

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"connection: close" in answer
    assert answer.endswith(brief.forecast(body=body).content)


def test_all_requests_before_the_end_are_answered(connection):
    connection.sendall(request({"horizon": 1}) * 5 + b"GET /livez HT")
    connection.shutdown(socket.SHUT_WR)

    assert received(connection).count(b"HTTP/1.1 200 ") == 5


def test_who_waits_for_long_gets_interim_responses_and_then_the_answer(brief):
    client = http.client.HTTPConnection(brief.url.removeprefix("http://"), timeout=180)
    client.request("POST", ROUTE, json.dumps(heavy()))
    client.sock.shutdown(socket.SHUT_WR)

    answer = client.getresponse()  # passes over interim responses, as HTTP/1.1 has it

    assert answer.status == 200
    assert len(json.loads(answer.read())["forecasts"]) == 10
    client.close()


def test_interim_responses_are_for_http_1_1_only(connection):
    text = json.dumps(heavy())
    head = f"POST {ROUTE} HTTP/1.0\r\nContent-Length: {len(text)}\r\n\r\n"
    connection.sendall((head + text).encode())
    connection.shutdown(socket.SHUT_WR)

    assert received(connection).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("beginning", [b"", HEAD.encode(), b"GET /livez"])
def test_who_ends_without_a_complete_request_is_let_go(connection, beginning):
    connection.sendall(beginning)
    connection.shutdown(socket.SHUT_WR)

    assert received(connection) == b""


def test_an_idle_connection_that_ends_is_closed_at_once(connection):
    ask_alive(connection)
    began = time.monotonic()
    connection.shutdown(socket.SHUT_WR)

    assert received(connection) == b""
    assert time.monotonic() - began < IDLE_SECONDS


def test_nothing_is_computed_for_who_has_closed_both_sides(brief):
    address = (brief.client.base_url.host, brief.client.base_url.port)
    busy = threading.Thread(target=brief.forecast, kwargs={"body": heavy(60)})
    busy.start()
    time.sleep(0.1)
    with socket.create_connection(address, timeout=180) as connection:
        connection.sendall(request(heavy(1), "left"))
        time.sleep(0.1)
    busy.join()

    assert [line["status"] for line in brief.requests("left")] == [499]


def test_a_connection_is_kept_as_long_as_is_set(connection):
    ask_alive(connection)
    time.sleep(IDLE_SECONDS / 2)
    ask_alive(connection)
    began = time.monotonic()

    assert received(connection) == b""
    assert time.monotonic() - began > IDLE_SECONDS / 2


def test_the_default_outlasts_the_documented_proxies(service):
    address = (service.client.base_url.host, service.client.base_url.port)
    with socket.create_connection(address, timeout=180) as connection:
        ask_alive(connection)
        connection.settimeout(6)  # uvicorn's default is 5

        with pytest.raises(TimeoutError):
            connection.recv(1)
