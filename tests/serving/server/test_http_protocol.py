"""Limits of request heads, and bodies of requests with an Upgrade offer."""

import json
import re
import socket
import threading
import time
from contextlib import suppress

import pytest


@pytest.fixture
def connection(service):
    """A connection to the service."""
    address = (service.client.base_url.host, service.client.base_url.port)
    with socket.create_connection(address, timeout=180) as connection:
        yield connection


def send(connection, *pieces):
    """Send pieces one by one and return the complete answer."""
    for piece in pieces:
        connection.sendall(piece)
        time.sleep(0.05)
    return read_answer(connection)


def read_answer(connection):
    """Return one answer, delimited by its Content-Length or the connection's end."""
    answer, size = b"", None
    while size is None or len(answer) < size:
        part = connection.recv(65536)
        if not part:
            break
        answer += part
        head, end, _ = answer.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head.lower())
        if end and length:
            size = len(head) + len(end) + int(length[1])
    return answer


@pytest.mark.parametrize("begin", [b"GET /livez HTTP/1.1\r\nX-A: ", b"GET /"])
def test_a_head_that_goes_on_and_on_ends_the_connection(connection, begin):
    answer = send(connection, begin, *[b"a" * 10_000] * 7)

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.endswith(b"Headers have at most 65,536 bytes.")
    assert connection.recv(1) == b""


def test_many_requests_over_a_connection_may_have_more_than_one_of_them(connection):
    head = b"GET /livez HTTP/1.1\r\nHost: localhost\r\nX-A: " + b"a" * 20_000

    answers = [send(connection, head, b"a\r\n", b"\r\n") for _ in range(4)]

    assert all(answer.startswith(b"HTTP/1.1 200 ") for answer in answers)


OFFER = (
    b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAQ\r\n"
)
ALIVE = b'{"status":"alive"}'
REQUEST = b'{"horizon": 1, "levels": []}'


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_request_that_offers_another_protocol_keeps_its_body(
    connection, service, apart, chunked
):
    body, length = REQUEST, b"Content-Length: %d" % len(REQUEST)
    if chunked:
        body, length = b"%x\r\n%b\r\n0\r\n\r\n" % (len(REQUEST), REQUEST), b"X-A: b"
        length += b"\r\nTransfer-Encoding: chunked"
    head = b"POST /v1/models/waves/forecast HTTP/1.1\r\nHost: localhost\r\n"
    head += OFFER + length + b"\r\n\r\n"
    expected = service.forecast("waves", {"horizon": 1, "levels": []}).content

    for _ in range(2):  # the connection goes on
        answer = send(connection, *([head, body] if apart else [head + body]))

        assert answer.startswith(b"HTTP/1.1 200 ")
        assert answer.endswith(expected)


def test_requests_that_wait_behind_such_an_offer_are_answered(connection):
    begin = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n"

    answer = send(
        connection, begin + b"\r\n", begin + OFFER + b"\r\n" + begin + b"\r\n"
    )
    while answer.count(ALIVE) < 3 and (part := connection.recv(65536)):
        answer += part

    assert answer.count(ALIVE) == 3


def ask(body, cookie=b""):
    head = b"POST /v1/models/waves/forecast HTTP/1.1\r\nHost: localhost\r\n"
    head += b"Cookie: " + cookie + b"\r\nContent-Length: %d\r\n\r\n" % len(body)
    return head + body


def large(size):
    return (
        json.dumps(
            {"series": [{"id": "a", "values": [1.5] * 10}], "horizon": 1, "levels": []}
        )
        .encode()
        .ljust(size)
    )


@pytest.fixture(scope="module")
def wide(built, tmp_path_factory, running):
    """The address of a service that accepts large bodies."""
    folder = tmp_path_factory.mktemp("wide")
    with running(f"sqlite:///{built}/mlflow.db", folder) as service:
        service.wait_for(lambda: service.readyz().get("state") == "ready")
        yield service.client.base_url.host, service.client.base_url.port


@pytest.fixture
def direct(wide):
    """A connection to that service that sends each piece at once."""
    with socket.create_connection(wide, timeout=180) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield connection


@pytest.mark.parametrize("cut", [1, 40, 90])
def test_the_body_behind_a_head_in_two_pieces_is_no_part_of_it(direct, cut):
    request = ask(large(300_000))

    answer = send(direct, request[:cut], request[cut:])

    assert answer.startswith(b"HTTP/1.1 200 "), answer


def test_a_large_request_may_be_cut_anywhere(direct):
    request = ask(large(728_000), b"a" * 9000)
    for cut in (1, 5, 60, 1000, 8999, 9060, 9090, 9110, 20_000, 70_000, 300_000):
        answer = send(direct, request[:cut], request[cut:])

        assert answer.startswith(b"HTTP/1.1 200 "), (cut, answer)


def test_a_head_may_come_byte_by_byte(direct):
    request = ask(large(200), b"a" * 500)
    for place in range(len(request) - 200):
        direct.sendall(request[place : place + 1])

    answer = send(direct, request[-200:])

    assert answer.startswith(b"HTTP/1.1 200 "), answer


def test_requests_that_wait_behind_each_other_count_one_by_one(direct):
    request, count = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n", 3000
    flood, answers = (request + b"X-A: %b\r\n\r\n" % (b"a" * 50)) * count, bytearray()
    assert len(flood) > 4 * 65_536
    direct.sendall(flood[:7])
    writer = threading.Thread(target=direct.sendall, args=(flood[7:],))
    writer.start()
    while answers.count(b'{"status":"alive"}') < count and b" 400 " not in answers:
        answers += direct.recv(2**20)
    writer.join()

    assert answers.count(b"HTTP/1.1 200 ") == count


@pytest.mark.parametrize("size", [1000, 70_000, 200_000])
def test_a_head_beyond_the_limit_is_refused_however_it_comes(direct, size):
    request = ask(large(200), b"a" * 90_000)
    pieces = [request[start : start + size] for start in range(0, len(request), size)]
    with suppress(ConnectionError):  # it is closed before the last pieces
        for piece in pieces:
            direct.sendall(piece)

    assert b"".join(received(direct)).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("begin", [b"0\r\nX-A: ", b"5;a="])
def test_what_a_chunked_body_ends_with_is_bounded_too(direct, begin):
    head = b"POST /v1/models/waves/forecast HTTP/1.1\r\nHost: localhost\r\n"
    direct.sendall(head + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n" + begin)
    with suppress(ConnectionError):
        for _ in range(200):
            direct.sendall(b"a" * 10_000)

    assert b"".join(received(direct)).startswith(b"HTTP/1.1 400 ")


def received(connection):
    with suppress(ConnectionError):
        while piece := connection.recv(65536):
            yield piece
