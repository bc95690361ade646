"""Jobs in processes of their own, which a kill may end."""

import io
import multiprocessing
import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from benchmarks.killing.moments import Kill

Command = Literal["train", "compare", "tune"]
PRELOADED = [
    "pipelines.jobs.train",
    "pipelines.jobs.compare",
    "pipelines.search.tune",
    "forecasting.training.engines.compiled_engine",
]
MAX_SECONDS = 600.0  # of a job
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(PRELOADED)


@dataclass(frozen=True, slots=True)
class KilledJob:
    """A job, by its command, its series and its settings by dotted path."""

    name: str
    source: Path
    command: Command = "train"
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ended:
    """End of a job's process.

    Attributes:
        is_killed: whether it died of the kill.
        output: lines for the user.
    """

    is_killed: bool
    output: str


def run_job(
    job: KilledJob, folder: Path, *, resume: bool, kill: Kill | None = None
) -> Ended:
    """Run a job in a process with its MLflow store in a folder.

    Raises:
        RuntimeError: the job failed, or took too long.
    """
    log = folder / "output.txt"
    process = _context.Process(target=_run, args=(job, folder, resume, kill))
    process.start()
    process.join(MAX_SECONDS)
    if process.is_alive():
        process.kill()
        raise RuntimeError(f"{job.name}: no end after {MAX_SECONDS:g} s")
    output = log.read_text("utf-8") if log.exists() else ""
    if process.exitcode not in (0, -signal.SIGKILL):
        raise RuntimeError(f"{job.name} failed:\n{output}")
    return Ended(process.exitcode != 0, output)


def _run(job: KilledJob, folder: Path, resume: bool, kill: Kill | None) -> None:
    import traceback

    from rich.console import Console

    from pipelines.checkpoints.opening import WorkOptions
    from pipelines.config.job import read_job
    from pipelines.jobs.compare import compare
    from pipelines.jobs.train import train
    from pipelines.search.tune import tune

    os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{folder}/mlflow.db"
    os.chdir(folder)
    console = Console(file=io.StringIO(), width=200)
    if kill is not None:
        kill.arm()
    settings = {"training.checkpoint.every_seconds": 0, "name": job.name}
    read = read_job(job.source, settings | dict(job.settings))
    work = WorkOptions(resume=resume)
    try:
        if job.command == "compare":
            compare(read, console, work=work)
        elif job.command == "tune":
            tune(read, console, trials=3, work=work)
        else:
            train(read, console, work=work)
    except BaseException:
        (folder / "output.txt").write_text(traceback.format_exc(), "utf-8")
        raise
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    (folder / "output.txt").write_text(shown, "utf-8")
