"""Processes of one service tell their numbers as one."""

import re
from pathlib import Path

import httpx
import psutil

from serving.observability.multiprocess_metrics import FOLDER

ROUTE = "/v1/models/{name}/forecast"
COUNTS = (
    f'recast_requests_total{{method="POST",route="{ROUTE}",status="200"}}',
    f'recast_request_seconds_count{{route="{ROUTE}"}}',
    'recast_forecasts_total{model="waves"}',
)


def scrape(service):
    """Ask over a connection of its own: either process may answer."""
    return httpx.get(f"{service.url}/metrics", timeout=180).text


def counts(service):
    """Return what is counted of forecasts: requests, their times, series."""
    lines = scrape(service).splitlines()
    told = dict(line.rsplit(" ", 1) for line in lines if line[0] != "#")
    return [float(told.get(name, 0)) for name in COUNTS]


def pids(service):
    """Return the processes that are told of."""
    found = re.findall(r'process_cpu_seconds_total{pid="(\d+)"}', scrape(service))
    return {int(pid) for pid in found}


def test_whoever_is_asked_tells_what_all_have_counted(registry, tmp_path, running):
    url = ROUTE.format(name="waves")
    with running(registry.uri, tmp_path, ("--workers", "2")) as service:
        before = service.wait_for(lambda: len(pids(service)) == 2 and pids(service))
        answers = [httpx.post(service.url + url, json={}) for _ in range(40)]
        told = [counts(service) for _ in range(12)]
        killed = psutil.Process(min(before))
        folder = Path(killed.environ()[FOLDER])
        killed.kill()
        after = service.wait_for(
            lambda: len(pids(service) - before) == 1 and pids(service)
        )
        still = [counts(service) for _ in range(6)]
        text, shared = scrape(service), folder.is_dir()

    assert [response.status_code for response in answers] == [200] * 40
    assert told == [[40, 40, 80]] * 12
    assert still == told[:6]
    assert killed.pid not in after
    assert "\nrecast_queue_length 0.0\n" in text
    assert text.count("# TYPE recast_requests_total ") == 1
    assert shared
    assert not folder.exists()
