"""Aggregation of Prometheus metrics over worker processes.

Each process writes its metrics into files of a shared folder, and the process that is
scraped reads them all: the multiprocess mode of prometheus_client, which an environment
variable with the folder turns on. Counts of a process outlive it, because a counter
must not decrease.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
# In memory on Linux: on a full disk, writing a metric would kill the process.
SHARED_MEMORY = "/dev/shm"


@contextmanager
def shared_metrics() -> Iterator[None]:
    """Share the metrics of all processes that start within this context."""
    with TemporaryDirectory(
        prefix="recast-metrics-",
        dir=SHARED_MEMORY if os.access(SHARED_MEMORY, os.W_OK) else None,
        ignore_cleanup_errors=True,
    ) as folder:
        os.environ[FOLDER_VARIABLE] = folder
        yield


def is_multiprocess() -> bool:
    """Return whether this process shares its metrics with others."""
    return FOLDER_VARIABLE in os.environ


def add_all_processes(registry: CollectorRegistry) -> None:
    """Add the metrics of all processes to a registry."""
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    registry.register(ProcessesCollector(Path(os.environ[FOLDER_VARIABLE])))


def remove_process(pid: int | None) -> None:
    """Remove the gauges of a process that has ended; its counts remain."""
    if is_multiprocess():
        mark_process_dead(pid)  # type: ignore[no-untyped-call]


class ProcessesCollector(Collector):
    """Memory, CPU time and open files of each process, with its ``pid`` as label.

    Args:
        folder: shared folder; a living process has a file with its gauges in it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterator[Metric]:
        """Yield the process metrics of all living processes."""
        metrics: dict[str, Metric] = {}
        for path in sorted(self._folder.glob("gauge_livesum_*.db")):
            pid = path.stem.rpartition("_")[2]
            collector = ProcessCollector(pid=pid.__str__, registry=None)
            for metric in collector.collect():
                combined = Metric(metric.name, metric.documentation, metric.type)
                combined = metrics.setdefault(metric.name, combined)
                for sample in metric.samples:
                    combined.add_sample(sample.name, {"pid": pid}, sample.value)
        yield from metrics.values()
