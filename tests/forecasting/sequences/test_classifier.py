import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.utils.estimator_checks import parametrize_with_checks

from forecasting import GRUClassifier, LSTMClassifier, RNNClassifier
from forecasting.errors import InvalidLabels, InvalidSeries, SettingError, ShapeError

CLASSIFIERS = (RNNClassifier, LSTMClassifier, GRUClassifier)
EACH_CLASSIFIER = pytest.mark.parametrize("classifier", CLASSIFIERS)
SMALL = {
    "hidden_size": 8,
    "members": 2,
    "epochs": 30,
    "learning_rate": 0.02,
    "device": "cpu",
    "random_state": 0,
}


def waves(count=40, lengths=(12, 20), seed=0):
    """Return noisy slow and fast waves of unequal lengths, and their labels."""
    random = np.random.default_rng(seed)
    series, labels = [], []
    for number in range(count):
        steps = np.arange(random.integers(*lengths, endpoint=True))
        speed, label = ((0.3, "slow"), (1.2, "fast"))[number % 2]
        noise = random.normal(scale=0.1, size=len(steps))
        series.append(np.sin(speed * steps + random.uniform(0, 6)) + noise)
        labels.append(label)
    return series, np.array(labels)


@parametrize_with_checks([kind(**SMALL) for kind in CLASSIFIERS])
def test_the_classifiers_keep_the_rules_of_scikit_learn(estimator, check):
    check(estimator)


@EACH_CLASSIFIER
def test_series_of_unequal_lengths_are_told_apart(classifier):
    series, labels = waves()
    later, later_labels = waves(seed=1)

    fitted = classifier(**SMALL | {"epochs": 80}).fit(series, labels)

    assert fitted.score(later, later_labels) >= 0.9


@EACH_CLASSIFIER
@pytest.mark.parametrize(
    "settings",
    [{}, {"bidirectional": True}, {"num_layers": 2}, {"patch_len": 3}],
    ids=str,
)
def test_a_padded_batch_gives_the_probabilities_of_each_series_alone(
    classifier, settings
):
    series, labels = waves(12)
    fitted = classifier(**SMALL | {"epochs": 2}, **settings).fit(series, labels)

    together = fitted.predict_proba(series)

    alone = np.concatenate([fitted.predict_proba([one]) for one in series])
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-12)
    np.testing.assert_allclose(together.sum(1), 1)


def test_several_channels_are_read():
    random = np.random.default_rng(0)
    noise = random.normal(size=(40, 10, 3))
    labels = np.arange(40) % 2
    noise[labels == 1, :, 2] += 2

    fitted = GRUClassifier(**SMALL).fit(noise[:30], labels[:30])

    assert fitted.score(noise[30:], labels[30:]) == 1
    assert fitted.score(list(noise[30:]), labels[30:]) == 1


def test_one_seed_gives_one_set_of_probabilities():
    series, labels = waves(16)
    fitted = GRUClassifier(**SMALL | {"epochs": 2}).fit(series, labels)

    again = clone(fitted).fit(series, labels)

    np.testing.assert_array_equal(
        fitted.predict_proba(series), again.predict_proba(series)
    )


def test_compiled_loops_and_torch_train_the_same_classifier():
    series, labels = waves(16, lengths=(12, 12))
    probabilities = [
        GRUClassifier(**SMALL | {"epochs": 3, "members": 1}, engine=engine)
        .fit(series, labels)
        .predict_proba(series)
        for engine in ("torch", "fused")
    ]

    np.testing.assert_allclose(*probabilities, atol=1e-4)


def test_a_grid_search_chooses_a_setting():
    series, labels = waves(24)
    base = GRUClassifier(**SMALL | {"members": 1, "validation": 0})

    search = GridSearchCV(base, {"epochs": [0, 30]}, cv=2).fit(series, labels)

    assert search.best_params_ == {"epochs": 30}
    assert search.predict(series[:3]).shape == (3,)


def test_balanced_classes_raise_the_probability_of_the_rare_one():
    random = np.random.default_rng(0)
    series = random.normal(size=(40, 6))
    labels = np.arange(40) < 4

    plain, balanced = (
        GRUClassifier(**SMALL | {"epochs": 5}, class_weight=weight)
        .fit(series, labels)
        .predict_proba(series)[:, 1]
        .mean()
        for weight in (None, "balanced")
    )

    assert balanced > plain + 0.1


def test_one_class_only_is_refused():
    with pytest.raises(InvalidLabels, match="of one class, 'a'; expected two"):
        GRUClassifier().fit(np.zeros((3, 4)), ["a", "a", "a"])


@pytest.mark.parametrize(
    ("series", "error", "message"),
    [
        ([np.ones(3), np.ones(0)], InvalidSeries, "series 1: it has 0 steps"),
        (
            [np.ones((3, 2)), np.ones((4, 1))],
            ShapeError,
            r"series 1 must have the shape \(steps, 2\); found \(4, 1\)",
        ),
        (
            [np.ones(3), np.array([1.0, np.nan])],
            InvalidSeries,
            "series 1: step 1 of channel 0 is missing or infinite",
        ),
        (
            [np.ones(3), np.array(["a", "b"])],
            InvalidSeries,
            "series 1: it is not a table of numbers",
        ),
    ],
)
def test_series_that_cannot_be_read_are_named(series, error, message):
    with pytest.raises(error, match=message):
        GRUClassifier().fit(series, ["a", "b"])


def test_other_channels_than_in_training_are_refused():
    fitted = GRUClassifier(**SMALL | {"epochs": 0}).fit(*waves(4))

    with pytest.raises(ShapeError, match=r"\(series, steps, 1\); found \(1, 5, 2\)"):
        fitted.predict([np.ones((5, 2))])


@pytest.mark.parametrize(
    ("setting", "value"),
    [("patch_len", 0), ("normalization", "log"), ("hidden_size", 0), ("epochs", -1)],
)
def test_a_setting_out_of_range_is_named(setting, value):
    with pytest.raises(SettingError, match=f"{setting} must be"):
        GRUClassifier(**{setting: value}).fit(*waves(4))


def test_each_member_leaves_out_a_fold():
    series, labels = waves(20)
    fitted = GRUClassifier(**SMALL | {"epochs": 2}).fit(series, labels)

    assert {record.member for record in fitted.history_} == {0, 1}
    assert all(np.isfinite(record.validation_loss) for record in fitted.history_)
    assert not torch.equal(
        fitted.networks_[0].head.weight, fitted.networks_[1].head.weight
    )
