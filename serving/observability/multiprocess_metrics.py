"""Numbers of several processes, told as one.

Each process writes its own into a folder, and whoever is asked reads them all. That is
prometheus_client's way where an environment variable names a folder. What a process has
counted outlives it, as a sum that only grows must.
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

FOLDER = "PROMETHEUS_MULTIPROC_DIR"


MEMORY = "/dev/shm"  # Linux's; on a disk that is full, a number would end its process


@contextmanager
def shared_numbers() -> Iterator[None]:
    """Let the processes that are started meanwhile count together."""
    with TemporaryDirectory(
        prefix="recast-metrics-",
        dir=MEMORY if os.access(MEMORY, os.W_OK) else None,
        ignore_cleanup_errors=True,
    ) as folder:
        os.environ[FOLDER] = folder
        yield


def is_shared() -> bool:
    """Whether this process counts together with others."""
    return FOLDER in os.environ


def tell_all(registry: CollectorRegistry) -> None:
    """Let a registry tell what all the processes have counted."""
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    registry.register(_Processes(Path(os.environ[FOLDER])))


def forget(pid: int | None) -> None:
    """Forget what a process that has ended had waiting; what it counted stays."""
    if is_shared():
        mark_process_dead(pid)  # type: ignore[no-untyped-call]


class _Processes(Collector):
    """Memory, time and files of each process; ``pid`` tells them apart.

    Args:
        folder: where each has a file with its gauges as long as it lives.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterator[Metric]:
        told: dict[str, Metric] = {}
        for path in sorted(self._folder.glob("gauge_livesum_*.db")):
            pid = path.stem.rpartition("_")[2]
            for one in ProcessCollector(pid=pid.__str__, registry=None).collect():
                every = Metric(one.name, one.documentation, one.type)
                every = told.setdefault(one.name, every)
                for sample in one.samples:
                    every.add_sample(sample.name, {"pid": pid}, sample.value)
        yield from told.values()
