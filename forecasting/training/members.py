"""Several networks on the same windows: side by side on the cores, or at once on a GPU.

Each one's weights are those that it would get alone: it starts from a seed of its own,
and draws its windows from random numbers of its own.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from threading import RLock

import torch
from torch import Tensor

from forecasting.datasets.window_dataset import BatchSource
from forecasting.kernels.blas import one_blas_thread
from forecasting.models.network import RecurrentNetwork
from forecasting.training.engines.base import make_engine
from forecasting.training.engines.compiled_engine import CompiledEngine
from forecasting.training.engines.distributed import draw_apart
from forecasting.training.engines.stacked_engine import go_together, train_together
from forecasting.training.loop import train
from forecasting.training.parallel import side_by_side
from forecasting.training.recipe.config import TrainingConfig
from forecasting.training.recipe.early_stopping import EpochRecord
from forecasting.training.recipe.schedule import num_epochs, step_rates


@dataclass(frozen=True, slots=True)
class Member:
    """A network before training, and where its random numbers stand.

    Attributes:
        network: on the device of the windows.
        seed: that its weights were drawn from.
        random_state: torch's, on the CPU, after that.
    """

    network: RecurrentNetwork
    seed: int
    random_state: Tensor

    def generator(self, device: torch.device) -> torch.Generator:
        """Return random numbers that go on from there."""
        generator = torch.Generator(device)
        if device.type == "cpu":
            generator.set_state(self.random_state)
            return generator
        return generator.manual_seed(self.seed)


_DRAWING = RLock()  # torch has one stream of random numbers, whatever the thread


@contextmanager
def _seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Draw from a seed, and leave the caller's random numbers alone."""
    on_gpu = device.type == "cuda"
    with torch.random.fork_rng([device] if on_gpu else []):
        seeded = torch.manual_seed if on_gpu else torch.default_generator.manual_seed
        seeded(seed)
        yield


def start_member(
    seed: int, device: torch.device, make: Callable[[], RecurrentNetwork]
) -> Member:
    """Return a new network, drawn from a seed.

    Args:
        seed: of its weights, and of all that its training draws.
        device: of the network.
        make: returns the network, on the device.
    """
    with _DRAWING, _seeded(seed, device):
        return Member(make(), seed, torch.get_rng_state())


def train_members(
    members: Sequence[Member],
    batches: BatchSource,
    validation: BatchSource,
    config: TrainingConfig,
    *,
    on_epoch: Callable[[EpochRecord], None] | None = None,
) -> list[EpochRecord]:
    """Train networks in place; leave each with its weights that validated best.

    Args:
        members: networks of one shape.
        batches, validation, config: see `forecasting.training.loop.train`.
        on_epoch: called in this thread with each epoch's record.

    Returns:
        The records of the first member, then those of the second, and so on.

    Raises:
        TrainingDiverged: a loss is no longer finite.
        SettingError: the engine that was asked for cannot train these networks.
    """
    if go_together([member.network for member in members], config):
        return train_together(members, batches, validation, config, on_epoch=on_epoch)
    epochs, each = num_epochs(len(batches), config)
    rates = step_rates(epochs * each, config)
    engines = [
        make_engine(member.network, config, *rates, alike=len(members))
        for member in members
    ]
    trainings = [
        partial(
            train,
            member.network,
            batches,
            validation,
            config,
            engine=engine,
            generator=member.generator(batches.device),
            member=number,
        )
        for number, (member, engine) in enumerate(zip(members, engines, strict=True))
    ]
    if all(isinstance(engine, CompiledEngine) for engine in engines):
        with one_blas_thread():
            histories = side_by_side(trainings, on_epoch)
        return [record for history in histories for record in history]
    records = []
    for member, training in zip(members, trainings, strict=True):
        with _DRAWING, _seeded(member.seed, batches.device):
            torch.set_rng_state(member.random_state)
            draw_apart()
            records += training(on_epoch=on_epoch)
    return records
