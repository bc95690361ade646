"""Ridge regression on the windows of one series."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from forecasting.zeroshot.regression import regression

LOOKBACK, STEPS = 6, 4


@pytest.fixture
def values():
    rng = np.random.default_rng(3)
    return 100 + np.sin(np.arange(80) / 2) * 4 + rng.normal(0, 1, 80)


def forecast(values, ends, fitted=None, season_length=12):
    fitted = len(values) if fitted is None else fitted
    return regression(values, LOOKBACK, STEPS, season_length, fitted, np.array(ends))


def test_forecasts_are_those_of_a_ridge_regression_on_levelled_windows(values):
    windows = np.lib.stride_tricks.sliding_window_view(values, LOOKBACK + STEPS)
    level = windows[:, :LOOKBACK].mean(1, keepdims=True)
    inputs, targets = windows[:, :LOOKBACK] - level, windows[:, LOOKBACK:] - level
    noise = min(np.mean((values[k:] - values[:-k]) ** 2) for k in (1, 12)) / 2
    model = Ridge(alpha=LOOKBACK * noise).fit(inputs, targets)
    last = values[-LOOKBACK:]

    expected = model.predict((last - last.mean())[None])[0] + last.mean()

    np.testing.assert_allclose(forecast(values, [80])[0], expected, rtol=1e-7)


def test_values_behind_the_fitted_part_and_the_origin_change_nothing(values):
    changed = values.copy()
    changed[50:] = -1e5

    before = forecast(values, [45, 50], fitted=45)
    after = forecast(changed, [45, 50], fitted=45)

    np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("shift", [0.0, 1e6])
@pytest.mark.parametrize("factor", [1e-6, -1.0, 1e6])
def test_forecasts_follow_shift_and_scale_of_the_values(values, shift, factor):
    moved = forecast(factor * values + shift * factor, [80])
    expected = factor * forecast(values, [80]) + shift * factor

    np.testing.assert_allclose(moved, expected, rtol=1e-6)


def test_a_sine_without_noise_is_continued():
    steps = np.arange(104)
    wave = np.sin(2 * np.pi * steps / 12)

    forecasts = regression(wave[:100], 12, 4, 12, 100, np.array([100]))[0]

    np.testing.assert_allclose(forecasts, wave[100:], atol=0.01)


def test_a_constant_series_stays_constant():
    assert forecast(np.full(40, 7.0), [40])[0].tolist() == [7.0] * STEPS
