import numpy as np
import pytest
import torch

from forecasting.kernels.network import LoopedNetwork, has_loops
from forecasting.models.config import RecurrentConfig
from forecasting.models.network import RecurrentNetwork

KINDS = [
    {"cell": "lstm"},
    {"cell": "gru", "patch_len": 4},
    {"cell": "rnn"},
    {"cell": "rnn", "nonlinearity": "relu"},
    {"cell": "gru", "linear_skip": False, "hidden_size": 7},
    {"cell": "lstm", "num_layers": 2, "quantiles": (0.1, 0.9)},
]


@pytest.mark.parametrize("settings", KINDS)
@pytest.mark.parametrize("windows", [1, 3, 200])
def test_the_loops_give_the_networks_forecasts(settings, windows):
    torch.manual_seed(0)
    network = RecurrentNetwork(RecurrentConfig(**settings), seq_len=12, horizon=5)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    inputs = np.random.default_rng(0).normal(size=(windows, 12)).astype(np.float32)

    forecasts = LoopedNetwork(network)(inputs)

    with torch.no_grad():
        expected = network(torch.from_numpy(inputs)[..., None]).numpy()
    np.testing.assert_allclose(forecasts, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("settings", "looped"),
    [
        ({"num_layers": 2}, True),
        ({"cell": "mlp"}, False),
        ({"bidirectional": True}, False),
        ({"strategy": "seq2seq"}, False),
    ],
)
def test_networks_without_loops_are_left_to_torch(settings, looped):
    network = RecurrentNetwork(RecurrentConfig(**settings), seq_len=12, horizon=5)

    assert has_loops(network) is looped


def test_many_windows_are_divided_among_the_cores_without_a_trace(monkeypatch):
    network = RecurrentNetwork(RecurrentConfig(hidden_size=7), seq_len=12, horizon=5)
    inputs = np.random.default_rng(0).normal(size=(1001, 12)).astype(np.float32)
    whole = LoopedNetwork(network)(inputs)
    monkeypatch.setattr("forecasting.kernels.network.PRODUCTS_PER_CORE", 2**16)
    monkeypatch.setattr("joblib.cpu_count", lambda: 3)

    forecasts = LoopedNetwork(network)(inputs)

    np.testing.assert_allclose(forecasts, whole, rtol=1e-6, atol=1e-7)
