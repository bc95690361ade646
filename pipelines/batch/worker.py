"""Worker process: runs one task after another, and ends with its driver."""

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Mapping
from multiprocessing.connection import Connection, wait
from pathlib import Path

from pipelines.batch.tasks import run_task

PRELOADED = ("pipelines.search.tune", "pipelines.jobs.compare")
GRACE_SECONDS = 20.0  # to end a run after SIGTERM
INTERRUPTED = 130


def work(
    connection: Connection,
    environment: Mapping[str, str],
    threads: int,
    lock: Path,
) -> None:
    """Run the tasks that arrive until the connection is closed.

    Args:
        connection: to the driver; a task arrives, its result is sent back.
        environment: variables of the driver.
        threads: of linear algebra and of ensembles. Results do not depend on it.
        lock: file locked for the life of this process, see `BatchFolder.open`.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the driver decides on Ctrl-C
    os.environ.clear()
    os.environ.update(environment)
    threading.Thread(target=_end_with_driver, daemon=True).start()
    limit_threads(threads)
    from filelock import FileLock

    try:
        with FileLock(lock):
            while True:
                connection.send(run_task(connection.recv()))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _end_with_driver() -> None:
    """End this process when the driver has died, even by SIGKILL."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    wait([parent.sentinel])
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os._exit(INTERRUPTED)


def limit_threads(threads: int) -> None:
    """Limit the threads of torch, of linear algebra and of ensembles."""
    import torch
    from threadpoolctl import threadpool_limits

    torch.set_num_threads(threads)
    threadpool_limits(threads)
    os.environ["LOKY_MAX_CPU_COUNT"] = str(threads)  # read by joblib
