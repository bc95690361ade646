"""Forward pass of an ensemble: by the compiled loops of training, or by torch.

For one window the loops are several times faster than torch's modules. Results are
equal to float32 rounding. Many windows are divided among the cores: the loops release
the interpreter lock.
"""

import sys
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import joblib
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from forecasting.covariates.layout import join_inputs
from forecasting.devices import (
    Precision,
    autocast,
    computes_in_bfloat16,
    limit_threads,
)
from forecasting.kernels.compilation import is_compiled, load_loops
from forecasting.models.ensemble import ensemble_forecast
from forecasting.models.network import RecurrentNetwork

Array = npt.NDArray[np.float32]

BLOCK = 64  # windows computed together
MAX_CACHE_BYTES = 2**20  # a block that needs less may be twice as long


def shape_of(kernels: Any, network: RecurrentNetwork) -> Any:
    """Return the network's shape for the compiled loops."""
    model = network.config
    cells = {"lstm": kernels.LSTM, "gru": kernels.GRU}
    plain = kernels.TANH if model.nonlinearity == "tanh" else kernels.RELU
    return kernels.Shape(
        cell=cells.get(model.cell, plain),
        layers=model.num_layers,
        inputs=network.input_size * model.patch_len,
        hidden=model.hidden_size,
        steps=network.seq_len // model.patch_len,
        horizon=network.horizon,
        skip=network.skip is not None,
        train_skip=network.skip is not None and network.skip.weight.requires_grad,
    )


def block_of(shape: Any) -> int:
    """Return the number of windows per block, by the size of the cache."""
    bytes_per_window = 4 * shape.layers * shape.steps * 6 * shape.hidden  # roughly
    return 2 * BLOCK if bytes_per_window * 2 * BLOCK <= MAX_CACHE_BYTES else BLOCK


MAX_STATE_SIZE = 2048  # windows times hidden size: torch is faster for larger networks
MAX_HIDDEN_SIZE = 128  # up to it the loops beat torch for any number of windows
PRODUCTS_PER_CORE = 2**24  # minimum: a third of a millisecond


class LoopedNetwork:
    """A plain network, evaluated by the compiled loops.

    Args:
        network: one that `has_loops`; its weights are copied once.

    Attributes:
        max_windows: number of windows up to which it is faster than torch.
    """

    def __init__(self, network: RecurrentNetwork) -> None:
        self._loops = load_loops()
        self._shape = shape_of(self._loops, network)
        self._block, self._horizon = block_of(self._shape), network.horizon
        hidden = network.config.hidden_size
        self.max_windows = (
            sys.maxsize if hidden <= MAX_HIDDEN_SIZE else MAX_STATE_SIZE // hidden
        )
        parts = [parameter.detach().flatten() for parameter in network.parameters()]
        self._weights = torch.cat(parts).float().cpu().numpy()
        self._work = len(self._weights) * network.seq_len

    def __call__(self, windows: Array) -> Array:
        """Return forecasts ``(B, horizon)`` of windows z ``(B, seq_len)``.

        A network without a linear skip reads windows of any whole number of its steps.
        """
        rows = np.ascontiguousarray(windows, np.float32)
        forecasts = np.empty((len(rows), self._horizon), np.float32)
        parts = len(rows) * self._work // PRODUCTS_PER_CORE
        if parts < 2:
            self._fill(forecasts, rows)
            return forecasts
        parts = min(parts, joblib.cpu_count())
        divided = [np.array_split(array, parts) for array in (forecasts, rows)]
        first, *others = zip(*divided, strict=True)
        futures = [_cores().submit(self._fill, *part) for part in others]
        self._fill(*first)
        for future in futures:
            future.result()
        return forecasts

    def _fill(self, forecasts: Array, rows: Array) -> None:
        shape = self._shape
        if not shape.skip and rows.shape[1] != shape.steps * shape.inputs:
            shape = shape._replace(steps=rows.shape[1] // shape.inputs)
        self._loops.forecast(shape, self._weights, rows, forecasts, self._block)


def has_loops(network: RecurrentNetwork) -> bool:
    """Return whether the compiled loops support the forward pass of a network."""
    layers = network.encoder.recurrent_layers
    return (
        network.config.strategy == "direct"
        and network.reader is None
        and not any(layer.bidirectional for layer in layers)
        and all(isinstance(layer.forward_cell, nn.RNNBase) for layer in layers)
    )


class Evaluator:
    """Forward pass of an ensemble: the median of its networks.

    The compiled loops run small networks on the CPU if this machine has compiled them;
    torch runs all others.

    Args:
        networks: the members, in evaluation mode; the loops copy their weights.
        precision: of torch's arithmetic.
    """

    def __init__(self, networks: list[RecurrentNetwork], precision: Precision) -> None:
        self._networks, self._precision = networks, precision
        self._config = config = networks[0].config
        self._device = device = networks[0].head.weight.device
        in_bfloat16 = computes_in_bfloat16(
            device, precision, config.hidden_size, config.cell
        )
        is_plain = device.type == "cpu" and not in_bfloat16 and has_loops(networks[0])
        self._looped: list[LoopedNetwork] = []
        if is_plain and is_compiled():
            self._looped = [LoopedNetwork(network) for network in networks]

    def __call__(self, windows: Tensor, covariates: Tensor | None = None) -> Tensor:
        """Return forecasts z ``(n, horizon)`` of windows z ``(n, seq_len)``.

        Covariates are those of the windows and of the steps ahead.
        """
        if self._looped and len(windows) <= self._looped[0].max_windows:
            rows = windows.numpy()
            members = [network(rows) for network in self._looped]
            median = members[0] if len(members) == 1 else np.median(members, axis=0)
            return torch.from_numpy(median)
        config, device = self._config, self._device
        inputs = join_inputs(windows, covariates)
        with (
            torch.no_grad(),
            limit_threads(device, config.hidden_size),
            autocast(device, self._precision, config.hidden_size, config.cell),
        ):
            return ensemble_forecast(self._networks, inputs.to(device)).cpu()


@cache
def _cores() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(joblib.cpu_count(), "core")
