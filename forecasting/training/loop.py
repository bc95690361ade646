"""The training loop: epochs, validation, best weights, early stopping.

Windows are gathered by index on the device of the series; only one number an epoch is
copied from the device.
"""

import copy
import math
import time
from collections.abc import Callable

import torch

from forecasting.datasets.window_dataset import BatchSource
from forecasting.models.network import RecurrentNetwork
from forecasting.training.engines.base import StepEngine, make_engine
from forecasting.training.recipe.config import TrainingConfig
from forecasting.training.recipe.early_stopping import EarlyStopping, EpochRecord
from forecasting.training.recipe.schedule import num_epochs, step_rates


def train(
    network: RecurrentNetwork,
    batches: BatchSource,
    validation: BatchSource,
    config: TrainingConfig,
    *,
    engine: StepEngine | None = None,
    generator: torch.Generator | None = None,
    member: int = 0,
    on_epoch: Callable[[EpochRecord], None] | None = None,
) -> list[EpochRecord]:
    """Train ``network`` in place; leave it with the weights that validated best.

    Args:
        network: on the device of the batches.
        batches: training windows.
        validation: later windows, which select the epoch; without any, all epochs
            are run and the last weights are used.
        config: training settings.
        engine: makes the optimizer steps; default chosen by ``config.engine``.
        generator: for the random order of windows; default torch's global one.
        member: number that the records carry.
        on_epoch: called with each epoch's record.

    Returns:
        One record an epoch; the first is of the untrained network.

    Raises:
        TrainingDiverged: the loss is no longer finite.
        SettingError: the requested engine cannot train this network.
    """
    epochs, steps = num_epochs(len(batches), config)
    num_batches = None if config.steps is None else steps
    engine = engine or make_engine(network, config, *step_rates(epochs * steps, config))
    tracker = EarlyStopping(config, epochs, len(validation) > 0, member, on_epoch)
    best_weights = network.state_dict()
    for epoch in range(epochs + 1):
        started = time.perf_counter()
        train_loss = math.nan
        if epoch:
            order = batches.order(config.batch_size, num_batches, generator)
            train_loss = engine.train_epoch(batches, order)
        if tracker.add(train_loss, engine.loss(validation), started):
            best_weights = copy.deepcopy(network.state_dict())
        if tracker.is_over:
            break
    if len(validation):
        network.load_state_dict(best_weights)
    return tracker.records
