"""Rows about many: models, series, and the preset that trains several networks."""

import sys
from collections.abc import Iterator
from functools import partial
from itertools import pairwise

from benchmarks.common.files import read_series
from benchmarks.common.job import Job
from benchmarks.common.plan import Plan
from benchmarks.common.results import Result, Skipped, bounded, faster
from benchmarks.common.sets import SETS
from benchmarks.common.timing import Contestant, run_module, take_turns, timed
from benchmarks.training_speed.growth import POINTS, make_panel
from benchmarks.training_speed.recast import fit_each
from benchmarks.training_speed.tutorial import Series, run_tutorial
from forecasting import Panel
from forecasting.forecaster.presets import forecaster_for

FLEET_POINTS = 250  # of each series that gets a model of its own


GROWTH = (1, 10, 100, 1_000, 10_000)


LINEAR = 1.25  # times the work a point that still counts as linear


def fleet(plan: Plan) -> Iterator[Result | Skipped]:
    """One small model a series."""
    panel = make_panel(5 if plan.quick else 100, FLEET_POINTS)
    series = [panel.series(name) for name in panel.series_ids]
    for size, goal in ((32, 24), (16, 50)):
        job = plan.size(Job(hidden_size=size))
        fit_each(make_panel(1, FLEET_POINTS), job)
        ours, tutorial, plain = take_turns(
            [
                Contestant("Recast", timed(partial(fit_each, panel, job))),
                Contestant(
                    "a loop of tutorials",
                    timed(partial(_run_tutorials, series, job)),
                    plan.slow_rounds,
                ),
                Contestant(
                    "Recast's torch engine, a loop",
                    timed(partial(fit_each, panel, job, "torch")),
                    plan.slow_rounds,
                ),
            ],
            plan.rounds,
        )
        work = f"{len(series)} models, {job}"
        yield faster("fleet", work, ours, tutorial, goal)
        yield faster("fleet", work, ours, plain)


def growth(plan: Plan) -> Iterator[Result | Skipped]:
    """Time and memory from one series to ten thousand, each in a process of its own."""
    sizes = GROWTH[:3] if plan.quick else GROWTH
    found = {size: _grow(size) for size in sizes}
    for before, size in pairwise(sizes):
        less, more_ = found[before], found[size]
        yield bounded(
            "growth",
            f"{size:,} series of {POINTS} points, one pass",
            f"{before:,} series",
            1e6 * more_["cpu"] / more_["points"],
            1e6 * less["cpu"] / less["points"],
            "CPU us a point",
            LINEAR if before >= 100 else None,
        )
    for size in sizes[2:]:
        yield bounded(
            "growth",
            f"{size:,} series, most memory over that after imports",
            "values and timestamps",
            found[size]["more_mb"],
            found[size]["data_mb"],
            "MB",
            3 if size == sizes[-1] else None,
        )


def preset(plan: Plan) -> Iterator[Result | Skipped]:
    """The preset ``accurate`` on whole sets, once with each engine: minutes."""
    if not plan.preset:
        yield Skipped("preset", "it takes minutes: ask for it with --preset")
        return
    for name in ("m4_weekly", "m4_hourly"):
        folder = plan.find_set(name)
        if folder is None:
            yield plan.absent("preset", name)
            continue
        panel, horizon = read_series(folder, "train"), SETS[name].horizon
        ours, plain = take_turns(
            [
                Contestant(label, timed(partial(_fit_preset, panel, horizon, engine)))
                for label, engine in (("Recast", "auto"), ("torch engine", "torch"))
            ],
            1,
        )
        yield faster("preset", f"accurate, {name}", ours, plain, 3)


def _run_tutorials(series: Series, job: Job) -> int:
    return sum(run_tutorial([values], job) for values in series)


def _grow(series: int) -> dict[str, float]:
    return run_module(
        sys.executable, "benchmarks.training_speed.growth", "--series", series
    )


def _fit_preset(panel: Panel, horizon: int, engine: str) -> int:
    given = {"training.engine": engine}
    forecaster_for(panel, "accurate", horizon=horizon, given=given).fit(panel)
    return 1
