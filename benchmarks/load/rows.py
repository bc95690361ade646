"""Rows: how many requests a second, and how long each takes."""

from collections.abc import Iterator

from benchmarks.common.results import Result, Skipped, bounded, more
from benchmarks.common.timing import Contestant, ProcessFailed, take_turns
from benchmarks.load.pressure import pressing
from benchmarks.load.stage import Stage
from benchmarks.load.targets import many_series

CLIENTS = (16, 64)
SERIES = 1000


def throughput(stage: Stage) -> Iterator[Result | Skipped]:
    """Requests a second of 16 and of 64 clients, against MLflow and constants."""
    targets = [stage.recast, stage.plain, stage.typed, stage.raw]
    goals = {stage.plain.name: 1.0, stage.typed.name: 1.0}
    try:
        targets.append(stage.mlflow)
        goals[stage.mlflow.name] = 8.0
    except ProcessFailed as error:
        yield Skipped("throughput", str(error))
    for clients in CLIENTS:
        contestants = [
            Contestant(each.name, pressing(each, clients, stage.plan.seconds))
            for each in targets
        ]
        ours, *others = take_turns(contestants, stage.plan.rounds)
        work = f"{clients} clients"
        for theirs in others:
            goal, unit = goals.get(theirs.name), "requests/s"
            yield more("throughput", work, ours, theirs, goal, unit, "pace")
        for theirs in others:
            yield more("throughput", work, ours, theirs, unit="requests/CPU s")


def latency(stage: Stage) -> Iterator[Result | Skipped]:
    """Milliseconds at one client, median and 99 %, against constants."""
    contestants = [
        Contestant(each.name, pressing(each, 1, stage.plan.seconds))
        for each in (stage.recast, stage.plain, stage.typed)
    ]
    ours, *others = take_turns(contestants, stage.plan.rounds)
    for theirs in others:
        for name in ("p50", "p99"):
            yield bounded(
                "latency",
                f"{name}, 1 client",
                theirs.name,
                ours.median(name),
                theirs.median(name),
                "ms",
                goal=2.0,
                runs=(len(ours), len(theirs)),
            )


def batch(stage: Stage) -> Iterator[Result | Skipped]:
    """Series a second: 1,000 in one request against one by one, one client."""
    one = stage.recast
    many = many_series(one, SERIES)
    contestants = [
        Contestant(f"{SERIES:,} in one request", pressing(many, 1, stage.plan.seconds)),
        Contestant("one by one", pressing(one, 1, stage.plan.seconds)),
    ]
    ours, theirs = take_turns(contestants, stage.plan.rounds)
    work = f"{ours.name}, 1 client"
    yield more("batch", work, ours, theirs, 50.0, "series/s", "pace")
