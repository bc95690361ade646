"""Rows of parts of training: its arithmetic and the delivery of batches."""

from collections.abc import Callable, Iterator
from functools import partial

from torch import Tensor

from benchmarks.common.job import Job
from benchmarks.common.plan import TrainingPlan, read_sunspots
from benchmarks.common.results import Result, Skipped, compare_costs, compare_rates
from benchmarks.common.timing import Contestant, take_turns, timed
from benchmarks.training_speed.arithmetic import multiply_matrices, training_flops
from benchmarks.training_speed.growth import make_panel
from benchmarks.training_speed.recast import make_config, make_training_loop
from benchmarks.training_speed.tutorial import Loader, make_loader
from forecasting import Panel
from forecasting.datasets.window_dataset import WindowDataset, iterate_batches
from forecasting.forecaster.prepare import prepare

GRU_JOB = Job(
    cell="gru", hidden_size=64, seq_len=48, horizon=24, batch_size=1024, epochs=10
)
SHARE_GOALS = ((Job(), 0.65), (Job(batch_size=1024), 0.70), (GRU_JOB, 0.80))


def measure_arithmetic_share(plan: TrainingPlan) -> Iterator[Result | Skipped]:
    """Measure the arithmetic of training, as a share of that of matrix products."""
    for job, goal in SHARE_GOALS:
        loop = make_training_loop(read_sunspots(), plan.shorten(job))
        loop()
        ours, theirs = take_turns(
            [
                Contestant("Recast", timed(partial(_train_and_count, loop, job))),
                Contestant("sgemm of the same run", timed(multiply_matrices)),
            ],
            plan.rounds,
        )
        yield compare_rates("share", f"sunspots, {job}", ours, theirs, goal, "GFLOP/s")


def measure_batches(plan: TrainingPlan) -> Iterator[Result | Skipped]:
    """Measure delivery of shuffled windows, and the bytes kept for each window."""
    panel = read_sunspots()
    passes = 1 if plan.quick else 20
    for job in (Job(epochs=passes), Job(batch_size=1024, epochs=passes)):
        dataset, loader = _make_dataset(panel, job), make_loader([panel.values], job)
        ours, theirs = take_turns(
            [
                Contestant("Recast", timed(partial(_deliver, dataset, job))),
                Contestant("DataLoader", timed(partial(_load, loader, job))),
            ],
            plan.rounds,
        )
        yield compare_rates(
            "batches", f"shuffled, batch {job.batch_size}", ours, theirs, 40
        )
    index_bytes = [
        _index_bytes(_make_dataset(make_panel(1, points), job))
        for points in (1000, 2000)
    ]
    yield compare_costs(
        "batches",
        "kept for each window besides the series",
        "TensorDataset",
        (index_bytes[1] - index_bytes[0]) / 1000,
        _window_bytes(loader),
        "bytes",
        0,
    )


def _train_and_count(loop: Callable[[], int], job: Job) -> float:
    """Train and return the billions of operations."""
    return loop() * training_flops(job) / 1e9


def _make_dataset(panel: Panel, job: Job) -> WindowDataset:
    return prepare(panel, make_config(job)).batches


def _deliver(dataset: WindowDataset, job: Job) -> int:
    """Iterate over the batches of a job, as in training; return the windows."""
    delivered, size = 0, job.batch_size
    for _ in range(job.epochs):
        for inputs, targets in iterate_batches(dataset, dataset.order(size), size):
            pairs = zip(inputs.split(size), targets.split(size), strict=True)
            delivered += sum(len(batch) for batch, _ in pairs)
    return delivered


def _load(loader: Loader, job: Job) -> int:
    return sum(len(inputs) for _ in range(job.epochs) for inputs, _ in loader)


def _index_bytes(dataset: WindowDataset) -> int:
    """Return the bytes of the tensors that index windows, without the values."""
    attributes = vars(dataset.windows).values()
    return sum(value.nbytes for value in attributes if isinstance(value, Tensor))


def _window_bytes(loader: Loader) -> int:
    """Return the bytes of one window's inputs and targets."""
    return sum(part.nbytes for part in loader.dataset[0])
