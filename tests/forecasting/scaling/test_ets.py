"""Exponential smoothing depends on the past alone and recovers known components."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from forecasting.scaling import ets as smoothing
from forecasting.scaling.ets import DAMPINGS, scored_steps, season_index, smooth

PARTS = ("level", "trend", "season", "scale")


def run(values, season_length=1, horizon=3):
    values = np.asarray(values, dtype=float)
    offsets = np.array([0, len(values)])
    return smooth(values, offsets, season_length=season_length, horizon=horizon)


def noise(count, seed=0):
    return np.random.default_rng(seed).normal(size=count)


def next_season(result, count):
    """Return the season of the next cycle after ``count`` observations."""
    m = result.season_length
    positions = np.arange(count, count + m)
    return result.season[season_index(positions, np.array(count), m)]


@given(st.integers(1, 12), st.integers(0, 1000))
def test_changing_the_future_changes_nothing_before(season_length, seed):
    values, end = noise(60, seed), 20 + seed % 30
    changed = values.copy()
    changed[end:] = 50 * noise(60, seed + 1)[end:]

    first, second = run(values, season_length), run(changed, season_length)

    for part in ("level", "trend", "scale"):
        np.testing.assert_array_equal(
            getattr(first, part)[:end], getattr(second, part)[:end]
        )
    available = end - season_length // 2  # a season is known half a season later
    np.testing.assert_array_equal(first.season[:available], second.season[:available])


@given(st.integers(1, 9), st.integers(1, 40))
def test_a_series_that_ends_early_is_known_like_the_beginning_of_a_longer_one(
    season_length, end
):
    values = noise(40) + np.sin(np.arange(40))

    whole, early = run(values, season_length), run(values[:end], season_length)

    for part in ("level", "trend", "scale"):
        np.testing.assert_allclose(getattr(early, part), getattr(whole, part)[:end])
    available = max(end - season_length // 2, 0)
    np.testing.assert_allclose(early.season[:available], whole.season[:available])


@pytest.mark.parametrize("season_length", [4, 7])
def test_the_season_of_a_purely_seasonal_series_is_found(season_length):
    season = noise(season_length)
    season -= season.mean()
    count = 10 * season_length
    values = 30 + np.tile(season, 10)

    result = run(values, season_length)

    np.testing.assert_allclose(next_season(result, count), season, atol=0.01)
    np.testing.assert_allclose(result.level[-season_length:], 30, atol=0.05)


def test_noise_has_next_to_no_season():
    counts = [
        np.abs(next_season(run(noise(240, seed), 12), 240)).mean() for seed in range(9)
    ]

    assert np.median(counts) < 0.1  # the phases' plain means: 0.2


def test_a_season_twice_as_strong_as_noise_is_kept():
    season = np.tile([2.0, -1, -2, 1], 30)

    result = run(season + 0.7 * noise(120), 4)

    np.testing.assert_allclose(next_season(result, 120), season[:4], atol=0.5)


def test_before_a_whole_season_has_been_seen_there_is_none():
    result = run(noise(12), 12)

    assert (result.season == 0).all()


@pytest.mark.parametrize("slope", [1.0, -0.3])
def test_a_linear_trend_is_followed(slope):
    result = run(10 + slope * np.arange(60.0), horizon=1)

    assert result.level[-1] == pytest.approx(10 + slope * 59, abs=0.3 * abs(slope))
    assert result.trend[-1, 0] == 0  # of the members without a trend
    assert result.trend[-1].sum() == pytest.approx(slope, rel=0.25)


def test_the_level_of_a_constant_is_the_constant():
    result = run(np.full(30, 5.0), 4)

    np.testing.assert_allclose(result.level, 5)
    np.testing.assert_allclose(result.trend, 0, atol=1e-12)
    np.testing.assert_allclose(result.season, 0, atol=1e-12)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40), st.integers(1, 8))
def test_the_scale_is_always_positive_and_all_is_finite(values, season_length):
    result = run(values, season_length)

    assert (result.scale > 0).all()
    assert all(np.isfinite(getattr(result, part)).all() for part in PARTS)


def test_the_scale_is_the_mean_absolute_change_over_a_season():
    values = np.array([1.0, 4, 2, 6, 9])

    result = run(values, 2)

    # by hand: |0|, then |3| over two steps, then changes over two steps: 1, 2, 7
    np.testing.assert_allclose(result.scale, [1e-4, 1.5, 1, 1.5, 10 / 3])


@given(st.lists(st.integers(1, 40), min_size=2, max_size=5), st.integers(1, 6))
def test_several_series_are_each_smoothed_as_if_alone(lengths, season_length):
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    values = noise(int(offsets[-1]))

    together = smooth(values, offsets, season_length=season_length, horizon=3)

    for begin, end in pairwise(offsets):
        alone = run(values[begin:end], season_length)
        for part in PARTS:
            np.testing.assert_allclose(
                getattr(together, part)[begin:end], getattr(alone, part), atol=1e-12
            )


@pytest.mark.parametrize("alpha", [0.3, 1.0])
def test_simple_exponential_smoothing_by_hand(alpha, monkeypatch):
    monkeypatch.setattr(smoothing, "GRID", np.array([[alpha], [0.0], [0.0]]))
    monkeypatch.setattr(smoothing, "COLUMNS", np.array([0]))
    levels = {0.3: [10, 10.6, 10.12, 11.584], 1.0: [10, 12, 9, 15]}

    result = run([10.0, 12, 9, 15], horizon=1)

    np.testing.assert_allclose(result.level, levels[alpha])


def test_a_damped_trend_by_hand(monkeypatch):
    monkeypatch.setattr(smoothing, "GRID", np.array([[0.5], [0.4], [0.9]]))
    monkeypatch.setattr(smoothing, "COLUMNS", np.array([1]))

    result = run([10.0, 12, 13], horizon=1)

    # t=1: error 2, level 11, trend 0.4; t=2: expected 11.36, error 1.64
    np.testing.assert_allclose(result.level, [10, 11, 12.18])
    np.testing.assert_allclose(result.trend[:, 1], [0, 0.4, 0.36 + 0.328])


def test_members_that_forecast_better_count_more():
    jumping = np.repeat([0.0, 10, -5, 20], 15)
    shaking = 5 + 3 * (-1.0) ** np.arange(60)

    fast, slow = run(jumping, horizon=1), run(shaking, horizon=1)

    assert abs(fast.level[50] - 20) < 0.5
    assert abs(slow.level[-1] - 5) < 0.75  # the last value lies 3 away


def test_where_a_season_is_read_is_known_by_then():
    for m in (2, 3, 7, 12):
        for end in range(1, 40):
            positions = np.arange(end - 5, end + 20)

            index = season_index(positions, np.array(end), m)

            assert ((positions - index) % m == 0).all()
            assert (index + m // 2 < end).all()
            assert (index + m // 2 + m >= end).all()  # the latest one


def test_seasons_are_read_alike_from_arrays_and_tensors():
    positions, ends = np.arange(-3, 9)[None], np.array([[5]])

    index = season_index(torch.from_numpy(positions), torch.from_numpy(ends), 4)

    np.testing.assert_array_equal(index, season_index(positions, ends, 4))


@pytest.mark.parametrize(
    ("horizon", "steps"), [(1, (1,)), (2, (1,)), (6, (1, 2, 4)), (48, (1, 7, 32))]
)
def test_members_are_scored_near_midway_and_far(horizon, steps):
    assert scored_steps(horizon) == steps


def test_dampings_begin_with_none():
    assert DAMPINGS[0] == 0
    assert run(noise(5)).trend.shape == (5, len(DAMPINGS))
