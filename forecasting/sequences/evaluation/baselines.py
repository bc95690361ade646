"""Simple predictions of labels, beside which a model stands.

majority            the most frequent class, its share as probability
last_label          the last label of each series in training, for its later steps
nearest_neighbour   the class of the nearest training series by Euclidean distance,
                    where all series have one length; it states no probabilities
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from forecasting.sequences.evaluation.measurement import (
    Measurement,
    labels_of,
    measure_labels,
)
from forecasting.sequences.evaluation.ngrams import measure_ngrams
from forecasting.sequences.evaluation.splits import TestSplit
from forecasting.sequences.reading.labels import is_missing
from forecasting.sequences.reading.tables import SequenceData
from forecasting.sequences.storage import SequenceModel
from forecasting.sequences.symbols.model import SymbolModel
from forecasting.types import FloatArray, IntArray

UNSTATED = ("log_loss", "calibration_error")  # of predictions without probabilities
BLOCK = 64  # test series whose distances are found at once


def measure_baselines(model: SequenceModel, split: TestSplit) -> dict[str, Measurement]:
    """Return the figures of the baselines of a model by name.

    Args:
        model: trained on the training part.
        split: training and test part.
    """
    training, test = split.training, split.test
    if isinstance(model, SymbolModel):
        return measure_ngrams(model.alphabet_, training.series, test.series)
    classes = model.classes_.tolist()
    labels, known = labels_of(test)
    counted, _ = labels_of(training)
    frequencies = np.array([(counted == label).mean() for label in classes])
    majority = np.tile(frequencies, (len(labels), 1))
    baselines = {"majority": measure_labels(labels, majority, classes)}
    if split.is_later and model.task == "label":
        codes = _last_labels(split, classes)[known]
        baselines["last_label"] = _measure_codes(labels, codes, classes)
    lengths = {len(one) for one in (*training.series, *test.series)}
    if model.task == "classify" and len(lengths) == 1:
        codes = _nearest(training, test, classes)
        baselines["nearest_neighbour"] = _measure_codes(labels, codes, classes)
    return baselines


def _measure_codes(labels: Any, codes: IntArray, classes: list[Any]) -> Measurement:
    """Return the figures of predictions without probabilities."""
    one_hot = np.eye(len(classes))[codes]
    measurement = measure_labels(labels, one_hot, classes)
    unstated = dict.fromkeys(UNSTATED, math.nan)
    return replace(measurement, scores=measurement.scores | unstated)


def _last_labels(split: TestSplit, classes: Sequence[Any]) -> IntArray:
    """Return the code of the last label in training for each step of the test."""
    codes = list[int]()
    last = {
        name: next((one for one in reversed(labels) if not is_missing(one)), classes[0])
        for name, labels in zip(
            split.training.ids, split.training.labels or [], strict=True
        )
    }
    for name, series in zip(split.test.ids, split.test.series, strict=True):
        codes += [classes.index(last[name])] * len(series)
    return np.array(codes, np.int64)


def _nearest(
    training: SequenceData, test: SequenceData, classes: Sequence[Any]
) -> IntArray:
    """Return the code of the class of the nearest training series."""
    rows, others = (_flat(part) for part in (training, test))
    squares = (rows**2).sum(1)
    nearest = [
        (squares - 2 * others[begin : begin + BLOCK] @ rows.T).argmin(1)
        for begin in range(0, len(others), BLOCK)
    ]
    codes = np.array([classes.index(one) for one in training.labels or []], np.int64)
    predicted: IntArray = codes[np.concatenate(nearest)]
    return predicted


def _flat(data: SequenceData) -> FloatArray:
    return np.stack([np.asarray(one, np.float64).ravel() for one in data.series])
