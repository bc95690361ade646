"""The compiled loops classify as torch does."""

import numpy as np
import pytest

from forecasting import GRUClassifier, LSTMClassifier, RNNClassifier
from forecasting.errors import InvalidSeries, ShapeError
from forecasting.kernels.compilation import load_loops
from forecasting.sequences.answers.evaluator import ClassEvaluator

RANDOM = np.random.default_rng(0)
SERIES = RANDOM.normal(size=(12, 30, 2))
SETTINGS = {"hidden_size": 6, "epochs": 2, "members": 2, "random_state": 0}


@pytest.fixture(scope="module", autouse=True)
def compiled():
    load_loops()


@pytest.mark.parametrize("kind", [RNNClassifier, LSTMClassifier, GRUClassifier])
@pytest.mark.parametrize("more", [{}, {"patch_len": 4}, {"bidirectional": True}])
def test_probabilities_are_those_of_the_classifier(kind, more):
    model = kind(**SETTINGS, **more).fit(SERIES, ["a", "b"] * 6)
    evaluator = ClassEvaluator(model)

    for series in (SERIES[:1], SERIES[:3, :11], [SERIES[0], SERIES[1, :7]]):
        rows = evaluator.predict_proba(list(series))
        expected = model.predict_proba(list(series))
        np.testing.assert_allclose(rows, expected, atol=1e-6)
    assert rows.dtype == expected.dtype == np.float64


def test_random_features_are_mixed_in():
    model = GRUClassifier(**SETTINGS, features="convolutions")
    model.fit(SERIES, ["a", "b"] * 6)

    rows = ClassEvaluator(model).predict_proba([SERIES[0]])

    np.testing.assert_allclose(rows, model.predict_proba([SERIES[0]]), atol=1e-6)


def test_series_trained_at_several_lengths_are_read_alone():
    series = [RANDOM.normal(size=n) for n in (9, 14, 20) * 4]
    model = GRUClassifier(**SETTINGS).fit(series, ["a", "b"] * 6)

    rows = ClassEvaluator(model).predict_proba(series[:1])

    np.testing.assert_allclose(rows, model.predict_proba(series[:1]), atol=1e-6)


def test_numbers_beyond_float32_are_left_to_the_classifier():
    model = GRUClassifier(**SETTINGS).fit(SERIES, ["a", "b"] * 6)
    huge = [SERIES[0] * 1e300]

    rows = ClassEvaluator(model).predict_proba(huge)

    np.testing.assert_array_equal(rows, model.predict_proba(huge))


def test_series_of_other_shapes_are_refused():
    evaluator = ClassEvaluator(GRUClassifier(**SETTINGS).fit(SERIES, ["a", "b"] * 6))

    with pytest.raises(ShapeError, match="X"):
        evaluator.predict_proba([np.ones((5, 3))])
    with pytest.raises(InvalidSeries, match="missing or infinite"):
        evaluator.predict_proba([np.full((5, 2), np.nan)])
