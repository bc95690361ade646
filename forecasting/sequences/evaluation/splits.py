"""The test part of series: whole series, or the latest steps of each; no random rows.

classify   whole series of each class: the latest ones where there are moments, else a
           choice by the names of the series
label      the latest fifth of the steps of each series; of many series, whole ones
next       the latest tenth of the symbols of each series; of many series, whole ones

No seed changes the test part, so that trainings of one file are compared on one.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from forecasting.errors import InvalidLabels, InvalidSeries
from forecasting.sequences.reading.columns import Task
from forecasting.sequences.reading.labels import is_missing
from forecasting.sequences.reading.tables import SequenceData
from forecasting.types import IntArray

SHARES = {"classify": 0.2, "label": 0.2, "next": 0.1}
MANY_SERIES = 20  # of which whole ones are tested
MIN_STEPS = 5  # of a series whose latest steps are tested
TEST_ADVICE = "Give more series, or a test part: --test FILE or data.test."


@dataclass(frozen=True, slots=True)
class TestSplit:
    """Series for training, and those for the test.

    Attributes:
        training: series, or their earlier steps.
        test: other series, or later steps.
        description: in words.
        is_later: whether the test part continues the series of the training.
    """

    training: SequenceData
    test: SequenceData
    description: str
    is_later: bool = False

    __test__ = False  # no test of pytest's


def split_series(data: SequenceData, task: Task) -> TestSplit:
    """Split series into a training and a test part.

    Args:
        data: labelled series.
        task: see the module.

    Raises:
        InvalidLabels: one class only, or the test part alone has a class.
        InvalidSeries: there are too few series or steps for a test part.
    """
    share = SHARES[task]
    if task == "classify":
        check_classes(data.labels or [])
        test = _choose_of_classes(data, share)
        how = "a choice of" if data.ends is None else "the latest"
    elif len(data) >= MANY_SERIES:
        test = _choose(data, np.arange(len(data)), share)
        how = "a choice of" if data.ends is None else "the latest"
    else:
        return _split_in_time(data, task, share)
    if not test:
        problem = f"there are {len(data)}, too few of each class for a test part"
        raise InvalidSeries("the series", problem, TEST_ADVICE)
    rest = sorted(set(range(len(data))) - set(test))
    text = f"{how} {len(test)} of {len(data)} series"
    split = TestSplit(data.take(rest), data.take(test), text)
    check_test_classes(split.training, split.test, task)
    return split


def check_classes(labels: Sequence[Any]) -> None:
    """Check that there are two classes at least.

    Args:
        labels: of series, or of steps of series.

    Raises:
        InvalidLabels: there are fewer.
    """
    classes = _classes(labels)
    if len(classes) < 2:
        names = ", ".join(map(repr, classes)) or "none"
        problem = f"the labels are of one class or none ({names}); expected two or more"
        raise InvalidLabels(problem, "Give series of other classes.")


def check_test_classes(training: SequenceData, test: SequenceData, task: Task) -> None:
    """Check that the training part has each class of the test part.

    Raises:
        InvalidLabels: the test part alone has a class, or it has no label at all.
    """
    if task == "next":
        return
    check_classes(training.labels or [])
    classes, tested = _classes(training.labels or []), _classes(test.labels or [])
    if not tested:
        raise InvalidLabels("no step of the test part has a label", TEST_ADVICE)
    if alone := [label for label in tested if label not in classes]:
        names = ", ".join(map(repr, alone[:5]))
        shown = ", ".join(map(repr, classes[:5]))
        problem = f"the test part alone has the class {names}; the training has {shown}"
        advice = "Leave its series out, or add some of the class to the training."
        raise InvalidLabels(problem, advice)


def _classes(labels: Sequence[Any]) -> list[Any]:
    steps = [one if isinstance(one, list) else [one] for one in labels]
    return sorted({label for one in steps for label in one if not is_missing(label)})


def _choose_of_classes(data: SequenceData, share: float) -> list[int]:
    labels = np.array(data.labels, object)
    chosen = list[int]()
    for label in _classes(data.labels or []):
        members = np.flatnonzero(labels == label)
        if len(members) > 1:
            chosen += _choose(data, members, share)
    return sorted(chosen)


def _choose(data: SequenceData, members: IntArray, share: float) -> list[int]:
    """Return a share of series, one at least: the latest, or by digests of names."""
    count = max(round(share * len(members)), 1)
    if data.ends is None:
        keys = [hashlib.sha256(data.ids[i].encode()).digest() for i in members]
        order = sorted(range(len(members)), key=keys.__getitem__)
    else:
        order = np.argsort(data.ends[members], kind="stable").tolist()
    return sorted(int(members[index]) for index in order[-count:])


def _split_in_time(data: SequenceData, task: Task, share: float) -> TestSplit:
    """Return the earlier steps of each series, and the latest ones."""
    lengths = [len(one) for one in data.series]
    borders = [n - int(n * share) if n >= MIN_STEPS else n for n in lengths]
    least = 2 if task == "next" else 1  # nothing precedes the first symbol
    index = [i for i, n in enumerate(lengths) if n - borders[i] >= least]
    if not index:
        shortest = int(np.ceil(least / share))
        problem = f"none has {shortest} steps, which a test part needs"
        raise InvalidSeries("the series", problem, TEST_ADVICE)
    labels = data.labels
    pairs = list(zip(data.series, borders, strict=True))
    training = SequenceData(
        data.ids,
        [one[:border] for one, border in pairs],
        labels and [one[: borders[i]] for i, one in enumerate(labels)],
    )
    test = SequenceData(
        tuple(data.ids[i] for i in index),
        [data.series[i][borders[i] :] for i in index],
        labels and [labels[i][borders[i] :] for i in index],
    )
    check_test_classes(training, test, task)
    steps = sum(map(len, test.series))
    noun = "symbols" if task == "next" else "steps"
    text = f"the latest {steps:,} of {sum(lengths):,} {noun}"
    return TestSplit(training, test, text, is_later=True)
