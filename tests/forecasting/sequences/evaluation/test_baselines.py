"""Baselines of labels and symbols, worked by hand, and the figures of a model."""

import math

import numpy as np
import pytest

from forecasting import GRUClassifier, SequenceLabeler, SymbolModel
from forecasting.sequences.evaluation.baselines import measure_baselines
from forecasting.sequences.evaluation.measurement import measure
from forecasting.sequences.evaluation.ngrams import measure_ngrams
from forecasting.sequences.evaluation.splits import TestSplit
from forecasting.sequences.reading.tables import SequenceData
from forecasting.sequences.symbols.alphabet import Alphabet

QUICK = {"hidden_size": 2, "epochs": 1, "random_state": 0}


def make_data(series, labels=None):
    arrays = [np.array(one, float)[:, None] for one in series]
    return SequenceData(tuple(map(str, range(len(arrays)))), arrays, labels)


def test_majority_and_nearest_neighbour_of_series():
    training = make_data([[0, 0], [1, 1], [9, 9]], ["low", "low", "high"])
    test = make_data([[0, 1], [8, 7], [2, 9]], ["low", "high", "low"])
    model = GRUClassifier(**QUICK).fit(training.series, training.labels)

    baselines = measure_baselines(model, TestSplit(training, test, ""))

    assert list(baselines) == ["majority", "nearest_neighbour"]
    assert baselines["majority"].scores["accuracy"] == pytest.approx(2 / 3)
    # the shares 1/3 and 2/3 are its probabilities: -(2 ln 2/3 + ln 1/3) / 3
    expected = -(2 * math.log(2 / 3) + math.log(1 / 3)) / 3
    assert baselines["majority"].scores["log_loss"] == pytest.approx(expected)
    # (2, 9) is nearer to (9, 9) than to (1, 1): 49 against 1 + 64
    nearest = baselines["nearest_neighbour"]
    assert nearest.right.tolist() == [True, True, False]
    assert math.isnan(nearest.scores["log_loss"])


def test_series_of_unequal_lengths_have_no_nearest_neighbour():
    training = make_data([[0, 0], [1], [9, 9]], ["low", "low", "high"])
    model = GRUClassifier(**QUICK).fit(training.series, training.labels)

    baselines = measure_baselines(model, TestSplit(training, training, ""))

    assert list(baselines) == ["majority"]


def test_the_last_label_of_each_series_is_repeated():
    training = make_data([[1, 2, 3], [4, 5]], [["a", "b", None], ["a", "a"]])
    test = make_data([[1, 2], [3, 4]], [["b", "a"], [None, "a"]])
    model = SequenceLabeler(**QUICK, window=2).fit(training.series, training.labels)

    baselines = measure_baselines(model, TestSplit(training, test, "", is_later=True))

    assert baselines["last_label"].right.tolist() == [True, False, True]


def test_ngrams_are_smoothed_counts():
    alphabet = Alphabet(("a", "b"))

    found = measure_ngrams(alphabet, [list("abab"), list("aa")], [list("ab")])

    # unigram: b is 2 of 6; (2 + 0.1) / (6 + 0.2)
    unigram = found["unigram"].log_probabilities
    assert unigram.tolist() == pytest.approx([math.log(2.1 / 6.2)])
    # bigram: after a come b, b and a; (2 + 0.1) / (3 + 0.2)
    bigram = found["bigram"].log_probabilities
    assert bigram.tolist() == pytest.approx([math.log(2.1 / 3.2)])
    assert found["bigram"].right.tolist() == [True]
    # trigram: the first two of both series are the same: b and a once each
    trigram = found["trigram"].log_probabilities
    assert trigram.tolist() == pytest.approx([math.log(1.1 / 2.2)])


def test_an_unseen_context_gives_equal_probabilities():
    alphabet = Alphabet(("a", "b", "c"))

    found = measure_ngrams(alphabet, [list("abab")], [list("ccc")])

    expected = [math.log(1 / 3)] * 2
    assert found["bigram"].log_probabilities.tolist() == pytest.approx(expected)


def test_the_figures_of_symbols_are_those_of_the_score():
    model = SymbolModel(**QUICK, truncate=4).fit("hello hello hello")
    test = SequenceData(("t",), [list("hello")])

    measurement = measure(model, test)

    scores = measurement.scores
    assert scores["cross_entropy"] == pytest.approx(-model.score(["hello"]))
    assert scores["perplexity"] == pytest.approx(math.exp(scores["cross_entropy"]))
    assert scores["bits"] == pytest.approx(scores["cross_entropy"] / math.log(2))
    expected = [model.predict(["hello"[:n]])[0] == "hello"[n] for n in range(1, 5)]
    assert measurement.right.tolist() == expected


def test_further_symbols_join_the_alphabet():
    model = SymbolModel(**QUICK, truncate=4).fit("hello hello", symbols="xyz")

    assert set(model.alphabet_.symbols) == set("helo xyz")
    assert math.isfinite(model.score(["xyz"]))


def test_steps_without_a_label_count_in_no_figure():
    data = make_data([[1, 2, 3, 4]], [["a", "b", None, "b"]])
    model = SequenceLabeler(**QUICK, window=4).fit(data.series, data.labels)

    measurement = measure(model, data)

    assert len(measurement.right) == 3
    assert measurement.counts.sum() == 3
