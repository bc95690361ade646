"""Ensemble members on the same windows: in parallel on the cores, or stacked on a GPU.

Each member gets the weights of a training on its own: its weights are drawn from its
seed, and the order of its windows from its random state.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from threading import RLock

import torch
from torch import Tensor

from forecasting.datasets.window_dataset import BatchSource
from forecasting.kernels.blas import one_blas_thread
from forecasting.models.network import RecurrentNetwork
from forecasting.training.checkpoint import Checkpoint, Checkpoints
from forecasting.training.engines.base import make_engines
from forecasting.training.engines.compiled_engine import CompiledEngine
from forecasting.training.engines.distributed import offset_seed
from forecasting.training.loop import train
from forecasting.training.parallel import run_trainings
from forecasting.training.recipe.config import TrainingConfig
from forecasting.training.recipe.early_stopping import EpochRecord


@dataclass(frozen=True, slots=True)
class Member:
    """A network before training, with the state of its random numbers.

    Attributes:
        network: on the device of the windows.
        seed: of the initial weights.
        random_state: of torch on the CPU, after the weights were drawn; default its
            present state.
    """

    network: RecurrentNetwork
    seed: int = 0
    random_state: Tensor = field(default_factory=torch.get_rng_state)

    def generator(self, device: torch.device) -> torch.Generator:
        """Return a random generator that continues from the member's state."""
        generator = torch.Generator(device)
        if device.type == "cpu":
            generator.set_state(self.random_state)
            return generator
        return generator.manual_seed(self.seed)


_RANDOM_LOCK = RLock()  # torch's random state is shared by all threads


@contextmanager
def _seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Seed torch within a block, and restore the caller's random state."""
    on_gpu = device.type == "cuda"
    with torch.random.fork_rng([device] if on_gpu else []):
        seeded = torch.manual_seed if on_gpu else torch.default_generator.manual_seed
        seeded(seed)
        yield


def start_member(
    seed: int, device: torch.device, make: Callable[[], RecurrentNetwork]
) -> Member:
    """Create a network with weights drawn from a seed.

    Args:
        seed: of the weights, and of all random numbers of the training.
        device: of the network.
        make: creates the network, on the device.
    """
    with _RANDOM_LOCK, _seeded(seed, device):
        return Member(make(), seed, torch.get_rng_state())


def train_members(
    members: Sequence[Member],
    batches: BatchSource,
    validation: BatchSource,
    training: TrainingConfig,
    *,
    on_epoch: Callable[[EpochRecord], None] | None = None,
    checkpoints: Checkpoints | None = None,
) -> list[EpochRecord]:
    """Train networks in place; leave each with its weights that validated best.

    Args:
        members: networks of one shape.
        batches: training windows.
        validation: later windows, which select the epoch; without any, all epochs
            are run and the last weights are used.
        training: training settings.
        on_epoch: called in this thread with each epoch's record.
        checkpoints: folder to go on from, and to write to; None for none.

    Returns:
        The records of the first member, then those of the second, and so on.

    Raises:
        TrainingDiverged: a loss is no longer finite.
        SettingError: the requested engine cannot train these networks.
        CheckpointError: a checkpoint cannot be used.
    """
    networks = [member.network for member in members]
    engines = make_engines(networks, batches, validation, training)
    generators = [member.generator(batches.device) for member in members]
    size = len(members) // len(engines)  # members of an engine
    trainings = [
        partial(
            train,
            engine,
            generators[first : first + size],
            first_member=first,
            checkpoint=_open(checkpoints, first),
        )
        for first, engine in zip(range(0, len(members), size), engines, strict=True)
    ]
    if isinstance(engines[0], CompiledEngine):
        with one_blas_thread():
            histories = run_trainings(trainings, on_epoch)
    else:
        histories = []
        for member, run in zip(members[::size], trainings, strict=True):
            with _RANDOM_LOCK, _seeded(member.seed, batches.device):
                torch.set_rng_state(member.random_state)
                offset_seed()
                histories.append(run(on_epoch=on_epoch))
    return [record for history in histories for record in history]


def _open(checkpoints: Checkpoints | None, first: int) -> Checkpoint | None:
    """Return the file of the engine of a first member."""
    return None if checkpoints is None else checkpoints.open(f"member {first}")
