"""The training loop: epochs, validation, early stopping, best weights.

An engine trains one network or a stack of several; each has its early end.
"""

import math
import time
from collections.abc import Callable, Sequence

import torch

from forecasting.training.engines.base import TrainingEngine
from forecasting.training.recipe.early_stopping import (
    BestWeights,
    EarlyStopping,
    EpochRecord,
)
from forecasting.training.recipe.schedule import num_epochs


def train(
    engine: TrainingEngine,
    generators: Sequence[torch.Generator],
    *,
    first_member: int = 0,
    on_epoch: Callable[[EpochRecord], None] | None = None,
) -> list[EpochRecord]:
    """Train an engine's networks in place; leave the weights that validated best.

    Without validation windows, all epochs are run and the last weights stay. A member
    that stops early keeps its best weights while the others of its stack go on; a
    record's seconds are those of the joint epoch.

    Args:
        engine: with the networks, their windows and the settings.
        generators: for the random order of each member's windows.
        first_member: number of the first member in the records.
        on_epoch: called with each epoch's record.

    Returns:
        One record an epoch, member by member; the first is of the untrained network.

    Raises:
        TrainingDiverged: a loss is no longer finite.
    """
    config, batches = engine.config, engine.batches
    epochs, steps = num_epochs(len(batches), config)
    num_batches = None if config.steps is None else steps
    is_validated = len(engine.validation) > 0
    trackers = [
        EarlyStopping(config, epochs, is_validated, first_member + number, on_epoch)
        for number in range(len(generators))
    ]
    best = BestWeights(engine.weights)
    train_losses = [math.nan] * len(trackers)
    for epoch in range(epochs + 1):
        started = time.perf_counter()
        if epoch:
            train_losses = engine.train_epoch(
                [
                    batches.order(config.batch_size, num_batches, generator)
                    for generator in generators
                ]
            )
        losses = zip(trackers, train_losses, engine.evaluate(), strict=True)
        is_better = [
            not tracker.is_over and tracker.add(train_loss, validation_loss, started)
            for tracker, train_loss, validation_loss in losses
        ]
        best.save(is_better)
        if all(tracker.is_over for tracker in trackers):
            break
    best.restore()
    engine.finish()
    return [record for tracker in trackers for record in tracker.records]
