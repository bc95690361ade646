"""Figures of classes and symbols, worked by hand."""

import numpy as np
import pytest

from forecasting.errors import UnknownSymbols
from forecasting.sequences.metrics import (
    bits,
    classification_scores,
    confusion,
    perplexity,
)

LABELS = ["a", "a", "a", "b"]
PROBABILITIES = np.array([[0.9, 0.1], [0.8, 0.2], [0.35, 0.65], [0.25, 0.75]])


def test_the_figures_of_four_series_are_those_worked_by_hand():
    scores = classification_scores(LABELS, PROBABILITIES, ["a", "b"])

    assert scores["accuracy"] == 0.75
    assert scores["balanced_accuracy"] == pytest.approx((2 / 3 + 1) / 2)
    assert scores["macro_f1"] == pytest.approx((0.8 + 2 / 3) / 2)
    logs = np.log([0.9, 0.8, 0.35, 0.75])
    assert scores["log_loss"] == pytest.approx(-logs.mean())
    # bins: 0.9 right, 0.8 right, 0.65 wrong, 0.75 right
    expected = (0.1 + 0.2 + 0.65 + 0.25) / 4
    assert scores["calibration_error"] == pytest.approx(expected)


def test_the_confusion_has_a_row_for_each_true_class():
    assert confusion(LABELS, PROBABILITIES, ["a", "b"]).tolist() == [[2, 1], [0, 1]]


def test_a_class_that_the_test_part_alone_has_is_named():
    message = r"unknown class of the test part: 'c'; the training had 'a', 'b'"
    with pytest.raises(UnknownSymbols, match=message):
        classification_scores(["a", "c"], PROBABILITIES[:2], ["a", "b"])


def test_a_uniform_model_of_8_symbols_has_perplexity_8_and_3_bits():
    assert perplexity(np.log(8)) == pytest.approx(8)
    assert bits(np.log(8)) == pytest.approx(3)
