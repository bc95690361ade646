"""Figures of predicted classes and symbols.

accuracy            share of right labels, 0 to 1
balanced_accuracy   mean over the classes of the share found of each
macro_f1            mean over the classes of the harmonic mean of precision and
                    recall; 0 for a class that is never predicted
log_loss            mean of -log p of the true class, in nats; 0 at best
calibration_error   mean distance of the stated probability of the predicted label
                    from the share that is right, over ten bins of that probability
                    (Naeini et al. 2015)
perplexity          exp of the cross-entropy: the number of symbols among which a
                    model is as uncertain as among equally probable ones; 1 at best
bits                cross-entropy in bits a symbol
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import confusion_matrix, f1_score

from forecasting.errors import UnknownSymbols
from forecasting.types import FloatArray, IntArray

BINS = 10
MIN_PROBABILITY = 1e-15


def class_codes(labels: npt.ArrayLike, classes: Sequence[Any]) -> IntArray:
    """Return the code of each true label, ``(n,)``.

    Raises:
        UnknownSymbols: a label that the training did not have.
    """
    codes = {label: code for code, label in enumerate(classes)}
    plain = np.asarray(labels).tolist()
    unknown = sorted({one for one in plain if one not in codes}, key=str)
    if unknown:
        advice = "Leave its series out of the test, or add some to the training."
        raise UnknownSymbols("class of the test part:", unknown, classes, advice)
    return np.array([codes[one] for one in plain], np.int64)


def classification_scores(
    labels: npt.ArrayLike, probabilities: FloatArray, classes: Sequence[Any]
) -> dict[str, float]:
    """Return the figures of predicted classes by name; see the module.

    Args:
        labels: true ones, ``(n,)``.
        probabilities: of each class, ``(n, classes)``.
        classes: labels in the order of the probabilities.

    Raises:
        UnknownSymbols: a label that the training did not have.
    """
    actual, predicted = class_codes(labels, classes), probabilities.argmax(1)
    right = predicted == actual
    recalls = [right[actual == code].mean() for code in np.unique(actual)]
    true_class = probabilities[np.arange(len(actual)), actual]
    return {
        "accuracy": float(right.mean()),
        "balanced_accuracy": float(np.mean(recalls)),
        "macro_f1": float(f1_score(actual, predicted, average="macro")),
        "log_loss": float(-np.log(true_class.clip(MIN_PROBABILITY)).mean()),
        "calibration_error": calibration_error(probabilities.max(1), right),
    }


def confusion(
    labels: npt.ArrayLike, probabilities: FloatArray, classes: Sequence[Any]
) -> IntArray:
    """Return counts: a row for each true class, a column for each predicted one.

    Args: as `classification_scores`.
    """
    every = np.arange(len(classes))
    actual = class_codes(labels, classes)
    counts: IntArray = confusion_matrix(actual, probabilities.argmax(1), labels=every)
    return counts


def calibration_error(stated: FloatArray, right: npt.NDArray[np.bool_]) -> float:
    """Return the mean distance of stated probabilities from shares of right labels.

    Args:
        stated: probability of each predicted label, ``(n,)``.
        right: whether it is right, ``(n,)``.
    """
    bins = np.minimum((stated * BINS).astype(int), BINS - 1)
    gaps = [
        abs(stated[bins == b].mean() - right[bins == b].mean()) * (bins == b).mean()
        for b in np.unique(bins)
    ]
    return float(sum(gaps))


def perplexity(cross_entropy: float) -> float:
    """Return the perplexity of a cross-entropy in nats."""
    return math.exp(cross_entropy)


def bits(cross_entropy: float) -> float:
    """Return a cross-entropy in nats as bits a symbol."""
    return cross_entropy / math.log(2)
