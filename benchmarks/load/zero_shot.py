"""Rows: latency and throughput of forecasts without a model."""

from collections.abc import Iterator
from dataclasses import replace

from benchmarks.common.results import Result, Skipped, compare_costs, compare_rates
from benchmarks.common.timing import Contestant, take_turns
from benchmarks.load.generator import prepare_load
from benchmarks.load.services import Services
from benchmarks.load.targets import forecast_body, zero_shot_target

ROW = "zero_shot"
LENGTH = 100  # values of each series
MANY = 200  # series in a request
MAX_MILLISECONDS = 1.0  # beyond a request of a trained model
MIN_RATE = 3000.0  # series a second


def measure_zero_shot(services: Services) -> Iterator[Result | Skipped]:
    """Measure forecasts without a model: median latency, series a second."""
    trained = services.recast
    counts = services.answers["Recast, without a model"]
    targets = [
        zero_shot_target("one series", trained.server, counts, 1, LENGTH),
        replace(trained, name="a trained model", body=forecast_body(1, LENGTH)),
        zero_shot_target(f"{MANY:,} series", trained.server, counts, MANY, LENGTH),
    ]
    ours, theirs, many = take_turns(
        [
            Contestant(target.name, prepare_load(target, 1, services.plan.seconds))
            for target in targets
        ],
        services.plan.rounds,
    )
    p50, other = ours.median("p50"), theirs.median("p50")
    work = f"p50, one series of {LENGTH} values, 1 client"
    runs = len(ours), len(theirs)
    yield compare_costs(ROW, work, theirs.name, p50, other, "ms", runs=runs)
    yield compare_costs(
        ROW,
        f"{work}: beyond that of a trained model",
        f"{MAX_MILLISECONDS:g} ms",
        p50 - other,
        MAX_MILLISECONDS,
        "ms",
        goal=1.0,
        runs=(len(ours), 1),
    )
    work = f"one series of {LENGTH} values, 1 client"
    yield compare_rates(ROW, work, ours, theirs, unit="requests/CPU s")
    rate = many.median("pace")
    yield Result(
        row=ROW,
        work=f"{MANY:,} series of {LENGTH} values in one request, 1 client",
        against=f"{MIN_RATE:,.0f} series/s",
        ours=rate,
        theirs=MIN_RATE,
        unit="series/s",
        ratio=rate / MIN_RATE,
        goal=1.0,
        runs=(len(many), 1),
    )
