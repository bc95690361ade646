"""Rows: start-up, alias moves and memory growth of a running service."""

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle

from benchmarks.common.results import Result, Skipped, compare_costs
from benchmarks.common.timing import Contestant, take_turns
from benchmarks.load.generator import LoadMeasurement, run_load
from benchmarks.load.services import Services
from benchmarks.load.store import VERSIONS, Store
from benchmarks.load.targets import Target

CLIENTS = 16
MOVE_SECONDS = 3.0  # between two moves of the alias
CHECK_SECONDS = 0.2  # between two checked answers
MAX_TURN_SECONDS = 60  # of load before the other contestant's turn
MAX_FOLLOW_SECONDS = 30.0  # until the service must serve the version of a move
START_GOAL_SECONDS = 5.0  # goal for the start of the service


def measure_moves(services: Services) -> Iterator[Result | Skipped]:
    """Measure p99 of 16 clients and failures while the alias moves every 3 seconds.

    The service caches one version, so that each move loads the other one again.
    """
    rounds = max(1, round(services.plan.duration / MAX_TURN_SECONDS))
    seconds = max(1, round(services.plan.duration / rounds))
    with services.start_recast(SERVING_MAX_MODELS="1") as target:
        moving_load = CheckedLoad(target, services.store, move_alias=True)
        steady_load = CheckedLoad(target, services.store, move_alias=False)
        contestants = [
            Contestant("moving", lambda: moving_load.run(seconds)),
            Contestant("no moves", lambda: steady_load.run(seconds)),
        ]
        ours, theirs = take_turns(contestants, rounds)
    p99, runs = (ours.median("p99"), theirs.median("p99")), (rounds, rounds)
    work = f"{CLIENTS} clients, an alias move every {MOVE_SECONDS:g} s"
    yield compare_costs("moves", f"p99, {work}", theirs.name, *p99, "ms", 1.5, runs)
    yield Result(
        row="moves",
        work=f"failed or wrong, {work}",
        against=theirs.name,
        ours=moving_load.failures,
        theirs=steady_load.failures,
        unit=f"of {sum(run.work for run in ours.measurements):,.0f}",
        ratio=moving_load.failures,
        goal=0.0,
        at_most=True,
        runs=runs,
    )


def measure_memory(services: Services) -> Iterator[Result | Skipped]:
    """Measure memory after very many requests, against that after the first ones."""
    plan, answered, samples = services.plan, 0, []
    with services.start_recast() as target:
        for count in (plan.settled, plan.requests):
            while answered < count:
                seconds = 1 if count == plan.settled else plan.seconds
                answered += run_load(target, CLIENTS, seconds).requests
            samples.append((answered, target.server.memory()))
    (first, before), (last, after) = samples
    work = f"memory after {last:,} requests"
    yield compare_costs("memory", work, f"after {first:,}", after, before, "MB", 1.05)


def measure_start(services: Services) -> Iterator[Result | Skipped]:
    """Measure seconds from the start of the process to ready, against five."""
    while len(services.starts) < services.plan.rounds:
        with services.start_recast() as target:
            target.check_answers(1)
    seconds = sorted(services.starts)[len(services.starts) // 2]
    runs, against = (len(services.starts), 1), f"{START_GOAL_SECONDS:g} s"
    work = "start to ready"
    yield compare_costs(
        "start", work, against, seconds, START_GOAL_SECONDS, "s", 1.0, runs
    )


class CheckedLoad:
    """Load on the service with checks of answers and, optionally, alias moves.

    Attributes:
        failures: number of failed requests, wrong answers and ignored moves.
    """

    def __init__(self, target: Target, store: Store, *, move_alias: bool) -> None:
        self.failures = 0
        self._target, self._store, self._move_alias = target, store, move_alias
        self._versions = cycle(reversed(VERSIONS))

    def run(self, seconds: int) -> LoadMeasurement:
        """Run the load for some seconds, and the checks in a thread."""
        finished, counts = threading.Event(), self._target.counts
        before = counts.failed + counts.wrong
        with ThreadPoolExecutor(1) as pool:
            checks = pool.submit(self._check, finished)
            try:
                measurement = run_load(self._target, CLIENTS, seconds)
            finally:
                finished.set()
        checks.result()  # raises an error of the thread
        self.failures += counts.failed + counts.wrong - before
        return measurement

    def _check(self, finished: threading.Event) -> None:
        version, due = None, time.monotonic()
        while not finished.wait(CHECK_SECONDS):
            if self._move_alias and time.monotonic() >= due:
                version = next(self._versions)
                self._store.point_to(version)
                due += MOVE_SECONDS
            self._target.check_answers(1)
        if version is not None and not self._wait_for(version):
            self._target.counts.wrong += 1

    def _wait_for(self, version: str) -> bool:
        """Wait until answers name a version; return False after a timeout."""
        end = time.monotonic() + MAX_FOLLOW_SECONDS
        while time.monotonic() < end:
            _, answer = self._target.server.post(self._target.path, self._target.body)
            if json.loads(answer)["model"]["version"] == version:
                return True
            time.sleep(CHECK_SECONDS)
        return False
