"""Requirements of the engines on a machine without a GPU."""

import pytest

from forecasting.models.config import RecurrentConfig
from forecasting.models.network import RecurrentNetwork
from forecasting.training import TrainingConfig
from forecasting.training.engines.base import choose_engine
from forecasting.training.engines.capabilities import missing_capabilities

RANDOM = {"no teacher forcing", "no dropout between layers"}


def make_networks(count=1, **model):
    config = RecurrentConfig(**{"hidden_size": 6, **model})
    return [RecurrentNetwork(config, seq_len=5, horizon=2) for _ in range(count)]


def missing(engine, networks, steps=1000, **training):
    config = TrainingConfig(**{"device": "cpu", **training})
    return set(missing_capabilities(engine, networks, config, steps))


def test_torch_trains_every_network():
    networks = make_networks(cell="mlp", bidirectional=True, strategy="seq2seq")

    assert missing("torch", networks) == set()
    assert missing("distributed", networks) == set()


def test_the_compiled_loops_and_a_stack_train_plain_networks():
    plain, other = make_networks(4), make_networks(4, cell="mlp", bidirectional=True)
    reasons = {"cell rnn, lstm, gru", "one direction"}

    assert missing("fused", plain) == set()
    assert missing("fused", other) == reasons
    assert missing("stacked", plain) == {"a CUDA device"}
    assert missing("stacked", other) == reasons | {"a CUDA device"}


def test_a_stack_has_several_small_networks():
    networks = make_networks(3, hidden_size=300)

    assert missing("stacked", networks, precision="bfloat16") == {
        *("a CUDA device", "4 members", "hidden_size below 256", "float32")
    }


@pytest.mark.parametrize(
    ("model", "training", "reasons"),
    [
        ({}, {}, set()),
        ({"dropout": 0.5}, {}, set()),  # there is nothing between one layer
        ({"dropout": 0.5, "num_layers": 2}, {}, {"no dropout between layers"}),
        ({"strategy": "recursive"}, {}, {"no teacher forcing"}),
        ({"strategy": "seq2seq"}, {"teacher_forcing": 0}, set()),
        ({"dropout": 0.5, "num_layers": 2, "strategy": "seq2seq"}, {}, RANDOM),
    ],
)
def test_a_graph_holds_nothing_random(model, training, reasons):
    result = missing("cuda_graph", make_networks(**model), **training)

    assert result == reasons | {"a CUDA device"}


def test_a_graph_pays_after_many_steps():
    assert "100 steps" in missing("cuda_graph", make_networks(), steps=99)
    assert "100 steps" not in missing("cuda_graph", make_networks(), steps=100)


def test_the_engine_of_the_settings_is_chosen():
    chosen = {
        engine: choose_engine(
            make_networks(8), TrainingConfig(device="cpu", engine=engine), 10**7
        )
        for engine in ("auto", "torch", "fused")
    }

    assert chosen == {"auto": "fused", "torch": "torch", "fused": "fused"}


def test_torch_is_chosen_where_the_compiled_loops_are_no_faster():
    networks = make_networks(hidden_size=256)

    assert missing("fused", networks) == set()
    assert choose_engine(networks, TrainingConfig(device="cpu"), 10**7) == "torch"
