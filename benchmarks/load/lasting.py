"""Rows: what changes while the service runs, and how soon it does."""

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle

from benchmarks.common.results import Result, Skipped, bounded
from benchmarks.common.timing import Contestant, take_turns
from benchmarks.load.pressure import Answered, press
from benchmarks.load.stage import Stage
from benchmarks.load.store import VERSIONS, Store
from benchmarks.load.targets import Target

CLIENTS = 16
EVERY = 3.0  # seconds between two moves of the alias
LOOK = 0.2  # seconds between two answers looked into
SEGMENT = 60  # seconds, at most, until it is the other's turn
PATIENCE = 30.0  # seconds until a move must have been followed
MOST_SECONDS = 5.0  # until the service is ready


def moves(stage: Stage) -> Iterator[Result | Skipped]:
    """The 99 % of 16 clients and failures while the alias moves every 3 seconds.

    The service holds one version, so that each move loads the other one anew.
    """
    rounds = max(1, round(stage.plan.duration / SEGMENT))
    seconds = max(1, round(stage.plan.duration / rounds))
    with stage.start_recast(SERVING_MAX_MODELS="1") as target:
        mover = Watcher(target, stage.store, moving=True)
        still = Watcher(target, stage.store, moving=False)
        contestants = [
            Contestant("moving", lambda: mover.press(seconds)),
            Contestant("no moves", lambda: still.press(seconds)),
        ]
        ours, theirs = take_turns(contestants, rounds)
    p99, runs = (ours.median("p99"), theirs.median("p99")), (rounds, rounds)
    work = f"{CLIENTS} clients, an alias move every {EVERY:g} s"
    yield bounded("moves", f"p99, {work}", theirs.name, *p99, "ms", 1.5, runs)
    yield Result(
        row="moves",
        work=f"failed or wrong, {work}",
        against=theirs.name,
        ours=mover.lost,
        theirs=still.lost,
        unit=f"of {sum(each.work for each in ours.spent):,.0f}",
        ratio=mover.lost,
        goal=0.0,
        at_most=True,
        runs=runs,
    )


def memory(stage: Stage) -> Iterator[Result | Skipped]:
    """Resident memory after very many requests against after the first ones."""
    plan, answered, found = stage.plan, 0, []
    with stage.start_recast() as target:
        for wanted in (plan.settled, plan.requests):
            while answered < wanted:
                seconds = 1 if wanted == plan.settled else plan.seconds
                spent = press(target, CLIENTS, seconds)
                answered += spent.requests
            found.append((answered, target.server.memory()))
    (first, before), (last, after) = found
    work = f"memory after {last:,} requests"
    yield bounded("memory", work, f"after {first:,}", after, before, "MB", 1.05)


def start(stage: Stage) -> Iterator[Result | Skipped]:
    """Seconds from the start of the process to ready, against five."""
    while len(stage.starts) < stage.plan.rounds:
        with stage.start_recast() as target:
            target.check(1)
    seconds = sorted(stage.starts)[len(stage.starts) // 2]
    runs, against = (len(stage.starts), 1), f"{MOST_SECONDS:g} s"
    work = "start to ready"
    yield bounded("start", work, against, seconds, MOST_SECONDS, "s", 1.0, runs)


class Watcher:
    """Presses the service, looks into answers meanwhile and, maybe, moves the alias.

    Attributes:
        lost: requests that failed, answers that were wrong, moves not followed.
    """

    def __init__(self, target: Target, store: Store, *, moving: bool) -> None:
        self.lost = 0
        self._target, self._store, self._moving = target, store, moving
        self._versions = cycle(reversed(VERSIONS))

    def press(self, seconds: int) -> Answered:
        """Press for some seconds."""
        over, tally = threading.Event(), self._target.tally
        before = tally.failed + tally.wrong
        with ThreadPoolExecutor(1) as pool:
            watching = pool.submit(self._watch, over)
            try:
                spent = press(self._target, CLIENTS, seconds)
            finally:
                over.set()
        watching.result()  # raises what went wrong there
        self.lost += tally.failed + tally.wrong - before
        return spent

    def _watch(self, over: threading.Event) -> None:
        version, due = None, time.monotonic()
        while not over.wait(LOOK):
            if self._moving and time.monotonic() >= due:
                version = next(self._versions)
                self._store.point_to(version)
                due += EVERY
            self._target.check(1)
        if version is not None and not self._follows(version):
            self._target.tally.wrong += 1

    def _follows(self, version: str) -> bool:
        """Wait until answers name a version; return whether they do in time."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            _, answer = self._target.server.post(self._target.path, self._target.body)
            if json.loads(answer)["model"]["version"] == version:
                return True
            time.sleep(LOOK)
        return False
