"""Steps by compiled loops: small recurrent networks on the CPU.

The network's weights are copied into one vector, which the loops of
`forecasting.kernels.recurrent` update, and back when the training ends.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from forecasting.datasets.window_dataset import BatchSource, iterate_batches
from forecasting.kernels.blas import one_blas_thread
from forecasting.kernels.compilation import load_loops
from forecasting.kernels.network import block_of, shape_of
from forecasting.models.network import RecurrentNetwork
from forecasting.training.engines.torch_engine import loss_of
from forecasting.training.recipe.config import TrainingConfig
from forecasting.training.recipe.schedule import num_steps, step_rates


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
        self.training_loss = _make_compiled_loss(kernels, config)

    @property
    def weights(self) -> list[Tensor]:
        """All weights, ``(1, numbers)``; training updates them in place."""
        return [self.vector[None]]

    def train_epoch(self, orders: Sequence[Tensor]) -> list[float]:
        """Make an optimizer step per batch, in one order; return the mean loss."""
        (order,), total = orders, 0.0
        with one_blas_thread():
            for batch in iterate_batches(self.batches, order, self.config.batch_size):
                total += self.train(*batch)[0]
        return [total / max(len(order), 1)]

    def train(self, inputs: Tensor, targets: Tensor) -> tuple[float, Any]:
        """Make the steps of several batches; return total loss and last gradient."""
        size = self.config.batch_size
        steps = slice(self.num_steps, self.num_steps + math.ceil(len(inputs) / size))
        self.num_steps = steps.stop
        result: tuple[float, Any] = self.kernels.train(
            self.shape,
            self.vector.numpy(),
            self.moments,
            _flatten_windows(inputs),
            _flatten_windows(targets),
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
        if not len(self.validation):
            return [math.nan]
        weights, total = self.vector.numpy(), 0.0
        with one_blas_thread():
            for inputs, targets in self.validation.in_order():
                forecast = np.empty(targets.shape, np.float32)
                rows = _flatten_windows(inputs)
                self.kernels.forecast(self.shape, weights, rows, forecast, self.block)
                loss = float(self.loss_of(torch.from_numpy(forecast), targets))
                total += loss * len(forecast)
        return [total / len(self.validation)]

    @torch.no_grad()
    def finish(self) -> None:
        """Copy the weights into the network."""
        parts = self.vector.split([p.numel() for p in self.parameters])
        for parameter, part in zip(self.parameters, parts, strict=True):
            parameter.copy_(part.view_as(parameter))


def _make_compiled_loss(kernels: Any, config: TrainingConfig) -> Any:
    """Return the training loss in the form of the compiled loops."""
    kind, parameter = {
        "mse": (kernels.MSE, 0.0),
        "mae": (kernels.MAE, 0.0),
        "huber": (kernels.HUBER, config.huber_delta),
        "quantile": (kernels.QUANTILE, config.quantile),
    }[config.loss]
    return kernels.Loss(kind, float(parameter))


def _flatten_windows(values: Tensor) -> Any:
    """Return windows as a contiguous array ``(windows, numbers)``."""
    return values.flatten(1).contiguous().numpy()
