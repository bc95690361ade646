"""Numbers of the lecture notes, reproduced by the networks of this project."""

import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from forecasting.data.panel import Panel
from forecasting.data.splits import rolling_origins
from forecasting.data.windows import WindowSpec, sliding_windows
from forecasting.evaluation.backtest import backtest
from forecasting.forecaster.forecaster import Forecaster
from forecasting.models.cells import RecurrentLayer
from forecasting.models.config import RecurrentConfig
from forecasting.models.encoder_decoder import Encoder
from forecasting.models.network import RecurrentNetwork
from forecasting.training import TrainingConfig

GOLDEN = Path(__file__).parents[1] / "golden"
DTYPES = pytest.mark.parametrize("dtype", [torch.float32, torch.float64])


def load(name: str) -> dict[str, Any]:
    return tomllib.loads((GOLDEN / f"{name}.toml").read_text(encoding="utf-8"))


def cases(name: str, key: str) -> pytest.MarkDecorator:
    entries = load(name)[key]
    return pytest.mark.parametrize("case", entries, ids=[e["source"] for e in entries])


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def elman(
    hidden_size: int, seq_len: int, horizon: int, features: int
) -> RecurrentNetwork:
    config = RecurrentConfig(cell="rnn", hidden_size=hidden_size, linear_skip=False)
    return RecurrentNetwork(
        config, seq_len=seq_len, horizon=horizon, input_size=features
    )


@DTYPES
@cases("elman", "case")
def test_an_elman_network_gives_the_numbers_worked_by_hand(case, dtype):
    inputs = torch.tensor(case["input"], dtype=dtype)
    _, seq_len, features = inputs.shape
    head = case.get("head")
    network = elman(case["hidden_size"], seq_len, len(head[0]) if head else 1, features)
    for parameter in network.to(dtype).parameters():
        nn.init.ones_(parameter)

    outputs, state = network.encoder(inputs)
    last = network.encoder.read(state)

    tolerance = {"atol": case["tolerance"], "rtol": 0}
    torch.testing.assert_close(
        outputs, torch.tensor(case["outputs"], dtype=dtype), **tolerance
    )
    torch.testing.assert_close(
        last, torch.tensor(case["last"], dtype=dtype), **tolerance
    )
    torch.testing.assert_close(outputs[:, -1], last)
    assert state[0].shape == (1, len(inputs), case["hidden_size"])
    if head is not None:
        expected = torch.tensor(head, dtype=dtype)
        torch.testing.assert_close(network(inputs), expected, **tolerance)
        assert count(network) == case["parameters"]


@given(
    cell=st.sampled_from(["rnn", "lstm", "gru"]),
    inputs=st.integers(1, 5),
    hidden=st.integers(1, 5),
    outputs=st.integers(1, 5),
)
def test_the_number_of_parameters_follows_the_formula(cell, inputs, hidden, outputs):
    config = RecurrentConfig(cell=cell, hidden_size=hidden, linear_skip=False)

    network = RecurrentNetwork(config, seq_len=3, horizon=outputs, input_size=inputs)

    gates = {"rnn": 1, "gru": 3, "lstm": 4}[cell]
    recurrent = hidden * inputs + hidden + hidden * hidden + hidden
    assert count(network) == gates * recurrent + outputs * hidden + outputs


@cases("counts", "weights")
def test_weights_have_the_shapes_of_the_notes(case):
    network = elman(case["hidden_size"], 4, case["outputs"], case["input_size"])

    shapes = {name: list(p.shape) for name, p in network.named_parameters()}

    assert shapes["encoder.layers.0.forward_cell.weight_ih_l0"] == case["W"]
    assert shapes["encoder.layers.0.forward_cell.weight_hh_l0"] == case["U"]
    assert shapes["head.weight"] == case["V"]


def test_a_classifier_of_words_has_as_many_parameters_as_in_the_notes():
    case = load("counts")["classifier"]
    config = RecurrentConfig(cell="rnn", hidden_size=case["hidden_size"])
    embedding = nn.Embedding(case["symbols"], case["embedding"])
    encoder = Encoder(config, case["embedding"])
    head = nn.Linear(encoder.output_size, case["classes"])

    _, state = encoder(embedding(torch.tensor([[3, 1, 4]])))

    assert head(encoder.read(state)).shape == (1, case["classes"])
    assert count(embedding) == case["embedding_parameters"]
    assert count(encoder) == case["recurrent_parameters"]
    assert count(head) == case["head_parameters"]
    assert count(nn.ModuleList([embedding, encoder, head])) == case["parameters"]


def sigmoid(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-values))


def lstm_step(x, h, c, weights):
    """LSTM: i, f, g, o in the order that PyTorch stacks them."""
    i, f, g, o = np.split(_sums(x, *weights[::2]) + _sums(h, *weights[1::2]), 4, 1)
    following = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(following), following


def gru_step(x, h, weights):
    """GRU: r, z, n in the order that PyTorch stacks them."""
    r, z, n = np.split(_sums(x, *weights[::2]), 3, 1)
    r_h, z_h, n_h = np.split(_sums(h, *weights[1::2]), 3, 1)
    update = sigmoid(z + z_h)
    return (1 - update) * np.tanh(n + sigmoid(r + r_h) * n_h) + update * h


def _sums(values, weight, bias):
    return values @ weight.T + bias


def weights_of(layer: RecurrentLayer) -> list[np.ndarray]:
    """Return W_i, W_h, b_i, b_h."""
    return [p.detach().numpy() for p in layer.parameters()]


STEPS = settings(max_examples=25, deadline=None)
SIZES = st.integers(1, 4)


@STEPS
@given(seed=st.integers(0, 2**31), features=SIZES, hidden=SIZES, length=SIZES)
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float32, 5e-5), (torch.float64, 1e-12)]
)
def test_an_lstm_layer_takes_the_steps_of_the_formula(
    dtype, tolerance, seed, features, hidden, length
):
    torch.manual_seed(seed)
    layer = RecurrentLayer("lstm", features, hidden).to(dtype)
    inputs = torch.randn(2, length, features, dtype=dtype)
    state = (
        torch.randn(1, 2, hidden, dtype=dtype),
        torch.randn(1, 2, hidden, dtype=dtype),
    )

    with torch.no_grad():
        outputs, (h_last, c_last) = layer(inputs, state)

    h, c = state[0][0].numpy(), state[1][0].numpy()
    for t in range(length):
        h, c = lstm_step(inputs[:, t].numpy(), h, c, weights_of(layer))
        np.testing.assert_allclose(outputs[:, t], h, atol=tolerance)
    np.testing.assert_allclose(h_last[0], h, atol=tolerance)
    np.testing.assert_allclose(c_last[0], c, atol=tolerance)


@STEPS
@given(seed=st.integers(0, 2**31), features=SIZES, hidden=SIZES, length=SIZES)
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float32, 5e-5), (torch.float64, 1e-12)]
)
def test_a_gru_layer_takes_the_steps_of_the_formula(
    dtype, tolerance, seed, features, hidden, length
):
    torch.manual_seed(seed)
    layer = RecurrentLayer("gru", features, hidden).to(dtype)
    inputs = torch.randn(2, length, features, dtype=dtype)
    state = torch.randn(1, 2, hidden, dtype=dtype)

    with torch.no_grad():
        outputs, last = layer(inputs, state)

    h = state[0].numpy()
    for t in range(length):
        h = gru_step(inputs[:, t].numpy(), h, weights_of(layer))
        np.testing.assert_allclose(outputs[:, t], h, atol=tolerance)
    np.testing.assert_allclose(last[0], h, atol=tolerance)


@DTYPES
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru", "mlp"])
def test_the_reverse_direction_is_read_at_the_first_step(cell, dtype):
    torch.manual_seed(0)
    layer = RecurrentLayer(cell, 2, 3, bidirectional=True).to(dtype)
    inputs = torch.randn(4, 5, 2, dtype=dtype, requires_grad=True)

    outputs, state = layer(inputs)
    read = layer.read(state)

    torch.testing.assert_close(read[:, :3], outputs[:, -1, :3])
    torch.testing.assert_close(read[:, 3:], outputs[:, 0, 3:])
    (seen,) = torch.autograd.grad(read[:, 3:].sum(), inputs, retain_graph=True)
    (misread,) = torch.autograd.grad(outputs[:, -1, 3:].sum(), inputs)
    assert (seen.abs().sum(2) > 0).all()
    assert (misread[:, :-1] == 0).all()  # what the usual slip would see: one input


@cases("windows", "case")
def test_windows_are_those_counted_by_hand(case):
    values = np.arange(case["first"], case["last"] + 1.0)
    spec = WindowSpec(seq_len=case["seq_len"], horizon=case["horizon"])

    inputs, targets = sliding_windows(values, spec)

    assert len(inputs) == case["count"]
    assert [inputs[0, :, 0].tolist(), targets[0].tolist()] == case["first_window"]
    assert [inputs[-1, :, 0].tolist(), targets[-1].tolist()] == case["last_window"]


@DTYPES
def test_clipping_bounds_the_global_norm_of_the_gradient(dtype):
    torch.manual_seed(0)
    network = elman(4, 6, 2, 1).to(dtype)
    (1e3 * network(torch.randn(8, 6, 1, dtype=dtype))).square().sum().backward()
    before = torch.cat([p.grad.flatten() for p in network.parameters()]).norm()

    nn.utils.clip_grad_norm_(network.parameters(), 1.0)

    after = torch.cat([p.grad.flatten() for p in network.parameters()]).norm()
    assert before > 1
    assert after == pytest.approx(1, abs=5e-5)


@DTYPES
def test_back_propagation_through_time_is_the_chain_rule(dtype):
    # h1 = tanh(w x1), h2 = tanh(w x2 + u h1), with
    # dh2/du = (1 - h2^2) h1 and dh2/dw = (1 - h2^2) (x2 + u (1 - h1^2) x1)
    w, u, x1, x2 = 0.5, 0.8, 1.0, -0.3
    layer = RecurrentLayer("rnn", 1, 1).to(dtype)
    for parameter, value in zip(layer.parameters(), (w, u, 0, 0), strict=True):
        nn.init.constant_(parameter, value)

    layer(torch.tensor([[[x1], [x2]]], dtype=dtype))[0][0, -1, 0].backward()

    h1 = np.tanh(w * x1)
    h2 = np.tanh(w * x2 + u * h1)
    by_w, by_u, *_ = (float(p.grad) for p in layer.parameters())
    assert by_u == pytest.approx((1 - h2**2) * h1, abs=5e-5)
    assert by_w == pytest.approx((1 - h2**2) * (x2 + u * (1 - h1**2) * x1), abs=5e-5)


@DTYPES
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru", "mlp"])
def test_truncation_carries_the_state_and_cuts_the_gradient(cell, dtype):
    torch.manual_seed(0)
    encoder = Encoder(RecurrentConfig(cell=cell, hidden_size=3), 1).to(dtype)
    inputs = torch.randn(2, 7, 1, dtype=dtype, requires_grad=True)

    read = encoder.read_truncated(inputs, 3)  # chunks of 3, 3 and 1

    torch.testing.assert_close(read, encoder.read(encoder(inputs)[1]))
    (gradient,) = torch.autograd.grad(read.sum(), inputs)
    assert (gradient[:, :6] == 0).all()
    assert (gradient[:, 6] != 0).all()


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_a_trained_network_continues_a_repeating_series(cell):
    case = load("windows")["repeating"]
    forecaster = Forecaster(
        windows=WindowSpec(seq_len=case["seq_len"], horizon=1),
        model=RecurrentConfig(
            cell=cell, hidden_size=8, linear_skip=False, normalization="standard"
        ),
        training=TrainingConfig(
            epochs=120, batch_size=16, learning_rate=0.02, loss="mse", validation=0.2
        ),
    )

    forecaster.fit(Panel.from_values({"repeating": case["period"] * 20}))

    for step in case["next"]:
        forecast = forecaster.predict(Panel.from_values({"repeating": step["after"]}))
        assert forecast.points == pytest.approx(step["value"], abs=case["tolerance"])


def test_the_three_cells_are_compared_under_one_budget():
    # lecture notes, comparison of RNN, LSTM and GRU: hidden size 300, three layers, a
    # single linear head, and the same epochs, batch size and learning rate for each
    panel = Panel.from_values({"wave": np.sin(0.5 * np.arange(60.0))})
    windows = WindowSpec(seq_len=4, horizon=1)
    budget = TrainingConfig(epochs=1, batch_size=32, learning_rate=1e-3, validation=0)
    folds = rolling_origins(panel, folds=3, horizon=1)
    models = {
        cell: RecurrentConfig(
            cell=cell,
            hidden_size=300,
            num_layers=3,
            linear_skip=False,
            normalization="standard",
        )
        for cell in ("rnn", "lstm", "gru")
    }

    forecasts = backtest(
        {
            cell: Forecaster(windows=windows, model=model, training=budget).fit
            for cell, model in models.items()
        },
        panel,
        folds,
        horizon=1,
    )

    table = forecasts.assign(error=(forecasts["actual"] - forecasts["point"]).abs())
    leaderboard = table.groupby("model")["error"].mean().sort_values()
    assert sorted(leaderboard.index) == ["gru", "lstm", "rnn"]
    assert np.isfinite(leaderboard).all()
