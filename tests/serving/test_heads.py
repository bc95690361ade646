"""A head without an end is refused; one that offers a protocol keeps its body."""

import re
import socket
import time

import pytest


@pytest.fixture
def connection(service):
    """A connection to the service."""
    address = (service.client.base_url.host, service.client.base_url.port)
    with socket.create_connection(address, timeout=180) as connection:
        yield connection


def send(connection, *pieces):
    """Send pieces that come one by one, and return the whole answer."""
    for piece in pieces:
        connection.sendall(piece)
        time.sleep(0.05)
    return read_answer(connection)


def read_answer(connection):
    """Return one answer: as long as its head says, or until the connection ends."""
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
    head = b"GET /livez HTTP/1.1\r\nHost: x\r\nX-A: " + b"a" * 20_000

    answers = [send(connection, head, b"a\r\n", b"\r\n") for _ in range(4)]

    assert all(answer.startswith(b"HTTP/1.1 200 ") for answer in answers)


OFFER = (
    b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAQ\r\n"
)
ALIVE = b'{"status":"alive"}'
ASKED = b'{"horizon": 1, "levels": []}'


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_request_that_offers_another_protocol_keeps_its_body(
    connection, service, apart, chunked
):
    body, length = ASKED, b"Content-Length: %d" % len(ASKED)
    if chunked:
        body, length = b"%x\r\n%b\r\n0\r\n\r\n" % (len(ASKED), ASKED), b"X-A: b"
        length += b"\r\nTransfer-Encoding: chunked"
    head = b"POST /v1/models/waves/forecast HTTP/1.1\r\nHost: x\r\n"
    head += OFFER + length + b"\r\n\r\n"
    expected = service.forecast("waves", {"horizon": 1, "levels": []}).content

    for _ in range(2):  # the connection goes on
        answer = send(connection, *([head, body] if apart else [head + body]))

        assert answer.startswith(b"HTTP/1.1 200 ")
        assert answer.endswith(expected)


def test_requests_that_wait_behind_such_an_offer_are_answered(connection):
    begin = b"GET /livez HTTP/1.1\r\nHost: x\r\n"

    answer = send(
        connection, begin + b"\r\n", begin + OFFER + b"\r\n" + begin + b"\r\n"
    )
    while answer.count(ALIVE) < 3 and (part := connection.recv(65536)):
        answer += part

    assert answer.count(ALIVE) == 3
