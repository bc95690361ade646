"""Load on a contestant, and what came of it."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.common.timing import ROOT, ProcessFailed, Spent, run_module
from benchmarks.load.servers import HOST
from benchmarks.load.targets import Target

WRK = shutil.which("wrk")
SCRIPT = Path(__file__).with_name("wrk.lua")
CHECKS = 5  # answers looked into after each run


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered(Spent):
    """How requests were answered; ``work`` is the series forecast.

    Attributes:
        requests: answered with a good status.
        failed: not.
        p50, p99: milliseconds that half and 99 % of the answers took at most.
    """

    requests: int
    failed: int
    p50: float
    p99: float


def press(target: Target, clients: int, seconds: float) -> Answered:
    """Send requests over keep-alive connections, each as fast as its answers come.

    The clients run in one process of their own; ``cpu`` is that of the service.
    """
    before = target.server.cpu()
    with tempfile.NamedTemporaryFile(suffix=".json") as body:
        body.write(target.body)
        body.flush()
        found = (_wrk if WRK else bundled)(target, Path(body.name), clients, seconds)
    cpu = target.server.cpu() - before
    target.tally.answered += found["answered"]
    target.tally.failed += found["failed"]
    target.check(CHECKS)
    return Answered(
        cpu=cpu,
        seconds=found["seconds"],
        work=found["answered"] * target.series,
        requests=found["answered"],
        failed=found["failed"],
        p50=found["p50"],
        p99=found["p99"],
    )


def pressing(target: Target, clients: int, seconds: float) -> Callable[[], Answered]:
    """Return what presses when its turn comes."""
    return lambda: press(target, clients, seconds)


def bundled(target: Target, body: Path, clients: int, seconds: float) -> dict[str, Any]:
    """Ask with the client that comes with the benchmarks."""
    return run_module(
        sys.executable,
        "benchmarks.load.client",
        *("--port", target.server.port, "--path", target.path, "--body", body),
        *("--clients", clients, "--seconds", seconds),
    )


def _wrk(target: Target, body: Path, clients: int, seconds: float) -> dict[str, Any]:
    assert WRK is not None
    url = f"http://{HOST}:{target.server.port}{target.path}"
    how = ("--threads", 1, "--connections", clients, "--duration", f"{seconds:.0f}s")
    more = ("--timeout", "30s", "--script", SCRIPT, url, "--", body)
    command = list(map(str, (WRK, *how, *more)))
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise ProcessFailed(f"wrk failed, and said: {done.stderr[-1000:].strip()}")
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found
