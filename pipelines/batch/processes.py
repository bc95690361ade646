"""Executor of this machine: worker processes that run many tasks each.

Each worker is a copy of a server process that has imported torch and MLflow once, so
that a worker starts, or is replaced, in a fraction of a second.
"""

import multiprocessing
import os
import signal
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from multiprocessing import forkserver
from multiprocessing.connection import Connection, wait
from pathlib import Path

import joblib

from forecasting.fork_server import has_fork_server, process_context
from pipelines.batch.executor import Ended, Started
from pipelines.batch.tasks import Task, TaskResult, fail, next_attempt
from pipelines.batch.worker import GRACE_SECONDS, PRELOADED, work
from pipelines.tracking.interrupts import acknowledge_interrupt


def start_preloading() -> None:
    """Start the server process, which imports torch and MLflow meanwhile.

    Without such servers, each worker imports them itself.
    """
    if not has_fork_server():
        return
    multiprocessing.set_forkserver_preload(list(PRELOADED))
    with suppress(ValueError):  # not the main thread
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            forkserver.ensure_running()
        finally:
            signal.signal(signal.SIGINT, before)


class Processes:
    """Runs tasks in worker processes of this machine.

    Args:
        workers: number of processes.
        folder: for a lock file of each worker.
    """

    def __init__(self, workers: int, folder: Path) -> None:
        self.workers, self._folder = workers, folder
        self._threads = max(joblib.cpu_count() // workers, 1)
        self._pool: list[_Worker] = []

    def run(self, tasks: Iterable[Task]) -> Iterator[Started | Ended]:
        """Run tasks, see `pipelines.batch.executor.Executor.run`."""
        waiting, again = iter(tasks), deque[Task]()
        try:
            while True:
                yield from self._submit(waiting, again)
                busy = [worker for worker in self._pool if worker.task is not None]
                if not busy:
                    return
                for worker in _wait(busy):
                    yield from self._collect(worker, again)
        except BaseException as error:
            acknowledge_interrupt(error)  # the workers need time to end
            raise
        finally:
            self._stop()

    def _submit(
        self, waiting: Iterator[Task], again: deque[Task]
    ) -> Iterator[Started | Ended]:
        """Give tasks to all free workers; start workers as they are needed."""
        while True:
            free = [worker for worker in self._pool if worker.task is None]
            if not free and len(self._pool) >= self.workers:
                return
            task = again.popleft() if again else next(waiting, None)
            if task is None:
                return
            worker = free[0] if free else self._start()
            worker.submit(task)
            yield Started(task.number, f"process {worker.process.pid}", task.attempt)

    def _start(self) -> "_Worker":
        slots = {worker.slot for worker in self._pool}
        slot = next(n for n in range(self.workers) if n not in slots)
        worker = _Worker(slot, self._threads, self._folder / f"worker-{slot}.lock")
        self._pool.append(worker)
        return worker

    def _collect(self, worker: "_Worker", again: deque[Task]) -> Iterator[Ended]:
        """Yield the end of a worker's task, or plan its next attempt."""
        task = worker.task
        assert task is not None
        result = worker.receive()
        if worker.task is not None:  # the worker died
            self._pool.remove(worker)
            worker.close()
        repeated = next_attempt(task, result)
        if repeated is None:
            yield Ended(result)
        else:
            again.append(repeated)

    def _stop(self) -> None:
        """End all workers: idle ones at once, the others after their run has ended."""
        until = time.monotonic() + GRACE_SECONDS
        try:
            for worker in self._pool:
                if worker.task is not None:
                    worker.process.terminate()
                worker.connection.close()
            for worker in self._pool:
                worker.process.join(max(until - time.monotonic(), 0))
        finally:
            for worker in self._pool:
                if worker.process.is_alive():
                    worker.process.kill()
                worker.process.join()
            self._pool.clear()


class _Worker:
    """A worker process, as its driver sees it.

    Args:
        slot: its place among the workers, from 0.
        threads: see `pipelines.batch.worker.work`.
        lock: file that the process locks.
    """

    def __init__(self, slot: int, threads: int, lock: Path) -> None:
        self.slot = slot
        context = process_context()
        self.connection, remote = context.Pipe()
        self.task: Task | None = None
        self._since = 0.0
        arguments = (remote, _make_environment(slot), threads, lock)
        self.process = context.Process(target=work, args=arguments)
        self.process.start()
        remote.close()

    def submit(self, task: Task) -> None:
        """Send a task; a dead worker is noticed by `receive`."""
        self.task, self._since = task, time.monotonic()
        with suppress(OSError):
            self.connection.send(task)

    def receive(self) -> TaskResult:
        """Return the result of the task; a failure if the process has died."""
        assert self.task is not None
        try:
            result: TaskResult = self.connection.recv()
        except (EOFError, OSError):
            self.process.join()
            seconds = time.monotonic() - self._since
            return fail(self.task, _describe_death(self.process.exitcode), seconds)
        self.task = None
        return result

    def close(self) -> None:
        """Release the process, which has ended."""
        self.connection.close()
        self.process.close()


def _make_environment(slot: int) -> dict[str, str]:
    """Return the variables of a worker; of several GPUs, each worker sees one."""
    import torch

    environment = dict(os.environ)
    visible = environment.get("CUDA_VISIBLE_DEVICES", "")
    gpus = visible.split(",") if visible else range(torch.cuda.device_count())
    if len(gpus) > 1:
        environment["CUDA_VISIBLE_DEVICES"] = str(gpus[slot % len(gpus)])
    return environment


def _wait(busy: list[_Worker]) -> list[_Worker]:
    """Wait for workers that have a result or have died, and return them."""
    by_handle: dict[Connection | int, _Worker] = {}
    for worker in busy:
        by_handle[worker.connection] = worker
        by_handle[worker.process.sentinel] = worker
    ready = wait(list(by_handle))
    found = {id(worker): worker for worker in (by_handle[h] for h in ready)}  # type: ignore[index]
    return list(found.values())


def _describe_death(code: int | None) -> str:
    """Describe the end of a worker by its exit code, negative for a signal."""
    if code is None or code >= 0:
        return f"the worker process ended with exit code {code}"
    name = signal.Signals(-code).name
    advice = ""
    if name == "SIGKILL":
        advice = "; the system does so when memory is short: give fewer --workers"
    return f"the worker process was killed by {name}{advice}"
