"""One pass of a plain network, by the compiled loops of training.

Several times faster still than NumPy, where this machine has compiled them. Numbers are
those of the modules, to float32 rounding. Many windows are divided among the cores: the
loops do not hold each other up.
"""

import sys
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import joblib
import numpy as np
import torch

from forecasting.kernels.compilation import is_compiled, load_loops
from forecasting.kernels.numpy_network import SMALL, Array, SmallNetwork
from forecasting.models.network import RecurrentNetwork

BLOCK = 64  # windows worked off together


WORKING_SET = 2**20  # bytes: with less than that, a block may be twice as long


def shape_of(kernels: Any, network: RecurrentNetwork) -> Any:
    """Return what the loops need to know of a network."""
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
    """Return how many windows are worked off together: what the cache has room for."""
    a_window = 4 * shape.layers * shape.steps * 6 * shape.hidden  # bytes, roughly
    return 2 * BLOCK if a_window * 2 * BLOCK <= WORKING_SET else BLOCK


HIDDEN = 128  # hidden size up to which the loops are sooner, however many windows


PART = 2**24  # products that are worth another core: a third of a millisecond


class LoopedNetwork:
    """A plain network, see `forecasting.kernels.numpy_network.is_plain`, run by the compiled loops.

    Args:
        network: a plain one; read now, not again.

    Attributes:
        most: windows up to which it is sooner than torch.
    """

    def __init__(self, network: RecurrentNetwork) -> None:
        self._loops = load_loops()
        self._shape = shape_of(self._loops, network)
        self._block, self._horizon = block_of(self._shape), network.horizon
        hidden = network.config.hidden_size
        self.most = sys.maxsize if hidden <= HIDDEN else SMALL // hidden
        parts = [parameter.detach().flatten() for parameter in network.parameters()]
        self._weights = torch.cat(parts).float().cpu().numpy()
        self._work = len(self._weights) * network.seq_len

    def __call__(self, windows: Array) -> Array:
        """Return forecasts ``(B, horizon)`` of windows z ``(B, seq_len)``."""
        rows = np.ascontiguousarray(windows, np.float32)
        made = np.empty((len(rows), self._horizon), np.float32)
        parts = len(rows) * self._work // PART
        if parts < 2:
            self._fill(made, rows)
            return made
        parts = min(parts, joblib.cpu_count())
        divided = [np.array_split(array, parts) for array in (made, rows)]
        first, *others = zip(*divided, strict=True)
        filling = [_cores().submit(self._fill, *part) for part in others]
        self._fill(*first)
        for each in filling:
            each.result()
        return made

    def _fill(self, made: Array, rows: Array) -> None:
        self._loops.forecast(self._shape, self._weights, rows, made, self._block)


def small_network(network: RecurrentNetwork) -> LoopedNetwork | SmallNetwork:
    """Return the fastest way through a plain network that this machine has."""
    return LoopedNetwork(network) if is_compiled() else SmallNetwork(network)


@cache
def _cores() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(joblib.cpu_count(), "core")
