"""Steps by torch: every network, every device."""

import math
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from forecasting.batches import Batches, gathered
from forecasting.devices import autocast
from forecasting.losses import make_loss
from forecasting.networks import RecurrentNetwork
from forecasting.series import FloatArray
from forecasting.training.config import TrainingConfig
from forecasting.training.graphed import Gradient, Record, Replayed


class TorchEngine:
    """Trains a network by torch's own layers, gradients and optimizer.

    Args:
        network: on the device of the windows.
        config: how to train.
        rates, betas: learning rate, and Adam's first beta, of every step.
        record: records gradients to be replayed, see `forecasting.training.graphed`.
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
        self.optimizer = make_optimizer(network.parameters(), config)
        self.find_gradient: Gradient = self.gradient
        if record is not None:
            self.find_gradient = Replayed(self.gradient, network.parameters(), record)

    def learn(self, batches: Batches, order: Tensor) -> float:
        """Make a step for each batch of windows, in order; return the mean loss."""
        self.network.train()
        total = torch.zeros((), device=batches.device)
        size = self.config.batch_size
        for inputs, targets in gathered(batches, order, size):
            pairs = zip(inputs.split(size), targets.split(size), strict=True)
            for batch_inputs, batch_targets in pairs:
                loss = self._step(batch_inputs, batch_targets)
                total += loss * len(batch_inputs)
        return float(total) / max(len(order), 1)

    def _step(self, inputs: Tensor, targets: Tensor) -> Tensor:
        loss = self.find_gradient(inputs, targets)
        set_rates(self.optimizer, self.rates[self.made], self.betas[self.made])
        self.optimizer.step()
        self.made += 1
        return loss

    def gradient(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Set the gradient of a batch; return the loss."""
        self.optimizer.zero_grad(set_to_none=True)
        hidden_size = self.network.config.hidden_size
        with autocast(inputs.device, self.config.precision, hidden_size):
            loss = self._loss(inputs, targets)
        torch.autograd.backward(loss)
        if self.config.clip_norm is not None:
            nn.utils.clip_grad_norm_(self.network.parameters(), self.config.clip_norm)
        return loss.detach()

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
    def loss(self, validation: Batches) -> float:
        """Return the mean loss of free-running forecasts; NaN without windows."""
        if not len(validation):
            return math.nan
        self.network.eval()
        total = torch.zeros((), device=validation.device)
        hidden_size = self.network.config.hidden_size
        for inputs, targets in validation.in_order():
            with autocast(inputs.device, self.config.precision, hidden_size):
                forecast = self.network.forward_trained(inputs)
            total += self.loss_of(forecast.float(), targets) * len(inputs)
        return float(total) / len(validation)


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
