"""Worker processes of one service report their metrics together."""

import re
from pathlib import Path

import httpx
import psutil

from serving.observability.multiprocess_metrics import FOLDER_VARIABLE

ROUTE = "/v1/models/{name}/forecast"
COUNTS = (
    f'recast_requests_total{{method="POST",route="{ROUTE}",status="200"}}',
    f'recast_request_seconds_count{{route="{ROUTE}"}}',
    'recast_forecasts_total{model="waves"}',
)


def scrape(service):
    """Request the metrics over a new connection: either process may answer."""
    return httpx.get(f"{service.url}/metrics", timeout=180).text


def counts(service):
    """Return the counts of forecasts: requests, durations, series."""
    lines = scrape(service).splitlines()
    metrics = dict(line.rsplit(" ", 1) for line in lines if line[0] != "#")
    return [float(metrics.get(name, 0)) for name in COUNTS]


def pids(service):
    """Return the processes in the metrics."""
    matches = re.findall(r'process_cpu_seconds_total{pid="(\d+)"}', scrape(service))
    return {int(pid) for pid in matches}


def test_each_process_reports_the_counts_of_all(registry, tmp_path, running):
    url = ROUTE.format(name="waves")
    with running(registry.uri, tmp_path, ("--workers", "2")) as service:
        before = service.wait_for(lambda: len(pids(service)) == 2 and pids(service))
        answers = [httpx.post(service.url + url, json={}) for _ in range(40)]
        before_kill = [counts(service) for _ in range(12)]
        killed = psutil.Process(min(before))
        folder = Path(killed.environ()[FOLDER_VARIABLE])
        killed.kill()
        after = service.wait_for(
            lambda: len(pids(service) - before) == 1 and pids(service)
        )
        after_kill = [counts(service) for _ in range(6)]
        text, shared = scrape(service), folder.is_dir()

    assert [response.status_code for response in answers] == [200] * 40
    assert before_kill == [[40, 40, 80]] * 12
    assert after_kill == before_kill[:6]
    assert killed.pid not in after
    assert "\nrecast_queue_length 0.0\n" in text
    assert text.count("# TYPE recast_requests_total ") == 1
    assert shared
    assert not folder.exists()
