"""Steps by compiled loops: small recurrent networks on the CPU.

The network's weights are copied into one vector, the loops of
`forecasting.kernels.recurrent` update it, and it is copied back after each epoch.
`missing_capabilities` lists the unmet requirements of a training; torch runs those.
"""

import importlib.util
import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from forecasting.datasets.window_dataset import BatchSource, iterate_batches
from forecasting.kernels.blas import one_blas_thread
from forecasting.kernels.compilation import load_loops
from forecasting.kernels.network import block_of, shape_of
from forecasting.models.network import RecurrentNetwork
from forecasting.training.engines.capabilities import missing_for_loops
from forecasting.training.engines.torch_engine import loss_of
from forecasting.training.recipe.config import TrainingConfig
from forecasting.types import FloatArray

MAX_COMPILED_HIDDEN = 255  # above, arithmetic dominates and torch is as fast


class CompiledEngine:
    """Trains a network by compiled loops.

    Args:
        network: on the CPU; `missing_capabilities` returns None for it.
        config: training settings.
        rates, betas: learning rate, and Adam's first beta, of every step.
    """

    def __init__(
        self,
        network: RecurrentNetwork,
        config: TrainingConfig,
        rates: FloatArray,
        betas: FloatArray,
    ) -> None:
        self.kernels = kernels = load_loops()
        self.network, self.config = network, config
        self.rates, self.betas, self.num_steps = rates, betas, 0
        self.loss_of = loss_of(network, config)
        self.shape = shape_of(kernels, network)
        self.block = block_of(self.shape)
        self.parameters = list(network.parameters())
        size = sum(p.numel() for p in self.parameters if p.requires_grad)
        self.moments = kernels.Moments(
            np.zeros(size, np.float32),
            np.zeros(size, np.float32),
            np.zeros(1, np.int64),
        )
        self.step = kernels.Step(
            math.inf if config.clip_norm is None else float(config.clip_norm),
            float(config.weight_decay),
            config.optimizer == "adamw",
        )
        self.training_loss = _make_compiled_loss(kernels, config)

    def train_epoch(self, batches: BatchSource, order: Tensor) -> float:
        """Make an optimizer step per batch, in ``order``; return the mean loss."""
        weights, total = self._weights(), 0.0
        size = self.config.batch_size
        with one_blas_thread():
            for inputs, targets in iterate_batches(batches, order, size):
                loss, _ = self._train(weights, inputs, targets)
                total += loss
        self._set_weights(weights)
        return total / max(len(order), 1)

    def gradient(self, inputs: Tensor, targets: Tensor) -> Any:
        """Return the gradient of one batch, in the order of the parameters."""
        with one_blas_thread():
            return self._train(self._weights(), inputs, targets)[1]

    def _train(
        self, weights: Any, inputs: Tensor, targets: Tensor
    ) -> tuple[float, Any]:
        """Update the weights, a step a batch; return the loss and last gradient."""
        size = self.config.batch_size
        steps = slice(self.num_steps, self.num_steps + math.ceil(len(inputs) / size))
        self.num_steps = steps.stop
        result: tuple[float, Any] = self.kernels.train(
            self.shape,
            weights,
            self.moments,
            _flatten_windows(inputs),
            _flatten_windows(targets),
            size,
            self.rates[steps],
            self.betas[steps],
            self.training_loss,
            self.step,
            self.block,
        )
        return result

    def loss(self, validation: BatchSource) -> float:
        """Return the mean loss of forecasts; NaN without windows."""
        if not len(validation):
            return math.nan
        weights, total = self._weights(), 0.0
        with one_blas_thread():
            for inputs, targets in validation.in_order():
                forecast = np.empty(targets.shape, np.float32)
                rows = _flatten_windows(inputs)
                self.kernels.forecast(self.shape, weights, rows, forecast, self.block)
                loss = float(self.loss_of(torch.from_numpy(forecast), targets))
                total += loss * len(forecast)
        return total / len(validation)

    def _weights(self) -> Any:
        """Return the weights as one vector, a copy."""
        parts = [parameter.detach().flatten() for parameter in self.parameters]
        return torch.cat(parts).numpy()

    @torch.no_grad()
    def _set_weights(self, weights: Any) -> None:
        """Copy a weight vector into the network."""
        sizes = [parameter.numel() for parameter in self.parameters]
        parts = torch.from_numpy(weights).split(sizes)
        for parameter, part in zip(self.parameters, parts, strict=True):
            parameter.copy_(part.view_as(parameter))


def missing_capabilities(
    network: RecurrentNetwork, config: TrainingConfig
) -> str | None:
    """Return the unmet requirements of the compiled loops; None if they can train."""
    parameter = next(network.parameters())
    requirements = {
        "float32 on the CPU": parameter.device.type == "cpu"
        and parameter.dtype == torch.float32
        and config.precision != "bfloat16",
        "numba": importlib.util.find_spec("numba") is not None,
    }
    missing = [name for name, supported in requirements.items() if not supported]
    return ", ".join(missing + missing_for_loops(network, config)) or None


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
