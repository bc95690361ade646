"""Numbers of the lecture notes for discrete series, from the networks of this project.

Sources: the notes on Elman networks (a network of 4 symbols), on the classification of
words (embedding of 62 letters), and on the next symbol.
"""

import pytest
import torch
from torch import nn

from forecasting.models.config import RecurrentConfig
from forecasting.sequences.network import SequenceNetwork

DTYPES = pytest.mark.parametrize("dtype", [torch.float32, torch.float64])


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


@DTYPES
def test_a_network_of_four_symbols_has_43_parameters_and_logits_of_4(dtype):
    config = RecurrentConfig(cell="rnn", hidden_size=3, linear_skip=False)
    network = SequenceNetwork(config, classes=4, seq_len=4, channels=4).to(dtype)
    for parameter in network.parameters():
        nn.init.ones_(parameter)

    logits = network(torch.ones(1, 4, 4, dtype=dtype))

    assert count(network) == 43
    expected = torch.full((1, 4), 4.0, dtype=dtype)
    torch.testing.assert_close(logits, expected, atol=5e-5, rtol=0)


def test_a_classifier_of_words_has_the_parameters_of_the_notes():
    config = RecurrentConfig(cell="rnn", hidden_size=128, linear_skip=False)

    network = SequenceNetwork(config, classes=2, seq_len=9, symbols=62, embedding=100)

    assert network(torch.tensor([[3, 1, 4]])).shape == (1, 2)
    assert count(network.embedding) == 6_200
    assert count(network.encoder) == 29_440
    assert count(network.head) == 258
    assert count(network) == 35_898


@pytest.mark.parametrize("at", ["end", "step"])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru", "mlp"])
def test_a_padded_batch_equals_each_word_alone(cell, bidirectional, at):
    torch.manual_seed(0)
    config = RecurrentConfig(
        cell=cell, hidden_size=5, bidirectional=bidirectional, linear_skip=False
    )
    network = SequenceNetwork(
        config, classes=3, seq_len=4, symbols=6, embedding=4, at=at
    ).double()
    words = [[3, 1, 4], [1], [5, 0]]

    padded = network(torch.tensor([[3, 1, 4], [1, -1, -1], [5, 0, -1]]))

    for row, word in zip(padded, words, strict=True):
        alone = network(torch.tensor([word]))[0]
        found = row if at == "end" else row[: len(word)]
        torch.testing.assert_close(found, alone, atol=1e-12, rtol=0)
