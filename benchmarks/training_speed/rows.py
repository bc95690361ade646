"""Rows of one network: a small job, long windows, many series, a fresh process."""

import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from benchmarks.common.files import read_series
from benchmarks.common.job import Job
from benchmarks.common.plan import (
    TrainingPlan,
    peer_contestants,
    read_sunspots,
    skip_missing_peers,
    write_set,
)
from benchmarks.common.results import Result, Skipped, compare_rates, compare_times
from benchmarks.common.timing import (
    Contestant,
    Measurement,
    take_turns,
    time_module,
    timed,
)
from benchmarks.training_speed.recast import make_training_loop, run_recast
from benchmarks.training_speed.tutorial import make_loader, run_tutorial, train_network

FRESH_MODULE = "benchmarks.training_speed.fresh"
SMALL_JOB = Job()
HOURLY_JOB = Job(
    cell="gru", hidden_size=64, seq_len=48, horizon=24, batch_size=1024, steps=40
)


def measure_small_job(plan: TrainingPlan) -> Iterator[Result | Skipped]:
    """Measure a whole small job, and its training loop alone."""
    panel, job = read_sunspots(), plan.shorten(SMALL_JOB)
    series = [panel.values]
    loop = make_training_loop(panel, job)
    run_recast(panel, job)  # loads and compiles; another row measures that
    with tempfile.TemporaryDirectory() as folder:
        whole_job, loop_only, tutorial, *peers = take_turns(
            [
                Contestant("Recast", timed(lambda: run_recast(panel, job))),
                Contestant("Recast's loop", timed(loop)),
                Contestant("tutorial", timed(lambda: run_tutorial(series, job))),
                *peer_contestants(plan, write_set(panel, Path(folder)), job),
            ],
            plan.rounds,
        )
    work = f"sunspots, {job}"
    yield compare_times("small", f"{work}, whole job", whole_job, tutorial, 25)
    yield compare_times("small", f"{work}, training alone", loop_only, tutorial)
    for peer, goal in zip(peers, (80, 60), strict=False):
        yield compare_times("small", f"{work}, whole job", whole_job, peer, goal)
    yield from skip_missing_peers(plan, "small")


def measure_long_windows(plan: TrainingPlan) -> Iterator[Result | Skipped]:
    """Measure training on windows of 36 observations."""
    panel, job = read_sunspots(), plan.shorten(Job(seq_len=36, epochs=5))
    loop, loader = make_training_loop(panel, job), make_loader([panel.values], job)
    loop()
    ours, tutorial = take_turns(
        [
            Contestant("Recast", timed(loop)),
            Contestant("tutorial", timed(lambda: train_network(loader, job))),
        ],
        plan.rounds,
    )
    yield compare_rates("long", f"sunspots, {job}", ours, tutorial, 4.5)


def measure_hourly(plan: TrainingPlan) -> Iterator[Result | Skipped]:
    """Measure a larger network on many series, for a fixed number of steps."""
    folder = plan.find_set("m4_hourly")
    if folder is None:
        yield plan.skip_missing_set("hourly", "m4_hourly")
        return
    panel, job = read_series(folder, "train"), plan.shorten(HOURLY_JOB)
    series = [panel.series(name) for name in panel.series_ids]
    loop, loader = make_training_loop(panel, job), make_loader(series, job)
    loop()
    ours, *theirs = take_turns(
        [
            Contestant("Recast", timed(loop)),
            Contestant("tutorial", timed(lambda: train_network(loader, job))),
            *peer_contestants(plan, folder.resolve(), job),
        ],
        plan.rounds,
    )
    for other in theirs:
        yield compare_rates("hourly", f"M4 Hourly, {job}", ours, other, 3.3)
    yield from skip_missing_peers(plan, "hourly")


def measure_fresh_process(plan: TrainingPlan) -> Iterator[Result | Skipped]:
    """Measure the small job in fresh processes, with and without cached compilation."""
    job = plan.shorten(SMALL_JOB)
    with tempfile.TemporaryDirectory() as name:
        folder = write_set(read_sunspots(), Path(name))
        common = ("--data", folder, "--job", job.to_json())
        recast = partial(
            time_module, sys.executable, FRESH_MODULE, "--side", "recast", *common
        )
        recast()  # fills the cache of compiled code
        cold, warm, torch_engine, tutorial, *peers = take_turns(
            [
                Contestant("Recast, cold", partial(_run_without_cache, recast)),
                Contestant("Recast, warm", recast),
                Contestant("torch engine", partial(recast, "--engine", "torch")),
                Contestant("tutorial", partial(recast, "--side", "tutorial")),
                *peer_contestants(plan, folder, job),
            ],
            plan.rounds,
        )
    work = "small job, fresh process"
    for quantity in ("total", "seconds"):
        yield compare_times(
            "fresh", f"{work}, nothing compiled", cold, torch_engine, 1, quantity
        )
    for other in (torch_engine, tutorial, *peers):
        yield compare_times(
            "fresh", f"{work}, compiled before", warm, other, quantity="total"
        )
    yield from skip_missing_peers(plan, "fresh")


def _run_without_cache(run: Callable[..., Measurement]) -> Measurement:
    with tempfile.TemporaryDirectory() as folder:
        return run(NUMBA_CACHE_DIR=folder)
