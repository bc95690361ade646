import numpy as np
import pytest
import torch

from forecasting import SequenceLabeler
from forecasting.errors import InvalidLabels, InvalidSeries, ShapeError
from forecasting.training.recipe.losses import cross_entropy

SMALL = {
    "hidden_size": 12,
    "window": 40,
    "epochs": 40,
    "learning_rate": 0.02,
    "device": "cpu",
    "random_state": 0,
}


def bursts(steps, seed):
    """Return noise that is louder in stretches of 15 steps, and the state of each."""
    random = np.random.default_rng(seed)
    loud = np.repeat(random.integers(0, 2, -(-steps // 15)), 15)[:steps].astype(bool)
    series = random.normal(size=steps) * np.where(loud, 3.0, 0.3)
    return series, np.where(loud, "loud", "calm")


@pytest.fixture(scope="module")
def fitted():
    pairs = [bursts(steps, seed) for seed, steps in enumerate((300, 170, 211))]
    series, labels = zip(*pairs, strict=True)
    return SequenceLabeler(**SMALL).fit(list(series), list(labels))


def test_every_step_of_a_new_series_is_labelled(fitted):
    series, labels = bursts(200, seed=9)

    (found,) = fitted.predict([series])

    assert found.shape == (200,)
    assert fitted.score([series], [labels]) == np.mean(found == labels)
    assert fitted.score([series], [labels]) > 0.9


def test_a_padded_batch_gives_the_probabilities_of_each_series_alone(fitted):
    series = [bursts(steps, seed=steps)[0] for steps in (31, 7, 80)]

    together = fitted.predict_proba(series)

    for one, rows in zip(series, together, strict=True):
        (alone,) = fitted.predict_proba([one])
        np.testing.assert_allclose(rows, alone, rtol=0, atol=1e-12)


def test_steps_without_a_label_do_not_teach():
    series, labels = bursts(300, seed=0)
    gaps = labels.astype(object)
    gaps[::3], gaps[1::7], gaps[2::11] = None, np.nan, ""
    wrong = np.where(labels == "loud", "calm", "loud").astype(object)
    wrong[np.array([one not in ("", None) and one == one for one in gaps])] = None

    learnt = SequenceLabeler(**SMALL).fit([series], [gaps])

    assert learnt.classes_.tolist() == ["calm", "loud"]
    assert learnt.score([series], [labels]) > 0.9
    assert learnt.score([series], [wrong]) < 0.2


def test_the_loss_counts_labelled_steps_only():
    logits = torch.randn(1, 4, 2, generator=torch.Generator().manual_seed(0))

    loss = cross_entropy(logits, torch.tensor([[0, -1, 1, -1]]))

    single = torch.stack([logits[0, 0, 0], logits[0, 2, 1]])
    expected = (logits[0, [0, 2]].logsumexp(1) - single).mean()
    torch.testing.assert_close(loss, expected)


def test_one_direction_never_sees_later_steps():
    series, labels = bursts(200, seed=0)
    labeler = SequenceLabeler(**SMALL | {"epochs": 2}, bidirectional=False)
    labeler.fit([series], [labels])
    changed = series.copy()
    changed[100:] += 5

    (before,), (after,) = (labeler.predict_proba([s]) for s in (series, changed))

    np.testing.assert_array_equal(before[:100], after[:100])
    assert (before[100:] != after[100:]).any()


@pytest.mark.parametrize(
    ("series", "labels", "error", "message"),
    [
        ([np.ones(3)], [["a"] * 3], InvalidLabels, r"one class or none \('a'\)"),
        ([np.ones(3)], [[None] * 3], InvalidLabels, r"one class or none \(none\)"),
        ([np.ones(3)], [["a", 1, 1]], InvalidLabels, "of several types"),
        (
            [np.ones(3)],
            [["a", "b"]],
            InvalidSeries,
            "series 0: it has 3 steps and 2 labels",
        ),
        ([np.ones(3)], [["a", "b", "a"]] * 2, InvalidLabels, "labels of 2 series"),
        ([np.ones(3), np.ones((2, 2))], [[], []], ShapeError, "series 1 must have"),
    ],
)
def test_labels_that_do_not_fit_are_refused(series, labels, error, message):
    with pytest.raises(error, match=message):
        SequenceLabeler(**SMALL).fit(series, labels)
