"""Seconds of the processor, of contestants that take turns.

A shared machine is faster in one minute than in the next: contestants run one after
another in every round, so that each ratio compares like with like.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"
)


class ProcessFailed(Exception):
    """A process that was to be timed failed; the message says how."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What one run took.

    Attributes:
        cpu: seconds of the processor, start-up apart.
        seconds: on the clock, start-up included.
        work: what was done in them, in the unit of a row: windows, say.
        start_up: seconds of the processor before the work began.
    """

    cpu: float
    seconds: float
    work: float = 1.0
    start_up: float = 0.0

    @property
    def rate(self) -> float:
        """Work a second of the processor."""
        return self.work / self.cpu

    @property
    def pace(self) -> float:
        """Work a second on the clock."""
        return self.work / self.seconds

    @property
    def total(self) -> float:
        """Seconds of the processor with the start-up."""
        return self.cpu + self.start_up


@dataclass(frozen=True, slots=True)
class Contestant:
    """Who does the work.

    Attributes:
        name: of the contestant.
        run: do the work once, and say what it took.
        rounds: in how many of the rounds it takes part; None for all of them.
    """

    name: str
    run: Callable[[], Spent]
    rounds: int | None = None


@dataclass(frozen=True, slots=True)
class Runs:
    """What the runs of one contestant took.

    Attributes:
        name: of the contestant.
        spent: a run each.
    """

    name: str
    spent: list[Spent]

    def __len__(self) -> int:
        return len(self.spent)

    def median(self, measure: str) -> float:
        """Return the median of one property of `Spent` over the runs."""
        values: list[float] = [getattr(each, measure) for each in self.spent]
        return statistics.median(values)


def take_turns(contestants: Sequence[Contestant], rounds: int) -> list[Runs]:
    """Let the contestants work in turns; return what each one's runs took."""
    found = [Runs(each.name, []) for each in contestants]
    for number in range(rounds):
        for contestant, runs in zip(contestants, found, strict=True):
            if contestant.rounds is None or number < contestant.rounds:
                runs.spent.append(contestant.run())
    return found


def timed(work: Callable[[], float]) -> Callable[[], Spent]:
    """Return what does ``work``, which says how much it did, and times it."""

    def run() -> Spent:
        began, began_cpu = time.perf_counter(), time.process_time()
        done = work()
        cpu = time.process_time() - began_cpu
        return Spent(cpu=cpu, seconds=time.perf_counter() - began, work=done)

    return run


def run_module(
    python: Path | str, module: str, *arguments: object, **environment: str
) -> dict[str, Any]:
    """Run a module of this repository in a fresh process, on one thread.

    Returns:
        What its last line says in JSON.

    Raises:
        ProcessFailed: the last that it said is in the message.
    """
    command = [str(python), "-m", module, *map(str, arguments)]
    result = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **ONE_THREAD, **environment},
        capture_output=True,
        text=True,
    )
    if result.returncode:
        said = result.stderr[-1000:].strip()
        raise ProcessFailed(f"{module} failed in {python}, and said: {said}")
    found: dict[str, Any] = json.loads(result.stdout.strip().splitlines()[-1])
    return found


def time_module(
    python: Path | str, module: str, *arguments: object, **environment: str
) -> Spent:
    """Run a module that prints its ``cpu`` and ``work``; all else is its start-up."""
    before, began = _cpu_of_children(), time.perf_counter()
    found = run_module(python, module, *arguments, **environment)
    seconds, whole = time.perf_counter() - began, _cpu_of_children() - before
    cpu = found["cpu"]
    return Spent(cpu=cpu, seconds=seconds, work=found["work"], start_up=whole - cpu)


def start_with_one_thread(module: str, environment: Mapping[str, str]) -> None:
    """Start this process again where it may use several threads.

    Libraries for matrices read their number of threads while they are loaded.
    """
    if any(environment.get(name) != value for name, value in ONE_THREAD.items()):
        command = [sys.executable, "-m", module, *sys.argv[1:]]
        os.execve(sys.executable, command, {**environment, **ONE_THREAD})


def _cpu_of_children() -> float:
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime
