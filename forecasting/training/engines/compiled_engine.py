"""Steps by compiled loops: small recurrent networks on the CPU.

The network's weights become one vector, the loops of `forecasting.kernels.recurrent`
move it, and the network gets it back after each epoch. What they cannot train,
`missing_capabilities` says, and torch trains it.
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

MOST_HIDDEN = 255  # above, the arithmetic outweighs all else, and torch is as fast


class CompiledEngine:
    """Trains a network by compiled loops.

    Args:
        network: on the CPU; one of which `missing_capabilities` says nothing.
        config: how to train.
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
        self.rates, self.betas, self.made = rates, betas, 0
        self.loss_of = loss_of(network, config)
        self.shape = shape_of(kernels, network)
        self.block = block_of(self.shape)
        self.parameters = list(network.parameters())
        size = sum(each.numel() for each in self.parameters if each.requires_grad)
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
        self.made_small = _loss(kernels, config)

    def learn(self, batches: BatchSource, order: Tensor) -> float:
        """Make a step for each batch of windows, in order; return the mean loss."""
        weights, total = self._weights(), 0.0
        size = self.config.batch_size
        with one_blas_thread():
            for inputs, targets in iterate_batches(batches, order, size):
                loss, _ = self._train(weights, inputs, targets)
                total += loss
        self._put(weights)
        return total / max(len(order), 1)

    def gradient(self, inputs: Tensor, targets: Tensor) -> Any:
        """Return the gradient of windows, one batch, in the order of the parameters."""
        with one_blas_thread():
            return self._train(self._weights(), inputs, targets)[1]

    def _train(
        self, weights: Any, inputs: Tensor, targets: Tensor
    ) -> tuple[float, Any]:
        """Move the weights, a step a batch; return the loss and the last gradient."""
        size = self.config.batch_size
        steps = slice(self.made, self.made + math.ceil(len(inputs) / size))
        self.made = steps.stop
        found: tuple[float, Any] = self.kernels.train(
            self.shape,
            weights,
            self.moments,
            _rows(inputs),
            _rows(targets),
            size,
            self.rates[steps],
            self.betas[steps],
            self.made_small,
            self.step,
            self.block,
        )
        return found

    def loss(self, validation: BatchSource) -> float:
        """Return the mean loss of forecasts; NaN without windows."""
        if not len(validation):
            return math.nan
        weights, total = self._weights(), 0.0
        with one_blas_thread():
            for inputs, targets in validation.in_order():
                made = np.empty(targets.shape, np.float32)
                self.kernels.forecast(
                    self.shape, weights, _rows(inputs), made, self.block
                )
                total += float(self.loss_of(torch.from_numpy(made), targets)) * len(
                    made
                )
        return total / len(validation)

    def _weights(self) -> Any:
        """Return the weights as one vector, a copy."""
        parts = [parameter.detach().flatten() for parameter in self.parameters]
        return torch.cat(parts).numpy()

    @torch.no_grad()
    def _put(self, weights: Any) -> None:
        """Give the network its weights back."""
        sizes = [parameter.numel() for parameter in self.parameters]
        parts = torch.from_numpy(weights).split(sizes)
        for parameter, part in zip(self.parameters, parts, strict=True):
            parameter.copy_(part.view_as(parameter))


def missing_capabilities(
    network: RecurrentNetwork, config: TrainingConfig
) -> str | None:
    """Return what keeps the compiled loops from training a network; None if nothing."""
    first = next(network.parameters())
    reasons = {
        "float32 on the CPU": first.device.type == "cpu"
        and first.dtype == torch.float32
        and config.precision != "bfloat16",
        "numba": importlib.util.find_spec("numba") is not None,
    }
    wanted = [name for name, there in reasons.items() if not there]
    return ", ".join(wanted + missing_for_loops(network, config)) or None


def _loss(kernels: Any, config: TrainingConfig) -> Any:
    """Return what is made small, as the loops have it."""
    kind, parameter = {
        "mse": (kernels.MSE, 0.0),
        "mae": (kernels.MAE, 0.0),
        "huber": (kernels.HUBER, config.huber_delta),
        "quantile": (kernels.QUANTILE, config.quantile),
    }[config.loss]
    return kernels.Loss(kind, float(parameter))


def _rows(values: Tensor) -> Any:
    """Return ``(windows, numbers)`` as the loops read them."""
    return values.flatten(1).contiguous().numpy()
