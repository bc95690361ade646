import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from forecasting.errors import SettingError
from forecasting.evaluation.metrics import coverage
from forecasting.intervals.table import PROBABILITIES, IntervalTable
from forecasting.intervals.volatility import VolatilityScaling

RESIDUALS = hnp.arrays(
    np.float64,
    st.tuples(st.integers(0, 50), st.integers(1, 4)),
    elements=st.one_of(st.floats(-1e3, 1e3), st.just(np.nan)),
)


def row(probability: float) -> int:
    return round(probability * 200) - 1


def test_the_probabilities_are_199_and_symmetric():
    assert len(PROBABILITIES) == 199
    assert PROBABILITIES[[0, 1, 99, -1]].tolist() == [0.005, 0.01, 0.5, 0.995]
    np.testing.assert_allclose(PROBABILITIES + PROBABILITIES[::-1], 1)


@pytest.mark.parametrize(
    ("probability", "rank"),
    [
        (0.1, 1),  # floor(10 x 0.1)
        (0.295, 2),  # floor(2.95)
        (0.3, 3),  # floor(3), exactly: no rounding
        (0.5, 5),  # the middle one of nine
        (0.7, 7),  # ceil(7)
        (0.705, 8),  # ceil(7.05)
        (0.9, 9),  # ceil(9)
    ],
)
def test_a_quantile_is_the_residual_of_the_finite_sample_rank(probability, rank):
    shuffled = np.random.default_rng(0).permutation(np.arange(1.0, 10.0))

    table = IntervalTable.from_residuals(shuffled[:, None])

    assert table.quantiles[row(probability), 0] == rank


def test_the_median_of_an_even_count_lies_between_the_middle_two():
    table = IntervalTable.from_residuals(np.array([[4.0], [1.0], [2.0], [9.0]]))

    assert table.quantiles[row(0.5), 0] == 3


def test_a_tail_beyond_the_ranks_is_normal():
    # mean 0, deviation sqrt((4 x 1 + 9 x 2) / 5) = 2.0976; the 2.5 % quantile of the
    # standard normal distribution is -1.959964
    residuals = np.array([[-3.0], [-1.0], [-1.0], [1.0], [1.0], [3.0]])

    lower, upper = IntervalTable.from_residuals(residuals).offsets(95, 1)

    assert lower[0] == pytest.approx(-1.959964 * np.sqrt(22 / 5), rel=1e-6)
    assert upper[0] == pytest.approx(1.959964 * np.sqrt(22 / 5), rel=1e-6)


def test_a_tail_beyond_the_ranks_is_at_least_as_wide_as_the_extreme_residual():
    # mean 5.3, deviation 22.9: the normal tail alone would end at 50.2
    residuals = np.append(np.zeros(18), 100.0)[:, None]

    _, upper = IntervalTable.from_residuals(residuals).offsets(95, 1)

    assert upper[0] == 100


def test_missing_residuals_are_left_out():
    residuals = np.random.default_rng(0).normal(size=(60, 2))
    gaps = residuals.copy()
    gaps[50:, 1] = np.nan

    whole, part = (IntervalTable.from_residuals(r).quantiles for r in (residuals, gaps))

    np.testing.assert_array_equal(part[:, 0], whole[:, 0])
    np.testing.assert_array_equal(
        part[:, 1], IntervalTable.from_residuals(residuals[:50]).quantiles[:, 1]
    )


def test_a_step_with_fewer_than_two_residuals_takes_those_of_all_steps():
    residuals = np.random.default_rng(0).normal(size=(60, 2))
    residuals[1:, 1] = np.nan

    table = IntervalTable.from_residuals(residuals)

    pooled = np.append(residuals[:, 0], residuals[0, 1])[:, None]
    np.testing.assert_allclose(
        table.quantiles[:, 1], IntervalTable.from_residuals(pooled).quantiles[:, 0]
    )


def test_no_residual_tells_nothing():
    lower, upper = IntervalTable.from_residuals(np.zeros((0, 2))).offsets(80, 3)

    assert np.isnan(lower).all()
    assert np.isnan(upper).all()


def test_a_single_residual_counts_in_both_directions():
    lower, upper = IntervalTable.from_residuals(np.array([[3.0, np.nan]])).offsets(
        80, 2
    )

    # of -3 and 3 the deviation is sqrt(18), of which the 90 % quantile is 1.2816
    np.testing.assert_allclose(upper, 1.2815516 * np.sqrt(18))
    np.testing.assert_allclose(lower, -upper)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_table_without_numbers_is_refused(value):
    table = IntervalTable.from_residuals(np.random.default_rng(0).normal(size=(9, 2)))
    damaged = table.quantiles.copy()
    damaged[3, 1] = value

    assert table.check() is table
    with pytest.raises(ValueError, match="quantiles must be finite"):
        IntervalTable(damaged).check()
    with pytest.raises(ValueError, match="scaling must be a finite exponent"):
        IntervalTable(table.quantiles, VolatilityScaling(value, 1.0)).check()


def test_two_residuals_are_enough_for_a_finite_interval():
    lower, upper = IntervalTable.from_residuals(np.array([[-1.0], [2.0]])).offsets(
        99, 1
    )

    assert np.isfinite([lower, upper]).all()
    assert lower[0] <= -1
    assert upper[0] >= 2


@pytest.mark.parametrize("level", [50, 80, 95])
@pytest.mark.parametrize("count", [59, 200])
def test_exchangeable_residuals_are_covered_at_the_level_promised(level, count):
    # skewed residuals, 400 calibrations, each tried on 50 new residuals: the standard
    # error of the mean coverage is below 0.4 %, and the ranks add 2 / (n + 1) at most
    rng = np.random.default_rng(1)
    shares = []
    for _ in range(400):
        residuals = rng.gamma(2.0, size=(count, 1)) - 2
        lower, upper = IntervalTable.from_residuals(residuals).offsets(level, 1)
        shares.append(coverage(rng.gamma(2.0, size=50) - 2, lower, upper))

    assert level / 100 - 0.012 <= np.mean(shares)
    assert np.mean(shares) <= level / 100 + 2 / (count + 1) + 0.012


@given(RESIDUALS)
def test_quantiles_never_cross(residuals):
    quantiles = IntervalTable.from_residuals(residuals).quantiles

    assert not (np.diff(quantiles, axis=0) < 0).any()


@given(RESIDUALS, st.lists(st.floats(1, 99), min_size=2, max_size=5))
def test_levels_nest_around_the_forecast(residuals, levels):
    table = IntervalTable.from_residuals(residuals)

    bounds = [table.offsets(level, 6) for level in sorted(levels)]

    lowers, uppers = (np.array(side) for side in zip(*bounds, strict=True))
    assert not (np.diff(lowers, axis=0) > 1e-9).any()
    assert not (np.diff(uppers, axis=0) < -1e-9).any()
    assert not (lowers > 0).any()
    assert not (uppers < 0).any()


def test_a_biased_model_keeps_its_forecast_inside_the_interval():
    table = IntervalTable.from_residuals(np.linspace(5.0, 9.0, 50)[:, None])

    lower, upper = table.offsets(80, 1)

    assert lower[0] == 0
    assert upper[0] > 8


def test_a_level_between_two_of_the_table_is_interpolated():
    table = IntervalTable(PROBABILITIES[:, None] - 0.5)

    lower, upper = table.offsets(82.5, 1)

    assert lower[0] == pytest.approx(-0.4125)
    assert upper[0] == pytest.approx(0.4125)


def test_steps_beyond_the_table_widen_like_a_random_walk():
    residuals = np.random.default_rng(0).normal(size=(200, 2)) * [1, 3]
    table = IntervalTable.from_residuals(residuals)

    within, beyond = table.offsets(80, 2), table.offsets(80, 8)

    for short, long in zip(within, beyond, strict=True):
        np.testing.assert_array_equal(long[:2], short)
        np.testing.assert_allclose(long[2:], short[1] * np.sqrt(np.arange(3, 9) / 2))


@pytest.mark.parametrize("level", [0.5, 99.5, float("nan")])
def test_a_level_beyond_1_to_99_is_refused(level):
    table = IntervalTable.from_residuals(np.zeros((5, 1)))

    with pytest.raises(SettingError, match="level must be a percentage from 1 to 99"):
        table.offsets(level, 1)


def test_a_horizon_below_one_is_refused():
    table = IntervalTable.from_residuals(np.zeros((5, 1)))

    with pytest.raises(SettingError, match="horizon must be a whole number"):
        table.offsets(80, 0)
