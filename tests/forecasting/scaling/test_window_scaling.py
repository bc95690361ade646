"""Scaling of windows by themselves and by smoothing, and its inverse."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from forecasting.scaling.ets import DAMPINGS, season_index, smooth
from forecasting.scaling.methods import METHODS
from forecasting.scaling.window_scaling import (
    BOUND,
    EtsStates,
    ScaledWindows,
)

SEQ_LEN, HORIZON = 5, 3


def noise(count, seed=0):
    return np.random.default_rng(seed).normal(size=count)


def states(values, season_length=1, offsets=None, horizon=HORIZON):
    borders = np.array([0, len(values)] if offsets is None else offsets)
    return EtsStates.fit(values, borders, season_length=season_length, horizon=horizon)


def windows_at(ets, end, series=0):
    return ets.frame(torch.tensor([series]), torch.tensor([end]), SEQ_LEN)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("steps", [1, 3])
def test_restoring_undoes_measuring(method, steps):
    window = torch.randn(4, SEQ_LEN, generator=torch.Generator().manual_seed(0))
    following = torch.randn(4, steps)
    frame = METHODS[method].scale_windows(window, window)

    restored = frame.restore(frame.measure(following))

    torch.testing.assert_close(restored, following)


def test_restoring_undoes_measuring_with_the_base_of_smoothing():
    frame = windows_at(states(noise(40), 4), 30)
    following = torch.randn(1, HORIZON)

    torch.testing.assert_close(frame.restore(frame.measure(following)), following)
    torch.testing.assert_close(
        frame.restore(frame.measure(following[:, :1])), following[:, :1]
    )


def test_a_forecast_of_zero_is_the_base():
    frame = windows_at(states(noise(40), 4), 30)

    torch.testing.assert_close(frame.restore(torch.zeros(1, HORIZON)), frame.base)


def test_the_base_is_level_damped_trend_and_season():
    values = noise(40) + 0.5 * np.arange(40) + np.tile([3.0, 0, -3, 0], 10)
    smoothing = smooth(values, np.array([0, 40]), season_length=4, horizon=HORIZON)

    frame = windows_at(states(values, 4), 30)

    _, first, second = smoothing.trend[29]
    trend = [first * 0.85**h + second * 0.95**h for h in (1, 2, 3)]
    seasons = smoothing.season[[26, 27, 24]]  # of steps 30, 31, 32: available until 27
    expected = smoothing.level[29] + np.cumsum(trend) + seasons
    np.testing.assert_allclose(frame.base[0], expected, rtol=1e-5)
    assert frame.size.item() == pytest.approx(smoothing.scale[29], rel=1e-6)


def test_the_window_is_without_season_level_and_scale():
    values = noise(40) + np.tile([3.0, 0, -3, 0], 10)
    smoothing = smooth(values, np.array([0, 40]), season_length=4, horizon=HORIZON)

    inputs = windows_at(states(values, 4), 30).inputs[0]

    seasons = smoothing.season[[25, 26, 27, 24, 25]]  # the latest of each phase
    expected = (values[25:30] - seasons - smoothing.level[29]) / smoothing.scale[29]
    np.testing.assert_allclose(inputs, expected, rtol=1e-4, atol=1e-5)


def test_a_window_before_the_start_of_its_series_begins_with_the_first_value():
    values = np.concatenate([np.full(7, 900.0), noise(20)])
    ets = states(values, offsets=[0, 7, 27])

    inputs = windows_at(ets, 2, series=1).inputs[0]

    alone = windows_at(states(values[7:]), 2).inputs[0]
    torch.testing.assert_close(inputs, alone)
    assert (inputs[:4] == inputs[0]).all()
    assert inputs[4] != inputs[0]


@pytest.mark.parametrize("season_length", [1, 3, 4, 7])
def test_padding_before_the_first_series_changes_no_window(season_length):
    ets = states(noise(40), season_length, offsets=[0, 15, 40])

    padded = ets.with_padding(30)

    assert padded.with_padding(30) is padded
    for series, end in [(0, 1), (0, 6), (0, 15), (1, 2), (1, 25)]:
        for one, other in zip(
            windows_at(ets, end, series), windows_at(padded, end, series), strict=True
        ):
            torch.testing.assert_close(one, other, rtol=0, atol=0)


@pytest.mark.parametrize("season_length", [1, 2, 3, 4, 7, 12])
def test_windows_are_without_the_season_that_is_known_at_their_end(season_length):
    values, m = noise(40), season_length
    smoothing = smooth(values, np.array([0, 40]), season_length=m, horizon=HORIZON)
    ends = np.arange(1, 41)[:, None]

    frame = states(values, m).frame(
        torch.zeros(40, dtype=torch.long), torch.from_numpy(ends[:, 0]), SEQ_LEN
    )

    def seasons(positions):
        index = season_index(positions, ends, m)
        return np.where(index < 0, 0, smoothing.season[np.maximum(index, 0)])

    positions = np.maximum(ends + np.arange(-SEQ_LEN, 0), 0)
    level, scale = smoothing.level[ends - 1], smoothing.scale[ends - 1]
    inputs = (values[positions] - seasons(positions) - level) / scale
    inputs = inputs.clip(-BOUND, BOUND)
    steps = np.arange(1, HORIZON + 1)[:, None]
    damped = np.cumsum(np.array(DAMPINGS) ** steps, 0)
    base = level + smoothing.trend[ends[:, 0] - 1] @ damped.T
    base += seasons(ends + np.arange(HORIZON))
    np.testing.assert_allclose(frame.inputs, inputs, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(frame.base, base, rtol=1e-4, atol=1e-5)


def test_a_jump_without_precedent_is_clipped():
    values = np.concatenate([np.full(10, 1.0), [1e6], np.full(3, 1.0)])

    inputs = windows_at(states(values), 10).inputs
    jumped = windows_at(states(np.concatenate([values, [-1e9]])), 11).inputs

    assert (inputs == 0).all()
    assert jumped.abs().max() <= BOUND


@given(st.integers(1, 30), st.integers(1, 7))
def test_nothing_behind_the_end_of_a_window_changes_its_frame(end, season_length):
    values = noise(40)
    changed = np.where(np.arange(40) < end, values, 9 * noise(40, 1))

    first, second = (
        windows_at(states(v, season_length), end) for v in (values, changed)
    )

    for one, other in zip(first, second, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)


def test_states_move_to_a_device_whole():
    moved = states(noise(20), 4).to(torch.device("meta"))

    tensors = [moved.values, moved.season, moved.statistics, moved.damped, moved.begins]
    assert all(tensor.is_meta for tensor in tensors)


def test_a_frame_is_level_and_size_of_the_window_alone():
    window = torch.tensor([[1.0, 2, 3, 4, 5]])

    frame = METHODS["last"].scale_windows(window, window[:, -2:])

    assert isinstance(frame, ScaledWindows)
    assert frame.inputs.tolist() == [[-4, -3, -2, -1, 0]]
    assert (frame.base.item(), frame.size.item()) == (5, 1)
    assert frame.recent.tolist() == [[4, 5]]
