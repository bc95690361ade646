"""Optimizer steps by torch: every network, every device."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cached_property

import torch
from torch import Tensor, nn

from forecasting.datasets.window_dataset import (
    EVALUATION_BATCH,
    MAX_GATHERED_VALUES,
    Batch,
    BatchSource,
)
from forecasting.devices import autocast
from forecasting.models.network import RecurrentNetwork
from forecasting.training.recipe.config import TrainingConfig
from forecasting.training.recipe.losses import make_loss
from forecasting.training.recipe.schedule import num_steps, step_rates

Gradient = Callable[[Tensor, Tensor], Tensor]  # of inputs and targets; returns the loss


class TorchEngine:
    """Trains a network by torch's own layers, gradients and optimizer.

    Args:
        networks: a single one, on the device of the windows.
        batches, validation: windows to train and to validate on.
        config: training settings.

    Attributes:
        gradient: sets the gradients of a batch and returns its loss. It is
            `compute_gradient`, or wraps it: in a CUDA graph, or in several processes.
    """

    def __init__(
        self,
        networks: Sequence[RecurrentNetwork],
        batches: BatchSource,
        validation: BatchSource,
        config: TrainingConfig,
    ) -> None:
        self.networks, self.network = networks, networks[0]
        self.batches, self.validation, self.config = batches, validation, config
        self.loss_of = loss_of(self.network, config)
        rates, betas = step_rates(num_steps(len(batches), config), config)
        self.rates = list(zip(rates.tolist(), betas.tolist(), strict=True))
        self.num_steps = 0
        self.gradient: Gradient = self.compute_gradient

    @cached_property
    def optimizer(self) -> torch.optim.Optimizer:
        """Optimizer of the weights, created at the first step.

        Its creation imports a thousand modules of torch's compiler.
        """
        config = self.config
        kind = torch.optim.AdamW if config.optimizer == "adamw" else torch.optim.Adam
        return kind(self.trained, weight_decay=config.weight_decay, fused=True)

    @cached_property
    def trained(self) -> list[Tensor]:
        """Weights that the optimizer updates."""
        return list(self.network.parameters())

    @property
    def weights(self) -> list[Tensor]:
        """All weights, ``(networks, ...)`` each; training updates them in place."""
        return [weight[None] for weight in self.network.state_dict().values()]

    def train_epoch(self, orders: Sequence[Tensor]) -> list[float]:
        """Make an optimizer step per batch; return the mean loss of each network.

        Args:
            orders: indices of each network's windows, ``(windows,)``.
        """
        self.set_mode(training=True)
        total = torch.zeros(len(orders), device=self.batches.device)
        for inputs, targets in self.gather(orders, self.config.batch_size):
            total += self.step(inputs, targets) * targets.shape[-2]
        return [loss / max(len(orders[0]), 1) for loss in total.tolist()]

    def compute_gradient(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Set the clipped gradients of a batch; return its loss."""
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.training_loss(inputs, targets)
        torch.autograd.backward(loss, torch.ones_like(loss))  # of each network
        if self.config.clip_norm is not None:
            self.clip(self.config.clip_norm)
        return loss.detach()

    def step(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Make an optimizer step on a batch; return the loss before it."""
        loss = self.gradient(inputs, targets)
        rate, beta = self.rates[self.num_steps]
        self.num_steps += 1
        for group in self.optimizer.param_groups:
            group["lr"], group["betas"] = rate, (beta, 0.999)
        self.optimizer.step()
        return loss

    def training_loss(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Return the loss that training minimises, at the end or at every step."""
        config = self.config
        with self.autocast():
            forecast, actual = self.network.training_pair(
                inputs,
                targets,
                teacher_forcing=config.teacher_forcing,
                truncate=config.truncate,
            )
            return self.loss_of(forecast.float(), actual)

    def clip(self, norm: float) -> None:
        """Clip the norm of the gradients."""
        nn.utils.clip_grad_norm_(self.trained, norm)

    def gather(self, orders: Sequence[Tensor], size: int) -> Iterator[Batch]:
        """Yield batches of ``size`` windows, gathered several at a time.

        Gathering has a fixed cost per call, as long as the block stays in the cache.
        Those of several networks are ``(networks, windows, ...)``.
        """
        models = len(orders)
        values = models * size * self.batches.numbers  # in a batch
        block_size = size * max(1, MAX_GATHERED_VALUES // values)
        for block in torch.stack(list(orders)).split(block_size, 1):
            shape = block.shape if models > 1 else block.shape[1:]
            inputs, targets = self.batches.take(block.flatten())
            yield from zip(
                inputs.unflatten(0, shape).split(size, len(shape) - 1),
                targets.unflatten(0, shape).split(size, len(shape) - 1),
                strict=True,
            )

    @torch.no_grad()
    def evaluate(self) -> list[float]:
        """Return the mean loss of free-running forecasts; NaN without windows."""
        count = len(self.validation)
        if not count:
            return [math.nan] * len(self.networks)
        index = torch.arange(count, device=self.validation.device)
        return [total / count for total in self.total_loss(index).tolist()]

    def total_loss(self, index: Tensor) -> Tensor:
        """Return the sum of each network's losses of validation windows."""
        self.set_mode(training=False)
        models = len(self.networks)
        total = torch.zeros(models, device=self.validation.device)
        for block in index.split(EVALUATION_BATCH):
            batch = self.validation.take(block)
            parts = (part.split(max(1, EVALUATION_BATCH // models)) for part in batch)
            for inputs, targets in zip(*parts, strict=True):
                total += self.validation_loss(inputs, targets) * len(inputs)
        return total

    def validation_loss(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Return the loss of the network's forecasts of validation windows."""
        with self.autocast():
            forecast = self.network.forward_trained(inputs)
        return self.loss_of(forecast.float(), targets)

    def state(self) -> dict[str, Tensor]:
        """Return the optimizer's moments, the number of steps, and random states."""
        state = {"num_steps": torch.tensor(self.num_steps)}
        state |= {f"random.{k}": v for k, v in random_states(self.batches.device)}
        for place, weight in enumerate(self.trained if self.num_steps else ()):
            for name, value in self.optimizer.state.get(weight, {}).items():
                state[f"optimizer.{place}.{name}"] = value
        return state

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on from a `state`; the weights are restored by the caller."""
        self.num_steps = int(state["num_steps"])
        restore_random_states(state, self.batches.device)
        for name, value in state.items():
            if name.startswith("optimizer."):
                _, place, key = name.split(".")
                weight = self.trained[int(place)]
                self.optimizer.state[weight][key] = value.to(weight.device)

    def finish(self) -> None:
        """Do nothing: the optimizer updates the network itself."""

    def set_mode(self, *, training: bool) -> None:
        """Put the networks in training or in evaluation mode."""
        for network in self.networks:
            network.train(training)

    def autocast(self) -> AbstractContextManager[object]:
        """Return the precision context of a forward pass."""
        model, precision = self.network.config, self.config.precision
        return autocast(self.batches.device, precision, model.hidden_size, model.cell)


def loss_of(
    network: RecurrentNetwork, config: TrainingConfig
) -> Callable[[Tensor, Tensor], Tensor]:
    """Return the training loss of a network, a function of forecast and actual."""
    return make_loss(
        network.loss_name or config.loss,
        huber_delta=config.huber_delta,
        quantile=config.quantile,
        quantiles=network.config.quantiles,
    )


def random_states(device: torch.device) -> Iterator[tuple[str, Tensor]]:
    """Yield torch's random states, of dropout and teacher forcing, by device type."""
    yield "cpu", torch.get_rng_state()
    if device.type == "cuda":
        yield "cuda", torch.cuda.get_rng_state(device)


def restore_random_states(state: Mapping[str, Tensor], device: torch.device) -> None:
    """Set torch's random states to those of `random_states`."""
    torch.set_rng_state(state["random.cpu"])
    if device.type == "cuda":
        torch.cuda.set_rng_state(state["random.cuda"], device)
