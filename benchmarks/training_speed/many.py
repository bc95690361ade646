"""Rows of many models, many series and the preset of several networks."""

import sys
from collections.abc import Iterator
from functools import partial
from itertools import pairwise

from benchmarks.common.files import read_series
from benchmarks.common.job import Job
from benchmarks.common.plan import TrainingPlan
from benchmarks.common.results import Result, Skipped, compare_costs, compare_times
from benchmarks.common.sets import SETS
from benchmarks.common.timing import Contestant, run_module, take_turns, timed
from benchmarks.training_speed.growth import POINTS_PER_SERIES, make_panel
from benchmarks.training_speed.recast import fit_each
from benchmarks.training_speed.tutorial import Series, run_tutorial
from forecasting import Panel
from forecasting.forecaster.presets import forecaster_for

FLEET_POINTS = 250  # length of each series in the row of one model a series
SERIES_COUNTS = (1, 10, 100, 1_000, 10_000)
MAX_GROWTH = 1.25  # goal: ratio of the time a point between two sizes


def measure_fleet(plan: TrainingPlan) -> Iterator[Result | Skipped]:
    """Measure training of one small model per series."""
    panel = make_panel(5 if plan.quick else 100, FLEET_POINTS)
    series = [panel.series(name) for name in panel.series_ids]
    for hidden_size, goal in ((32, 24), (16, 50)):
        job = plan.shorten(Job(hidden_size=hidden_size))
        fit_each(make_panel(1, FLEET_POINTS), job)
        ours, tutorial, torch_engine = take_turns(
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
        yield compare_times("fleet", work, ours, tutorial, goal)
        yield compare_times("fleet", work, ours, torch_engine)


def measure_growth(plan: TrainingPlan) -> Iterator[Result | Skipped]:
    """Measure time and memory from one series to ten thousand, in fresh processes."""
    sizes = SERIES_COUNTS[:3] if plan.quick else SERIES_COUNTS
    figures = {size: _measure_size(size) for size in sizes}
    for smaller, size in pairwise(sizes):
        base, figure = figures[smaller], figures[size]
        yield compare_costs(
            "growth",
            f"{size:,} series of {POINTS_PER_SERIES} points, one pass",
            f"{smaller:,} series",
            1e6 * figure["cpu"] / figure["points"],
            1e6 * base["cpu"] / base["points"],
            "CPU us a point",
            MAX_GROWTH if smaller >= 100 else None,
        )
    for size in sizes[2:]:
        yield compare_costs(
            "growth",
            f"{size:,} series, most memory over that after imports",
            "values and timestamps",
            figures[size]["more_mb"],
            figures[size]["data_mb"],
            "MB",
            3 if size == sizes[-1] else None,
        )


def measure_preset(plan: TrainingPlan) -> Iterator[Result | Skipped]:
    """Measure the preset ``accurate`` on whole sets, with both engines: minutes."""
    if not plan.preset:
        yield Skipped("preset", "it takes minutes: ask for it with --preset")
        return
    for name in ("m4_weekly", "m4_hourly"):
        folder = plan.find_set(name)
        if folder is None:
            yield plan.skip_missing_set("preset", name)
            continue
        panel, horizon = read_series(folder, "train"), SETS[name].horizon
        ours, torch_engine = take_turns(
            [
                Contestant(label, timed(partial(_fit_preset, panel, horizon, engine)))
                for label, engine in (("Recast", "auto"), ("torch engine", "torch"))
            ],
            1,
        )
        yield compare_times("preset", f"accurate, {name}", ours, torch_engine, 3)


def _run_tutorials(series: Series, job: Job) -> int:
    return sum(run_tutorial([values], job) for values in series)


def _measure_size(series: int) -> dict[str, float]:
    return run_module(
        sys.executable, "benchmarks.training_speed.growth", "--series", series
    )


def _fit_preset(panel: Panel, horizon: int, engine: str) -> int:
    keys = {"training.engine": engine}
    forecaster_for(panel, "accurate", horizon=horizon, given=keys).fit(panel)
    return 1
