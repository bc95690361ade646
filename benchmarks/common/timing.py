"""Processor time of contestants that run in turns.

The speed of a shared machine varies over minutes: contestants run one after another in
every round, so that both sides of a ratio are measured under the same conditions.
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
    """Raised when a timed process fails; the message holds the end of its output."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """Time and amount of work of one run.

    Attributes:
        cpu: processor seconds, without the start-up.
        seconds: elapsed seconds, with the start-up.
        work: amount of work, in the unit of the row, for example windows.
        start_up: processor seconds before the work began.
    """

    cpu: float
    seconds: float
    work: float = 1.0
    start_up: float = 0.0

    @property
    def rate(self) -> float:
        """Work per processor second."""
        return self.work / self.cpu

    @property
    def pace(self) -> float:
        """Work per elapsed second."""
        return self.work / self.seconds

    @property
    def total(self) -> float:
        """Processor seconds with the start-up."""
        return self.cpu + self.start_up


@dataclass(frozen=True, slots=True)
class Contestant:
    """A package or a configuration that does the measured work.

    Attributes:
        name: name in the table.
        run: does the work once and returns its measurement.
        rounds: number of rounds that it takes part in; None for all of them.
    """

    name: str
    run: Callable[[], Measurement]
    rounds: int | None = None


@dataclass(frozen=True, slots=True)
class Runs:
    """The measurements of one contestant, one for each run.

    Attributes:
        name: name of the contestant.
        measurements: in the order of the runs.
    """

    name: str
    measurements: list[Measurement]

    def __len__(self) -> int:
        return len(self.measurements)

    def median(self, quantity: str) -> float:
        """Return the median of one attribute of `Measurement` over the runs."""
        values: list[float] = [getattr(run, quantity) for run in self.measurements]
        return statistics.median(values)


def take_turns(contestants: Sequence[Contestant], rounds: int) -> list[Runs]:
    """Run the contestants in turns and return the runs of each, in their order."""
    results = [Runs(contestant.name, []) for contestant in contestants]
    for number in range(rounds):
        for contestant, runs in zip(contestants, results, strict=True):
            if contestant.rounds is None or number < contestant.rounds:
                runs.measurements.append(contestant.run())
    return results


def timed(work: Callable[[], float]) -> Callable[[], Measurement]:
    """Return a function that runs and times ``work``, which returns its amount."""

    def run() -> Measurement:
        start, start_cpu = time.perf_counter(), time.process_time()
        amount = work()
        cpu = time.process_time() - start_cpu
        return Measurement(cpu=cpu, seconds=time.perf_counter() - start, work=amount)

    return run


def run_module(
    python: Path | str, module: str, *arguments: object, **environment: str
) -> dict[str, Any]:
    """Run a module of this repository in a fresh process, on one thread.

    Returns:
        The JSON object in the last line of its output.

    Raises:
        ProcessFailed: the message holds the end of its error output.
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
        output = result.stderr[-1000:].strip()
        raise ProcessFailed(f"{module} failed in {python}, and said: {output}")
    answer: dict[str, Any] = json.loads(result.stdout.strip().splitlines()[-1])
    return answer


def time_module(
    python: Path | str, module: str, *arguments: object, **environment: str
) -> Measurement:
    """Time a module that prints its ``cpu`` and ``work``; the rest is start-up."""
    start_cpu, start = _cpu_of_children(), time.perf_counter()
    answer = run_module(python, module, *arguments, **environment)
    seconds, total_cpu = time.perf_counter() - start, _cpu_of_children() - start_cpu
    cpu, work = answer["cpu"], answer["work"]
    return Measurement(cpu=cpu, seconds=seconds, work=work, start_up=total_cpu - cpu)


def start_with_one_thread(module: str, environment: Mapping[str, str]) -> None:
    """Restart this process with one thread, if its environment allows several.

    Linear-algebra libraries read their number of threads while they are loaded.
    """
    if any(environment.get(name) != value for name, value in ONE_THREAD.items()):
        command = [sys.executable, "-m", module, *sys.argv[1:]]
        os.execve(sys.executable, command, {**environment, **ONE_THREAD})


def _cpu_of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
