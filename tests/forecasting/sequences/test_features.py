import numpy as np
import pytest
import torch

from forecasting import GRUClassifier
from forecasting.sequences.data import pad_series
from forecasting.sequences.features.convolutions import RandomConvolutions
from forecasting.sequences.features.reservoirs import RandomReservoirs
from forecasting.sequences.features.ridge import RidgeScores

RANDOM = np.random.default_rng(0)
SERIES = [RANDOM.normal(size=(steps, 2)) for steps in (40, 9, 23, 31)]
EACH_KIND = pytest.mark.parametrize("kind", [RandomConvolutions, RandomReservoirs])


@EACH_KIND
def test_a_padded_batch_gives_the_features_of_each_series_alone(kind):
    features = kind.fit(pad_series(SERIES), seed=0)

    together = features.transform(pad_series(SERIES))

    alone = [features.transform(pad_series([one])) for one in SERIES]
    torch.testing.assert_close(together, torch.cat(alone), atol=1e-5, rtol=1e-4)


@EACH_KIND
def test_one_seed_gives_one_set_of_features(kind):
    first, again, other = (
        kind.fit(pad_series(SERIES), seed).transform(pad_series(SERIES))
        for seed in (0, 0, 1)
    )

    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_leave_one_out_scores_are_those_of_regressions_without_the_series():
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(12, 30, generator=generator, dtype=torch.float64)
    features = (features - features.mean(0)) / features.std(0, correction=0)
    codes = torch.arange(12) % 3

    scores, logits = RidgeScores.fit(features, codes, classes=3)

    targets = 2.0 * torch.nn.functional.one_hot(codes, 3).double() - 1
    # the penalty that the full solution has, from its normal equations
    residual = features.T @ (targets - targets.mean(0) - features @ scores.weights)
    penalty = (residual / scores.weights).median()
    for left_out in range(12):
        rest = torch.arange(12) != left_out
        x, y = features[rest], targets[rest]
        mean, bias = x.mean(0), y.mean(0)
        gram = (x - mean).T @ (x - mean) + penalty * torch.eye(30)
        weights = torch.linalg.solve(gram, (x - mean).T @ (y - bias))
        expected = (features[left_out] - mean) @ weights + bias
        torch.testing.assert_close(logits[left_out], scores.slope * expected)


def test_convolutions_tell_apart_series_by_a_motif_at_any_place():
    random = np.random.default_rng(0)
    series, labels = random.normal(scale=0.3, size=(80, 60)), np.arange(80) % 2
    for row, label in zip(series, labels, strict=True):
        begin = random.integers(0, 50)
        row[begin : begin + 9] += [0, 2, 0, -2, 0, 2, 0, -2, 0] if label else 0
    settings = {"hidden_size": 4, "members": 2, "epochs": 2, "random_state": 0}

    fitted = GRUClassifier(**settings, features="convolutions", device="cpu")
    fitted.fit(series[:40], labels[:40])

    assert fitted.score(series[40:], labels[40:]) >= 0.95
    assert fitted.mixture_.share < 0.5
