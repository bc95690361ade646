"""Everything goes wrong while clients ask, and nothing is lost."""

import random
import threading
import time
from contextlib import ExitStack

import httpx
import numpy as np
import psutil
import pytest

ROUTE = "/v1/models/waves/forecast"
SECONDS = 20
BAD = [b"{", b"[]", b'{"horizon": 0}', b'{"series": []}', b'{"more": 1}', b"\xff\xfe"]


class Client(threading.Thread):
    """A thread that sends good and bad requests, and records responses and losses."""

    def __init__(self, url, seed):
        super().__init__(daemon=True)
        self.url, self.random = url, random.Random(seed)
        self.stop = threading.Event()
        self.answers, self.refused, self.lost = [], [], []

    def run(self):
        with httpx.Client(base_url=self.url, timeout=180) as client:
            while not self.stop.is_set():
                bad = self.random.random() < 0.2
                content = self.random.choice(BAD) if bad else b"{}"
                try:
                    response = client.post(ROUTE, content=content)
                except httpx.TransportError:
                    self.lost.append(time.monotonic())
                else:
                    (self.refused if bad else self.answers).append(response)


def move_aliases(registry, seconds):
    """Move the alias to one version and back, again and again."""
    end, version = time.monotonic() + seconds, "1"
    while time.monotonic() < end:
        version = "2" if version == "1" else "1"
        registry.client.set_registered_model_alias("waves", "champion", version)
        time.sleep(0.2)


def kill_a_worker(service):
    """Kill a worker process; return the time."""
    processes = psutil.Process(service.process.pid).children(recursive=True)
    workers = [child for child in processes if child.ppid() != service.process.pid]
    workers[0].kill()
    return time.monotonic()


@pytest.fixture
def soaked(registry, tmp_path, running, tracking, free_port):
    """Yield the service, its clients after the faults, and the time of the kill."""
    uri, cache = f"http://127.0.0.1:{free_port}", tmp_path / "cache"
    with ExitStack() as stack:
        with tracking(registry.path, tmp_path, free_port):
            workers = ("--workers", "2")
            service = stack.enter_context(
                running(uri, tmp_path, workers, cache_dir=cache)
            )
            service.wait_for(lambda: service.readyz().get("state") == "ready")
            clients = [Client(service.url, seed) for seed in range(4)]
            for client in clients:
                client.start()
            move_aliases(registry, SECONDS / 4)
        move_aliases(registry, SECONDS / 4)  # the registry is away
        killed = kill_a_worker(service)
        stack.enter_context(tracking(registry.path, tmp_path, free_port))
        move_aliases(registry, SECONDS / 2)
        for client in clients:
            client.stop.set()
            client.join(timeout=180)
        yield service, clients, killed


@pytest.mark.slow
def test_nothing_is_lost_but_what_was_in_a_worker_that_was_killed(soaked, library):
    service, clients, killed = soaked
    expected = {v: library["waves", v].predict().points for v in ("1", "2")}

    answers = [answer for client in clients for answer in client.answers]
    refused = [answer for client in clients for answer in client.refused]
    lost = [moment for client in clients for moment in client.lost]

    assert {answer.status_code for answer in answers} == {200}
    assert {answer.status_code for answer in refused} == {422}
    assert len(lost) <= len(clients)  # each had one request on its way, at most
    assert all(killed <= moment < killed + 15 for moment in lost)
    seen = set()
    for answer in (response.json() for response in answers):
        version = answer["model"]["version"]
        points = [row["point"] for row in answer["forecasts"]]
        np.testing.assert_allclose(points, expected[version], rtol=1e-6)
        seen.add(version)
    assert seen == {"1", "2"}
    assert service.lines("request failed") == []
