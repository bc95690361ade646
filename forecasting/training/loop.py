"""The training loop: epochs, validation, early stopping, best weights.

An engine trains one network or a stack of several; each has its early end.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import torch
from torch import Tensor

from forecasting.errors import CheckpointError
from forecasting.training.checkpoint import Checkpoint, TrainingState
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
    checkpoint: Checkpoint | None = None,
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
        checkpoint: file to go on from, if it exists, and to write after epochs when it
            is due, and at the end; None for none.

    Returns:
        One record an epoch, member by member; the first is of the untrained network.

    Raises:
        TrainingDiverged: a loss is no longer finite.
        CheckpointError: the checkpoint cannot be used.
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
    progress = Progress(engine, generators, trackers, best)
    if checkpoint is not None and (state := checkpoint.load()) is not None:
        if not progress.fits(state):
            raise CheckpointError(checkpoint.path, "it is of other networks")
        progress.restore(state)
    while progress.epoch <= epochs and not progress.is_over:
        started = time.perf_counter()
        if progress.epoch:
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
        if checkpoint is not None and checkpoint.is_due:
            checkpoint.save(progress.state())
    if checkpoint is not None:
        checkpoint.finish(progress.state())
    best.restore()
    engine.finish()
    return [record for tracker in trackers for record in tracker.records]


@dataclass(frozen=True, slots=True)
class Progress:
    """Everything that the rest of a training depends on.

    Attributes:
        engine: the weights, and the state of the optimizer.
        generators: of the order of each member's windows.
        trackers: the records of each member.
        best: the best weights.
    """

    engine: TrainingEngine
    generators: Sequence[torch.Generator]
    trackers: Sequence[EarlyStopping]
    best: BestWeights

    @property
    def epoch(self) -> int:
        """Number of the next epoch."""
        return max(len(tracker.records) for tracker in self.trackers)

    @property
    def is_over(self) -> bool:
        """Whether all members have stopped early."""
        return all(tracker.is_over for tracker in self.trackers)

    def state(self) -> TrainingState:
        """Return the state after the last epoch."""
        tensors = {f"engine.{k}": v for k, v in self.engine.state().items()}
        tensors |= {f"weights.{i}": w for i, w in enumerate(self.engine.weights)}
        tensors |= {f"best.{i}": w for i, w in enumerate(self.best.best)}
        tensors |= {f"order.{i}": g.get_state() for i, g in enumerate(self.generators)}
        facts = {
            "records": [[asdict(r) for r in t.records] for t in self.trackers],
            "best_epochs": [tracker.best_epoch for tracker in self.trackers],
        }
        return TrainingState(tensors, facts)

    def fits(self, state: TrainingState) -> bool:
        """Return whether a state is of networks of the same shapes."""
        expected = {f"weights.{i}": w.shape for i, w in enumerate(self.engine.weights)}
        found = {k: v.shape for k, v in state.tensors.items() if k in expected}
        members = len(state.facts["records"])
        return found == expected and members == len(self.trackers)

    @torch.no_grad()
    def restore(self, state: TrainingState) -> None:
        """Go on from a state."""
        tensors = state.tensors
        for place, weight in enumerate(self.engine.weights):
            weight.copy_(tensors[f"weights.{place}"])
        self.engine.restore(_strip(tensors, "engine."))
        device = self.engine.weights[0].device
        self.best.best = [w.to(device) for w in _strip(tensors, "best.").values()]
        for place, generator in enumerate(self.generators):
            generator.set_state(tensors[f"order.{place}"])
        pairs = zip(state.facts["records"], state.facts["best_epochs"], strict=True)
        for tracker, (records, best_epoch) in zip(self.trackers, pairs, strict=True):
            tracker.restore(records, best_epoch)


def _strip(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Return the tensors of a prefix, without it, in the order of their numbers."""
    found = {
        k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)
    }
    return dict(sorted(found.items(), key=lambda item: (len(item[0]), item[0])))
