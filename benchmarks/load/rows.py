"""Rows: throughput and latency of the service."""

from collections.abc import Iterator

from benchmarks.common.results import Result, Skipped, compare_costs, compare_rates
from benchmarks.common.timing import Contestant, ProcessFailed, take_turns
from benchmarks.load.generator import prepare_load
from benchmarks.load.services import Services
from benchmarks.load.targets import many_series

CLIENTS = (16, 64)
SERIES_PER_REQUEST = 1000


def measure_throughput(services: Services) -> Iterator[Result | Skipped]:
    """Measure requests a second of 16 and 64 clients, against MLflow and constants."""
    targets = [services.recast, services.plain, services.typed, services.raw]
    goals = {services.plain.name: 1.0, services.typed.name: 1.0}
    try:
        targets.append(services.mlflow)
        goals[services.mlflow.name] = 8.0
    except ProcessFailed as error:
        yield Skipped("throughput", str(error))
    for clients in CLIENTS:
        contestants = [
            Contestant(
                target.name, prepare_load(target, clients, services.plan.seconds)
            )
            for target in targets
        ]
        ours, *others = take_turns(contestants, services.plan.rounds)
        work = f"{clients} clients"
        for theirs in others:
            goal, unit = goals.get(theirs.name), "requests/s"
            yield compare_rates("throughput", work, ours, theirs, goal, unit, "pace")
        for theirs in others:
            yield compare_rates("throughput", work, ours, theirs, unit="requests/CPU s")


def measure_latency(services: Services) -> Iterator[Result | Skipped]:
    """Measure latency at one client, median and 99 %, against constants."""
    contestants = [
        Contestant(target.name, prepare_load(target, 1, services.plan.seconds))
        for target in (services.recast, services.plain, services.typed)
    ]
    ours, *others = take_turns(contestants, services.plan.rounds)
    for theirs in others:
        for name in ("p50", "p99"):
            yield compare_costs(
                "latency",
                f"{name}, 1 client",
                theirs.name,
                ours.median(name),
                theirs.median(name),
                "ms",
                goal=2.0,
                runs=(len(ours), len(theirs)),
            )


def measure_batch(services: Services) -> Iterator[Result | Skipped]:
    """Measure series a second: 1,000 in one request against one by one, one client."""
    single = services.recast
    batched = many_series(single, SERIES_PER_REQUEST)
    contestants = [
        Contestant(
            f"{SERIES_PER_REQUEST:,} in one request",
            prepare_load(batched, 1, services.plan.seconds),
        ),
        Contestant("one by one", prepare_load(single, 1, services.plan.seconds)),
    ]
    ours, theirs = take_turns(contestants, services.plan.rounds)
    work = f"{ours.name}, 1 client"
    yield compare_rates("batch", work, ours, theirs, 50.0, "series/s", "pace")
