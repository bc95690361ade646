"""Steps by compiled loops: small recurrent networks on the CPU.

The network's weights are copied into one vector, which the loops of
`forecasting.kernels.recurrent` update, and back when the training ends.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from forecasting.datasets.window_dataset import (
    BatchSource,
    WindowDataset,
    iterate_batches,
)
from forecasting.kernels.blas import one_blas_thread
from forecasting.kernels.compilation import load_loops
from forecasting.kernels.network import block_of, shape_of
from forecasting.models.network import RecurrentNetwork
from forecasting.training.engines.torch_engine import loss_of
from forecasting.training.recipe.config import TrainingConfig
from forecasting.training.recipe.schedule import num_steps, step_rates

MAX_KEPT_VALUES = 2**15  # of a series of some hundred windows, in 128 KB


class CompiledEngine:
    """Trains a network by compiled loops.

    Args:
        networks: a single plain one, on the CPU.
        batches, validation: windows to train and to validate on.
        config: training settings.
    """

    def __init__(
        self,
        networks: Sequence[RecurrentNetwork],
        batches: BatchSource,
        validation: BatchSource,
        config: TrainingConfig,
    ) -> None:
        self.kernels = kernels = load_loops()
        (network,) = networks
        self.batches, self.validation, self.config = batches, validation, config
        self.rates, self.betas = step_rates(num_steps(len(batches), config), config)
        self.num_steps = 0
        self.loss_of = loss_of(network, config)
        self.shape = shape_of(kernels, network)
        self.block = block_of(self.shape)
        self.parameters = list(network.parameters())
        self.vector = torch.cat([p.detach().flatten() for p in self.parameters])
        self.array = self.vector.numpy()  # the same memory
        size = sum(p.numel() for p in self.parameters if p.requires_grad)
        self.moments = kernels.Moments(
            np.zeros(size, np.float32),
            np.zeros(size, np.float32),
            np.zeros(1, np.int64),
        )
        self.settings = kernels.Step(
            math.inf if config.clip_norm is None else float(config.clip_norm),
            float(config.weight_decay),
            config.optimizer == "adamw",
        )
        self.training_loss = _make_compiled_loss(
            kernels, network.loss_name or config.loss, config
        )
        self.kept = _keep_windows(batches)
        self.kept_validation = _keep_windows(validation)

    @property
    def weights(self) -> list[Tensor]:
        """All weights, ``(1, numbers)``; training updates them in place."""
        return [self.vector[None]]

    def train_epoch(self, orders: Sequence[Tensor]) -> list[float]:
        """Make an optimizer step per batch, in one order; return the mean loss."""
        (order,), total = orders, 0.0
        with one_blas_thread():
            if self.kept is not None:
                index = order.numpy()
                total = self._step(*(array[index] for array in self.kept))[0]
                return [total / max(len(order), 1)]
            for batch in iterate_batches(self.batches, order, self.config.batch_size):
                total += self.train(*batch)[0]
        return [total / max(len(order), 1)]

    def train(self, inputs: Tensor, targets: Tensor) -> tuple[float, Any]:
        """Make the steps of several batches; return total loss and last gradient."""
        return self._step(_flatten_windows(inputs), _flatten_windows(targets))

    def _step(self, inputs: Any, targets: Any) -> tuple[float, Any]:
        """Make the steps of several batches of windows ``(windows, numbers)``."""
        size = self.config.batch_size
        steps = slice(self.num_steps, self.num_steps + math.ceil(len(inputs) / size))
        self.num_steps = steps.stop
        result: tuple[float, Any] = self.kernels.train(
            self.shape,
            self.array,
            self.moments,
            inputs,
            targets,
            size,
            self.rates[steps],
            self.betas[steps],
            self.training_loss,
            self.settings,
            self.block,
        )
        return result

    def evaluate(self) -> list[float]:
        """Return the mean loss of forecasts; NaN without windows."""
        if self.kept_validation is not None:
            with one_blas_thread():
                return [self._loss(*self.kept_validation)]
        if not len(self.validation):
            return [math.nan]
        total = 0.0
        with one_blas_thread():
            for inputs, targets in self.validation.in_order():
                rows = _flatten_windows(inputs), targets.contiguous().numpy()
                total += self._loss(*rows) * len(targets)
        return [total / len(self.validation)]

    def _loss(self, inputs: Any, targets: Any) -> float:
        """Return the mean loss of forecasts of windows ``(windows, numbers)``."""
        forecast = np.empty(targets.shape, np.float32)
        self.kernels.forecast(self.shape, self.array, inputs, forecast, self.block)
        return float(
            self.loss_of(torch.from_numpy(forecast), torch.from_numpy(targets))
        )

    def state(self) -> dict[str, Tensor]:
        """Return the optimizer's moments and the number of steps."""
        moments = {
            f"moments.{place}": torch.from_numpy(values)
            for place, values in enumerate(self.moments)
        }
        return moments | {"num_steps": torch.tensor(self.num_steps)}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on from a `state`; the weights are restored by the caller."""
        self.num_steps = int(state["num_steps"])
        for place, values in enumerate(self.moments):
            values[:] = state[f"moments.{place}"].numpy()

    @torch.no_grad()
    def finish(self) -> None:
        """Copy the weights into the network."""
        parts = self.vector.split([p.numel() for p in self.parameters])
        for parameter, part in zip(self.parameters, parts, strict=True):
            parameter.copy_(part.view_as(parameter))


def _make_compiled_loss(kernels: Any, name: str, config: TrainingConfig) -> Any:
    """Return the training loss in the form of the compiled loops."""
    kind, parameter = {
        "mse": (kernels.MSE, 0.0),
        "mae": (kernels.MAE, 0.0),
        "huber": (kernels.HUBER, config.huber_delta),
        "quantile": (kernels.QUANTILE, config.quantile),
        "cross_entropy": (kernels.CROSS_ENTROPY, 0.0),
    }[name]
    return kernels.Loss(kind, float(parameter))


def _keep_windows(batches: BatchSource) -> tuple[Any, Any] | None:
    """Return the inputs and targets of few windows; None for none or many.

    Gathering them anew for each epoch would cost more than their steps.
    """
    count = len(batches)
    if (
        not isinstance(batches, WindowDataset)
        or not 0 < count * batches.numbers <= MAX_KEPT_VALUES
    ):
        return None
    inputs, targets = batches.take(torch.arange(count))
    return _flatten_windows(inputs), _flatten_windows(targets)


def _flatten_windows(values: Tensor) -> Any:
    """Return windows as a contiguous array ``(windows, numbers)``."""
    return values.flatten(1).contiguous().numpy()
