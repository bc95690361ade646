"""Recording and replay on the CPU: repeated work stands in for a CUDA graph."""

import numpy as np
import pytest
import torch

from forecasting.datasets.rows import RowBatches
from forecasting.models.config import RecurrentConfig
from forecasting.models.network import RecurrentNetwork
from forecasting.training import Member, TrainingConfig, train_members
from forecasting.training.engines.capabilities import missing_capabilities
from forecasting.training.engines.cuda_graph import ReplayedGradient
from forecasting.training.engines.stacked_engine import StackedEngine
from forecasting.training.engines.torch_engine import TorchEngine

needs_cuda = pytest.mark.skipif(
    not torch.cuda.is_available(), reason="needs a CUDA device"
)


class Repeat:
    """Replays work by running it again; counts recordings and replays."""

    def __init__(self):
        self.recorded, self.replayed = 0, 0

    def __call__(self, work):
        self.recorded += 1

        def replay():
            self.replayed += 1
            work()

        return replay


def record_nothing(work):
    """Return a replay that does nothing, like an empty recording."""
    work()
    return lambda: None


def raise_capture_error(work):
    """Raise the error of torch for a call that a graph cannot hold."""
    raise RuntimeError("operation not permitted when stream is capturing")


def make_network(seed=0, **model):
    torch.manual_seed(seed)
    config = RecurrentConfig(**{"hidden_size": 6, **model})
    return RecurrentNetwork(config, seq_len=5, horizon=2)


def make_rows(count=100, device="cpu"):
    generator = np.random.default_rng(0)
    inputs = torch.tensor(generator.normal(size=(count, 5, 1)))
    targets = inputs[:, -1] + torch.tensor(generator.normal(size=(count, 2)))
    return RowBatches(inputs, targets).to(torch.device(device))


def config(**training):
    return TrainingConfig(
        **{"engine": "torch", "device": "cpu", "batch_size": 32, **training}
    )


def train_epochs(
    record, *, kind=TorchEngine, networks=1, epochs=3, training=None, **model
):
    """Return weights and losses of epochs of 3 batches of 32 rows and one of 4."""
    training_config, rows = config(epochs=epochs, **(training or {})), make_rows()
    members = [make_network(seed, **model) for seed in range(networks)]
    engine = kind(members, rows, rows, training_config)
    if record is not None:
        engine.gradient = ReplayedGradient(engine.gradient, engine.trained, record)
    orders = [torch.arange(len(rows))] * networks
    losses = [engine.train_epoch(orders) for _ in range(epochs)]
    engine.finish()
    weights = [torch.nn.utils.parameters_to_vector(n.parameters()) for n in members]
    return torch.stack(weights), losses


@pytest.mark.parametrize(
    ("model", "training"),
    [
        ({}, {}),
        ({"cell": "gru", "num_layers": 2}, {"clip_norm": 0.1}),
        ({"linear_skip": False}, {"schedule": "one_cycle"}),
        ({"cell": "mlp", "bidirectional": True}, {"optimizer": "adamw"}),
        ({"quantiles": (0.1, 0.5, 0.9)}, {}),
    ],
)
def test_replayed_gradients_train_the_same_weights(model, training):
    repeat = Repeat()

    weights, losses = train_epochs(repeat, training=training, **model)

    expected, expected_losses = train_epochs(None, training=training, **model)
    assert torch.equal(weights, expected)
    assert losses == expected_losses
    assert repeat.recorded == 1
    assert repeat.replayed == 1 + 3 * 3  # to check it, and for every full batch


def test_members_at_once_are_replayed_as_well():
    repeat = Repeat()

    weights, losses = train_epochs(repeat, kind=StackedEngine, networks=3)

    expected, expected_losses = train_epochs(None, kind=StackedEngine, networks=3)
    assert torch.equal(weights, expected)
    assert losses == expected_losses
    assert repeat.replayed == 10


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (record_nothing, "gives other numbers when it is replayed"),
        (raise_capture_error, r"cannot be recorded \(operation not permitted"),
    ],
)
def test_a_recording_that_is_wrong_is_told_of_once_and_not_used(record, message):
    with pytest.warns(RuntimeWarning, match=message) as warned:
        weights, _ = train_epochs(record)

    assert len(warned) == 1
    assert torch.equal(weights, train_epochs(None)[0])


@pytest.mark.gpu
@needs_cuda
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru", "mlp"])
@pytest.mark.parametrize("size", [16, 300])
def test_a_graph_on_a_gpu_trains_what_torch_trains(cell, size):
    device, losses = torch.device("cuda"), {}
    rows, no_rows = make_rows(1000, device), make_rows(0, device)
    options = {"device": "cuda", "epochs": 5}  # 160 steps, the last one of 8 rows each

    for engine in ("torch", "auto"):
        network = make_network(cell=cell, hidden_size=size).to(device)
        settings = config(engine=engine, **options)
        records = train_members([Member(network)], rows, no_rows, settings)
        losses[engine] = [record.train_loss for record in records[1:]]

    missing = missing_capabilities("cuda_graph", [network], config(**options), 160)
    assert missing == []
    np.testing.assert_allclose(losses["auto"], losses["torch"], rtol=1e-3)
