import numpy as np
import pytest

from forecasting.data.panel import Panel
from forecasting.data.windows import WindowSpec
from forecasting.forecaster.trained_model import ForecasterConfig
from forecasting.forecaster.validation import naive_loss
from forecasting.models.config import RecurrentConfig
from forecasting.scaling.ets import smooth
from forecasting.scaling.normalization import Normalizer
from forecasting.training import TrainingConfig

SPEC = WindowSpec(seq_len=4, horizon=2)
VALUES = np.random.default_rng(0).normal(50, 5, 40)
PANEL = Panel.from_values({"a": VALUES})
LAST = TrainingConfig(validation=0.25)  # the last 10 of 40 observations


def settings(training, model):
    return ForecasterConfig(windows=SPEC, model=model, training=training)


def by_hand():
    """Return the mean error of repeating the last value, in the values' own units."""
    errors = [abs(VALUES[t : t + 2] - VALUES[t - 1]) for t in range(30, 39)]
    return np.mean(errors)


def test_without_normalisation_it_is_the_naive_error_of_the_validation_part():
    loss = naive_loss(PANEL, settings(LAST, RecurrentConfig(normalization="none")))

    assert loss == pytest.approx(by_hand(), rel=1e-5)


@pytest.mark.parametrize("method", ["standard", "minmax", "last", "mean"])
def test_it_is_in_the_units_that_the_normalisation_makes(method):
    loss = naive_loss(PANEL, settings(LAST, RecurrentConfig(normalization=method)))

    ends = np.array([30])
    scale = Normalizer.fit(PANEL, method, seq_len=4, ends=ends).scale[0]
    assert loss * scale == pytest.approx(by_hand(), rel=1e-4)


def test_it_is_not_a_number_where_nothing_validates():
    training = TrainingConfig(validation=0)

    assert np.isnan(naive_loss(PANEL, settings(training, RecurrentConfig())))


def test_covariates_change_nothing():
    panel = Panel.from_values(
        {"a": VALUES},
        past_covariates={"visits": {"a": VALUES[::-1]}},
        known_covariates={"price": {"a": np.arange(42.0)}},
    )

    loss = naive_loss(panel, settings(LAST, RecurrentConfig(normalization="none")))

    assert loss == pytest.approx(by_hand(), rel=1e-5)
    assert np.isfinite(naive_loss(panel, settings(LAST, RecurrentConfig())))


@pytest.mark.parametrize("season_length", [1, 4])
def test_with_smoothing_it_is_in_units_of_the_scale_at_each_window(season_length):
    model = RecurrentConfig(normalization="ets", season_length=season_length)

    loss = naive_loss(PANEL, settings(LAST, model))

    smoothed = smooth(VALUES, np.array([0, 40]), season_length=season_length, horizon=2)
    errors = [
        abs(VALUES[t : t + 2] - VALUES[t - 1]).mean() / smoothed.scale[t - 1]
        for t in range(30, 39)
    ]
    assert loss == pytest.approx(np.mean(errors), rel=1e-4)
