"""What a run takes: seconds, processor seconds, memory.

Only the standard library is needed: `benchmarks.peers` runs where Recast is not.
"""

import json
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

# ru_maxrss counts bytes on macOS and kilobytes elsewhere (getrusage(2)).
RSS_PER_MB = 1e6 if sys.platform == "darwin" else 1e6 / 1024


PROCESSES = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)


@dataclass(slots=True)
class Usage:
    """What making a file of forecasts took.

    Attributes:
        method: who made them.
        seconds: from the first series read to the last forecast made.
        cpu_seconds: of this process and its children, in that time.
        peak_mb: the process's largest resident memory so far, libraries included.
    """

    method: str
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_mb: float = 0.0


@contextmanager
def measured(method: str) -> Iterator[Usage]:
    """Yield a `Usage` whose numbers are there when the block ends."""
    usage = Usage(method)
    began, began_cpu = time.perf_counter(), _cpu_seconds()
    yield usage
    usage.seconds = time.perf_counter() - began
    usage.cpu_seconds = _cpu_seconds() - began_cpu
    usage.peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / RSS_PER_MB


def write_usage(usage: Usage, forecasts: Path) -> None:
    """Write the usage beside the forecasts that it was spent on."""
    _beside(forecasts).write_text(json.dumps(asdict(usage), indent=2) + "\n")


def read_usage(forecasts: Path) -> Usage | None:
    """Return what stands beside forecasts; None where nothing does."""
    path = _beside(forecasts)
    return Usage(**json.loads(path.read_text())) if path.exists() else None


def _beside(forecasts: Path) -> Path:
    return forecasts.with_name(f"{forecasts.name}.usage.json")


def _cpu_seconds() -> float:
    spent = [resource.getrusage(who) for who in PROCESSES]
    return sum(each.ru_utime + each.ru_stime for each in spent)
