"""The training loop: epochs, the weights that validate best, an early end.

Windows are gathered by index where the series lie; the loop asks the device for
nothing but one number an epoch.
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
        batches: windows to learn from.
        validation: later windows, which choose the epoch; when there are none, all
            epochs are run and the last weights stay.
        config: how to train.
        engine: what makes the steps; default the one that the config says.
        generator: of the random order of windows; default torch's own.
        member: number that the records carry.
        on_epoch: called with each epoch's record.

    Returns:
        One record an epoch, the first one of the untrained network.

    Raises:
        TrainingDiverged: the loss is no longer finite.
        SettingError: the engine that was asked for cannot train this network.
    """
    epochs, each = num_epochs(len(batches), config)
    drawn = None if config.steps is None else each
    engine = engine or make_engine(network, config, *step_rates(epochs * each, config))
    course = EarlyStopping(config, epochs, len(validation) > 0, member, on_epoch)
    best_weights = network.state_dict()
    for epoch in range(epochs + 1):
        began = time.perf_counter()
        train_loss = math.nan
        if epoch:
            order = batches.order(config.batch_size, drawn, generator)
            train_loss = engine.learn(batches, order)
        if course.add(train_loss, engine.loss(validation), began):
            best_weights = copy.deepcopy(network.state_dict())
        if course.is_over:
            break
    if len(validation):
        network.load_state_dict(best_weights)
    return course.records
