"""Command that measures `recast run`: speed as ratios, memory, operations of the store.

    python -m benchmarks.batch [--jobs 100] [--loop 5] [--many 1000] [--json FILE]

Jobs train a small network on the bundled sunspots, each with another seed, into a new
SQLite store. Elapsed times are compared, so the machine must be quiet.
docs/benchmarks.md has the table.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import sqlalchemy
import yaml

from benchmarks.common.command import (
    check_json,
    measure_rows,
    print_results,
    write_json,
)
from benchmarks.common.results import Result, Skipped, compare_costs, compare_times
from benchmarks.common.timing import (
    ROOT,
    Contestant,
    Measurement,
    ProcessFailed,
    take_turns,
)
from forecasting.errors import ForecastingError, SettingError

SERIES = ROOT / "data" / "sunspots.csv"
JOB = {
    "name": "sunspots",
    "data": {"path": str(SERIES)},
    "windows": {"seq_len": 24, "horizon": 12},
    "model": {"hidden_size": 16},
    "training": {"epochs": 10},
}
TINY = JOB | {"preset": "classic", "training": {"epochs": 1}}
SPEED_UP, AGAINST_LOOP, FLAT = 1.8, 5.0, 1.1  # goals
MEBIBYTE = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchPlan:
    """Options of one run of the benchmark.

    Attributes:
        jobs: of a batch whose time is measured.
        loop: jobs of the shell loop, whose time is scaled to `jobs`.
        many: jobs of the batch whose memory is measured.
        rounds: in each, every contestant runs once.
    """

    jobs: int = 100
    loop: int = 5
    many: int = 1000
    rounds: int = 1


def measure_workers(plan: BatchPlan) -> Iterator[Result | Skipped]:
    """Time of a batch: two workers against one."""
    one, two = take_turns(_batches(plan, (1, 2)), plan.rounds)
    work = f"{plan.jobs} jobs, 2 workers"
    yield compare_times("workers", work, two, one, SPEED_UP, "seconds")


def measure_loop(plan: BatchPlan) -> Iterator[Result | Skipped]:
    """Time of a batch, against a shell loop of recast train."""

    def loop() -> Measurement:
        seconds = _time_loop(plan.loop) / plan.loop * plan.jobs
        return Measurement(cpu=seconds, seconds=seconds)

    contestants = [*_batches(plan, (1, 2)), Contestant("shell loop", loop)]
    one, two, theirs = take_turns(contestants, plan.rounds)
    for ours, goal in ((one, None), (two, AGAINST_LOOP)):
        work = f"{plan.jobs} jobs, {ours.name}"
        yield compare_times("loop", work, ours, theirs, goal, "seconds")


def measure_ray(plan: BatchPlan) -> Iterator[Result | Skipped]:
    """Time of a batch by Ray on this machine with its start, against two workers."""
    if find_spec("ray") is None:
        command = "make ray && .ray/bin/python -m benchmarks.batch --only ray"
        yield Skipped("ray", f"Ray is not installed here: {command}")
        return

    def by_ray() -> Measurement:
        seconds, _ = run_batch(plan.jobs, 2, JOB, "--ray", "local")
        return Measurement(cpu=seconds, seconds=seconds)

    contestants = [*_batches(plan, (2,)), Contestant("Ray", by_ray)]
    two, ray = take_turns(contestants, plan.rounds)
    yield compare_times("ray", f"{plan.jobs} jobs, Ray", ray, two, None, "seconds")


def measure_memory(plan: BatchPlan) -> Iterator[Result | Skipped]:
    """Peak memory of driver and worker over many jobs, against a tenth of them."""
    few, many = (run_batch(count, 1, TINY)[1] for count in (plan.many // 10, plan.many))
    work, against = f"{plan.many} tiny jobs", f"{plan.many // 10} jobs"
    for part, find in (("driver", _driver_memory), ("worker", _worker_memory)):
        ours, theirs = find(many), find(few)
        row = f"memory of the {part}"
        yield compare_costs(row, work, against, ours, theirs, "MiB", FLAT)


def measure_store(_plan: BatchPlan) -> Iterator[Result | Skipped]:
    """Statements and transactions of one job at a SQL store."""
    statements, commits = count_operations()
    for name, number in (("SQL statements", statements), ("transactions", commits)):
        yield compare_costs("store", "one job", "nothing", number, 1.0, name)


ROWS: dict[str, Callable[[BatchPlan], Iterator[Result | Skipped]]] = {
    "workers": measure_workers,
    "loop": measure_loop,
    "ray": measure_ray,
    "memory": measure_memory,
    "store": measure_store,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code: 0 done, 2 bad input."""
    options = _parse(arguments)
    try:
        check_json(options.json)
        plan = _make_plan(options)
    except ForecastingError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    results, skipped = measure_rows(ROWS, options.only, plan)
    print_results(results, skipped)
    write_json(options.json, results, skipped)
    return 0


def run_batch(
    jobs: int, workers: int, job: dict[str, Any], *more: str
) -> tuple[float, dict[str, Any]]:
    """Run a batch in an empty folder; return its elapsed seconds and its report.

    Args:
        jobs: number of jobs, each with another seed.
        workers: number of jobs at a time.
        job: job file.
        more: further options of the command.

    Raises:
        ProcessFailed: a job failed.
    """
    with _folder() as folder:
        matrix = {"training.seed": list(range(jobs))}
        source = folder / "jobs.yaml"
        source.write_text(yaml.safe_dump(job | {"matrix": matrix}))
        report = folder / "report.json"
        options = ("--workers", str(workers), "--report", str(report), *more)
        seconds = _time_command(folder, "run", str(source), *options)
        content: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
        return seconds, content


def count_operations() -> tuple[int, int]:
    """Return the SQL statements and transactions of a job, the second of its store."""
    import mlflow

    from pipelines.batch.plan import read_plan
    from pipelines.batch.tasks import Task, run_task
    from pipelines.checkpoints.opening import WorkOptions

    counts = {"before_cursor_execute": 0, "commit": 0}

    def count(name: str) -> Callable[..., None]:
        def listener(*_: object) -> None:
            counts[name] += 1

        sqlalchemy.event.listen(sqlalchemy.engine.Engine, name, listener)
        return listener

    with _folder() as folder:
        mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
        mlflow.set_registry_uri(f"sqlite:///{folder}/mlflow.db")
        source = folder / "job.yaml"
        source.write_text(yaml.safe_dump(TINY))
        [job] = read_plan([source])
        for attempt in range(2):
            listeners = {name: count(name) for name in counts} if attempt else {}
            result = run_task(
                Task(
                    number=0,
                    name=job.name,
                    command="train",
                    job=job.text,
                    source=str(source),
                    work=WorkOptions(folder=folder),
                    log=folder / "log",
                )
            )
            if result.error:
                raise ProcessFailed(result.error)
        for name, listener in listeners.items():
            sqlalchemy.event.remove(sqlalchemy.engine.Engine, name, listener)
    return counts["before_cursor_execute"], counts["commit"]


def _batches(plan: BatchPlan, workers: Sequence[int]) -> list[Contestant]:
    """Return a contestant for each number of workers."""

    def contestant(number: int) -> Contestant:
        def run() -> Measurement:
            seconds, _ = run_batch(plan.jobs, number, JOB)
            return Measurement(cpu=seconds, seconds=seconds)

        return Contestant(f"{number} worker{'s' * (number > 1)}", run)

    return [contestant(number) for number in workers]


def _time_loop(jobs: int) -> float:
    """Return the seconds of `recast train` for one job after the other."""
    with _folder() as folder:
        source = folder / "job.yaml"
        source.write_text(yaml.safe_dump(JOB))
        total = 0.0
        for number in range(jobs):
            settings = ("--name", f"sunspots-{number}", "--seed", str(number))
            total += _time_command(folder, "train", str(source), *settings)
        return total


def _time_command(folder: Path, *arguments: str) -> float:
    command = [sys.executable, "-m", "pipelines", *arguments]
    environment = {"MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db"}
    start = time.perf_counter()
    result = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
    if result.returncode:
        output = (result.stdout + result.stderr)[-1000:].strip()
        raise ProcessFailed(f"recast {' '.join(arguments)} failed: {output}")
    return time.perf_counter() - start


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def _driver_memory(report: dict[str, Any]) -> float:
    return float(report["peak_memory"]) / MEBIBYTE


def _worker_memory(report: dict[str, Any]) -> float:
    return max(float(job["peak_memory"]) for job in report["jobs"]) / MEBIBYTE


def _make_plan(options: argparse.Namespace) -> BatchPlan:
    values = {name: getattr(options, name) for name in ("jobs", "loop", "many")}
    for name, value in values.items():
        if value < 1:
            raise SettingError(f"--{name}", value, "a whole number from 1")
    return BatchPlan(**values, rounds=options.rounds)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.batch",
        description="Measure recast run, as ratios.",
        epilog="\n".join(f"{name:8} {row.__doc__}" for name, row in ROWS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--jobs", type=int, default=100, help="jobs of a batch")
    parser.add_argument("--loop", type=int, default=5, help="jobs of the shell loop")
    parser.add_argument("--many", type=int, default=1000, help="jobs for the memory")
    parser.add_argument("--rounds", type=int, default=1, help="runs of each contestant")
    parser.add_argument(
        "--only", nargs="+", choices=ROWS, default=list(ROWS), metavar="ROW"
    )
    parser.add_argument("--json", type=Path, help="file to write")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
