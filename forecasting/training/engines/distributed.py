"""Data-parallel training in several processes, as torchrun starts them.

Each process works on its shard of every batch, and gradients are summed, so that all
make the step of the whole batch. In a single process the shard is the whole batch.
"""

import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from forecasting.errors import SettingError
from forecasting.training.engines.torch_engine import TorchEngine

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


class DistributedEngine:
    """The torch engine of each of several processes, which make the same steps.

    Args:
        engine: of this process; its gradient becomes that of the whole batch.
    """

    def __init__(self, engine: TorchEngine) -> None:
        self.engine, self.config = engine, engine.config
        self.batches, self.validation = engine.batches, engine.validation
        self.weights, self.finish = engine.weights, engine.finish
        self.state, self.restore = engine.state, engine.restore
        self.share = 1.0  # of the batch that this process works on
        engine.gradient = self.gradient
        broadcast(self.weights)

    def train_epoch(self, orders: Sequence[Tensor]) -> list[float]:
        """Make an optimizer step per batch, in one order; return the mean loss."""
        (order,) = orders
        broadcast([order])
        self.engine.set_mode(training=True)
        batches = order.split(self.config.batch_size)
        shards = [shard(batch) for batch in batches]
        # A process without a window takes one with weight 0: all must make every step.
        nonempty = [
            part if len(part) else batch[:1]
            for part, batch in zip(shards, batches, strict=True)
        ]
        windows = self.engine.gather([torch.cat(nonempty)], len(nonempty[0]))
        total = torch.zeros((), device=self.batches.device)
        for pair, part, batch in zip(windows, shards, batches, strict=True):
            self.share = len(part) / len(batch)
            total += self.engine.step(*pair) * len(batch)
        return [float(total) / max(len(order), 1)]

    def gradient(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Set the clipped gradients of the whole batch; return its loss."""
        engine, clip_norm = self.engine, self.config.clip_norm
        engine.optimizer.zero_grad(set_to_none=True)
        loss = engine.training_loss(inputs, targets) * self.share
        torch.autograd.backward(loss)
        weights = [weight for weight in engine.trained if weight.grad is not None]
        gradients = [weight.grad for weight in weights if weight.grad is not None]
        *gradients, total = sum_over_processes([*gradients, loss.detach()])
        for weight, gradient in zip(weights, gradients, strict=True):
            weight.grad = gradient
        if clip_norm is not None:
            engine.clip(clip_norm)
        return total

    @torch.no_grad()
    def evaluate(self) -> list[float]:
        """Return the mean loss of free-running forecasts; NaN without windows."""
        count, device = len(self.validation), self.validation.device
        if not count:
            return [math.nan]
        index, total = torch.arange(count, device=device), torch.zeros(1, device=device)
        if len(part := shard(index)):
            total = self.engine.total_loss(part)
        return [float(sum_over_processes([total])[0]) / count]


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
