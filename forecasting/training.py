"""The training loop, top to bottom.

Windows are gathered by index where the series lie; the loop asks the device for
nothing but one number an epoch.
"""

import copy
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, OneCycleLR

from forecasting.batches import Batches
from forecasting.devices import DEVICES, PRECISIONS, Device, Precision, autocast
from forecasting.errors import SettingError, TrainingDiverged
from forecasting.losses import LOSSES, Loss, make_loss
from forecasting.networks import RecurrentNetwork

Optimizer = Literal["adam", "adamw"]
Schedule = Literal["constant", "one_cycle"]
PARTS = 10  # epochs that a number of steps is cut into


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingConfig:
    """How a network is trained.

    Attributes:
        epochs: passes over all windows, at most.
        steps: optimizer steps instead of epochs, on windows drawn at random; a tenth
            of them counts as an epoch, and patience does not end them early.
        balance: with steps, the chance of a series is its number of windows to the
            power of 1 - balance: 0 draws all windows alike, 1 all series.
        relative: with steps, the share of the loss that counts errors relative to the
            level of their series instead of its scale (``ets`` and ``log_ets``).
        schedule: of the learning rate: ``constant``, or ``one_cycle`` up to it and
            down again (Smith and Topin 2019).
        refit: train once more, on everything, as long as validation found best.
        batch_size: windows a step.
        learning_rate: of the optimizer.
        optimizer: ``adam`` or ``adamw``.
        weight_decay: of the optimizer.
        loss: ``mae``, ``mse``, ``huber`` or ``quantile``, on normalised values.
        huber_delta: where the Huber loss turns linear.
        quantile: the probability that the quantile loss aims at.
        clip_norm: bound on the gradient's global norm; None for no bound.
        patience: epochs without a better validation loss before training stops.
        validation: share of each series, its latest part, that training does not see
            and that chooses the weights; 0 for none.
        teacher_forcing: probability that a strategy that feeds its forecasts back is
            fed the truth while it trains.
        truncate: observations that the gradient reaches back at most; None for all.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        precision: ``auto``, ``float32`` or ``bfloat16``.
        seed: same seed, same weights (on one CPU).

    Raises:
        SettingError: a value is out of range.
    """

    epochs: int = 100
    steps: int | None = None
    balance: float = 0.0
    relative: float = 0.0
    schedule: Schedule = "constant"
    refit: bool = False
    batch_size: int = 256
    learning_rate: float = 1e-3
    optimizer: Optimizer = "adam"
    weight_decay: float = 0.0
    loss: Loss = "mae"
    huber_delta: float = 1.0
    quantile: float = 0.5
    clip_norm: float | None = 1.0
    patience: int = 10
    validation: float = 0.15
    teacher_forcing: float = 0.5
    truncate: int | None = None
    device: Device = "auto"
    precision: Precision = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        for name, choices in _CHOICES:
            if getattr(self, name) not in choices:
                wanted = f"one of {', '.join(choices)}"
                raise SettingError(name, getattr(self, name), wanted)
        for name, low, high in _RANGES:
            value = getattr(self, name)
            whole = isinstance(value, int) or name not in _WHOLE
            if value is not None and not (whole and low <= value <= high):
                kind = "a whole number " if name in _WHOLE else ""
                raise SettingError(name, value, f"{kind}from {low:g} to {high:g}")


_CHOICES = (
    ("optimizer", get_args(Optimizer)),
    ("schedule", get_args(Schedule)),
    ("loss", LOSSES),
    ("device", DEVICES),
    ("precision", PRECISIONS),
)
_WHOLE = ("epochs", "steps", "batch_size", "patience", "truncate", "seed")
_RANGES = (
    ("epochs", 0, 100_000),
    ("steps", 0, 10_000_000),
    ("balance", 0, 1),
    ("relative", 0, 1),
    ("batch_size", 1, 1_000_000),
    ("learning_rate", 1e-9, 10),
    ("weight_decay", 0, 10),
    ("huber_delta", 1e-9, 1e9),
    ("quantile", 0.001, 0.999),
    ("clip_norm", 1e-9, 1e9),
    ("patience", 1, 100_000),
    ("validation", 0, 0.9),
    ("teacher_forcing", 0, 1),
    ("truncate", 1, 10_000),
    ("seed", 0, 2**32 - 1),
)


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
        member: number that the records carry.
        on_epoch: called with each epoch's record.

    Returns:
        One record an epoch, the first one of the untrained network.

    Raises:
        TrainingDiverged: the loss is no longer finite.
    """
    loss_of = make_loss(
        config.loss,
        huber_delta=config.huber_delta,
        quantile=config.quantile,
        quantiles=network.config.quantiles,
    )
    epochs, batches_each = _plan(batches, config)
    optimizer = _make_optimizer(network, config)
    schedule = _make_schedule(optimizer, epochs * batches_each, config)
    records: list[EpochRecord] = []
    best, best_epoch, best_weights = math.inf, 0, network.state_dict()
    for epoch in range(epochs + 1):
        began = time.perf_counter()
        train_loss = math.nan
        if epoch:
            train_loss = _run_epoch(network, batches, schedule, loss_of, config)
            if not math.isfinite(train_loss):
                raise TrainingDiverged(epoch)
        checked = _validate(network, validation, loss_of, config)
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


def _run_epoch(
    network: RecurrentNetwork,
    batches: Batches,
    schedule: LRScheduler,
    loss_of: Callable[[Tensor, Tensor], Tensor],
    config: TrainingConfig,
) -> float:
    network.train()
    optimizer, seen = schedule.optimizer, 0
    total = torch.zeros((), device=batches.device)
    drawn = None if config.steps is None else -(-config.steps // PARTS)
    for inputs, targets in batches.shuffled(config.batch_size, drawn):
        optimizer.zero_grad(set_to_none=True)
        with autocast(inputs.device, config.precision, network.config.hidden_size):
            loss = _loss(network, inputs, targets, loss_of, config)
        torch.autograd.backward(loss)
        if config.clip_norm is not None:
            nn.utils.clip_grad_norm_(network.parameters(), config.clip_norm)
        optimizer.step()
        schedule.step()
        total += loss.detach() * len(inputs)
        seen += len(inputs)
    return float(total) / max(seen, 1)


def _stops_early(validation: Batches, config: TrainingConfig) -> bool:
    """A number of steps, and a cycle of the learning rate, are gone through whole."""
    whole = config.steps is not None or config.schedule == "one_cycle"
    return len(validation) > 0 and not whole


def _plan(batches: Batches, config: TrainingConfig) -> tuple[int, int]:
    """Return the number of epochs, and of the batches in each."""
    if config.steps is None:
        return config.epochs, -(-len(batches) // config.batch_size)
    return min(PARTS, config.steps), -(-config.steps // PARTS)


def _loss(
    network: RecurrentNetwork,
    inputs: Tensor,
    targets: Tensor,
    loss_of: Callable[[Tensor, Tensor], Tensor],
    config: TrainingConfig,
) -> Tensor:
    if network.config.loss_at == "step":
        steps = network.forward_steps(inputs)  # (B, L, steps)
        following = torch.cat([inputs[:, : steps.shape[1], 0], targets], 1)[:, 1:]
        wanted = following.unfold(1, network.steps_out, 1)[:, : steps.shape[1]]
        return loss_of(steps.float(), wanted)
    forecast = network.forward_trained(
        inputs,
        truth=targets,
        teacher_forcing=config.teacher_forcing,
        truncate=config.truncate,
    )
    return loss_of(forecast.float(), targets)


@torch.no_grad()
def _validate(
    network: RecurrentNetwork,
    validation: Batches,
    loss_of: Callable[[Tensor, Tensor], Tensor],
    config: TrainingConfig,
) -> float:
    """Return the loss of free-running forecasts, NaN when there are no windows."""
    if not len(validation):
        return math.nan
    network.eval()
    total = torch.zeros((), device=validation.device)
    for inputs, targets in validation.in_order():
        with autocast(inputs.device, config.precision, network.config.hidden_size):
            forecast = network.forward_trained(inputs)
        total += loss_of(forecast.float(), targets) * len(inputs)
    return float(total) / len(validation)


def _make_schedule(
    optimizer: torch.optim.Optimizer, steps: int, config: TrainingConfig
) -> LRScheduler:
    if config.schedule == "constant" or steps == 0:
        return LambdaLR(optimizer, lambda step: 1.0)
    # One step more than is made: torch steps the schedule behind the last one, too.
    return OneCycleLR(optimizer, config.learning_rate, total_steps=steps + 1)


def _make_optimizer(
    network: nn.Module, config: TrainingConfig
) -> torch.optim.Optimizer:
    kind = torch.optim.AdamW if config.optimizer == "adamw" else torch.optim.Adam
    rate, decay = config.learning_rate, config.weight_decay
    return kind(network.parameters(), rate, weight_decay=decay, fused=True)
