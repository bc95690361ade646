"""Resource usage of a run: seconds, processor seconds, memory.

Only the standard library is imported: `benchmarks.peers` runs in an environment without
Recast.
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
    """Time and memory spent on a file of forecasts.

    Attributes:
        method: name of the forecasting method.
        seconds: elapsed seconds from reading the series to the last forecast.
        cpu_seconds: processor seconds of this process and its children, meanwhile.
        peak_mb: the process's largest resident memory so far, libraries included.
    """

    method: str
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_mb: float = 0.0


@contextmanager
def measure_usage(method: str) -> Iterator[Usage]:
    """Yield a `Usage` that is filled in at the end of the block."""
    usage = Usage(method)
    start, start_cpu = time.perf_counter(), _cpu_seconds()
    yield usage
    usage.seconds = time.perf_counter() - start
    usage.cpu_seconds = _cpu_seconds() - start_cpu
    usage.peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / RSS_PER_MB


def write_usage(usage: Usage, forecasts: Path) -> None:
    """Write the usage to a JSON file beside its forecasts."""
    _usage_path(forecasts).write_text(json.dumps(asdict(usage), indent=2) + "\n")


def read_usage(forecasts: Path) -> Usage | None:
    """Return the usage written beside forecasts; None without such a file."""
    path = _usage_path(forecasts)
    return Usage(**json.loads(path.read_text())) if path.exists() else None


def _usage_path(forecasts: Path) -> Path:
    return forecasts.with_name(f"{forecasts.name}.usage.json")


def _cpu_seconds() -> float:
    usages = [resource.getrusage(process) for process in PROCESSES]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)
