"""Blocks of series in processes, in order, with a checkpoint of each finished block.

Fitting one series is mostly Python; threads would wait for each other. A process trains
a block at a time, on one core.
"""

import importlib.util
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from threading import Thread

import joblib
import torch

from forecasting.blocks.tasks import BlockResult, BlockTask
from forecasting.errors import ProcessDied
from forecasting.kernels.blas import one_blas_thread
from forecasting.kernels.compilation import load_loops
from forecasting.training import Checkpoint, Checkpoints

BLOCK = 32  # series in a block, which is a file and the unit of lost work
MIN_SERIES = 64  # for processes, each of which takes seconds to start
Work = Callable[[BlockTask], BlockResult]
_HELD = ExitStack()  # limits of a process, held to its end


def split_blocks(count: int, size: int = BLOCK) -> list[slice]:
    """Return slices of at most ``size`` series that cover ``count``."""
    return [slice(at, min(at + size, count)) for at in range(0, count, size)]


def run_blocks(
    work: Work,
    tasks: Sequence[BlockTask],
    *,
    checkpoints: Checkpoints | None = None,
    on_series: Callable[[int], None] | None = None,
) -> list[BlockResult]:
    """Do the work of every block; return the results in the order of the tasks.

    Args:
        work: of one block; a function of a module.
        tasks: the blocks.
        checkpoints: folder with the results of finished blocks, which are not done
            again, and for those of the others; None for none.
        on_series: called with the number of series of each finished block.

    Raises:
        SeriesFailed: a model could not be trained.
        ProcessDied: a process was killed, or out of memory.
        CheckpointError: a checkpoint cannot be used.
    """
    files: list[Checkpoint | None] = [None] * len(tasks)
    if checkpoints is not None:
        files = [checkpoints.open(f"block {number}") for number in range(len(tasks))]
    results: dict[int, BlockResult] = {}
    for number, file in enumerate(files):
        state = None if file is None else file.load()
        if state is not None:
            results[number] = BlockResult.from_state(state)
            _report(on_series, tasks[number])
    missing = {n: task for n, task in enumerate(tasks) if n not in results}
    for number, result in _run(work, missing):
        results[number] = result
        if (file := files[number]) is not None:
            file.finish(result.to_state())
        _report(on_series, tasks[number])
    return [results[number] for number in range(len(tasks))]


def _report(on_series: Callable[[int], None] | None, task: BlockTask) -> None:
    if on_series is not None:
        on_series(len(task.panel))


def _run(
    work: Work, tasks: Mapping[int, BlockTask]
) -> Iterator[tuple[int, BlockResult]]:
    """Yield the number and the result of each block, the first finished first."""
    count = sum(len(task.panel) for task in tasks.values())
    workers = min(joblib.cpu_count(), len(tasks))
    is_nested = multiprocessing.current_process().daemon  # it may start no process
    on_gpu = any(task.config.check().type != "cpu" for task in tasks.values())
    if workers < 2 or count < MIN_SERIES or is_nested or on_gpu:
        for number, task in tasks.items():
            yield number, work(task)
        return
    with _start(workers) as pool:
        numbers = {pool.submit(work, task): number for number, task in tasks.items()}
        for future in as_completed(numbers):
            try:
                yield numbers.pop(future), future.result()
            except BrokenProcessPool as error:
                raise ProcessDied from error


@contextmanager
def _start(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Start processes; end them at once where the caller fails or is interrupted."""
    context = multiprocessing.get_context("spawn")
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(workers, context, _prepare)
    try:
        yield pool
    except BaseException:
        for process in set(multiprocessing.active_children()) - others:
            process.terminate()
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()


def _prepare() -> None:
    """Prepare a new process: one core, the compiled loops, an end with its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends this process
    parent = multiprocessing.parent_process()
    if parent is not None:
        Thread(target=_end_after, args=(parent.join,), daemon=True).start()
    os.environ["LOKY_MAX_CPU_COUNT"] = "1"  # read by joblib
    torch.set_num_threads(1)
    _HELD.enter_context(one_blas_thread())
    if importlib.util.find_spec("numba") is not None:
        load_loops()


def _end_after(wait: Callable[[], None]) -> None:
    """End this process when ``wait`` returns."""
    wait()
    os._exit(1)
