"""Exponential smoothing of series from several origins."""

import numpy as np
import pytest

from forecasting.scaling.ets import DAMPINGS, season_index, smooth
from forecasting.zeroshot.smoothing import smooth_tracks


@pytest.fixture
def wave():
    rng = np.random.default_rng(0)
    steps = np.arange(90)
    return 50 + 0.2 * steps + 5 * np.sin(steps / 3) + rng.normal(0, 1, 90).cumsum()


@pytest.mark.parametrize("season_length", [1, 4, 7, 12])
@pytest.mark.parametrize("steps", [1, 5, 14])
def test_forecasts_are_those_of_the_smoothing_of_many_series(
    track, wave, season_length, steps
):
    ends = np.array([3, 20, 41, 90])

    forecasts = smooth_tracks(track(wave, ends), season_length, steps).forecasts

    states = smooth(wave, np.array([0, 90]), season_length=season_length, horizon=steps)
    numbers = np.arange(1, steps + 1)
    damped = np.stack([np.cumsum(phi**numbers) for phi in DAMPINGS])
    for end, row in zip(ends, forecasts, strict=True):
        expected = states.level[end - 1] + states.trend[end - 1] @ damped
        if season_length > 1:
            places = (end - 1 + numbers)[None]
            index = season_index(places, np.array([[end]]), season_length)[0]
            season = states.season[np.maximum(index, 0)]
            expected = expected + np.where(index >= 0, season, 0)
        np.testing.assert_allclose(row, expected, rtol=1e-9)


def test_values_behind_an_origin_change_nothing(track, wave):
    changed = wave.copy()
    changed[60:] = 1e6

    before = smooth_tracks(track(wave, [60]), 12, 5, 24)
    after = smooth_tracks(track(changed, [60]), 12, 5, 24)

    # The season is half a cycle behind: it may not see the changed values either.
    for first, second in zip(before, after, strict=True):
        np.testing.assert_array_equal(first, second)
