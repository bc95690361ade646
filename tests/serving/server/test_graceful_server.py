"""Shutdown without a lost request, and replacement of workers."""

import asyncio
import re
import signal
import socket
import threading
import time

import httpx
import psutil
import pytest
import uvicorn

from serving.server import graceful_server
from serving.server.graceful_server import GracefulServer, WorkerProcess

ROUTE = "/v1/models/waves/forecast"
UNSTARTED = "new worker does not start, old ones go on"


class Client(threading.Thread):
    """A client that repeats requests until the port is closed; records failures."""

    def __init__(self, url, keep_alive, pause=0.0):
        super().__init__(daemon=True)
        self.pause = pause
        self.url, self.headers = url, {} if keep_alive else {"Connection": "close"}
        self.statuses, self.failures = [], []

    def run(self):
        with httpx.Client(base_url=self.url, timeout=180) as client:
            while not self.failures:
                try:
                    answer = client.post(ROUTE, json={}, headers=self.headers)
                except httpx.ConnectError:
                    return
                except httpx.TransportError as error:
                    self.failures.append(repr(error))
                else:
                    self.statuses.append(answer.status_code)
                    time.sleep(self.pause)


def has_many_answers(client):
    return client.statuses.count(200) > 3


@pytest.mark.parametrize("arguments", [(), ("--workers", "2")])
def test_sigterm_under_load_loses_no_request(registry, tmp_path, running, arguments):
    with running(registry.uri, tmp_path, arguments) as service:
        service.wait_for(lambda: service.readyz().get("state") == "ready")
        clients = [Client(service.url, keep) for keep in (True, False) * 3]
        for client in clients:
            client.start()
        service.wait_for(lambda: all(has_many_answers(client) for client in clients))
        idle = socket.create_connection(service.client.base_url.netloc.split(b":"))
        began = time.monotonic()
        service.process.send_signal(signal.SIGTERM)
        service.process.wait(timeout=180)
        took = time.monotonic() - began
        for client in clients:
            client.join(timeout=180)
        idle.close()

    assert [client.failures for client in clients] == [[]] * 6
    assert {status for client in clients for status in client.statuses} <= {200, 503}
    assert service.process.returncode == 0
    assert took < 60
    assert service.lines("request failed") == []


def test_what_waits_in_the_queue_of_the_socket_is_answered():
    async def stop_with_a_queue():
        listener = socket.create_server(("127.0.0.1", 0))
        server = GracefulServer(uvicorn.Config(say_hello, lifespan="off"))
        server.config.load()
        server.lifespan = server.config.lifespan_class(server.config)
        await server.startup([listener])
        await server.on_tick(0)
        queued = [socket.create_connection(listener.getsockname()) for _ in range(5)]
        for connection in queued:  # nobody accepts them: the event loop is here
            connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await server.shutdown([listener])
        answers = []
        for connection in queued:
            with connection:
                parts = iter(lambda c=connection: c.recv(999), b"")
                answers.append(b"".join(parts))
        return answers

    answers = asyncio.run(stop_with_a_queue())

    assert all(answer.startswith(b"HTTP/1.1 200") for answer in answers)
    assert all(b"connection: close" in answer for answer in answers)


async def say_hello(scope, receive, send):
    headers = [(b"content-length", b"5")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"hello"})


def test_a_worker_that_is_killed_is_replaced(registry, tmp_path, running):
    with running(registry.uri, tmp_path, ("--workers", "2")) as service:
        service.wait_for(lambda: service.readyz().get("state") == "ready")
        before = workers_of(service)
        before[0].kill()
        statuses = [post(service) for _ in range(20)]
        service.wait_for(lambda: post(service) == 200)
        service.wait_for(lambda: len(set(workers_of(service)) - set(before)) == 1)
        after = workers_of(service)

    assert len(before) == len(after) == 2
    assert set(statuses) <= {200, 503}  # 503 by a worker that is not ready yet
    assert not any(worker.is_running() for worker in after)


def post(service):
    return httpx.post(service.url + ROUTE, json={}, timeout=180).status_code


@pytest.fixture
def signalled(registry, tmp_path, running):
    """A service with two workers, the file of its keys, and two running clients."""
    keys = tmp_path / "keys.json"
    keys.write_text("{}")
    arguments = ("--workers", "2")
    with running(registry.uri, tmp_path, arguments, api_keys_file=keys) as service:
        service.wait_for(lambda: len(running_workers(service)) == 2)
        clients = [Client(service.url, keep, pause=0.05) for keep in (True, False)]
        for client in clients:
            client.start()
        yield service, keys, clients


@pytest.mark.slow
def test_workers_are_replaced_added_and_let_go_without_losing_a_request(signalled):
    service, keys, clients = signalled
    before = running_workers(service)

    keys.write_text("{")  # a new worker cannot start
    service.process.send_signal(signal.SIGHUP)
    service.wait_for(lambda: service.lines(UNSTARTED))
    unchanged = {worker.pid for worker in workers_of(service)}
    keys.write_text("{}")
    service.process.send_signal(signal.SIGHUP)
    # Two starts, one after the other, beside the clients and the rest of the suite.
    service.wait_for(lambda: not before & running_workers(service), seconds=600)
    after = running_workers(service)
    service.process.send_signal(signal.SIGTTIN)
    service.wait_for(lambda: len(running_workers(service)) == 3)
    service.process.send_signal(signal.SIGTTOU)
    service.wait_for(lambda: len(running_workers(service)) == 2)
    service.wait_for(lambda: all(len(client.statuses) > 20 for client in clients))
    service.process.send_signal(signal.SIGTERM)
    service.process.wait(timeout=180)
    for client in clients:
        client.join(timeout=180)

    assert unchanged == before
    assert len(after) == 2
    assert [client.failures for client in clients] == [[]] * 2
    assert {status for client in clients for status in client.statuses} == {200}
    assert service.process.returncode == 0


def running_workers(service):
    """Return the workers in the metrics: started and not ended."""
    text = httpx.get(service.url + "/metrics", timeout=180).text
    return {int(pid) for pid in re.findall(r'cpu_seconds_total{pid="(\d+)"}', text)}


def workers_of(service):
    """Return the worker processes."""
    processes = psutil.Process(service.process.pid).children(recursive=True)
    forked = [child for child in processes if child.ppid() != service.process.pid]
    return [child for child in forked if child.status() != psutil.STATUS_ZOMBIE]


def test_a_worker_may_import_for_longer_than_it_may_be_silent(monkeypatch):
    monkeypatch.setattr(graceful_server, "MAX_SILENCE_SECONDS", 0.0)
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config("serving.app:create_app", factory=True)
    worker = WorkerProcess(config, [listener])
    worker.start()
    try:
        alive = [worker.is_alive(timeout=0.01) for _ in range(5)]
    finally:
        worker.kill()
        worker.join()
        listener.close()

    assert alive == [True] * 5
