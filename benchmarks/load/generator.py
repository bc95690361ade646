"""Load generator: requests of concurrent clients and the measurement of a run."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.common.timing import ROOT, Measurement, ProcessFailed, run_module
from benchmarks.load.servers import HOST
from benchmarks.load.targets import Target

WRK = shutil.which("wrk")
SCRIPT = Path(__file__).with_name("wrk.lua")
CHECKS = 5  # answers checked after each run


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadMeasurement(Measurement):
    """Measurement of a load run; ``work`` is the number of series forecast.

    Attributes:
        requests: number of requests answered with status 200.
        failed: number of other requests.
        p50, p99: median and 99th percentile of the latency, in milliseconds.
    """

    requests: int
    failed: int
    p50: float
    p99: float


def run_load(target: Target, clients: int, seconds: float) -> LoadMeasurement:
    """Send requests over keep-alive connections, one at a time over each.

    The clients run in one separate process; ``cpu`` is that of the service.
    """
    cpu_before = target.server.cpu()
    with tempfile.NamedTemporaryFile(suffix=".json") as body:
        body.write(target.body)
        body.flush()
        figures = (_run_wrk if WRK else run_bundled_client)(
            target, Path(body.name), clients, seconds
        )
    cpu = target.server.cpu() - cpu_before
    target.counts.answered += figures["answered"]
    target.counts.failed += figures["failed"]
    target.check_answers(CHECKS)
    return LoadMeasurement(
        cpu=cpu,
        seconds=figures["seconds"],
        work=figures["answered"] * target.series,
        requests=figures["answered"],
        failed=figures["failed"],
        p50=figures["p50"],
        p99=figures["p99"],
    )


def prepare_load(
    target: Target, clients: int, seconds: float
) -> Callable[[], LoadMeasurement]:
    """Return a function that runs a load, for a contestant."""
    return lambda: run_load(target, clients, seconds)


def run_bundled_client(
    target: Target, body: Path, clients: int, seconds: float
) -> dict[str, Any]:
    """Run `benchmarks.load.client` and return its counts and latencies."""
    return run_module(
        sys.executable,
        "benchmarks.load.client",
        *("--port", target.server.port, "--path", target.path, "--body", body),
        *("--clients", clients, "--seconds", seconds),
    )


def _run_wrk(
    target: Target, body: Path, clients: int, seconds: float
) -> dict[str, Any]:
    assert WRK is not None
    url = f"http://{HOST}:{target.server.port}{target.path}"
    load = ("--threads", 1, "--connections", clients, "--duration", f"{seconds:.0f}s")
    script = ("--timeout", "30s", "--script", SCRIPT, url, "--", body)
    command = list(map(str, (WRK, *load, *script)))
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if result.returncode:
        raise ProcessFailed(f"wrk failed, and said: {result.stderr[-1000:].strip()}")
    figures: dict[str, Any] = json.loads(result.stdout.strip().splitlines()[-1])
    return figures
