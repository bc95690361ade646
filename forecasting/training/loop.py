"""The training loop: epochs, the weights that validate best, an early end.

Windows are gathered by index where the series lie; the loop asks the device for
nothing but one number an epoch.
"""

import copy
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from forecasting.batches import Batches
from forecasting.errors import TrainingDiverged
from forecasting.networks import RecurrentNetwork
from forecasting.training.config import TrainingConfig
from forecasting.training.engines import StepEngine, make_engine
from forecasting.training.schedule import plan, step_rates


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochRecord:
    """One epoch of one member; losses in normalised units, NaN where there is none.

    Epoch 0 is the network before training. ``refit`` marks the second training, on
    everything.
    """

    member: int
    epoch: int
    epochs: int
    train_loss: float
    validation_loss: float
    seconds: float
    refit: bool = False


def train(
    network: RecurrentNetwork,
    batches: Batches,
    validation: Batches,
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
    epochs, each = plan(len(batches), config)
    drawn = None if config.steps is None else each
    engine = engine or make_engine(network, config, *step_rates(epochs * each, config))
    records: list[EpochRecord] = []
    best, best_epoch, best_weights = math.inf, 0, network.state_dict()
    for epoch in range(epochs + 1):
        began = time.perf_counter()
        train_loss = math.nan
        if epoch:
            order = batches.order(config.batch_size, drawn, generator)
            train_loss = _finite(engine.learn(batches, order), epoch)
        checked = engine.loss(validation)
        records.append(
            EpochRecord(
                member=member,
                epoch=epoch,
                epochs=epochs,
                train_loss=train_loss,
                validation_loss=checked,
                seconds=time.perf_counter() - began,
            )
        )
        if on_epoch is not None:
            on_epoch(records[-1])
        if checked < best:
            best, best_epoch = checked, epoch
            best_weights = copy.deepcopy(network.state_dict())
        elif _stops_early(validation, config) and epoch - best_epoch >= config.patience:
            break
    if len(validation):
        network.load_state_dict(best_weights)
    return records


def _finite(loss: float, epoch: int) -> float:
    if not math.isfinite(loss):
        raise TrainingDiverged(epoch)
    return loss


def _stops_early(validation: Batches, config: TrainingConfig) -> bool:
    """A number of steps, and a cycle of the learning rate, are gone through whole."""
    whole = config.steps is not None or config.schedule == "one_cycle"
    return len(validation) > 0 and not whole
