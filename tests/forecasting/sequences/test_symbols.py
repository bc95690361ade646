import math

import numpy as np
import pytest
import torch

from forecasting import SymbolModel
from forecasting.errors import InvalidSeries, SettingError, UnknownSymbols
from forecasting.models.config import RecurrentConfig
from forecasting.sequences.symbols.generation import Generator
from forecasting.sequences.symbols.streams import (
    SymbolNetwork,
    make_stream,
    num_lanes,
)

EACH_CELL = pytest.mark.parametrize("cell", ["rnn", "lstm", "gru", "mlp"])
SMALL = {
    "hidden_size": 16,
    "embedding": 8,
    "truncate": 8,
    "epochs": 60,
    "learning_rate": 0.02,
    "device": "cpu",
    "random_state": 0,
}


@pytest.fixture(scope="module")
def model():
    return SymbolModel(**SMALL).fit("hello world. " * 20)


@EACH_CELL
def test_hello_is_learnt_from_its_four_pairs(cell):
    fitted = SymbolModel(cell=cell, **SMALL | {"validation": 0}).fit("hello")

    assert "".join(fitted.sample(4, seed="h", temperature=0.01)) == "ello"
    assert fitted.predict(["h", "he", "hel", "hell"]) == list("ello")


@EACH_CELL
def test_after_2_and_3_of_a_repeating_series_comes_0(cell):
    fitted = SymbolModel(cell=cell, **SMALL).fit([[0, 1, 2, 3] * 20])

    assert fitted.predict([[2, 3], [0, 1]]) == [0, 2]
    assert fitted.sample(5, seed=[2, 3], temperature=0.01) == [0, 1, 2, 3, 0]


def test_every_pair_is_in_the_stream_once_and_in_order():
    series = [np.arange(23), np.arange(100, 105), np.arange(50, 52)]

    stream = make_stream(series, lanes=3, steps=4)

    lanes = num_lanes(stream)
    flags, codes = stream.inputs[:, 0], stream.inputs[:, 1:]
    pairs = [
        (int(a), int(b))
        for a, b in zip(codes.flatten(), stream.targets.flatten(), strict=True)
        if b >= 0
    ]
    expected = [(int(a), int(a) + 1) for one in series for a in one[:-1]]
    assert sorted(pairs) == sorted(expected)
    by_lane = [(flags[n::lanes], codes[n::lanes]) for n in range(lanes)]
    for continues, rows in by_lane:
        for before, row, flag in zip(rows, rows[1:], continues[1:], strict=False):
            if flag and row[0] >= 0:
                assert row[0] == before[-1] + 1


@EACH_CELL
def test_a_carried_state_gives_the_logits_of_the_whole_series(cell):
    torch.manual_seed(0)
    config = RecurrentConfig(cell=cell, hidden_size=5, num_layers=2, linear_skip=False)
    network = SymbolNetwork(
        config, classes=4, seq_len=3, at="step", symbols=4, embedding=3
    ).double()
    codes = torch.tensor([[0, 1, 2, 3, 2, 1, 0, 3, 1]])
    begin, following = torch.tensor([[0]]), torch.tensor([[1]])

    chunks = [
        network.training_pair(torch.cat([flag, part], 1), part)[0]
        for flag, part in zip(
            (begin, following, following), codes.split(3, 1), strict=True
        )
    ]

    torch.testing.assert_close(torch.cat(chunks, 1), network.logits(codes)[0])
    anew, _ = network.training_pair(torch.cat([begin, codes[:, :3]], 1), codes[:, :3])
    torch.testing.assert_close(anew, chunks[0])


def test_the_gradient_ends_at_the_chunk():
    config = RecurrentConfig(cell="gru", hidden_size=5, linear_skip=False)
    network = SymbolNetwork(
        config, classes=4, seq_len=3, at="step", symbols=4, embedding=3
    )
    network.training_pair(torch.tensor([[0, 1, 1, 1]]), torch.tensor([[1, 1, 1]]))

    logits, _ = network.training_pair(
        torch.tensor([[1, 2, 2, 2]]), torch.tensor([[2, 2, 2]])
    )
    logits.sum().backward()

    reached = network.embedding.weight.grad.abs().sum(1) > 0
    assert reached.tolist() == [False, False, True, False]


def test_a_score_is_the_mean_of_the_single_log_probabilities(model):
    text = "hello wor"

    score = model.score(text)

    probabilities = model.predict_proba([text[:n] for n in range(1, len(text))])
    codes = model.alphabet_.encode(text)[1:]
    logs = np.log(probabilities[np.arange(len(codes)), codes])
    assert score == pytest.approx(logs.mean(), abs=1e-5)
    assert score > math.log(0.9)


def test_a_sample_is_repeated_by_its_seed_and_ends_at_the_stop_symbol(model):
    first = model.sample(30, temperature=2.0, random_state=1)

    assert model.sample(30, temperature=2.0, random_state=1) == first
    assert model.sample(30, temperature=2.0, random_state=2) != first
    assert len(first) == 30
    assert "".join(model.sample(30, seed="he", stop=".", temperature=0.05)) == (
        "llo world"
    )


def test_the_top_symbol_alone_makes_a_sample_certain(model):
    samples = {
        "".join(model.sample(9, seed="w", top_k=1, temperature=5.0, random_state=n))
        for n in range(3)
    }

    assert samples == {"orld. hel"}


def test_an_unknown_symbol_is_named(model):
    with pytest.raises(UnknownSymbols, match=r"unknown symbol of series 0: 'z'; .*'d'"):
        model.score("hezlo")
    with pytest.raises(UnknownSymbols, match="symbol of the seed: 'X'"):
        model.sample(seed="X")


def test_a_model_trained_with_an_unknown_symbol_reads_any():
    fitted = SymbolModel(**SMALL | {"epochs": 1}, unknown="?").fit("ababababxabab")

    assert fitted.alphabet_.symbols == ("a", "b", "?")
    assert fitted.predict_proba(["azb"]).shape == (1, 3)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"temperature": 0}, "temperature must be from 0.001 to 100; found 0"),
        ({"temperature": float("nan")}, "temperature must be from 0.001"),
        ({"length": 10**9}, "length must be a whole number from 1 to 100000"),
        ({"top_k": 0}, "top_k must be a whole number of at least 1; found 0"),
        ({"stop": "Z"}, "stop must be a symbol of the training; found 'Z'"),
    ],
)
def test_settings_of_a_sample_out_of_range_are_named(model, settings, message):
    with pytest.raises(SettingError, match=message):
        model.sample(**settings)


@pytest.mark.parametrize(
    ("series", "message"),
    [
        ([], "the series: there are none"),
        ("", "series 0: it is empty"),
        ([["a"], []], "series 1: it is empty"),
        ("aaaa", "nothing to predict"),
        ([["a", 1]], "their symbols are of several types"),
    ],
)
def test_series_without_symbols_to_learn_are_refused(series, message):
    with pytest.raises(InvalidSeries, match=message):
        SymbolModel(**SMALL).fit(series)


def test_a_stream_has_the_symbols_of_a_sample_and_checks_at_once():
    model = SymbolModel(hidden_size=4, epochs=1, random_state=0).fit("hello" * 9)

    stream = model.stream(20, seed="h", random_state=1)

    assert next(stream) == model.sample(1, seed="h", random_state=1)[0]
    assert len(list(stream)) == 19
    with pytest.raises(SettingError, match="temperature"):
        model.stream(5, temperature=0)


def test_a_long_seed_is_read_in_blocks():
    model = SymbolModel(hidden_size=4, epochs=1, random_state=0).fit("hello" * 9)
    codes = model.alphabet_.encode("hello" * 20)

    expected = Generator(model.network_).read(codes)
    logits = Generator(model.network_, block=7).read(codes)

    np.testing.assert_allclose(logits, expected, rtol=1e-5)
