"""Rows about parts of training: its arithmetic, and the batches that it is fed."""

from collections.abc import Callable, Iterator
from functools import partial

from torch import Tensor

from benchmarks.common.job import Job
from benchmarks.common.plan import Plan, sunspots
from benchmarks.common.results import Result, Skipped, bounded, more
from benchmarks.common.timing import Contestant, take_turns, timed
from benchmarks.training_speed.arithmetic import multiply_matrices, training_flops
from benchmarks.training_speed.growth import make_panel
from benchmarks.training_speed.recast import (
    model_of,
    training_loop,
    training_of,
    windows_of,
)
from benchmarks.training_speed.tutorial import Loader, make_loader
from forecasting import Panel
from forecasting.datasets.window_dataset import WindowDataset, iterate_batches
from forecasting.forecaster.prepare import prepare

GRU = Job(
    cell="gru", hidden_size=64, seq_len=48, horizon=24, batch_size=1024, epochs=10
)


SHARES = ((Job(), 0.65), (Job(batch_size=1024), 0.70), (GRU, 0.80))


def share(plan: Plan) -> Iterator[Result | Skipped]:
    """Training's arithmetic, as a share of what matrix products reach."""
    for job, goal in SHARES:
        sized = plan.size(job)
        loop = training_loop(sunspots(), sized)
        loop()
        ours, theirs = take_turns(
            [
                Contestant("Recast", timed(partial(_billions, loop, job))),
                Contestant("sgemm of the same run", timed(multiply_matrices)),
            ],
            plan.rounds,
        )
        yield more("share", f"sunspots, {job}", ours, theirs, goal, "GFLOP/s")


def batches(plan: Plan) -> Iterator[Result | Skipped]:
    """Shuffled windows, delivered and not used; and what is kept for each of them."""
    panel = sunspots()
    passes = 1 if plan.quick else 20
    for job in (Job(epochs=passes), Job(batch_size=1024, epochs=passes)):
        ready, loader = _cut(panel, job), make_loader([panel.values], job)
        ours, theirs = take_turns(
            [
                Contestant("Recast", timed(partial(_deliver, ready, job))),
                Contestant("DataLoader", timed(partial(_load, loader, job))),
            ],
            plan.rounds,
        )
        yield more("batches", f"shuffled, batch {job.batch_size}", ours, theirs, 40)
    kept = [_kept_bytes(_cut(make_panel(1, points), job)) for points in (1000, 2000)]
    yield bounded(
        "batches",
        "kept for each window besides the series",
        "TensorDataset",
        (kept[1] - kept[0]) / 1000,
        _window_bytes(loader),
        "bytes",
        0,
    )


def _billions(loop: Callable[[], int], job: Job) -> float:
    """Train; return how many billion operations it was."""
    return loop() * training_flops(job) / 1e9


def _cut(panel: Panel, job: Job) -> WindowDataset:
    model, training = model_of(job), training_of(job)
    return prepare(panel, panel.lengths, windows_of(job), model, training, None).batches


def _deliver(ready: WindowDataset, job: Job) -> int:
    """Hand out the batches of a job, as training does; return how many windows."""
    delivered, size = 0, job.batch_size
    for _ in range(job.epochs):
        for inputs, targets in iterate_batches(ready, ready.order(size), size):
            pairs = zip(inputs.split(size), targets.split(size), strict=True)
            delivered += sum(len(batch) for batch, _ in pairs)
    return delivered


def _load(loader: Loader, job: Job) -> int:
    return sum(len(inputs) for _ in range(job.epochs) for inputs, _ in loader)


def _kept_bytes(ready: WindowDataset) -> int:
    """Return the bytes of whatever windows are cut with, but for the series' values."""
    kept = vars(ready.windows).values()
    return sum(each.nbytes for each in kept if isinstance(each, Tensor))


def _window_bytes(loader: Loader) -> int:
    """Return the bytes of one window's inputs and targets."""
    return sum(part.nbytes for part in loader.dataset[0])
