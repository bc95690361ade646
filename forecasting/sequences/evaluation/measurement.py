"""Figures of a model of discrete series on a test part."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from forecasting.errors import InvalidSeries
from forecasting.sequences.classifier import SequenceClassifier
from forecasting.sequences.metrics import (
    MIN_PROBABILITY,
    bits,
    class_codes,
    classification_scores,
    confusion,
    perplexity,
)
from forecasting.sequences.reading.labels import is_missing
from forecasting.sequences.reading.tables import SequenceData
from forecasting.sequences.storage import SequenceModel
from forecasting.sequences.symbols.model import SymbolModel
from forecasting.types import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class Measurement:
    """Figures of a model on a test part.

    Attributes:
        scores: figures by name, see `forecasting.sequences.metrics`.
        log_probabilities: of each true label or symbol, in nats, ``(n,)``.
        right: whether it was the most probable one, ``(n,)``.
        stated: probability of each predicted label, ``(n,)``; None for symbols.
        classes: of labels; empty for symbols.
        counts: pairs of true and predicted classes; None for symbols.
    """

    scores: dict[str, float]
    log_probabilities: FloatArray
    right: BoolArray
    stated: FloatArray | None = None
    classes: tuple[Any, ...] = ()
    counts: IntArray | None = None


def measure(model: SequenceModel, test: SequenceData) -> Measurement:
    """Measure a trained model on labelled series.

    Raises:
        InvalidSeries: a series cannot be read, or no symbol follows another.
        UnknownSymbols: a label or symbol that the training did not have.
    """
    if isinstance(model, SymbolModel):
        pairs = model.score_steps(test.series)
        return measure_symbols(
            *(np.concatenate(part) for part in zip(*pairs, strict=True))
        )
    labels, known = labels_of(test)
    if isinstance(model, SequenceClassifier):
        probabilities = model.predict_proba(test.series)
    else:
        probabilities = np.concatenate(model.predict_proba(test.series))
    return measure_labels(labels, probabilities[known], model.classes_.tolist())


def labels_of(test: SequenceData) -> tuple[npt.NDArray[Any], BoolArray]:
    """Return the labels of all series or steps, and which of them have one."""
    every = [
        label
        for one in test.labels or []
        for label in (one if isinstance(one, list) else [one])
    ]
    present = np.array([not is_missing(label) for label in every], bool)
    return np.array(every, object)[present], present


def measure_labels(
    labels: npt.NDArray[Any], probabilities: FloatArray, classes: list[Any]
) -> Measurement:
    """Return the figures of predicted classes.

    Args:
        labels: true ones, ``(n,)``.
        probabilities: of each class, ``(n, classes)``.
        classes: labels in the order of the probabilities.

    Raises:
        UnknownSymbols: a label that is no class.
    """
    codes = class_codes(labels, classes)
    true_class = probabilities[np.arange(len(codes)), codes]
    return Measurement(
        classification_scores(labels, probabilities, classes),
        np.log(true_class.clip(MIN_PROBABILITY)),
        probabilities.argmax(1) == codes,
        probabilities.max(1),
        tuple(classes),
        confusion(labels, probabilities, classes),
    )


def measure_symbols(log_probabilities: FloatArray, right: BoolArray) -> Measurement:
    """Return the figures of predicted symbols.

    Args:
        log_probabilities: of each symbol, in nats, ``(n,)``.
        right: whether it was the most probable one, ``(n,)``.

    Raises:
        InvalidSeries: there are none.
    """
    if not len(right):
        problem = "no symbol follows another in the test part"
        raise InvalidSeries("the series", problem, "Give longer series.")
    cross_entropy = float(-log_probabilities.mean())
    scores = {
        "cross_entropy": cross_entropy,
        "bits": bits(cross_entropy),
        "perplexity": perplexity(cross_entropy),
        "accuracy": float(right.mean()),
    }
    return Measurement(scores, log_probabilities, right)
