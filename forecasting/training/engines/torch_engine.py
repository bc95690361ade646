"""Steps by torch: every network, every device.

Where several processes train together, each makes the same step: that of the whole
batch, of which it has worked on its share.
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
from forecasting.training.engines.distributed import align, processes, reduce, share
from forecasting.training.recipe.config import TrainingConfig
from forecasting.training.recipe.losses import make_loss
from forecasting.types import FloatArray


class TorchEngine:
    """Trains a network by torch's own layers, gradients and optimizer.

    Args:
        network: on the device of the windows.
        config: how to train.
        rates, betas: learning rate, and Adam's first beta, of every step.
        record: records gradients to be replayed, see `forecasting.training.engines.cuda_graph`.
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
        self.rates, self.betas, self.made = rates, betas, 0
        self.loss_of = loss_of(network, config)
        self.is_alone = processes() == 1
        align(network.state_dict().values())
        self.optimizer = make_optimizer(network.parameters(), config)
        self.find_gradient: Gradient = self.gradient
        if record is not None and self.is_alone:
            self.find_gradient = ReplayedGradient(
                self.gradient, network.parameters(), record
            )

    def learn(self, batches: BatchSource, order: Tensor) -> float:
        """Make a step for each batch of windows, in order; return the mean loss."""
        self.network.train()
        align([order])
        total = torch.zeros((), device=batches.device)
        whole = order.split(self.config.batch_size)
        own = [share(batch) for batch in whole]
        # Who has no window takes one that does not count: all make every step.
        taken = [
            part if len(part) else batch[:1]
            for part, batch in zip(own, whole, strict=True)
        ]
        pairs = zip(_gathered_each(batches, taken), own, whole, strict=True)
        for (inputs, targets), part, batch in pairs:
            loss = self._step(inputs, targets, len(part) / len(batch))
            total += loss * len(batch)
        return float(total) / max(len(order), 1)

    def _step(self, inputs: Tensor, targets: Tensor, weight: float) -> Tensor:
        """Make the step of a batch, of which these windows are a part, ``weight``."""
        if self.is_alone:
            loss = self.find_gradient(inputs, targets)
        else:
            loss = self.gradient(inputs, targets, weight)
        set_rates(self.optimizer, self.rates[self.made], self.betas[self.made])
        self.optimizer.step()
        self.made += 1
        return loss

    def gradient(self, inputs: Tensor, targets: Tensor, weight: float = 1.0) -> Tensor:
        """Set the gradient of a batch; return the loss.

        Where several processes train, these windows are a part of it, ``weight``.
        """
        self.optimizer.zero_grad(set_to_none=True)
        model, precision = self.network.config, self.config.precision
        with autocast(inputs.device, precision, model.hidden_size, model.cell):
            loss = self._loss(inputs, targets)
        if self.is_alone:
            torch.autograd.backward(loss)
        else:
            torch.autograd.backward(loss * weight)
            loss = self._sum(loss * weight)
        if self.config.clip_norm is not None:
            nn.utils.clip_grad_norm_(self.network.parameters(), self.config.clip_norm)
        return loss.detach()

    def _sum(self, loss: Tensor) -> Tensor:
        """Sum gradients and loss over the processes; return the loss."""
        found = [
            (parameter, parameter.grad)
            for parameter in self.network.parameters()
            if parameter.grad is not None
        ]
        *gradients, total = reduce([*(own for _, own in found), loss.detach()])
        for (parameter, _), gradient in zip(found, gradients, strict=True):
            parameter.grad = gradient
        return total

    def _loss(self, inputs: Tensor, targets: Tensor) -> Tensor:
        network = self.network
        if network.config.loss_at == "step":
            steps = network.forward_steps(inputs)  # (B, L, steps)
            following = torch.cat([inputs[:, : steps.shape[1], 0], targets], 1)[:, 1:]
            wanted = following.unfold(1, network.steps_out, 1)[:, : steps.shape[1]]
            return self.loss_of(steps.float(), wanted)
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
        own = share(torch.arange(len(validation), device=validation.device))
        for index in own.split(EVALUATION_BATCH) if len(own) else ():
            inputs, targets = validation.take(index)
            with autocast(inputs.device, precision, model.hidden_size, model.cell):
                forecast = self.network.forward_trained(inputs)
            total += self.loss_of(forecast.float(), targets) * len(inputs)
        return float(reduce([total])[0]) / len(validation)


def _gathered_each(batches: BatchSource, parts: Sequence[Tensor]) -> Iterator[Batch]:
    """Yield the windows of each part; all but the last part have one size."""
    size = len(parts[0])
    for inputs, targets in iterate_batches(batches, torch.cat(list(parts)), size):
        yield from zip(inputs.split(size), targets.split(size), strict=True)


def make_optimizer(
    weights: Iterable[Tensor], config: TrainingConfig
) -> torch.optim.Optimizer:
    """Return what moves weights against their gradients."""
    kind = torch.optim.AdamW if config.optimizer == "adamw" else torch.optim.Adam
    return kind(weights, weight_decay=config.weight_decay, fused=True)


def set_rates(optimizer: torch.optim.Optimizer, rate: float, beta: float) -> None:
    """Set the learning rate, and Adam's first beta, of the next step."""
    for group in optimizer.param_groups:
        group["lr"], group["betas"] = float(rate), (float(beta), 0.999)


def loss_of(
    network: RecurrentNetwork, config: TrainingConfig
) -> Callable[[Tensor, Tensor], Tensor]:
    """Return the loss that a network is trained on, of forecast and actual."""
    return make_loss(
        config.loss,
        huber_delta=config.huber_delta,
        quantile=config.quantile,
        quantiles=network.config.quantiles,
    )
