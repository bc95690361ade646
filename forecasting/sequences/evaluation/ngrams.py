"""Counts of the symbols after the last ones: n-grams with add-k smoothing.

p(s | context) = (count(context, s) + k) / (count(context) + k * symbols)
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from forecasting.sequences.evaluation.measurement import Measurement, measure_symbols
from forecasting.sequences.symbols.alphabet import Alphabet
from forecasting.types import FloatArray, IntArray

ORDERS = {"unigram": 0, "bigram": 1, "trigram": 2, "fourgram": 3}
ADDED = 0.1  # to each count


def measure_ngrams(
    alphabet: Alphabet, training: Sequence[Any], test: Sequence[Any]
) -> dict[str, Measurement]:
    """Return the figures of n-grams on test series, but their first symbols.

    Args:
        alphabet: of the model beside which they stand.
        training: series of symbols, which are counted.
        test: series of symbols.

    Raises:
        UnknownSymbols: a symbol that is not in the alphabet.
    """
    counted, tested = (
        [alphabet.encode(one) for one in part] for part in (training, test)
    )
    return {
        name: _measure(counted, tested, len(alphabet), order)
        for name, order in ORDERS.items()
    }


def _measure(
    training: list[IntArray], test: list[IntArray], symbols: int, order: int
) -> Measurement:
    series = [*training, *test]
    contexts = _contexts(series, symbols, order)
    codes = np.concatenate(series)
    is_test = np.repeat([False, True], [sum(map(len, p)) for p in (training, test)])
    is_first = np.zeros(len(codes), bool)
    is_first[np.cumsum([0, *map(len, series[:-1])])] = True
    pairs = contexts * symbols + codes
    scored = is_test & ~is_first
    joint = _counts(pairs[~is_test], pairs[scored])
    total = _counts(contexts[~is_test], contexts[scored])
    probabilities = (joint + ADDED) / (total + ADDED * symbols)
    best = _most_frequent(pairs[~is_test], symbols, contexts[scored])
    return measure_symbols(np.log(probabilities), best == codes[scored])


def _contexts(series: list[IntArray], symbols: int, order: int) -> IntArray:
    """Return a number for the ``order`` symbols before each, fewer at the begin."""
    lengths = [len(codes) for codes in series]
    contexts = np.zeros(sum(lengths), np.int64)
    for lag in range(1, order + 1):
        start = np.full(lag, symbols)
        earlier = [np.concatenate([start, codes])[: len(codes)] for codes in series]
        keys = contexts * (symbols + 1) + np.concatenate(earlier)
        contexts = np.unique(keys, return_inverse=True)[1].astype(np.int64)
    return contexts


def _counts(keys: IntArray, asked_keys: IntArray) -> FloatArray:
    """Return how often each of some keys occurs among others."""
    distinct, counts = np.unique(keys, return_counts=True)
    places = np.searchsorted(distinct, asked_keys).clip(max=len(distinct) - 1)
    return np.where(distinct[places] == asked_keys, counts[places], 0).astype(float)


def _most_frequent(pairs: IntArray, symbols: int, contexts: IntArray) -> IntArray:
    """Return the most frequent symbol after each context; code 0 for an unseen one."""
    distinct, counts = np.unique(pairs, return_counts=True)
    order = np.lexsort((-distinct, counts, distinct // symbols))
    keys, codes = distinct[order] // symbols, distinct[order] % symbols
    best = dict(zip(keys.tolist(), codes.tolist(), strict=True))
    return np.array([best.get(context, 0) for context in contexts.tolist()], np.int64)
