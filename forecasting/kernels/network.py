"""Forward pass of a plain network by the compiled loops of training.

Several times faster than NumPy, on a machine with the compiled loops. Results equal
those of the modules to float32 rounding. Many windows are divided among the cores: the
loops release the interpreter lock.
"""

import sys
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import joblib
import numpy as np
import torch

from forecasting.kernels.compilation import is_compiled, load_loops
from forecasting.kernels.numpy_network import MAX_STATE_SIZE, Array, SmallNetwork
from forecasting.models.network import RecurrentNetwork

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


MAX_HIDDEN_SIZE = 128  # up to it the loops beat torch for any number of windows
PRODUCTS_PER_CORE = 2**24  # minimum: a third of a millisecond


class LoopedNetwork:
    """A plain network, evaluated by the compiled loops.

    Args:
        network: a plain one (`forecasting.kernels.numpy_network.is_plain`); its weights
            are copied once.

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
        """Return forecasts ``(B, horizon)`` of windows z ``(B, seq_len)``."""
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
        self._loops.forecast(self._shape, self._weights, rows, forecasts, self._block)


def small_network(network: RecurrentNetwork) -> LoopedNetwork | SmallNetwork:
    """Return the fastest implementation of a plain network on this machine."""
    return LoopedNetwork(network) if is_compiled() else SmallNetwork(network)


@cache
def _cores() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(joblib.cpu_count(), "core")
