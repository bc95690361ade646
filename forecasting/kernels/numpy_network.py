"""Forward pass of a small network over few windows, in NumPy.

At that size a forward pass is mostly overhead: torch spends more time on dispatch than
on arithmetic, even more when its code has left the processor's cache. Here a step is a
product of matrices and a few calls on blocks of rows, features by windows. Results
equal those of the modules to float32 rounding.

The logistic function is computed as (1 + tanh(x / 2)) / 2, with the halves folded into
the weights.
Letters in comments: B windows, D hidden size, P patch length.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor, nn

from forecasting.models.network import RecurrentNetwork

Array = npt.NDArray[np.float32]
MAX_STATE_SIZE = 2048  # windows times hidden size: torch is faster with more
ZERO, HALF, ONE = (np.array(number, np.float32) for number in (0, 0.5, 1))
Operation = Callable[[], None]  # advances the state bound to it


class SmallNetwork:
    """A plain network with its weights laid out for few windows.

    A plain network has one torch layer in one direction, no covariates and the direct
    strategy.

    Args:
        network: a plain one, see `is_plain`.

    Attributes:
        most: number of windows up to which it is faster than torch.
    """

    def __init__(self, network: RecurrentNetwork) -> None:
        cell: Any = network.encoder.recurrent_layers[0].forward_cell
        self.hidden, self.patch = cell.hidden_size, network.config.patch_len
        self.max_windows = MAX_STATE_SIZE // self.hidden
        self._make_step, self._weights, halved = _lay_out(cell)
        self._head = _numbers(network.head.weight) * np.float32(0.5 if halved else 1)
        self._bias, self._skip = _numbers(network.head.bias), None
        if network.skip is not None:
            self._skip = _numbers(network.skip.weight).T
            self._bias = self._bias + _numbers(network.skip.bias)

    def __call__(self, windows: Array) -> Array:
        """Return forecasts ``(B, horizon)`` of windows z ``(B, seq_len)``."""
        count, hidden = len(windows), self.hidden
        state = np.zeros((hidden + self.patch + 1, count), np.float32)
        state[-1] = 1  # multiplied by the biases
        observed = state[hidden:-1]  # (P, B)
        step = self._make_step(self._weights, state, hidden)
        for patch in windows.T.reshape(-1, self.patch, count):
            observed[:] = patch
            step()
        forecast: Array = state[:hidden].T @ self._head.T
        if self._skip is not None:
            forecast += windows @ self._skip
        forecast += self._bias
        return forecast


def is_plain(network: RecurrentNetwork) -> bool:
    """Return whether `SmallNetwork` and `LoopedNetwork` support a network."""
    config, layer = network.config, network.encoder.recurrent_layers[0]
    return (
        config.strategy == "direct"
        and config.num_layers == 1
        and not layer.bidirectional
        and network.reader is None
        and isinstance(layer.forward_cell, nn.RNNBase)
    )


def _lay_out(cell: Any) -> tuple[Callable[[Array, Array, int], Operation], Array, bool]:
    """Return the step function, the weights of a step, and whether states are doubled.

    The columns of the weights are state, observations and bias, ``(rows, D + P + 1)``.
    """
    recurrent, inputs = _numbers(cell.weight_hh_l0), _numbers(cell.weight_ih_l0)
    bias_h, bias_i = _numbers(cell.bias_hh_l0), _numbers(cell.bias_ih_l0)
    if cell.mode == "LSTM":
        joined = np.hstack([recurrent, inputs, (bias_h + bias_i)[:, None]])
        forget_in, gate, out = np.split(
            joined, [2 * cell.hidden_size, 3 * cell.hidden_size]
        )
        ordered = np.vstack([forget_in / 2, out / 2, gate])
        ordered[:, : cell.hidden_size] /= 2  # the state is kept twice as large
        return _lstm, np.ascontiguousarray(ordered), True
    if cell.mode == "GRU":
        joined = np.hstack([recurrent, inputs, (bias_h + bias_i)[:, None]])
        gates = joined[: 2 * cell.hidden_size] / 2
        new = slice(2 * cell.hidden_size, None)
        zeros = np.zeros_like
        of_x = np.hstack([zeros(recurrent[new]), inputs[new], bias_i[new, None]])
        of_h = np.hstack([recurrent[new], zeros(inputs[new]), bias_h[new, None]]) / 2
        return _gru, np.vstack([gates, of_h, of_x]), False
    joined = np.hstack([recurrent, inputs, (bias_h + bias_i)[:, None]])
    return (_tanh if cell.mode == "RNN_TANH" else _relu), joined, False


def _lstm(weights: Array, state: Array, hidden: int) -> Operation:
    """Build the LSTM step. Rows: input, forget and output gate, candidate, memory."""
    rows = np.zeros((5 * hidden, state.shape[1]), np.float32)
    pre_activations, gates = rows[: 4 * hidden], rows[: 3 * hidden]
    input_forget, out = rows[: 2 * hidden], rows[2 * hidden : 3 * hidden]
    candidate_memory, memory = rows[3 * hidden :], rows[4 * hidden :]
    products = np.empty((2 * hidden, state.shape[1]), np.float32)
    first, second = products[:hidden], products[hidden:]
    carried, dot, tanh, multiply = state[:hidden], weights.dot, np.tanh, np.multiply

    def step() -> None:
        dot(state, pre_activations)
        tanh(pre_activations, pre_activations)
        np.add(gates, ONE, gates)
        multiply(input_forget, candidate_memory, products)
        np.add(first, second, memory)
        multiply(memory, HALF, memory)
        tanh(memory, first)
        multiply(out, first, carried)

    return step


def _gru(weights: Array, state: Array, hidden: int) -> Operation:
    """Build the GRU step. Rows: reset, update, state's part of candidate, candidate."""
    rows = np.empty((4 * hidden, state.shape[1]), np.float32)
    gates, reset, update = rows[: 2 * hidden], rows[:hidden], rows[hidden : 2 * hidden]
    of_state, candidate = rows[2 * hidden : 3 * hidden], rows[3 * hidden :]
    carried = state[:hidden]

    def step() -> None:
        weights.dot(state, rows)
        np.tanh(gates, gates)
        np.add(gates, ONE, gates)
        np.multiply(of_state, reset, of_state)
        np.add(candidate, of_state, candidate)
        np.tanh(candidate, candidate)
        np.subtract(carried, candidate, carried)
        np.multiply(carried, update, carried)
        np.multiply(carried, HALF, carried)
        np.add(carried, candidate, carried)

    return step


def _tanh(weights: Array, state: Array, hidden: int) -> Operation:
    def step() -> None:
        np.tanh(weights.dot(state), state[:hidden])

    return step


def _relu(weights: Array, state: Array, hidden: int) -> Operation:
    def step() -> None:
        np.maximum(weights.dot(state), ZERO, out=state[:hidden])

    return step


def _numbers(tensor: Tensor) -> Array:
    return tensor.detach().cpu().numpy()
