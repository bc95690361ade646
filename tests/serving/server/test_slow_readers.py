"""Clients that stop reading are disconnected; slow readers get the full answer."""

import json
import signal
import socket
import time
from contextlib import ExitStack, contextmanager

import psutil
import pytest

SERIES = 4000
BODY = json.dumps(
    {
        "series": [{"id": str(i), "values": [1, 2, 3, 5, 4, 6]} for i in range(SERIES)],
        "horizon": 24,
    }
).encode()
HEAD = (
    "POST /v1/models/waves/forecast HTTP/1.1\r\nHost: localhost\r\n"
    f"Content-Length: {len(BODY)}\r\n"
)
CUT = "answer is not read, connection cut"


@pytest.fixture(scope="module")
def start(copy_registry, tmp_path_factory, running):
    """Starts a service that waits half a second for a client to read."""

    @contextmanager
    def run():
        folder = tmp_path_factory.mktemp("eager")
        with running(copy_registry(folder).uri, folder, body_seconds=0.5) as service:
            service.wait_for(lambda: service.readyz().get("state") == "ready")
            yield service

    return run


@pytest.fixture(scope="module")
def eager(start):
    with start() as service:
        yield service


@pytest.fixture
def ask():
    """Requests megabytes over a connection with a small receive buffer."""
    with ExitStack() as connections:

        def send(service, header=""):
            connection = connections.enter_context(socket.socket())
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.settimeout(180)
            base = service.client.base_url
            connection.connect((base.host, base.port))
            connection.sendall(f"{HEAD}{header}\r\n".encode() + BODY)
            return connection

        yield send


def cuts(service):
    return service.lines(CUT)


@pytest.mark.parametrize("header", ["", "Connection: close\r\n"])
def test_who_reads_nothing_is_cut_off_in_time(eager, ask, header):
    process = psutil.Process(eager.process.pid)
    descriptors, before = process.num_fds(), len(cuts(eager))

    began = time.monotonic()
    for _ in range(3):
        ask(eager, header)
    eager.wait_for(lambda: len(cuts(eager)) == before + 3)
    took = time.monotonic() - began
    eager.wait_for(lambda: process.num_fds() <= descriptors)

    assert 0.5 < took < 20  # seconds; more where nothing is set
    assert all(line["bytes"] > 10**6 for line in cuts(eager))
    assert eager.forecast().status_code == 200


def test_who_reads_slowly_gets_all(eager, ask):
    before = len(cuts(eager))
    connection = ask(eager)

    answer = bytearray()
    end = time.monotonic() + 2  # so little that the system's buffer stays full
    while time.monotonic() < end:
        answer += connection.recv(1024)
        time.sleep(0.02)
    size = content_length(answer)
    while len(answer) < size and (part := connection.recv(2**20)):
        answer += part

    assert len(cuts(eager)) == before
    assert len(answer) == size


def content_length(answer):
    """Return the size of an answer from its beginning."""
    head = answer.partition(b"\r\n\r\n")[0].lower()
    return len(head) + 4 + int(head.partition(b"content-length: ")[2].split()[0])


def test_sigterm_does_not_wait_for_who_does_not_read(start, ask):
    with start() as service:
        for _ in range(3):
            ask(service)
        service.wait_for(lambda: service.lines("request"))

        began = time.monotonic()
        service.process.send_signal(signal.SIGTERM)
        service.process.wait(timeout=180)
        took = time.monotonic() - began

    assert took < 20
    assert service.process.returncode == 0
    assert [line for line in service.lines() if line["level"] == "error"] == []
