"""The training loop: epochs, the weights that validate best, an early end.

Windows are gathered by index where the series lie; the loop asks the device for
nothing but one number an epoch.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from forecasting.errors import TrainingDiverged
from forecasting.training.recipe.config import TrainingConfig


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


class EarlyStopping:
    """How one network's training goes: its records, its best epoch, its end.

    Args:
        config: how it is trained.
        epochs: at most.
        validated: whether there are windows that choose the epoch.
        member: number that the records carry.
        on_epoch: called with each epoch's record.
    """

    def __init__(
        self,
        config: TrainingConfig,
        epochs: int,
        validated: bool,
        member: int = 0,
        on_epoch: Callable[[EpochRecord], None] | None = None,
    ) -> None:
        self.records: list[EpochRecord] = []
        self.best, self.best_epoch = math.inf, 0
        self.epochs, self.member, self.on_epoch = epochs, member, on_epoch
        # A number of steps, and a cycle of the learning rate, are gone through whole.
        whole = config.steps is not None or config.schedule == "one_cycle"
        self.patience = config.patience if validated and not whole else math.inf

    def add(self, train_loss: float, validation_loss: float, began: float) -> bool:
        """Take in the next epoch; return whether its weights are the best so far.

        Args:
            train_loss: NaN for the network before training.
            validation_loss: NaN without validation.
            began: when the epoch did, by ``time.perf_counter``.

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
            seconds=time.perf_counter() - began,
        )
        self.records.append(record)
        if self.on_epoch is not None:
            self.on_epoch(record)
        if validation_loss < self.best:
            self.best, self.best_epoch = validation_loss, epoch
            return True
        return False

    @property
    def is_over(self) -> bool:
        """Whether patience is: so many epochs have passed since the best one."""
        return len(self.records) - 1 - self.best_epoch >= self.patience
