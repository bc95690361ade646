"""Forward pass of a plain network without the overhead of its modules.

For one small window, `torch.nn` modules take half of the time of a forward pass. This
module calls the same kernels as they do, with the same results.
"""

from typing import Any

from torch import Tensor, gru, lstm, nn, rnn_relu, rnn_tanh
from torch.nn.functional import linear

from forecasting.models.network import RecurrentNetwork

KERNELS = {"LSTM": lstm, "GRU": gru, "RNN_TANH": rnn_tanh, "RNN_RELU": rnn_relu}


def run_network(network: RecurrentNetwork, inputs: Tensor) -> Tensor:
    """Return ``network(inputs)``, ``(batch, horizon)``, faster for a plain network.

    A plain network has one torch layer in one direction, no patches, no covariates and
    the direct strategy.

    Args:
        network: in evaluation mode.
        inputs: of `RecurrentNetwork.forward`, with a valid shape.
    """
    config, layer = network.config, network.encoder.recurrent_layers[0]
    cell = layer.forward_cell
    plain = config.strategy == "direct" and config.num_layers == config.patch_len == 1
    forecast: Tensor
    if (
        not plain
        or layer.bidirectional
        or network.reader is not None
        or not isinstance(cell, nn.RNNBase)
    ):
        forecast = network(inputs)
        return forecast
    head, skip = network.head, network.skip
    forecast = linear(_last_state(cell, inputs), head.weight, head.bias)
    if skip is not None:
        forecast = forecast + linear(inputs.flatten(1), skip.weight, skip.bias)
    return forecast


def _last_state(cell: Any, inputs: Tensor) -> Tensor:
    """Return the state after the window, ``(batch, hidden)``."""
    start: Any = inputs.new_zeros(1, len(inputs), cell.hidden_size)
    if cell.mode == "LSTM":
        start = (start, start)
    weights = [cell.weight_ih_l0, cell.weight_hh_l0, cell.bias_ih_l0, cell.bias_hh_l0]
    run: Any = KERNELS[cell.mode]
    # with biases, one layer, no dropout, no training, one direction, batch first
    state: Tensor = run(inputs, start, weights, True, 1, 0.0, False, False, True)[1]
    return state[0]
