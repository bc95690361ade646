"""Early stopping: the records of a training, its best epoch and weights, its end."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from forecasting.errors import TrainingDiverged
from forecasting.training.recipe.config import TrainingConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochRecord:
    """One epoch of one member; losses in normalised units, NaN if not computed.

    Epoch 0 is the network before training. ``refit`` marks the second training, on all
    data.
    """

    member: int
    epoch: int
    epochs: int
    train_loss: float
    validation_loss: float
    seconds: float
    refit: bool = False


class EarlyStopping:
    """Tracks the epochs of one network: records, best epoch, end of patience.

    Args:
        config: training settings.
        epochs: maximum number of epochs.
        is_validated: whether there are validation windows, which select the epoch.
        member: number that the records carry.
        on_epoch: called with each epoch's record.
    """

    def __init__(
        self,
        config: TrainingConfig,
        epochs: int,
        is_validated: bool,
        member: int = 0,
        on_epoch: Callable[[EpochRecord], None] | None = None,
    ) -> None:
        self.records: list[EpochRecord] = []
        self.best, self.best_epoch = math.inf, 0
        self.epochs, self.member, self.on_epoch = epochs, member, on_epoch
        # A fixed number of steps and a cycle of the learning rate are never cut short.
        is_fixed_length = config.steps is not None or config.schedule == "one_cycle"
        self.patience = (
            config.patience if is_validated and not is_fixed_length else math.inf
        )

    def add(self, train_loss: float, validation_loss: float, started: float) -> bool:
        """Add an epoch; return whether its weights are the best so far.

        Args:
            train_loss: NaN for the network before training.
            validation_loss: NaN without validation.
            started: start time of the epoch, by ``time.perf_counter``.

        Raises:
            TrainingDiverged: the loss is no longer finite.
        """
        epoch = len(self.records)
        if epoch and not math.isfinite(train_loss):
            raise TrainingDiverged(epoch)
        record = EpochRecord(
            member=self.member,
            epoch=epoch,
            epochs=self.epochs,
            train_loss=train_loss,
            validation_loss=validation_loss,
            seconds=time.perf_counter() - started,
        )
        self.records.append(record)
        if self.on_epoch is not None:
            self.on_epoch(record)
        if validation_loss < self.best:
            self.best, self.best_epoch = validation_loss, epoch
            return True
        return False

    def restore(self, records: Sequence[Mapping[str, Any]], best_epoch: int) -> None:
        """Go on after earlier records, which ``on_epoch`` gets again.

        Args:
            records: as dictionaries.
            best_epoch: number of the best one.
        """
        self.records = [EpochRecord(**record) for record in records]
        self.best_epoch = best_epoch
        best = self.records[best_epoch].validation_loss
        self.best = math.inf if math.isnan(best) else best
        if self.on_epoch is not None:
            for record in self.records:
                self.on_epoch(record)

    @property
    def is_over(self) -> bool:
        """Whether ``patience`` epochs have passed since the best one."""
        return len(self.records) - 1 - self.best_epoch >= self.patience


class BestWeights:
    """Best weights of each member so far.

    Args:
        weights: of all members, ``(members, ...)`` each, updated in place by training.
    """

    def __init__(self, weights: Sequence[Tensor]) -> None:
        self.weights = weights
        self.best: list[Tensor] = []  # empty before the first validation

    @torch.no_grad()
    def save(self, is_better: Sequence[bool]) -> None:
        """Save the current weights of the members marked in ``is_better``."""
        if not any(is_better):
            return
        if all(is_better) or not self.best:
            self.best = [weight.clone() for weight in self.weights]
            return
        chosen = torch.tensor(is_better, device=self.weights[0].device)
        for best, weight in zip(self.best, self.weights, strict=True):
            mask = chosen.view(-1, *[1] * (weight.ndim - 1))
            best.copy_(torch.where(mask, weight, best))

    @torch.no_grad()
    def restore(self) -> None:
        """Overwrite the weights with the best ones, if any were saved."""
        if self.best:
            for weight, best in zip(self.weights, self.best, strict=True):
                weight.copy_(best)
