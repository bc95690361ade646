"""Ensembles trained on folds: each member leaves out a fold, which selects its weights.

Every series is left out by some members, so that the ensemble has logits of the whole
training that the series itself did not influence: for temperatures and mixtures.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from forecasting.datasets.rows import RowBatches
from forecasting.devices import limit_threads, pick_device
from forecasting.sequences.network import SequenceNetwork
from forecasting.training import EpochRecord, TrainingConfig
from forecasting.training.members import Member, start_member, train_members
from forecasting.types import IntArray

MAX_FOLDS = 20


@dataclass(frozen=True, slots=True)
class FoldEnsemble:
    """Networks trained on folds of the same rows.

    Attributes:
        networks: the members, on the CPU, in float64, in evaluation mode.
        history: one record per epoch and member.
        left_out: rows that no gradient of a member came from, a mask ``(members,
            rows)``.
    """

    networks: list[SequenceNetwork]
    history: list[EpochRecord]
    left_out: Tensor


def assign_folds(codes: IntArray, folds: int, random: np.random.RandomState) -> Tensor:
    """Return the fold of each row, ``(rows,)``; classes are spread evenly over folds.

    Args:
        codes: class of each row.
        folds: number of folds.
        random: of the order within each class.
    """
    order = random.permutation(len(codes))
    order = order[np.argsort(codes[order], kind="stable")]
    fold = np.empty(len(codes), np.int64)
    fold[order] = np.arange(len(codes)) % folds
    return torch.from_numpy(fold)


def num_folds(validation: float, rows: int) -> int:
    """Return the number of folds of a share for validation; 0 for none."""
    if not validation or rows < 2:
        return 0
    return min(max(round(1 / validation), 2), rows, MAX_FOLDS)


def train_on_folds(
    make: Callable[[], SequenceNetwork],
    rows: RowBatches,
    folds: Tensor | None,
    training: TrainingConfig,
    seeds: Sequence[int],
) -> FoldEnsemble:
    """Train the members of an ensemble, each without one fold.

    Args:
        make: creates a network on the default device.
        rows: the training examples.
        folds: the fold of each row; None to train on all, without validation.
        training: training settings.
        seeds: of the members.

    Raises:
        TrainingDiverged: a loss is no longer finite.
        SettingError: the requested engine cannot train these networks.
    """
    device = pick_device(training.device)
    rows = rows.to(device)

    def start(seed: int) -> Member:
        with torch.device(device):
            return start_member(seed, device, make)

    left_out = torch.zeros(len(seeds), len(rows), dtype=torch.bool)
    history: list[EpochRecord] = []
    members = [start(seed) for seed in seeds]
    with limit_threads(device, members[0].network.config.hidden_size):
        if folds is None:
            nothing = RowBatches(rows.inputs[:0], rows.targets[:0])
            history = train_members(members, rows, nothing, training)
        else:
            count = int(folds.max()) + 1
            for number, member in enumerate(members):
                left_out[number] = folds == number % count
                rest, fold = (
                    RowBatches(rows.inputs[mask], rows.targets[mask])
                    for mask in (~left_out[number], left_out[number])
                )
                records = train_members([member], rest, fold, training)
                history += [replace(record, member=number) for record in records]
    networks = [member.network.cpu().double().eval() for member in members]
    return FoldEnsemble(_as_sequence_networks(networks), history, left_out)


def _as_sequence_networks(networks: Sequence[torch.nn.Module]) -> list[SequenceNetwork]:
    return [network for network in networks if isinstance(network, SequenceNetwork)]
