import gc
import weakref

import numpy as np
import pytest
import torch

from forecasting.data.panel import Panel
from forecasting.data.windows import Windows, WindowSpec
from forecasting.datasets.host_dataset import CPU, HostDataset, storage_device
from forecasting.datasets.window_dataset import (
    MAX_GATHERED_VALUES,
    WindowDataset,
    iterate_batches,
)
from forecasting.forecaster.prepare import prepare
from forecasting.forecaster.trained_model import ForecasterConfig
from forecasting.forecaster.validation import find_errors
from forecasting.models.config import RecurrentConfig
from forecasting.models.network import RecurrentNetwork
from forecasting.models.window_ridge import fit_linear
from forecasting.training import Member, TrainingConfig, train_members

SPEC = WindowSpec(seq_len=6, horizon=2)
TRAINING = TrainingConfig(device="cpu", epochs=2, batch_size=16)


def prepared(method="last", steps=None):
    """Return the prepared windows of two series with a covariate."""
    drawn, lengths = np.random.default_rng(0), {"a": 60, "b": 90}
    panel = Panel.from_values(
        {name: 20 + drawn.normal(size=count) for name, count in lengths.items()},
        known_covariates={
            "price": {name: drawn.normal(size=n) for name, n in lengths.items()}
        },
    )
    model = RecurrentConfig(hidden_size=4, normalization=method)
    training = TrainingConfig(device="cpu", steps=steps, validation=0.2)
    config = ForecasterConfig(windows=SPEC, model=model, training=training)
    return prepare(panel, config)


def make_network(batches):
    torch.manual_seed(0)
    model = RecurrentConfig(hidden_size=4)
    return RecurrentNetwork(model, seq_len=6, horizon=2, layout=batches.layout)


def same(first, second):
    pairs = zip(first, second, strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("method", ["last", "window", "ets"])
def test_windows_are_those_that_lie_on_the_device(method):
    batches = prepared(method).batches

    streamed = HostDataset.of(batches, CPU)

    index = torch.tensor([0, 40, 17])
    assert len(streamed) == len(batches)
    assert same(streamed.take(index), batches.take(index))
    assert same(streamed.frame(index), batches.frame(index))
    assert same(streamed.sample_evenly(9), batches.sample_evenly(9))
    assert all(map(same, streamed.in_order(), batches.in_order()))


@pytest.mark.parametrize("steps", [None, 20])
def test_training_gives_the_same_weights(steps):
    ready = prepared(steps=steps)
    networks = [make_network(ready.batches) for _ in range(2)]
    kinds = (
        (ready.batches, ready.validation),
        (HostDataset.of(ready.batches, CPU), HostDataset.of(ready.validation, CPU)),
    )

    for network, (earlier, later) in zip(networks, kinds, strict=True):
        linear = fit_linear(earlier, later, steps=2, design=earlier.design(2))
        network.set_skip(linear.weights, linear.bias, linear.ahead)
        torch.manual_seed(3)
        train_members([Member(network)], earlier, later, TRAINING)
    residuals = [
        find_errors([network], later, ForecasterConfig()).residuals
        for network, (_, later) in zip(networks, kinds, strict=True)
    ]

    assert same(*(network.parameters() for network in networks))
    assert np.array_equal(residuals[0], residuals[1])


def test_no_more_than_two_blocks_are_alive_at_a_time():
    windows = Windows(np.array([0, MAX_GATHERED_VALUES]), SPEC)
    batches = WindowDataset(torch.zeros(MAX_GATHERED_VALUES), windows, "none")
    streamed, alive, max_alive = HostDataset.of(batches, CPU), [], 0

    for inputs, _ in iterate_batches(streamed, streamed.order(1000), 1000):
        gc.collect()
        alive.append(weakref.ref(inputs))
        max_alive = max(max_alive, sum(block() is not None for block in alive))

    assert len(alive) > 5
    assert max_alive <= 2


@pytest.mark.parametrize(("room", "home"), [(4000, "cuda"), (3999, "cpu")])
def test_a_panel_that_takes_too_much_stays_on_the_host(room, home):
    assert storage_device(1000, torch.device("cuda"), room).type == home


def test_on_the_cpu_there_is_always_room():
    assert storage_device(10**15, CPU) == CPU


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_windows_from_the_host_train_a_network_on_a_gpu():
    device, ready = torch.device("cuda"), prepared("ets")
    earlier = HostDataset.of(ready.batches, device)
    later = HostDataset.of(ready.validation, device)
    network = make_network(earlier).to(device)

    config = TrainingConfig(device="cuda", epochs=3)
    records = train_members([Member(network)], earlier, later, config)
    residuals = find_errors([network], later, ForecasterConfig()).residuals

    assert earlier.take(torch.tensor([0]))[0].device.type == "cuda"
    assert np.isfinite([record.validation_loss for record in records]).all()
    assert np.isfinite(residuals).all()
