"""Rows on a CUDA device, in elapsed seconds."""

import time
from collections.abc import Callable, Iterator

import torch

from benchmarks.common.files import read_series
from benchmarks.common.job import Job
from benchmarks.common.plan import TrainingPlan, read_sunspots
from benchmarks.common.results import Result, Skipped, compare_rates
from benchmarks.common.timing import Contestant, Measurement, take_turns
from benchmarks.training_speed.arithmetic import training_flops
from benchmarks.training_speed.growth import make_panel
from benchmarks.training_speed.recast import fit_each, make_training_loop
from benchmarks.training_speed.rows import HOURLY_JOB, SMALL_JOB
from benchmarks.training_speed.tutorial import make_loader, run_tutorial, train_network
from forecasting import Panel

LARGE_JOB = Job(
    cell="gru", hidden_size=256, seq_len=168, horizon=24, batch_size=4096, steps=50
)
MATRIX_SIZE, NUM_PRODUCTS = 8192, 20


def measure_gpu(plan: TrainingPlan) -> Iterator[Result | Skipped]:
    """Measure training loops, 1,000 models and the share of the GPU's arithmetic."""
    if not torch.cuda.is_available():
        yield Skipped("gpu", "no CUDA device here")
        return
    yield _against_tutorial(plan, read_sunspots(), SMALL_JOB, "sunspots")
    folder = plan.find_set("m4_hourly")
    if folder is None:
        yield plan.skip_missing_set("gpu", "m4_hourly")
    else:
        yield _against_tutorial(
            plan, read_series(folder, "train"), HOURLY_JOB, "M4 Hourly"
        )
    yield _many_models(plan)
    yield _share_of_peak(plan)


def _against_tutorial(plan: TrainingPlan, panel: Panel, job: Job, label: str) -> Result:
    short_job = plan.shorten(job)
    loader = make_loader([panel.series(name) for name in panel.series_ids], short_job)
    ours, theirs = take_turns(
        [
            Contestant(
                "Recast",
                _timed_on_device(make_training_loop(panel, short_job, device="cuda")),
            ),
            Contestant(
                "tutorial, same GPU",
                _timed_on_device(lambda: train_network(loader, short_job, "cuda")),
            ),
        ],
        plan.rounds,
    )
    return compare_rates("gpu", f"{label}, {job}", ours, theirs, unit="windows/s")


def _many_models(plan: TrainingPlan) -> Result:
    panel, job = make_panel(10 if plan.quick else 1000, 250), plan.shorten(SMALL_JOB)
    first_ten = [panel.series(name) for name in panel.series_ids[:10]]
    ours, theirs = take_turns(
        [
            Contestant(
                "Recast", _timed_on_device(lambda: fit_each(panel, job, device="cuda"))
            ),
            Contestant(
                "tutorial, same GPU, ten of them",
                _timed_on_device(
                    lambda: sum(
                        run_tutorial([series], job, "cuda") for series in first_ten
                    )
                ),
            ),
        ],
        1,
    )
    return compare_rates(
        "gpu", f"{len(panel)} models, {job}", ours, theirs, unit="windows/s"
    )


def _share_of_peak(plan: TrainingPlan) -> Result:
    loop = make_training_loop(
        make_panel(100, 2000), plan.shorten(LARGE_JOB), device="cuda"
    )
    trillions = training_flops(LARGE_JOB) / 1e12
    ours, theirs = take_turns(
        [
            Contestant("Recast", _timed_on_device(lambda: loop() * trillions)),
            Contestant(
                "bfloat16 products of the same run", _timed_on_device(_multiply)
            ),
        ],
        plan.rounds,
    )
    return compare_rates("gpu", str(LARGE_JOB), ours, theirs, unit="TFLOP/s")


def _timed_on_device(work: Callable[[], float]) -> Callable[[], Measurement]:
    """Return a function that runs ``work`` and measures elapsed time on the device.

    A first run, which includes loading, is not measured.
    """
    work()

    def run() -> Measurement:
        torch.cuda.synchronize()
        start = time.perf_counter()
        amount = work()
        torch.cuda.synchronize()
        seconds = time.perf_counter() - start
        return Measurement(cpu=seconds, seconds=seconds, work=amount)

    return run


def _multiply() -> float:
    """Multiply square bfloat16 matrices and return the trillions of operations."""
    left, right = torch.rand(
        2, MATRIX_SIZE, MATRIX_SIZE, device="cuda", dtype=torch.bfloat16
    )
    for _ in range(NUM_PRODUCTS):
        torch.mm(left, right)
    return NUM_PRODUCTS * 2 * MATRIX_SIZE**3 / 1e12
