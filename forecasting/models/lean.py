"""One pass of a plain network without the bookkeeping of its modules.

For one small window, half of a forward pass is what `torch.nn` does round the
arithmetic. The kernels called here, and so the numbers, are those of the modules.
"""

from typing import Any

from torch import Tensor, gru, lstm, nn, rnn_relu, rnn_tanh
from torch.nn.functional import linear

from forecasting.models.network import RecurrentNetwork

KERNELS = {"LSTM": lstm, "GRU": gru, "RNN_TANH": rnn_tanh, "RNN_RELU": rnn_relu}


def run_network(network: RecurrentNetwork, inputs: Tensor) -> Tensor:
    """Return ``network(inputs)``, ``(batch, horizon)``, sooner where it is plain.

    Plain is one layer of torch's, in one direction, without patches or covariates, that
    gives all steps at once.

    Args:
        network: in evaluation.
        inputs: as `RecurrentNetwork.forward` takes them, of the shape it takes.
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
    forecast = linear(_read(cell, inputs), head.weight, head.bias)
    if skip is not None:
        forecast = forecast + linear(inputs.flatten(1), skip.weight, skip.bias)
    return forecast


def _read(cell: Any, inputs: Tensor) -> Tensor:
    """Return the state after the window, ``(batch, hidden)``."""
    start: Any = inputs.new_zeros(1, len(inputs), cell.hidden_size)
    if cell.mode == "LSTM":
        start = (start, start)
    weights = [cell.weight_ih_l0, cell.weight_hh_l0, cell.bias_ih_l0, cell.bias_hh_l0]
    run: Any = KERNELS[cell.mode]
    # with biases, one layer, no dropout, no training, one direction, batch first
    state: Tensor = run(inputs, start, weights, True, 1, 0.0, False, False, True)[1]
    return state[0]
