"""Stacked training against the same members trained one by one by torch."""

from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from forecasting.datasets.rows import RowBatches
from forecasting.errors import TrainingDiverged
from forecasting.models.config import RecurrentConfig
from forecasting.models.network import RecurrentNetwork
from forecasting.training import TrainingConfig, start_member, train_members
from forecasting.training.engines.base import choose_engine
from forecasting.training.engines.stacked_engine import StackedEngine, clip_each
from forecasting.training.loop import train

CPU = torch.device("cpu")


def make_network(seq_len=5, horizon=2, features=1, *, train_skip=True, **model):
    """Return a network with random weights in every part, the skip included."""
    config = RecurrentConfig(**{"hidden_size": 8, "train_skip": train_skip, **model})
    network = RecurrentNetwork(
        config, seq_len=seq_len, horizon=horizon, input_size=features
    )
    for part in (network.head, network.skip):
        if part is not None:
            torch.nn.init.normal_(part.weight, std=0.3)
            torch.nn.init.normal_(part.bias, std=0.3)
    return network


def make_members(count, *shape, **model):
    make = partial(make_network, *shape, **model)
    return [start_member(seed, CPU, make) for seed in range(count)]


def make_rows(count, seq_len=5, horizon=2, features=1, seed=0):
    generator = np.random.default_rng(seed)
    inputs = generator.normal(size=(count, seq_len, features))
    targets = inputs[:, -1:, 0] + generator.normal(size=(count, horizon)) / 2
    return RowBatches(torch.tensor(inputs), torch.tensor(targets)).to(CPU)


def config(**training):
    return TrainingConfig(
        **{"device": "cpu", "engine": "torch", "learning_rate": 3e-3, **training}
    )


def train_stacked(members, rows, later, training_config, on_epoch=None):
    """Train members on the CPU as they are trained on a GPU."""
    networks = [member.network for member in members]
    engine = StackedEngine(networks, rows, later, training_config)
    generators = [member.generator(CPU) for member in members]
    return train(engine, generators, on_epoch=on_epoch)


def weights(members):
    """Return all weights, a row a member."""
    vector = torch.nn.utils.parameters_to_vector
    rows = [vector(member.network.parameters()) for member in members]
    return torch.stack(rows).detach().numpy()


def without_seconds(records):
    """Return the fields of records except the seconds."""
    return np.array(
        [
            (r.member, r.epoch, r.epochs, r.train_loss, r.validation_loss)
            for r in records
        ]
    )


models = st.fixed_dictionaries(
    {
        "cell": st.sampled_from(["rnn", "lstm", "gru"]),
        "hidden_size": st.integers(1, 20),
        "num_layers": st.integers(1, 3),
        "patch_len": st.integers(1, 2),
        "linear_skip": st.booleans(),
        "train_skip": st.booleans(),
        "nonlinearity": st.sampled_from(["tanh", "relu"]),
    }
)
trainings = st.fixed_dictionaries(
    {
        "loss": st.sampled_from(["mse", "mae", "huber", "quantile"]),
        "quantile": st.just(0.3),
        "clip_norm": st.sampled_from([None, 0.1, 1.0]),
        "optimizer": st.sampled_from(["adam", "adamw"]),
        "weight_decay": st.sampled_from([0.0, 0.1]),
        "schedule": st.sampled_from(["constant", "one_cycle"]),
    }
)


@settings(max_examples=12, derandomize=True)
@given(
    model=models,
    training=trainings,
    count=st.integers(2, 3),
    steps=st.integers(1, 5),
    horizon=st.integers(1, 3),
    features=st.integers(1, 2),
)
def test_eighty_steps_end_at_the_weights_of_members_trained_alone(
    model, training, count, steps, horizon, features
):
    shape = (steps * model["patch_len"], horizon, features)
    rows, no_rows = make_rows(90, *shape), make_rows(0, *shape)
    # The last of 5 batches has 10 rows.
    training_config = config(epochs=16, batch_size=20, **training)
    alone, at_once = (make_members(count, *shape, **model) for _ in range(2))

    expected = train_members(alone, rows, no_rows, training_config)
    records = train_stacked(at_once, rows, no_rows, training_config)

    np.testing.assert_allclose(
        without_seconds(records), without_seconds(expected), rtol=1e-4
    )
    np.testing.assert_allclose(weights(at_once), weights(alone), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("training", [{"epochs": 60}, {"steps": 80}])
def test_each_member_keeps_its_best_weights_and_stops_by_itself(training):
    rows, later = make_rows(60), make_rows(40, seed=1)
    training_config = config(batch_size=16, learning_rate=0.02, patience=3, **training)
    alone, at_once = (make_members(4, cell="gru") for _ in range(2))

    expected = train_members(alone, rows, later, training_config)
    records = train_stacked(at_once, rows, later, training_config)

    ends = [max(r.epoch for r in records if r.member == m) for m in range(4)]
    assert len(set(ends)) > 1 or "steps" in training
    np.testing.assert_allclose(
        without_seconds(records), without_seconds(expected), rtol=1e-3
    )
    np.testing.assert_allclose(weights(at_once), weights(alone), rtol=1e-3, atol=1e-3)


def test_no_epochs_leave_the_members_as_they_were():
    members = make_members(2)
    before = weights(members)

    records = train_stacked(members, make_rows(30), make_rows(9), config(epochs=0))

    assert [record.epoch for record in records] == [0, 0]
    assert np.array_equal(weights(members), before)


def test_each_epoch_is_reported_as_it_ends():
    reported = []

    records = train_stacked(
        make_members(3),
        make_rows(30),
        make_rows(9),
        config(epochs=2),
        on_epoch=reported.append,
    )

    assert [(r.epoch, r.member) for r in reported] == [
        (epoch, member) for epoch in range(3) for member in range(3)
    ]
    assert sorted(reported, key=lambda record: record.member) == records


def test_a_loss_beyond_every_number_is_an_error():
    members = make_members(2, 30, cell="rnn", nonlinearity="relu")
    wild = config(epochs=50, learning_rate=10, loss="mse", clip_norm=None)

    with pytest.raises(TrainingDiverged, match=r"no finite number in epoch \d+. Lower"):
        train_stacked(members, make_rows(50, 30), make_rows(0, 30), wild)


def test_each_models_gradient_is_bounded_by_itself():
    small, large = torch.full((3, 2), 0.1), torch.full((3, 2), 10.0)
    weight = torch.zeros(2, 3, 2)
    weight.grad = torch.stack([small, large])

    clip_each([weight], 1.0)

    assert torch.equal(weight.grad[0], small)
    assert float(weight.grad[1].norm()) == pytest.approx(1, rel=1e-5)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_members_at_once_on_a_gpu_get_the_weights_of_members_alone(cell):
    device = torch.device("cuda")
    rows, later = make_rows(300).to(device), make_rows(50, seed=1).to(device)
    training_config = {"epochs": 16, "batch_size": 64, "device": "cuda"}
    alone, at_once = (
        [
            start_member(seed, device, lambda: make_network(cell=cell).to(device))
            for seed in range(4)
        ]
        for _ in range(2)
    )

    with torch.backends.cudnn.flags(enabled=False):  # whose products are less exact
        expected = train_members(
            alone, rows, later, config(engine="torch", **training_config)
        )
    records = train_members(
        at_once, rows, later, config(engine="auto", **training_config)
    )

    networks = [member.network for member in at_once]
    automatic = config(engine="auto", **training_config)
    assert choose_engine(networks, automatic, steps=80) == "stacked"
    np.testing.assert_allclose(
        without_seconds(records), without_seconds(expected), rtol=1e-3
    )
    for member, other in zip(alone, at_once, strict=True):
        pairs = zip(
            member.network.parameters(), other.network.parameters(), strict=True
        )
        for a, b in pairs:
            torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-3)
