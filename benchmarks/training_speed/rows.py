"""Rows about one network: a small job, long windows, many series, a first start."""

import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from benchmarks.common.files import read_series
from benchmarks.common.job import Job
from benchmarks.common.plan import Plan, no_peers, peer_contestants, sunspots, write_set
from benchmarks.common.results import Result, Skipped, faster, more
from benchmarks.common.timing import Contestant, Spent, take_turns, time_module, timed
from benchmarks.training_speed.recast import run_recast, training_loop
from benchmarks.training_speed.tutorial import make_loader, run_tutorial, train_network

FRESH = "benchmarks.training_speed.fresh"


SMALL = Job()


HOURLY = Job(
    cell="gru", hidden_size=64, seq_len=48, horizon=24, batch_size=1024, steps=40
)


def small(plan: Plan) -> Iterator[Result | Skipped]:
    """A whole small job, and its training loop alone."""
    panel, job = sunspots(), plan.size(SMALL)
    series = [panel.values]
    loop = training_loop(panel, job)
    run_recast(panel, job)  # what is loaded or compiled once is another row
    with tempfile.TemporaryDirectory() as folder:
        whole, trained, tutorial, *peers = take_turns(
            [
                Contestant("Recast", timed(lambda: run_recast(panel, job))),
                Contestant("Recast's loop", timed(loop)),
                Contestant("tutorial", timed(lambda: run_tutorial(series, job))),
                *peer_contestants(plan, write_set(panel, Path(folder)), job),
            ],
            plan.rounds,
        )
    work = f"sunspots, {job}"
    yield faster("small", f"{work}, whole job", whole, tutorial, 25)
    yield faster("small", f"{work}, training alone", trained, tutorial)
    for peer, goal in zip(peers, (80, 60), strict=False):
        yield faster("small", f"{work}, whole job", whole, peer, goal)
    yield from no_peers(plan, "small")


def long_windows(plan: Plan) -> Iterator[Result | Skipped]:
    """Windows of 36 observations."""
    panel, job = sunspots(), plan.size(Job(seq_len=36, epochs=5))
    loop, loader = training_loop(panel, job), make_loader([panel.values], job)
    loop()
    ours, tutorial = take_turns(
        [
            Contestant("Recast", timed(loop)),
            Contestant("tutorial", timed(lambda: train_network(loader, job))),
        ],
        plan.rounds,
    )
    yield more("long", f"sunspots, {job}", ours, tutorial, 4.5)


def hourly(plan: Plan) -> Iterator[Result | Skipped]:
    """A larger network on many series, a fixed number of steps."""
    folder = plan.find_set("m4_hourly")
    if folder is None:
        yield plan.absent("hourly", "m4_hourly")
        return
    panel, job = read_series(folder, "train"), plan.size(HOURLY)
    series = [panel.series(name) for name in panel.series_ids]
    loop, loader = training_loop(panel, job), make_loader(series, job)
    loop()
    ours, *theirs = take_turns(
        [
            Contestant("Recast", timed(loop)),
            Contestant("tutorial", timed(lambda: train_network(loader, job))),
            *peer_contestants(plan, folder.resolve(), job),
        ],
        plan.rounds,
    )
    for each in theirs:
        yield more("hourly", f"M4 Hourly, {job}", ours, each, 3.3)
    yield from no_peers(plan, "hourly")


def fresh(plan: Plan) -> Iterator[Result | Skipped]:
    """The small job in fresh processes, with and without what was compiled before."""
    job = plan.size(SMALL)
    with tempfile.TemporaryDirectory() as name:
        folder = write_set(sunspots(), Path(name))
        common = ("--data", folder, "--job", job.to_json())
        recast = partial(
            time_module, sys.executable, FRESH, "--side", "recast", *common
        )
        recast()  # so that what is compiled is there for those who may keep it
        cold, warm, plain, tutorial, *peers = take_turns(
            [
                Contestant("Recast, cold", partial(_with_nothing_compiled, recast)),
                Contestant("Recast, warm", recast),
                Contestant("torch engine", partial(recast, "--engine", "torch")),
                Contestant("tutorial", partial(recast, "--side", "tutorial")),
                *peer_contestants(plan, folder, job),
            ],
            plan.rounds,
        )
    work = "small job, fresh process"
    for measure in ("total", "seconds"):
        yield faster("fresh", f"{work}, nothing compiled", cold, plain, 1, measure)
    for each in (plain, tutorial, *peers):
        yield faster("fresh", f"{work}, compiled before", warm, each, measure="total")
    yield from no_peers(plan, "fresh")


def _with_nothing_compiled(run: Callable[..., Spent]) -> Spent:
    with tempfile.TemporaryDirectory() as folder:
        return run(NUMBA_CACHE_DIR=folder)
