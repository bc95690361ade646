"""Season lengths from the autocorrelation of the values."""

import numpy as np
import pytest

from forecasting.data.panel import Panel
from forecasting.selection.seasonality import MAX_SEASONS, find_seasons


def noise(count, seed=0):
    return np.random.default_rng(seed).normal(size=count)


def one(values):
    return Panel.from_values({"a": values})


def repeated(season, count, seed=0):
    return 3 * np.resize(noise(season, seed + 100), count)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("season", [7, 12, 24, 52])
def test_a_season_is_found_in_noise(season, seed):
    values = repeated(season, 10 * season, seed) + noise(10 * season, seed)

    seasons = find_seasons(one(values))

    assert seasons[0] == season


def test_a_trend_does_not_hide_a_season():
    values = repeated(12, 120) + noise(120) + 5 * np.arange(120)

    seasons = find_seasons(one(values))

    assert seasons[0] == 12


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("integrate", [False, True])
def test_noise_and_random_walks_show_no_season(integrate, seed):
    values = noise(2000, seed)

    seasons = find_seasons(one(np.cumsum(values) if integrate else values))

    assert seasons == ()


def test_many_short_series_of_noise_together_show_no_season():
    series = {str(seed): noise(60, seed) for seed in range(100)}

    assert find_seasons(Panel.from_values(series)) == ()


def test_many_series_show_together_what_one_hides():
    series = {
        str(seed): 0.25 * repeated(7, 84, seed) + noise(84, seed) for seed in range(100)
    }

    assert find_seasons(Panel.from_values(series))[0] == 7


@pytest.mark.parametrize("count", [1, 2, 3, 8, 11])
def test_a_short_series_shows_none(count):
    assert find_seasons(one(noise(count))) == ()


def test_a_constant_series_shows_none():
    assert find_seasons(one(np.full(100, 5.0))) == ()


@pytest.mark.parametrize("season", [7, 12])
def test_multiples_of_a_season_are_not_said_again(season):
    seasons = find_seasons(one(repeated(season, 40 * season)))

    assert seasons[0] == season
    assert not any(lag % season == 0 for lag in seasons[1:])


def test_hours_show_the_day_and_the_week():
    week = repeated(24, 168) + repeated(168, 168, 1)
    values = np.resize(week, 8 * 168)

    seasons = find_seasons(one(values + 0.1 * noise(len(values))))

    assert sorted(seasons) == [24, 168]
    assert len(seasons) <= MAX_SEASONS


def test_series_of_other_lengths_do_not_matter():
    series = {"long": repeated(12, 240) + noise(240), "short": noise(5), "one": [1.0]}

    assert find_seasons(Panel.from_values(series))[0] == 12
