"""The compiled loops against torch: the same network, windows and steps."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from forecasting.datasets.rows import RowBatches
from forecasting.errors import SettingError, TrainingDiverged
from forecasting.models.config import RecurrentConfig
from forecasting.models.network import RecurrentNetwork
from forecasting.training import Member, TrainingConfig, train_members
from forecasting.training.engines.compiled_engine import CompiledEngine
from forecasting.training.engines.torch_engine import loss_of

CELLS = ("rnn", "lstm", "gru")


def make_network(seq_len=5, horizon=2, features=1, *, seed=0, train_skip=True, **model):
    """Return a network with random weights in every part, the skip included."""
    torch.manual_seed(seed)
    config = RecurrentConfig(**{"hidden_size": 8, "train_skip": train_skip, **model})
    network = RecurrentNetwork(
        config, seq_len=seq_len, horizon=horizon, input_size=features
    )
    for part in (network.head, network.skip):
        if part is not None:
            torch.nn.init.normal_(part.weight, std=0.3)
            torch.nn.init.normal_(part.bias, std=0.3)
    return network


def make_rows(count, seq_len=5, horizon=2, features=1, seed=0):
    generator = np.random.default_rng(seed)
    inputs = generator.normal(size=(count, seq_len, features))
    targets = inputs[:, -1:, 0] + generator.normal(size=(count, horizon)) / 2
    return RowBatches(torch.tensor(inputs), torch.tensor(targets)).to(
        torch.device("cpu")
    )


def config(**training):
    return TrainingConfig(
        **{"device": "cpu", "loss": "mse", "clip_norm": None, "epochs": 1, **training}
    )


def gradient_of(network, rows, **training):
    """Return torch's gradient of the loss of all rows, as one vector."""
    network.zero_grad()
    loss = loss_of(network, config(**training))
    loss(network(rows.inputs), rows.targets).backward()
    parts = [p.grad.flatten() for p in network.parameters() if p.requires_grad]
    return torch.cat(parts).numpy()


def compiled_gradient_of(network, rows, **training):
    """Return the gradient of the compiled loops, as one vector."""
    training = config(**training, batch_size=len(rows))
    engine = CompiledEngine([network], rows, rows, training)
    _, gradient = engine.train(rows.inputs, rows.targets)
    return gradient[: len(engine.moments.mean)]


shapes = st.fixed_dictionaries(
    {
        "cell": st.sampled_from(CELLS),
        "hidden_size": st.integers(1, 40),
        "num_layers": st.integers(1, 3),
        "patch_len": st.integers(1, 3),
        "linear_skip": st.booleans(),
        "train_skip": st.booleans(),
        "nonlinearity": st.sampled_from(["tanh", "relu"]),
    }
)


@settings(max_examples=60, derandomize=True)
@given(
    model=shapes,
    steps=st.integers(1, 9),
    horizon=st.integers(1, 4),
    features=st.integers(1, 3),
    windows=st.sampled_from([1, 2, 31, 64, 65, 200]),
    loss=st.sampled_from(["mse", "mae", "huber", "quantile"]),
)
def test_gradients_are_those_of_torch(model, steps, horizon, features, windows, loss):
    seq_len = steps * model["patch_len"]
    network = make_network(seq_len, horizon, features, **model)
    rows = make_rows(windows, seq_len, horizon, features)
    options = {"loss": loss, "huber_delta": 0.5, "quantile": 0.3}

    result = compiled_gradient_of(network, rows, **options)

    expected = gradient_of(network, rows, **options)
    distance = np.linalg.norm(result - expected)
    assert distance <= 1e-5 * np.linalg.norm(expected) + 1e-8


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize(
    "training",
    [
        {},
        {"loss": "mae", "clip_norm": 0.1},
        {"optimizer": "adamw", "weight_decay": 0.1},
        {"weight_decay": 0.01},
        {"schedule": "one_cycle"},
    ],
)
def test_eighty_steps_lose_what_torch_loses(cell, training):
    rows, no_rows = make_rows(300), make_rows(0)
    options = {"epochs": 16, "batch_size": 64, "learning_rate": 3e-3, **training}
    losses = {}

    for engine in ("torch", "fused"):  # 16 epochs of 5 steps, the last one of 44 rows
        network = make_network(cell=cell)
        torch.manual_seed(1)
        records = train_members(
            [Member(network)], rows, no_rows, config(engine=engine, **options)
        )
        losses[engine] = [record.train_loss for record in records[1:]]

    assert losses["torch"][-1] < losses["torch"][0]
    np.testing.assert_allclose(losses["fused"], losses["torch"], rtol=1e-4)


def test_the_loss_of_later_windows_is_that_of_torch():
    network, later = make_network(num_layers=2), make_rows(500)
    engine = CompiledEngine([network], later, later, config())

    (result,) = engine.evaluate()

    with torch.no_grad():
        expected = float(((network(later.inputs) - later.targets) ** 2).mean())
    assert result == pytest.approx(expected, rel=1e-6)


def test_a_linear_part_that_is_not_trained_stays():
    network = make_network(train_skip=False)
    before = network.skip.weight.clone()

    train_members(
        [Member(network)], make_rows(50), make_rows(0), config(engine="fused")
    )

    assert torch.equal(network.skip.weight, before)


def test_a_loss_beyond_every_number_is_an_error():
    network = make_network(cell="rnn", nonlinearity="relu", seq_len=30)
    wild = config(engine="fused", epochs=50, learning_rate=10)

    with pytest.raises(TrainingDiverged, match=r"no finite number in epoch \d+. Lower"):
        train_members([Member(network)], make_rows(50, seq_len=30), make_rows(0), wild)


@pytest.mark.parametrize(
    ("model", "training", "reason"),
    [
        ({"cell": "mlp"}, {}, "cell rnn, lstm, gru"),
        ({"bidirectional": True}, {}, "one direction"),
        ({"strategy": "seq2seq"}, {}, "strategy direct"),
        ({"loss_at": "step", "linear_skip": False}, {}, "loss_at end"),
        ({"quantiles": (0.1, 0.9)}, {}, "no quantiles"),
        ({"num_layers": 2, "dropout": 0.1}, {}, "no dropout between layers"),
        ({}, {"truncate": 2}, "truncate null"),
        ({"cell": "gru"}, {"precision": "bfloat16"}, "float32 on the CPU"),
    ],
)
def test_what_the_loops_cannot_train_is_torchs_or_refused(model, training, reason):
    network = make_network(**model)
    rows, no_rows = make_rows(40), make_rows(0)

    records = train_members(
        [Member(network)], rows, no_rows, config(engine="auto", **training)
    )

    assert np.isfinite(records[1].train_loss)
    with pytest.raises(SettingError, match=f"engine must be auto or torch.*{reason}"):
        train_members(
            [Member(network)], rows, no_rows, config(engine="fused", **training)
        )


def test_whole_numbers_for_settings_need_no_other_compilation():
    network, rows = make_network(), make_rows(10)
    integers = config(engine="fused", clip_norm=1, weight_decay=0, loss="huber")

    engine = CompiledEngine([network], rows, rows, replace(integers, huber_delta=1))
    engine.train_epoch([torch.arange(10)])

    assert len(engine.kernels.train.signatures) == 1
