"""Trainings run in parallel threads: the compiled loops release the GIL."""

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from queue import SimpleQueue
from threading import Event, local
from typing import Protocol, TypeVar

import joblib

POLL_SECONDS = 0.05  # between two checks for new records
Record = TypeVar("Record")  # of an epoch
EpochResult = TypeVar("EpochResult", covariant=True)
Result = TypeVar("Result", covariant=True)


class Training(Protocol[EpochResult, Result]):
    """A training that reports its epochs."""

    def __call__(self, *, on_epoch: Callable[[EpochResult], None] | None) -> Result:
        """Train; return the result."""


class _Cancelled(Exception):
    """Raised in a worker thread to cancel its training."""


_thread_state = local()  # whether this thread runs one of several trainings


def run_trainings(
    trainings: Sequence[Training[Record, Result]],
    on_epoch: Callable[[Record], None] | None = None,
) -> list[Result]:
    """Run trainings in parallel, at most one per core; return their results.

    Args:
        trainings: independent of each other.
        on_epoch: called in the caller's thread with the records, in order per training.

    Raises:
        Exception: the first that a training or ``on_epoch`` raised; the other trainings
            are cancelled at the end of their epoch.
    """
    workers = min(len(trainings), joblib.cpu_count())
    if workers <= 1 or getattr(_thread_state, "runs_training", False):
        return [training(on_epoch=on_epoch) for training in trainings]
    records: SimpleQueue[Record] = SimpleQueue()
    cancelled = Event()

    def send(record: Record) -> None:
        if cancelled.is_set():
            raise _Cancelled
        records.put(record)

    def run(training: Training[Record, Result]) -> Result:
        _thread_state.runs_training = True
        return training(on_epoch=send)

    with ThreadPoolExecutor(workers) as pool:
        futures = [pool.submit(run, training) for training in trainings]
        try:
            _forward_records(futures, records, on_epoch)
        except BaseException:
            cancelled.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        return [future.result() for future in futures]


def _forward_records(
    futures: Sequence[Future[Result]],
    records: SimpleQueue[Record],
    on_epoch: Callable[[Record], None] | None,
) -> None:
    """Forward records until all trainings are done; raise the first error."""
    running = True
    while running:
        done, pending = wait(futures, POLL_SECONDS, FIRST_EXCEPTION)
        running = bool(pending)
        while not records.empty():
            record = records.get()
            if on_epoch is not None:
                on_epoch(record)
        for future in done:
            future.result()
