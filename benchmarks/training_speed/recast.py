"""Recast's side: the same job, as a whole and its training loop alone."""

from collections.abc import Callable

import forecasting
from benchmarks.common.job import Job
from forecasting import Forecaster, Panel, RecurrentConfig, TrainingConfig, WindowSpec
from forecasting.devices import Device
from forecasting.forecaster.prepare import prepare
from forecasting.models.network import RecurrentNetwork
from forecasting.training import train
from forecasting.training.recipe.config import Engine


def windows_of(job: Job) -> WindowSpec:
    """Return the shape of a job's windows."""
    return WindowSpec(seq_len=job.seq_len, horizon=job.horizon)


def model_of(job: Job) -> RecurrentConfig:
    """Return a job's network: nothing but the cell and its head."""
    return RecurrentConfig(
        cell=job.cell,
        hidden_size=job.hidden_size,
        normalization="standard",
        linear_skip=False,
    )


def training_of(
    job: Job, engine: Engine = "auto", device: Device = "cpu"
) -> TrainingConfig:
    """Return how a job is trained: Adam on squared errors, no validation, no clip."""
    return TrainingConfig(
        epochs=job.epochs,
        steps=job.steps,
        batch_size=job.batch_size,
        loss="mse",
        clip_norm=None,
        validation=0.0,
        device=device,
        engine=engine,
    )


def run_recast(
    panel: Panel, job: Job, engine: Engine = "auto", device: Device = "cpu"
) -> int:
    """Do the whole job, from the panel on; return how many windows were trained."""
    Forecaster(
        windows=windows_of(job),
        model=model_of(job),
        training=training_of(job, engine, device),
    ).fit(panel)
    return job.count_trained(panel.lengths.tolist())


def fit_each(
    panel: Panel, job: Job, engine: Engine = "auto", device: Device = "cpu"
) -> int:
    """Train one network a series; return how many windows were trained."""
    forecasting.fit_each(
        panel,
        windows=windows_of(job),
        model=model_of(job),
        training=training_of(job, engine, device),
    )
    return job.count_trained(panel.lengths.tolist())


def training_loop(
    panel: Panel, job: Job, engine: Engine = "auto", device: Device = "cpu"
) -> Callable[[], int]:
    """Cut the windows; return what trains a new network on them, and counts them."""
    model, training = model_of(job), training_of(job, engine, device)
    ready = prepare(panel, panel.lengths, windows_of(job), model, training, None)
    trained = job.count_trained(panel.lengths.tolist())

    def run() -> int:
        network = RecurrentNetwork(
            model, seq_len=job.seq_len, horizon=job.horizon, level=ready.batches.method
        )
        network.to(ready.batches.device)
        train(network, ready.batches, ready.validation, training)
        return trained

    return run
