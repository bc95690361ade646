"""M4's measures, worked by hand."""

import numpy as np
import pytest

from benchmarks.accuracy.scoring import (
    is_seasonal,
    msis,
    naive2,
    score,
    seasonal_indices,
)
from forecasting import DataError, Forecast, Panel

WAVE = np.tile([11.0, 10.0, 9.0, 10.0], 4)
TRAIN = Panel.from_values({"a": [1, 2, 3, 4], "b": [10, 12, 10, 12]})
TEST = Panel.from_values({"b": [10, 10], "a": [5, 6]})


def forecast_of(points, intervals=None):
    return Forecast(
        series_ids=TEST.series_ids,
        timestamps=None,
        points=np.array(points, dtype=float),
        intervals=intervals or {},
    )


def test_a_season_is_found_where_its_autocorrelation_is_beyond_the_limit():
    # r2 = -7/8, r4 = 6/8; the limit is 1.645 sqrt((1 + 2 * 49/64) / 16) = 0.654.
    assert is_seasonal(WAVE, 4)


def test_no_season_is_found_where_its_autocorrelation_is_within_the_limit():
    # r2 = -5/6, r4 = 4/6; the limit is 1.645 sqrt((1 + 2 * 25/36) / 12) = 0.734.
    assert not is_seasonal(WAVE[:12], 4)


def test_a_series_of_less_than_three_seasons_has_none():
    spikes = np.tile([10.0, *[0.0] * 11], 3)

    assert is_seasonal(spikes, 12)
    assert not is_seasonal(spikes[:-1], 12)


def test_a_series_that_never_changes_has_no_season():
    assert not is_seasonal(np.full(16, 3.0), 4)


def test_seasonal_indices_are_mean_ratios_to_a_moving_average():
    even, odd = WAVE * 3, np.tile([1.0, 2.0, 3.0], 3)

    assert seasonal_indices(even, 4) == pytest.approx([1.1, 1.0, 0.9, 1.0])
    assert seasonal_indices(odd, 3) == pytest.approx([0.5, 1.0, 1.5])


def test_naive2_repeats_the_last_value_seasonally_adjusted():
    # The last of 15 values is 9, its index 0.9: the adjusted series ends at 10.
    assert naive2(WAVE[:15], 4, 5) == pytest.approx([10, 11, 10, 9, 10])


@pytest.mark.parametrize("season_length", [1, 4])
def test_naive2_repeats_the_last_value_where_there_is_no_season(season_length):
    values = np.array([1.0, 5.0, 2.0, 4.0, 3.0])

    assert naive2(values, season_length, 3).tolist() == [3, 3, 3]


def test_the_measures_are_those_worked_by_hand():
    # sMAPE: 200 * 2/22, 0; 0, 200 * 1/13. Scales: b 2, a 1. MASE: 1, 0; 0, 1.
    # Naive2 is 12, 12; 4, 4: sMAPE 200 * (2/22, 2/22; 1/9, 2/10), MASE 1, 1; 1, 2.
    smape = 200 * (2 / 22 + 1 / 13) / 4
    reference = 200 * (2 / 22 + 2 / 22 + 1 / 9 + 2 / 10) / 4

    scores = score(TRAIN, TEST, forecast_of([[12, 10], [5, 7]]), 1)

    assert scores["sMAPE"] == pytest.approx(smape)
    assert scores["MASE"] == pytest.approx(0.5)
    assert scores["OWA"] == pytest.approx((smape / reference + 0.5 / 1.25) / 2)
    assert set(scores) == {"sMAPE", "MASE", "OWA"}


def test_naive2_itself_has_an_owa_of_one():
    scores = score(TRAIN, TEST, forecast_of([[12, 12], [4, 4]]), 1)

    assert scores["OWA"] == pytest.approx(1)


def test_intervals_are_scored_as_worked_by_hand():
    # b: 4/2 and (2 + 40 * 1)/2; a: 2 and 1 + 40 * 1. Two of four are covered.
    lower = np.array([[8.0, 11.0], [4.0, 4.0]])
    upper = np.array([[12.0, 13.0], [6.0, 5.0]])
    intervals = {80.0: (lower, upper + 1), 95.0: (lower, upper)}

    scores = score(TRAIN, TEST, forecast_of([[12, 10], [5, 7]], intervals), 1)

    assert scores["MSIS"] == pytest.approx((2 + 21 + 2 + 41) / 4)
    assert (scores["coverage_80"], scores["coverage_95"]) == (0.75, 0.5)


def test_a_series_that_never_changed_is_left_out_of_scaled_measures():
    actual, zero = np.array([[1.0], [2.0]]), np.zeros((2, 1))
    flat = Panel.from_values({"a": [1, 2, 3, 4], "b": [7, 7, 7, 7]})

    scores = score(flat, TEST, forecast_of([[99, 99], [5, 7]]), 1)

    assert scores["MASE"] == pytest.approx(0.5)
    assert msis(actual, zero, actual, np.array([[0.0], [4.0]])) == pytest.approx(0.5)


def test_series_of_different_lengths_are_not_scored_together():
    ragged = Panel.from_values({"a": [5, 6], "b": [10]})

    with pytest.raises(DataError, match="same number of rows; found 1 to 2"):
        score(TRAIN, ragged, forecast_of([[1, 1]]), 1)


def test_a_series_that_was_not_in_training_is_refused():
    other = Panel.from_values({"c": [5, 6]})

    with pytest.raises(DataError, match="unknown series 'c'; known are 'a', 'b'"):
        score(TRAIN, other, forecast_of([[1, 1]]), 1)
