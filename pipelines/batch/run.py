"""Run of a batch: journal, executor, display and report, to the end of every job."""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import joblib
import psutil
import torch
from rich.console import Console

from pipelines.batch.display import show_batch
from pipelines.batch.executor import Ended, Executor, Started
from pipelines.batch.folder import BatchFolder
from pipelines.batch.plan import PlannedJob
from pipelines.batch.report import ReportFile
from pipelines.batch.state import BatchState, JobState
from pipelines.batch.tasks import Task
from pipelines.checkpoints.opening import WorkOptions, locate_work
from pipelines.output.summary import show_notes
from pipelines.tracking.interrupts import acknowledge_interrupt, interruptible
from pipelines.tracking.runs import connect

WORKER_BYTES = 1_000_000_000  # of memory for each worker, by default


@dataclass(frozen=True, slots=True)
class BatchOptions:
    """Options of a batch.

    Attributes:
        resume: go on from the journal and the checkpoints of an interrupted batch.
        if_changed: leave out jobs whose job, data and code are those of a finished run.
        folder: of the unfinished work; None for the default of a single job.
        report: JSON file of every job; None for none.
        trials: of each job that is tuned; None for its default.
        storage: database of the trials; None for its default.
    """

    resume: bool = False
    if_changed: bool = False
    folder: Path | None = None
    report: Path | None = None
    trials: int | None = None
    storage: str | None = None


MakeExecutor = Callable[[Path], tuple[Executor, int | None]]


def run_batch(
    jobs: Sequence[PlannedJob],
    sources: Sequence[Path],
    options: BatchOptions,
    make_executor: MakeExecutor,
    console: Console,
) -> BatchState:
    """Run all jobs; return the state at the end.

    Args:
        jobs: as `pipelines.batch.plan.read_plan` returns them.
        sources: arguments of the command, which name the folder of the batch.
        options: of the batch.
        make_executor: returns the executor, and how many tasks it runs at once, for
            the folder of the batch.
        console: output of the display.

    Raises:
        TrackingError: MLflow does not answer; nothing has been written.
        OutputError: the report or the work folder cannot be written.
        InputError: another process runs this batch, or its journal is damaged.
        Interrupted: SIGTERM or Ctrl-C; all workers have ended.
    """
    report = ReportFile(options.report)
    connect()
    root = locate_work(WorkOptions(folder=options.folder))
    with BatchFolder(root, sources, resume=options.resume) as folder:
        if options.resume:
            show_notes(console, [folder.describe()])
        executor, workers = make_executor(folder.path)
        state = BatchState.of(jobs, workers, folder.started)
        batch = _Batch(folder, state, options)
        with interruptible():
            try:
                batch.run(executor, report, console)
            except BaseException as error:
                acknowledge_interrupt(error)
                report.write(state, "interrupted")
                raise
        if not state.counts["failed"]:
            folder.finish()
        warnings = (folder.warning, report.warning)
        show_notes(console, [text for text in warnings if text])
    return state


def choose_workers(jobs: Sequence[PlannedJob]) -> int:
    """Return the number of processes for jobs: one a core, as memory allows.

    Jobs on GPUs get one process a GPU.
    """
    if torch.cuda.is_available() and any(j.device in ("auto", "cuda") for j in jobs):
        return min(torch.cuda.device_count(), len(jobs))
    by_memory = int(psutil.virtual_memory().available // WORKER_BYTES)
    cores = int(joblib.cpu_count())
    return max(min(cores, by_memory, len(jobs)), 1)


class _Batch:
    """The run of one batch."""

    def __init__(
        self, folder: BatchFolder, state: BatchState, options: BatchOptions
    ) -> None:
        self._folder, self._state, self._options = folder, state, options
        self._digests: dict[int, str] = {}

    def run(self, executor: Executor, report: ReportFile, console: Console) -> None:
        """Run the tasks; note each start and end in state, journal and report."""
        state = self._state
        with show_batch(console, state) as show_end:
            report.update(state)
            with closing(_as_generator(executor, self._tasks(show_end))) as events:
                for event in events:
                    job = state.update(event)
                    if isinstance(event, Ended):
                        self._note_end(event)
                        show_end(job)
                    report.update(state)
        report.write(state, "failed" if state.counts["failed"] else "done")

    def _tasks(self, show_end: Callable[[JobState], None]) -> Iterator[Task]:
        """Yield the tasks; jobs that the journal holds are taken over instead."""
        options, folder = self._options, self._folder
        work = WorkOptions(options.resume, options.folder)
        for number, state in enumerate(self._state.jobs):
            job = state.job
            self._digests[number] = job.digest(options.trials)
            result = folder.take(self._digests[number], number, job.name)
            if result is not None:
                show_end(self._state.take_over(number, result))
                continue
            yield Task(
                number=number,
                name=job.name,
                command=job.command,
                job=job.text,
                source=str(job.source),
                work=work,
                log=folder.log(job.name),
                resources=job.resources,
                if_changed=options.if_changed,
                since=folder.started if options.resume else None,
                trials=options.trials,
                storage=options.storage,
            )

    def _note_end(self, event: Ended) -> None:
        digest = self._digests.pop(event.result.number)
        if event.result.status != "failed":
            self._folder.append(digest, event.result)


def _as_generator(
    executor: Executor, tasks: Iterator[Task]
) -> Generator[Started | Ended, None, None]:
    """Return the events of an executor as a generator, which can be closed."""
    yield from executor.run(tasks)
