import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from forecasting.data.panel import Panel
from forecasting.errors import ShapeError
from forecasting.intervals.shown import ShownRange


def shown(*series):
    return ShownRange.from_panel(
        Panel.from_values({f"s{i}": values for i, values in enumerate(series)})
    )


def test_limits_lie_widths_of_the_range_beyond_it():
    ranges = shown([14.0, 10.0, 12.0, 11.0])
    values = np.array([[99.0, 13.0, -99.0]])

    # 14 + 4 (1 + 1/4) in the first step, 10 - 4 (1 + 3/4) in the third
    assert ranges.clip(values, reach=1.0).tolist() == [[19.0, 13.0, 3.0]]


def test_values_within_the_limits_are_returned_as_they_are():
    values = np.array([[14.0, 17.9, 6.1]])

    assert shown([14.0, 10.0]).clip(values, reach=1.0) is values


def test_a_straight_line_stays_within_its_limits():
    line = 3.0 * np.arange(40)
    ahead = 3.0 * np.arange(40, 400)

    clipped = shown(line[:40]).clip(ahead[None], reach=1.0)

    np.testing.assert_array_equal(clipped, ahead[None])


def test_steady_growth_stays_within_its_limits():
    growth = np.exp(0.2 * np.arange(90))

    clipped = shown(growth[:60]).clip(growth[None, 60:], reach=1.0)

    np.testing.assert_array_equal(clipped, growth[None, 60:])


@pytest.mark.parametrize("position", [0, 59, -1])
def test_one_outlier_is_no_growth(position):
    values = 100 + np.random.default_rng(0).normal(size=160)
    values[position] *= 1000

    assert shown(values).growth[0] < 0.002


def test_a_constant_series_may_double_and_one_of_zeros_has_no_limits():
    ranges = shown([5.0, 5.0, 5.0, 5.0], [0.0, 0.0, 0.0, 0.0])

    clipped = ranges.clip(np.full((2, 1), 1e9), reach=1.0)

    assert clipped.tolist() == [[5 + 5 * 1.25], [1e9]]


def test_what_is_not_a_number_stays_so_and_infinity_is_limited():
    values = np.array([[np.nan, np.inf, -np.inf]])

    clipped = shown([14.0, 10.0]).clip(values, reach=1.0)

    assert np.isnan(clipped[0, 0])
    assert np.isfinite(clipped[0, 1:]).all()


def test_later_observations_widen_the_range():
    ranges = shown([1.0, 2.0, 3.0], [5.0, 6.0])

    wider = ranges.extend(np.array([[2.0, 9.0], [1.0, 5.5]]), np.array([2, 7]))

    assert wider.lowest.tolist() == [1, 1]
    assert wider.highest.tolist() == [9, 6]
    assert wider.lengths.tolist() == [3, 7]


def test_rows_are_selected_and_replaced():
    ranges = shown([1.0, 2.0], [5.0, 6.0])

    changed = ranges.select(np.array([1, 0])).replace(np.array([0]), shown([7.0, 8.0]))

    assert changed.lowest.tolist() == [7, 1]
    assert ranges.lowest.tolist() == [1, 5]


def test_ranges_of_other_series_or_without_numbers_are_refused():
    with pytest.raises(ShapeError):
        shown([1.0, 2.0]).check(2)
    for lowest in (np.nan, 3.0):
        with pytest.raises(ValueError, match="finite and ordered"):
            ShownRange(np.array([lowest]), *(np.ones((3, 1)))).check(1)


@given(
    hnp.arrays(np.float64, st.integers(1, 30), elements=st.floats(-1e9, 1e9)),
    hnp.arrays(np.float64, (1, 12), elements=st.floats(allow_nan=False)),
)
def test_no_value_is_further_from_a_series_than_its_limits(series, values):
    ranges = shown(series)
    clipped = ranges.clip(values, reach=2.0)

    width = np.ptp(series) or abs(series[0]) or np.inf
    steps = 1 + np.arange(1, 13) / len(series)
    slack = 1e-6 * (np.abs(series).max() + width)
    assert (clipped >= series.min() - 2 * width * steps - slack).all()
    with np.errstate(over="ignore"):  # an infinite limit is none
        growth = np.exp(ranges.growth[0] * np.arange(1, 13))
    highest = (series.max() + 2 * width * steps) * growth
    assert (clipped <= highest * (1 + 1e-9) + slack).all()
