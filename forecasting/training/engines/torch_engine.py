"""Optimizer steps by torch: every network, every device.

Where several processes train together, each computes the gradient of its shard of the
batch, and all make the same step of the whole batch.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence

import torch
from torch import Tensor, nn

from forecasting.datasets.window_dataset import (
    EVALUATION_BATCH,
    Batch,
    BatchSource,
    iterate_batches,
)
from forecasting.devices import autocast
from forecasting.models.network import RecurrentNetwork
from forecasting.training.engines.cuda_graph import Gradient, Record, ReplayedGradient
from forecasting.training.engines.distributed import (
    broadcast,
    num_processes,
    shard,
    sum_over_processes,
)
from forecasting.training.recipe.config import TrainingConfig
from forecasting.training.recipe.losses import make_loss
from forecasting.types import FloatArray


class TorchEngine:
    """Trains a network by torch's own layers, gradients and optimizer.

    Args:
        network: on the device of the windows.
        config: training settings.
        rates, betas: learning rate, and Adam's first beta, of every step.
        record: records gradients to be replayed; see
            `forecasting.training.engines.cuda_graph`.
    """

    def __init__(
        self,
        network: RecurrentNetwork,
        config: TrainingConfig,
        rates: FloatArray,
        betas: FloatArray,
        record: Record | None = None,
    ) -> None:
        self.network, self.config = network, config
        self.rates, self.betas, self.num_steps = rates, betas, 0
        self.loss_of = loss_of(network, config)
        self.is_alone = num_processes() == 1
        broadcast(network.state_dict().values())
        self.optimizer = make_optimizer(network.parameters(), config)
        self.compute_gradient: Gradient = self.gradient
        if record is not None and self.is_alone:
            self.compute_gradient = ReplayedGradient(
                self.gradient, network.parameters(), record
            )

    def train_epoch(self, batches: BatchSource, order: Tensor) -> float:
        """Make an optimizer step per batch, in ``order``; return the mean loss."""
        self.network.train()
        broadcast([order])
        total = torch.zeros((), device=batches.device)
        whole_batches = order.split(self.config.batch_size)
        shards = [shard(batch) for batch in whole_batches]
        # A process without a window takes one with weight 0: all must make every step.
        nonempty = [
            part if len(part) else batch[:1]
            for part, batch in zip(shards, whole_batches, strict=True)
        ]
        pairs = zip(
            _gather_parts(batches, nonempty), shards, whole_batches, strict=True
        )
        for (inputs, targets), part, batch in pairs:
            loss = self._step(inputs, targets, len(part) / len(batch))
            total += loss * len(batch)
        return float(total) / max(len(order), 1)

    def _step(self, inputs: Tensor, targets: Tensor, weight: float) -> Tensor:
        """Make an optimizer step; ``weight``: share of the windows in the batch."""
        if self.is_alone:
            loss = self.compute_gradient(inputs, targets)
        else:
            loss = self.gradient(inputs, targets, weight)
        set_rates(
            self.optimizer, self.rates[self.num_steps], self.betas[self.num_steps]
        )
        self.optimizer.step()
        self.num_steps += 1
        return loss

    def gradient(self, inputs: Tensor, targets: Tensor, weight: float = 1.0) -> Tensor:
        """Set the gradient of a batch; return the loss.

        ``weight`` is the share of these windows in the batch of all processes.
        """
        self.optimizer.zero_grad(set_to_none=True)
        model, precision = self.network.config, self.config.precision
        with autocast(inputs.device, precision, model.hidden_size, model.cell):
            loss = self._loss(inputs, targets)
        if self.is_alone:
            torch.autograd.backward(loss)
        else:
            torch.autograd.backward(loss * weight)
            loss = self._sum_over_processes(loss * weight)
        if self.config.clip_norm is not None:
            nn.utils.clip_grad_norm_(self.network.parameters(), self.config.clip_norm)
        return loss.detach()

    def _sum_over_processes(self, loss: Tensor) -> Tensor:
        """Sum gradients and loss over the processes; return the loss."""
        trained = [
            (parameter, parameter.grad)
            for parameter in self.network.parameters()
            if parameter.grad is not None
        ]
        *gradients, total = sum_over_processes(
            [*(gradient for _, gradient in trained), loss.detach()]
        )
        for (parameter, _), gradient in zip(trained, gradients, strict=True):
            parameter.grad = gradient
        return total

    def _loss(self, inputs: Tensor, targets: Tensor) -> Tensor:
        network = self.network
        if network.config.loss_at == "step":
            steps = network.forward_steps(inputs)  # (B, L, steps)
            next_values = torch.cat([inputs[:, : steps.shape[1], 0], targets], 1)[:, 1:]
            step_targets = next_values.unfold(1, network.steps_out, 1)[
                :, : steps.shape[1]
            ]
            return self.loss_of(steps.float(), step_targets)
        forecast = network.forward_trained(
            inputs,
            truth=targets,
            teacher_forcing=self.config.teacher_forcing,
            truncate=self.config.truncate,
        )
        return self.loss_of(forecast.float(), targets)

    @torch.no_grad()
    def loss(self, validation: BatchSource) -> float:
        """Return the mean loss of free-running forecasts; NaN without windows."""
        if not len(validation):
            return math.nan
        self.network.eval()
        total = torch.zeros((), device=validation.device)
        model, precision = self.network.config, self.config.precision
        part = shard(torch.arange(len(validation), device=validation.device))
        for index in part.split(EVALUATION_BATCH) if len(part) else ():
            inputs, targets = validation.take(index)
            with autocast(inputs.device, precision, model.hidden_size, model.cell):
                forecast = self.network.forward_trained(inputs)
            total += self.loss_of(forecast.float(), targets) * len(inputs)
        return float(sum_over_processes([total])[0]) / len(validation)


def _gather_parts(batches: BatchSource, parts: Sequence[Tensor]) -> Iterator[Batch]:
    """Yield the windows of each part; all but the last part have one size."""
    size = len(parts[0])
    for inputs, targets in iterate_batches(batches, torch.cat(list(parts)), size):
        yield from zip(inputs.split(size), targets.split(size), strict=True)


def make_optimizer(
    weights: Iterable[Tensor], config: TrainingConfig
) -> torch.optim.Optimizer:
    """Create the Adam or AdamW optimizer of a training."""
    kind = torch.optim.AdamW if config.optimizer == "adamw" else torch.optim.Adam
    return kind(weights, weight_decay=config.weight_decay, fused=True)


def set_rates(optimizer: torch.optim.Optimizer, rate: float, beta: float) -> None:
    """Set the learning rate, and Adam's first beta, of the next step."""
    for group in optimizer.param_groups:
        group["lr"], group["betas"] = float(rate), (float(beta), 0.999)


def loss_of(
    network: RecurrentNetwork, config: TrainingConfig
) -> Callable[[Tensor, Tensor], Tensor]:
    """Return the training loss of a network, a function of forecast and actual."""
    return make_loss(
        config.loss,
        huber_delta=config.huber_delta,
        quantile=config.quantile,
        quantiles=network.config.quantiles,
    )
