"""The forward pass without modules gives the forecasts of the network."""

import pytest
import torch

from forecasting.models.config import RecurrentConfig
from forecasting.models.lean import run_network
from forecasting.models.network import RecurrentNetwork


def network(**config):
    torch.manual_seed(0)
    built = RecurrentNetwork(RecurrentConfig(**config), seq_len=6, horizon=3)
    for parameter in built.parameters():  # some of them start at zero
        torch.nn.init.normal_(parameter, std=0.3)
    return built.eval()


@pytest.mark.parametrize("batch", [1, 50])
@pytest.mark.parametrize(
    "config",
    [
        *({"cell": cell} for cell in ("rnn", "lstm", "gru", "mlp")),
        {"cell": "rnn", "nonlinearity": "relu"},
        {"linear_skip": False},
        {"num_layers": 2, "dropout": 0.5},
        {"bidirectional": True},
        {"patch_len": 3},
        {"strategy": "recursive"},
        {"strategy": "seq2seq"},
        {"quantiles": (0.1, 0.9)},
    ],
)
def test_a_forecast_and_its_gradient_are_the_network_s(config, batch):
    whole, windows = network(**config), torch.randn(batch, 6, 1)
    short, long = windows.clone().requires_grad_(), windows.clone().requires_grad_()

    forecast, expected = run_network(whole, short), whole(long)

    torch.testing.assert_close(forecast, expected, rtol=1e-6, atol=1e-7)
    forecast.sum().backward()
    expected.sum().backward()
    torch.testing.assert_close(short.grad, long.grad, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(("cell", "modules_called"), [("lstm", False), ("mlp", True)])
def test_modules_are_called_only_where_the_network_is_not_plain(cell, modules_called):
    whole, calls = network(cell=cell), []
    whole.register_forward_hook(lambda *_: calls.append(1))

    run_network(whole, torch.randn(1, 6, 1))

    assert bool(calls) == modules_called
