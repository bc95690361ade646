"""Recast as a contestant: a whole training job, or its training loop alone."""

from collections.abc import Callable

import forecasting
from benchmarks.common.job import Job
from forecasting import Forecaster, Panel, RecurrentConfig, TrainingConfig, WindowSpec
from forecasting.devices import Device
from forecasting.forecaster.prepare import prepare
from forecasting.forecaster.trained_model import ForecasterConfig
from forecasting.training import Member, train_members
from forecasting.training.recipe.config import Engine


def make_window_spec(job: Job) -> WindowSpec:
    """Return the window specification of a job."""
    return WindowSpec(seq_len=job.seq_len, horizon=job.horizon)


def make_network_config(job: Job) -> RecurrentConfig:
    """Return the network configuration of a job: a cell and a linear head, no more."""
    return RecurrentConfig(
        cell=job.cell,
        hidden_size=job.hidden_size,
        normalization="standard",
        linear_skip=False,
    )


def make_training_config(
    job: Job, engine: Engine = "auto", device: Device = "cpu"
) -> TrainingConfig:
    """Return the training configuration of a job, without validation and clipping."""
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


def make_config(
    job: Job, engine: Engine = "auto", device: Device = "cpu"
) -> ForecasterConfig:
    """Return all settings of a job."""
    return ForecasterConfig(
        windows=make_window_spec(job),
        model=make_network_config(job),
        training=make_training_config(job, engine, device),
    )


def run_recast(
    panel: Panel, job: Job, engine: Engine = "auto", device: Device = "cpu"
) -> int:
    """Run the whole job on a panel and return the number of training windows."""
    Forecaster(
        windows=make_window_spec(job),
        model=make_network_config(job),
        training=make_training_config(job, engine, device),
    ).fit(panel)
    return job.count_training_windows(panel.lengths.tolist())


def fit_each(
    panel: Panel, job: Job, engine: Engine = "auto", device: Device = "cpu"
) -> int:
    """Train one network per series and return the number of training windows."""
    forecasting.fit_each(
        panel,
        windows=make_window_spec(job),
        model=make_network_config(job),
        training=make_training_config(job, engine, device),
    )
    return job.count_training_windows(panel.lengths.tolist())


def make_training_loop(
    panel: Panel, job: Job, engine: Engine = "auto", device: Device = "cpu"
) -> Callable[[], int]:
    """Prepare a job and return a function that trains a new network.

    The function returns the number of training windows.
    """
    config = make_config(job, engine, device)
    data = prepare(panel, config)
    num_windows = job.count_training_windows(panel.lengths.tolist())

    def run() -> int:
        network = config.make_network(data.batches.method, data.batches.layout)
        network.to(data.device)
        members = [Member(network, config.training.seed)]
        train_members(members, data.batches, data.validation, config.training)
        return num_windows

    return run
