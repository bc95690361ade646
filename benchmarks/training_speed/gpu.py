"""Rows on a CUDA device: seconds there are those of the clock."""

import time
from collections.abc import Callable, Iterator

import torch

from benchmarks.common.files import read_series
from benchmarks.common.job import Job
from benchmarks.common.plan import Plan, sunspots
from benchmarks.common.results import Result, Skipped, more
from benchmarks.common.timing import Contestant, Spent, take_turns
from benchmarks.training_speed.arithmetic import training_flops
from benchmarks.training_speed.growth import make_panel
from benchmarks.training_speed.recast import fit_each, training_loop
from benchmarks.training_speed.rows import HOURLY, SMALL
from benchmarks.training_speed.tutorial import make_loader, run_tutorial, train_network
from forecasting import Panel

LARGE = Job(
    cell="gru", hidden_size=256, seq_len=168, horizon=24, batch_size=4096, steps=50
)


SIDE, PRODUCTS = 8192, 20


def gpu(plan: Plan) -> Iterator[Result | Skipped]:
    """Training loops, a thousand models, and the share of the device's arithmetic."""
    if not torch.cuda.is_available():
        yield Skipped("gpu", "no CUDA device here")
        return
    yield _against_tutorial(plan, sunspots(), SMALL, "sunspots")
    folder = plan.find_set("m4_hourly")
    if folder is None:
        yield plan.absent("gpu", "m4_hourly")
    else:
        yield _against_tutorial(plan, read_series(folder, "train"), HOURLY, "M4 Hourly")
    yield _many_models(plan)
    yield _share_of_peak(plan)


def _against_tutorial(plan: Plan, panel: Panel, job: Job, name: str) -> Result:
    sized = plan.size(job)
    loader = make_loader([panel.series(each) for each in panel.series_ids], sized)
    ours, theirs = take_turns(
        [
            Contestant("Recast", _clocked(training_loop(panel, sized, device="cuda"))),
            Contestant(
                "tutorial, same GPU",
                _clocked(lambda: train_network(loader, sized, "cuda")),
            ),
        ],
        plan.rounds,
    )
    return more("gpu", f"{name}, {job}", ours, theirs, unit="windows/s")


def _many_models(plan: Plan) -> Result:
    panel, job = make_panel(10 if plan.quick else 1000, 250), plan.size(SMALL)
    few = [panel.series(each) for each in panel.series_ids[:10]]
    ours, theirs = take_turns(
        [
            Contestant("Recast", _clocked(lambda: fit_each(panel, job, device="cuda"))),
            Contestant(
                "tutorial, same GPU, ten of them",
                _clocked(lambda: sum(run_tutorial([s], job, "cuda") for s in few)),
            ),
        ],
        1,
    )
    return more("gpu", f"{len(panel)} models, {job}", ours, theirs, unit="windows/s")


def _share_of_peak(plan: Plan) -> Result:
    loop = training_loop(make_panel(100, 2000), plan.size(LARGE), device="cuda")
    trillions = training_flops(LARGE) / 1e12
    ours, theirs = take_turns(
        [
            Contestant("Recast", _clocked(lambda: loop() * trillions)),
            Contestant("bfloat16 products of the same run", _clocked(_multiply)),
        ],
        plan.rounds,
    )
    return more("gpu", str(LARGE), ours, theirs, unit="TFLOP/s")


def _clocked(work: Callable[[], float]) -> Callable[[], Spent]:
    """Return what does ``work`` and times it by the clock, until the device is done.

    The first run, in which much is loaded, is not counted.
    """
    work()

    def run() -> Spent:
        torch.cuda.synchronize()
        began = time.perf_counter()
        done = work()
        torch.cuda.synchronize()
        seconds = time.perf_counter() - began
        return Spent(cpu=seconds, seconds=seconds, work=done)

    return run


def _multiply() -> float:
    """Multiply square bfloat16 matrices; return how many trillion operations it was."""
    left, right = torch.rand(2, SIDE, SIDE, device="cuda", dtype=torch.bfloat16)
    for _ in range(PRODUCTS):
        torch.mm(left, right)
    return PRODUCTS * 2 * SIDE**3 / 1e12
