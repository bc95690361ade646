"""Data-parallel training in several processes, as torchrun starts them.

Each process works on its shard of every batch, and gradients are summed, so that all
make the step of the whole batch. In a single process the shard is the whole batch.
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

PROCESS_TIMEOUT = timedelta(minutes=10)  # for the other processes to answer


@contextmanager
def process_group() -> Iterator[Callable[[], bool]]:
    """Join the process group that torchrun started; leave it at the end.

    RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT identify the processes, LOCAL_RANK the
    GPU of this one. Sums use NCCL between GPUs, Gloo between CPUs. After an error the
    process must end: the others may be in the middle of a sum.

    Yields:
        A function that returns True in the first process that calls it, and False in
        the others; the first one reports an error for all.

    Raises:
        SettingError: this machine has fewer GPUs than processes.
    """
    from torch.distributed.rendezvous import rendezvous  # not in every build

    backend = "gloo"
    if torch.cuda.is_available():
        backend = "cpu:gloo,cuda:nccl"
        local, num_gpus = int(os.environ["LOCAL_RANK"]), torch.cuda.device_count()
        if local >= num_gpus:
            limit = (
                f"at most {num_gpus}, the GPUs here (CUDA_VISIBLE_DEVICES= hides them"
            )
            raise SettingError("--nproc-per-node", local + 1, f"{limit} for the CPU)")
        torch.cuda.set_device(local)
    store, rank, size = next(iter(rendezvous("env://", timeout=PROCESS_TIMEOUT)))
    dist.init_process_group(
        backend, store=store, rank=rank, world_size=size, timeout=PROCESS_TIMEOUT
    )
    yield lambda: _is_first(store)
    dist.destroy_process_group()


def _is_first(store: Any) -> bool:
    try:
        return bool(store.add("asked", 1) == 1)
    except dist.DistError:  # the process that holds the store has failed and ended
        return False


def num_processes() -> int:
    """Return the number of processes that train together."""
    return dist.get_world_size() if _is_distributed() else 1


def rank() -> int:
    """Return the rank of this process, from 0."""
    return dist.get_rank() if _is_distributed() else 0


def shard(index: Tensor) -> Tensor:
    """Return the windows of a batch that belong to this process, perhaps none.

    The shards are consecutive and their sizes differ by one window at most.
    """
    return index.tensor_split(num_processes())[rank()]


def sum_over_processes(tensors: Sequence[Tensor]) -> list[Tensor]:
    """Sum tensors over all processes, with a single message.

    Args:
        tensors: one dtype and device, the same shapes in every process.
    """
    flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
    if _is_distributed():
        dist.all_reduce(flat)
    parts = flat.split([tensor.numel() for tensor in tensors])
    return [part.view_as(tensor) for part, tensor in zip(parts, tensors, strict=True)]


def broadcast(tensors: Iterable[Tensor]) -> None:
    """Overwrite tensors with the values of the first process."""
    if _is_distributed():
        for tensor in tensors:
            dist.broadcast(tensor, src=0)


def offset_seed() -> None:
    """Give each process different random numbers, for dropout on its windows.

    The first process continues as in a training without the others.
    """
    if rank():
        torch.manual_seed(torch.initial_seed() + rank() * 2**32)


def _is_distributed() -> bool:
    return dist.is_available() and dist.is_initialized()
