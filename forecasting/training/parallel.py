"""Trainings side by side, in threads: compiled loops do not hold each other up."""

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from queue import SimpleQueue
from threading import Event, local
from typing import Protocol, TypeVar

import joblib

POLLED = 0.05  # seconds between two looks at what the trainings say


Word = TypeVar("Word")  # what a training says of an epoch


Said = TypeVar("Said", covariant=True)


Result = TypeVar("Result", covariant=True)


class Training(Protocol[Said, Result]):
    """Something that trains, and tells of its epochs."""

    def __call__(self, *, on_epoch: Callable[[Said], None] | None) -> Result:
        """Train; return what came of it."""


class _Stopped(Exception):
    """Ends a training whose result nobody wants any more."""


_here = local()  # of a thread: whether it runs one of several trainings


def side_by_side(
    trainings: Sequence[Training[Word, Result]],
    on_epoch: Callable[[Word], None] | None = None,
) -> list[Result]:
    """Return what trainings return, as many of them at a time as there are cores.

    Args:
        trainings: independent of each other.
        on_epoch: called in this thread with all that is said, each training's in order.

    Raises:
        Exception: the first that a training or ``on_epoch`` raised; the other trainings
            end with their epoch.
    """
    workers = min(len(trainings), joblib.cpu_count())
    if workers <= 1 or getattr(_here, "is_one_of_several", False):
        return [training(on_epoch=on_epoch) for training in trainings]
    said: SimpleQueue[Word] = SimpleQueue()
    unwanted = Event()

    def tell(what: Word) -> None:
        if unwanted.is_set():
            raise _Stopped
        said.put(what)

    def run(training: Training[Word, Result]) -> Result:
        _here.is_one_of_several = True
        return training(on_epoch=tell)

    with ThreadPoolExecutor(workers) as pool:
        futures = [pool.submit(run, training) for training in trainings]
        try:
            _listen(futures, said, on_epoch)
        except BaseException:
            unwanted.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        return [future.result() for future in futures]


def _listen(
    futures: Sequence[Future[Result]],
    said: SimpleQueue[Word],
    on_epoch: Callable[[Word], None] | None,
) -> None:
    """Pass on what is said until all are done; raise what the first one raises."""
    running = True
    while running:
        done, running_ones = wait(futures, POLLED, FIRST_EXCEPTION)
        running = bool(running_ones)
        while not said.empty():
            what = said.get()
            if on_epoch is not None:
                on_epoch(what)
        for future in done:
            future.result()
