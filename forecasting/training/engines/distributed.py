"""Several processes that train one network together, as torchrun starts them.

Each works on its share of every batch, and what they find is summed, so that each makes
the step of the whole batch. A process alone has everything as its share.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from forecasting.errors import SettingError

PATIENCE = timedelta(minutes=10)  # how long one waits for the others


@contextmanager
def joined() -> Iterator[Callable[[], bool]]:
    """Join the processes that torchrun started, and leave them at the end.

    RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT say who they are, LOCAL_RANK which GPU
    is this one's. Sums go by NCCL between GPUs, by Gloo between CPUs. After an error
    the process shall end: the others may be in the middle of a sum.

    Yields:
        A question that is answered yes in the first process that asks it, the one that
        may speak for all.

    Raises:
        SettingError: this machine has fewer GPUs than processes.
    """
    from torch.distributed.rendezvous import rendezvous  # not in every build

    backend = "gloo"
    if torch.cuda.is_available():
        backend = "cpu:gloo,cuda:nccl"
        local, there = int(os.environ["LOCAL_RANK"]), torch.cuda.device_count()
        if local >= there:
            wanted = f"at most {there}, the GPUs here (CUDA_VISIBLE_DEVICES= hides them"
            raise SettingError("--nproc-per-node", local + 1, f"{wanted} for the CPU)")
        torch.cuda.set_device(local)
    store, rank, size = next(iter(rendezvous("env://", timeout=PATIENCE)))
    dist.init_process_group(
        backend, store=store, rank=rank, world_size=size, timeout=PATIENCE
    )
    yield lambda: _is_first(store)
    dist.destroy_process_group()


def _is_first(store: Any) -> bool:
    try:
        return bool(store.add("asked", 1) == 1)
    except dist.DistError:  # its keeper has ended: somebody has failed before
        return False


def processes() -> int:
    """Return how many train together."""
    return dist.get_world_size() if _are_several() else 1


def rank() -> int:
    """Return the number of this process among them, from 0."""
    return dist.get_rank() if _are_several() else 0


def share(index: Tensor) -> Tensor:
    """Return this process's part of the windows of a batch, perhaps none.

    The parts follow each other and differ by one window at most.
    """
    return index.tensor_split(processes())[rank()]


def reduce(tensors: Sequence[Tensor]) -> list[Tensor]:
    """Return the sums over all processes, of all tensors by one message.

    Args:
        tensors: of one dtype and device, the same shapes in every process.
    """
    flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
    if _are_several():
        dist.all_reduce(flat)
    parts = flat.split([tensor.numel() for tensor in tensors])
    return [part.view_as(own) for part, own in zip(parts, tensors, strict=True)]


def align(tensors: Iterable[Tensor]) -> None:
    """Overwrite tensors with those of the first process."""
    if _are_several():
        for tensor in tensors:
            dist.broadcast(tensor, src=0)


def draw_apart() -> None:
    """Let each process draw other random numbers, for the dropout of its windows.

    The first one goes on as it would alone.
    """
    if rank():
        torch.manual_seed(torch.initial_seed() + rank() * 2**32)


def _are_several() -> bool:
    return dist.is_available() and dist.is_initialized()
