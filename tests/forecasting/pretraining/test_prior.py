from dataclasses import replace

import numpy as np
import pytest

from forecasting.errors import SettingError
from forecasting.pretraining.components import (
    autoregression,
    random_waves,
    season_profiles,
)
from forecasting.pretraining.prior import KINDS, Prior, draw_panel
from forecasting.pretraining.processes import counts, profiles, state_space
from forecasting.pretraining.recipe import RECIPES

SHARES = dict.fromkeys(KINDS, 1.0)
PRIOR = Prior(season_length=12, shortest=30, longest=120, shares=SHARES)


@pytest.mark.parametrize("season_length", [1, 4, 7, 12, 24, 52])
def test_every_value_of_every_kind_is_a_finite_number(season_length):
    prior = replace(PRIOR, season_length=season_length)

    panel, kinds = draw_panel(prior, 300, seed=0)

    assert set(kinds) == set(KINDS)
    assert np.isfinite(panel.values).all()


def test_a_seed_gives_the_same_series_and_another_seed_gives_others():
    first, again, other = (draw_panel(PRIOR, 50, seed)[0] for seed in (3, 3, 4))

    np.testing.assert_array_equal(first.values, again.values)
    assert not np.isin(other.values, first.values).all()


def test_the_kinds_have_their_shares():
    prior = replace(PRIOR, shares={"state_space": 0.6, "smooth": 0.3, "counts": 0.1})

    _, kinds = draw_panel(prior, 4000, seed=0)

    # three standard errors of a share of 4000 draws: at most 0.024
    assert kinds.count("state_space") / 4000 == pytest.approx(0.6, abs=0.024)
    assert kinds.count("counts") / 4000 == pytest.approx(0.1, abs=0.024)


def test_lengths_reach_from_the_shortest_to_the_longest():
    panel, _ = draw_panel(PRIOR, 3000, seed=0)

    assert (panel.lengths.min(), panel.lengths.max()) == (30, 120)


def test_a_season_has_mean_zero_and_unit_size():
    profile = season_profiles(np.random.default_rng(0), 200, 12)

    np.testing.assert_allclose(profile.mean(1), 0, atol=1e-12)
    np.testing.assert_allclose(profile.std(1), 1, atol=1e-6)


def test_an_autoregression_follows_its_equation():
    noise = np.array([[1.0, 0.0, 2.0]])

    values = autoregression(noise, np.array([0.5]))

    assert values.tolist() == [[1.0, 0.5, 2.25]]  # worked by hand


def test_random_waves_have_the_variance_of_their_gaussian_process():
    rng = np.random.default_rng(0)

    values = random_waves(rng, 20_000, 2, np.full(20_000, 5.0))

    # covariance at lag 1 of a squared exponential kernel: exp(-1 / (2 * 5^2))
    covariance = np.cov(values.T)
    assert covariance[0, 0] == pytest.approx(1.0, abs=0.03)
    assert covariance[0, 1] == pytest.approx(np.exp(-0.02), abs=0.03)


def test_state_space_series_without_a_season_have_none():
    values = state_space(np.random.default_rng(0), 400, 96, 1)

    by_phase = np.diff(values, axis=1)[:, :84].reshape(400, 7, 12).mean(axis=(0, 1))
    assert np.abs(by_phase).max() < 0.3


def test_counts_are_whole_numbers_from_zero_with_many_zeros():
    values = counts(np.random.default_rng(0), 300, 100, 12)

    np.testing.assert_array_equal(values, np.round(values))
    assert values.min() == 0
    assert 0.1 < np.mean(values == 0) < 0.7


def test_profiles_of_hours_repeat_after_a_week_more_than_after_a_day():
    values = profiles(np.random.default_rng(0), 400, 24 * 28, 24)

    change_of_a_day = np.abs(values[:, 24:] - values[:, :-24]).mean()
    change_of_a_week = np.abs(values[:, 168:] - values[:, :-168]).mean()
    assert change_of_a_week < change_of_a_day


def test_an_unknown_kind_is_refused_by_name():
    with pytest.raises(
        SettingError, match=r"shares must be.*state_space.*found \['sales'\]"
    ):
        replace(PRIOR, shares={"sales": 1.0})


def test_lengths_in_the_wrong_order_are_refused():
    with pytest.raises(SettingError, match=r"shortest.*from 2 to longest 120"):
        replace(PRIOR, shortest=121)


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_every_recipe_draws_series_that_are_not_alike(recipe):
    panel, _ = draw_panel(recipe.prior, 100, recipe.seed)

    parts = np.split(panel.values, panel.offsets[1:-1])
    assert len({float(part.std()) for part in parts}) > 95
