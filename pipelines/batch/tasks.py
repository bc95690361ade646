"""A task: one job of a batch as plain values, and its run in this process.

A task and its result cross the borders of processes and machines. The job and all that
it needs are imported when the task runs.
"""

import os
import platform
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pipelines.config.resources import Resources

if TYPE_CHECKING:
    from rich.console import Console

    from pipelines.checkpoints.finished import FinishedRun
    from pipelines.checkpoints.opening import WorkOptions
    from pipelines.config.job import Job
    from pipelines.config.sequence_job import SequenceJob
    from pipelines.jobs.registration import Outcome
    from pipelines.jobs.sequences.registration import SequenceOutcome
    from pipelines.search.rounds import TrialPlan

    AnyJob = Job | SequenceJob

Command = Literal["train", "compare", "tune"]
Status = Literal["done", "unchanged", "failed"]
COMMANDS: tuple[Command, ...] = ("train", "compare", "tune")
MAX_ATTEMPTS = 2
DEFAULT_TRIALS = 20
LOG_WIDTH = 100  # characters of a line of a log


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One job of a batch.

    Attributes:
        number: position in the batch, from 0.
        name: of the job, unique in the batch.
        command: the command of ``recast`` that the task does.
        job: the job file as text, see `pipelines.config.job.Job.explicit_yaml`.
        source: path of the file that the job was read from, a job file or a CSV.
        work: resume or not, and from where.
        log: file of the output, to which the task appends.
        resources: needs of the task, for a cluster.
        if_changed: do nothing where job, data and code are those of a finished run.
        since: seconds since 1970 of the start of an interrupted batch: a run that has
            finished since then is the result of this task; None to look for none.
        trials: of the command ``tune``; None for its default.
        storage: URL of the trials' database; None for its default.
        attempt: 1 for the first.
        trial: of a search, to run in place of the command; None for none.
    """

    number: int
    name: str
    command: Command
    job: str
    source: str
    work: "WorkOptions"
    log: Path
    resources: Resources = field(default_factory=Resources)
    if_changed: bool = False
    since: float | None = None
    trials: int | None = None
    storage: str | None = None
    attempt: int = 1
    trial: "TrialPlan | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskResult:
    """End of a task.

    Attributes:
        number, name: of the task.
        status: ``done``, ``unchanged`` or ``failed``.
        log: file of the output.
        attempts: number of runs, failed ones included.
        error: message of the failure, without passwords; None without one.
        is_final: whether the same task would fail the same way again.
        model, version: registered model and its new (or unchanged) version.
        alias: the alias that the version competed for.
        promoted: whether the alias moved to it.
        reason: reason of the promotion, or of none.
        run_id: MLflow run.
        metric: name of the metric that decides.
        score: its value in the backtest; None where it is undefined.
        metrics: all finite figures of the model in the backtest.
        evidence: size of the backtest and interval of the skill, in words.
        started: seconds since 1970 of the start.
        seconds: duration of the last attempt.
        host: name of the machine.
        peak_memory: largest resident memory of the worker so far, in bytes.
    """

    number: int
    name: str
    status: Status
    log: str
    attempts: int = 1
    error: str | None = None
    is_final: bool = False
    model: str | None = None
    version: str | None = None
    alias: str | None = None
    promoted: bool = False
    reason: str | None = None
    run_id: str | None = None
    metric: str | None = None
    score: float | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    evidence: str | None = None
    started: float | None = None
    seconds: float = 0.0
    host: str = field(default_factory=platform.node)
    peak_memory: int | None = None


def run_task(task: Task) -> TaskResult:
    """Run a task in this process; its output goes to its log.

    Every failure becomes a result; SIGTERM and Ctrl-C end the open run and are raised.

    Raises:
        KeyboardInterrupt: SIGTERM or SIGINT was received.
    """
    started, start = time.time(), time.perf_counter()
    with output_to(task.log):
        try:
            values = _run(task)
        except Exception as error:
            values = _describe_failure(error)
    return TaskResult(
        number=task.number,
        name=task.name,
        log=str(task.log),
        attempts=task.attempt,
        started=started,
        seconds=time.perf_counter() - start,
        peak_memory=peak_memory(),
        **values,
    )


def fail(task: Task, error: str, seconds: float = 0.0) -> TaskResult:
    """Return the result of a task that something outside of it ended.

    Args:
        task: that was running.
        error: reason, such as the signal that killed its worker.
        seconds: for which it ran.
    """
    return TaskResult(
        number=task.number,
        name=task.name,
        status="failed",
        log=str(task.log),
        attempts=task.attempt,
        error=error,
        seconds=seconds,
    )


def next_attempt(task: Task, result: TaskResult) -> Task | None:
    """Return the task to run after a failure, which goes on from its checkpoints.

    None where the task has not failed, would fail the same way, or has been tried
    `MAX_ATTEMPTS` times.
    """
    if result.status != "failed" or result.is_final or task.attempt >= MAX_ATTEMPTS:
        return None
    work = replace(task.work, resume=True)
    return replace(task, work=work, attempt=task.attempt + 1)


def _run(task: Task) -> dict[str, Any]:
    """Run the job of a task and return the values of its result."""
    from rich.console import Console

    from pipelines.config.sequence_job import parse_any_job

    console = Console(file=sys.stdout, width=LOG_WIDTH, force_terminal=False)
    if task.trial is not None:
        from pipelines.search.rounds import run_trial

        end = run_trial(task.trial, console, is_resumed=task.work.resume)
        return {"status": "done", "score": end.value}
    job = parse_any_job(task.job, Path(task.source))
    finished = _find_finished(task, job)
    if finished is not None:
        console.print(f"{task.name}: {finished.describe()}", markup=False)
        return _describe_finished(task, job, finished)
    outcome = _call(task, job, console)
    for note in outcome.notes:
        console.print(f"note: {note}", markup=False)
    return _describe_outcome(outcome, job.metric)


def _find_finished(task: Task, job: "AnyJob") -> "FinishedRun | None":
    """Return the finished run that makes a task superfluous; None without one."""
    if not task.if_changed and task.since is None:
        return None
    from pipelines.checkpoints.finished import find_finished
    from pipelines.tracking.runs import connect

    connect()
    command: str = task.command
    if command == "tune":
        command = f"tune {task.trials or DEFAULT_TRIALS}"
    return find_finished(job, command, since=None if task.if_changed else task.since)


def _describe_finished(task: Task, job: "AnyJob", run: "FinishedRun") -> dict[str, Any]:
    """Return the values of a result for a job that had finished before."""
    alias, metric = job.registry.alias, job.metric
    return {
        "status": "unchanged" if task.if_changed else "done",
        "model": run.name,
        "version": run.version,
        "alias": alias,
        "promoted": alias in run.aliases,
        "run_id": run.run_id,
        "metric": metric,
        "score": run.metrics.get(metric),
        "metrics": run.metrics,
        "evidence": run.evidence,
    }


def _call(task: Task, job: "AnyJob", console: "Console") -> "Outcome | SequenceOutcome":
    """Run the command of a task."""
    from pipelines.config.sequence_job import SequenceJob

    if isinstance(job, SequenceJob):
        from pipelines.jobs.sequences.train import train_sequences

        return train_sequences(job, console)
    if task.command == "tune":
        from pipelines.search.tune import tune

        trials = task.trials or DEFAULT_TRIALS
        result = tune(job, console, trials=trials, storage=task.storage, work=task.work)
        return result.outcome
    if task.command == "compare":
        from pipelines.jobs.compare import compare

        return compare(job, console, work=task.work)
    from pipelines.jobs.train import train

    return train(job, console, work=task.work)


def _describe_outcome(
    outcome: "Outcome | SequenceOutcome", metric: str
) -> dict[str, Any]:
    """Return the values of a result for a job that is done."""
    import math

    row: dict[Any, float] = outcome.scores.loc[[outcome.label]].iloc[0].to_dict()
    metrics = {str(name): float(value) for name, value in row.items()}
    finite = {name: value for name, value in metrics.items() if math.isfinite(value)}
    return {
        "status": "done",
        "model": outcome.name,
        "version": outcome.version,
        "alias": outcome.alias,
        "promoted": outcome.verdict.promote,
        "reason": outcome.verdict.reason,
        "run_id": outcome.run_id,
        "metric": metric,
        "score": finite.get(metric),
        "metrics": finite,
        "evidence": outcome.evidence_text,
    }


def _describe_failure(error: Exception) -> dict[str, Any]:
    """Write an error to the log and return the values of a result for it."""
    from model_registry.addresses import without_password
    from pipelines.errors import USER_ERRORS, StudyError, TrackingError
    from pipelines.tracking.access import find_user_error

    user_error = error if isinstance(error, USER_ERRORS) else find_user_error(error)
    if user_error is None:
        text = without_password("".join(traceback.format_exception(error)))
        sys.stderr.write(text)
        last = text.strip().splitlines()[-1]
        return {"status": "failed", "error": last, "is_final": False}
    message = without_password(str(user_error))
    sys.stderr.write(f"Error: {message}\n")
    # A store may answer again; the rest is the user's input.
    is_final = not isinstance(user_error, TrackingError | StudyError)
    return {"status": "failed", "error": message, "is_final": is_final}


@contextmanager
def output_to(log: Path) -> Iterator[None]:
    """Append all output of this process to a file for the length of a block.

    The output of compiled code, such as the message of a crash, is included.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    streams = (sys.stdout, sys.stderr)
    copies = [os.dup(1), os.dup(2)]
    with log.open("a", encoding="utf-8", buffering=1) as file:
        try:
            for number in (1, 2):
                os.dup2(file.fileno(), number)
            sys.stdout = sys.stderr = file
            yield
        finally:
            sys.stdout, sys.stderr = streams
            for number, copy in zip((1, 2), copies, strict=True):
                os.dup2(copy, number)
                os.close(copy)


def peak_memory() -> int | None:
    """Return the largest resident memory of this process so far, in bytes.

    None on Windows.
    """
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
