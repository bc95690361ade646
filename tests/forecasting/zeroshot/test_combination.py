"""Weighted means of the forecasts of each series, against plain NumPy."""

import numpy as np
import pytest

from forecasting.zeroshot.combination import forecast_series
from forecasting.zeroshot.combination_loops import UNTESTED_WEIGHT, combine
from forecasting.zeroshot.regression import NONE, TESTED, UNTESTED
from forecasting.zeroshot.tracks import make_tracks

STEPS = 5


@pytest.fixture
def series():
    rng = np.random.default_rng(0)
    lengths = [40, 9, 25]
    parts = [rng.uniform(1, 2, n) for n in lengths]
    parts[1] -= 1.5  # no logarithms
    return np.concatenate(parts), np.concatenate([[0], np.cumsum(lengths)])


@pytest.mark.parametrize("state", [NONE, UNTESTED, TESTED])
@pytest.mark.parametrize("networks", [True, False])
def test_weights_are_inverse_to_the_squared_errors_of_the_backtest(
    series, state, networks
):
    values, offsets = series
    tracks = make_tracks(values, offsets, STEPS)
    rng = np.random.default_rng(1)
    drawn = rng.normal(size=(3, len(tracks.ends), STEPS))
    smoothed, regressed, changed = drawn
    states = np.full(len(tracks.offsets) - 1, state)

    points, sums, counts = combine(
        tracks.series,
        offsets,
        tracks.ends,
        tracks.borders,
        tracks.firsts,
        smoothed,
        regressed,
        states,
        changed if networks else changed[:0],
    )

    for row in range(len(offsets) - 1):
        first, last = tracks.firsts[row], tracks.firsts[row + 1]
        parts = drawn[:, tracks.borders[first] : tracks.borders[last]]
        if last - first == 2:
            plain, logarithms = np.split(parts, 2, axis=1)
            parts = (plain + np.exp(logarithms)) / 2
        used = [True, state == TESTED, networks]
        ends = tracks.ends[tracks.borders[first] : tracks.borders[first + 1]]
        actual = np.full((len(ends) - 1, STEPS), np.nan)
        observed = tracks.series[offsets[row] : offsets[row + 1]]
        for place, end in enumerate(ends[:-1]):
            future = observed[end : end + STEPS]
            actual[place, : len(future)] = future
        errors = np.nansum(np.abs(parts[used][:, :-1] - actual), axis=(1, 2))
        weights = errors**-2.0 / (errors**-2.0).sum()
        mean = np.tensordot(weights, parts[used], 1)
        expected = mean[-1]
        if state == UNTESTED:
            expected = expected + UNTESTED_WEIGHT * (parts[1, -1] - expected)
        np.testing.assert_allclose(points[row], expected, rtol=1e-12)
        np.testing.assert_allclose(
            sums[row], np.nansum(np.abs(mean[:-1] - actual), axis=0), rtol=1e-12
        )
        np.testing.assert_array_equal(counts[row], (~np.isnan(actual)).sum(0))


def test_values_of_one_series_change_no_other(series):
    values, offsets = series
    changed = values.copy()
    changed[offsets[1] : offsets[2]] = -1e9

    before = forecast_series(values, offsets, 4, STEPS)
    after = forecast_series(changed, offsets, 4, STEPS)

    for row in (0, 2):
        np.testing.assert_array_equal(before.points[row], after.points[row])
        np.testing.assert_array_equal(before.sizes[row], after.sizes[row])
