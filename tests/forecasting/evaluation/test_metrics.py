import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from forecasting.evaluation import metrics

ACTUAL = np.array([[1.0, 2.0, 4.0], [10.0, 20.0, 40.0]])
FORECAST = np.array([[2.0, 2.0, 1.0], [15.0, 10.0, 40.0]])
LOWER = np.array([[0.0, 2.5, 1.0], [14.0, 5.0, 30.0]])
UPPER = np.array([[3.0, 4.0, 6.0], [16.0, 15.0, 50.0]])

RECTANGLES = hnp.arrays(
    np.float64,
    hnp.array_shapes(min_dims=2, max_dims=2, max_side=6),
    elements=st.floats(-1e6, 1e6),
)
Pair = Callable[[float, float], float]


def average(one: Pair, actual: np.ndarray, forecast: np.ndarray) -> float:
    """Loop over all steps, as slowly and plainly as possible."""
    total, count = 0.0, 0
    for row_actual, row_forecast in zip(actual, forecast, strict=True):
        for y, f in zip(row_actual, row_forecast, strict=True):
            total += one(float(y), float(f))
            count += 1
    return total / count


def test_mae_by_hand():
    # errors 1 0 3 | 5 10 0: 19 / 6
    assert metrics.mae(ACTUAL, FORECAST) == pytest.approx(19 / 6)


def test_rmse_by_hand():
    # squares 1 0 9 | 25 100 0: sqrt(135 / 6) = sqrt(22.5)
    assert metrics.rmse(ACTUAL, FORECAST) == pytest.approx(math.sqrt(22.5))


def test_mape_by_hand():
    # 100 % 0 % 75 % | 50 % 50 % 0 %: 275 / 6
    assert metrics.mape(ACTUAL, FORECAST) == pytest.approx(275 / 6)


def test_mape_leaves_out_steps_whose_actual_value_is_zero():
    actual, forecast = np.array([0.0, 4.0]), np.array([3.0, 5.0])

    # only |4 - 5| / 4 counts
    assert metrics.mape(actual, forecast) == pytest.approx(25)


def test_mape_of_zeros_is_unknown():
    assert math.isnan(metrics.mape(np.zeros(3), np.ones(3)))


def test_smape_by_hand():
    # 200/3, 0, 200 3/5 = 120 | 200 5/25 = 40, 200 10/30 = 200/3, 0
    expected = (200 / 3 + 120 + 40 + 200 / 3) / 6

    assert metrics.smape(ACTUAL, FORECAST) == pytest.approx(expected)


def test_smape_counts_zero_where_both_are_zero():
    actual, forecast = np.array([0.0, 1.0]), np.array([0.0, 0.0])

    # 0 and 200 1/1
    assert metrics.smape(actual, forecast) == pytest.approx(100)


def test_mase_by_hand():
    scale = np.array([[2.0], [10.0]])

    # row errors 4/3 and 5; 4/3 / 2 = 2/3 and 5 / 10 = 1/2; their mean 7/12
    assert metrics.mase(ACTUAL, FORECAST, scale) == pytest.approx(7 / 12)


def test_rmsse_by_hand():
    scale = np.array([[10 / 3], [125 / 12]])

    # row squares 10/3 and 125/3; ratios 1 and 4; roots 1 and 2
    assert metrics.rmsse(ACTUAL, FORECAST, scale) == pytest.approx(1.5)


@pytest.mark.parametrize("metric", [metrics.mase, metrics.rmsse])
def test_scaled_errors_leave_out_rows_whose_scale_is_zero(metric):
    both = metric(ACTUAL, FORECAST, np.array([[0.0], [4.0]]))

    assert both == metric(ACTUAL[1:], FORECAST[1:], 4.0)


@pytest.mark.parametrize("metric", [metrics.mase, metrics.rmsse])
def test_scaled_errors_are_unknown_where_every_scale_is_zero(metric):
    assert math.isnan(metric(ACTUAL, FORECAST, 0.0))


@pytest.mark.parametrize("metric", [metrics.mase, metrics.rmsse])
def test_scaled_errors_take_one_row_with_one_scale(metric):
    assert metric(ACTUAL[0], FORECAST[0], 2.0) == metric(
        ACTUAL[:1], FORECAST[:1], np.array([[2.0]])
    )


def test_a_scale_for_each_step_instead_of_each_row_is_refused():
    square = np.ones((3, 3))

    with pytest.raises(ValueError, match="broadcast"):
        metrics.mase(square, square, np.ones(3))


def test_owa_by_hand():
    # (12 / 10 + 0.9 / 1.5) / 2 = (1.2 + 0.6) / 2
    assert metrics.owa(12, 0.9, 10, 1.5) == pytest.approx(0.9)


def test_owa_without_a_reference_error_is_unknown():
    assert math.isnan(metrics.owa(12, 0.9, 0, 1.5))


def test_pinball_by_hand():
    actual, forecast = np.array([5.0, 5.0]), np.array([3.0, 9.0])

    # 0.9 x 2 where the quantile is too low, 0.1 x 4 where it is too high
    assert metrics.pinball(actual, forecast, 0.9) == pytest.approx((1.8 + 0.4) / 2)


def test_pinball_at_the_median_is_half_the_absolute_error():
    half = metrics.mae(ACTUAL, FORECAST) / 2

    assert metrics.pinball(ACTUAL, FORECAST, 0.5) == pytest.approx(half)


def test_coverage_by_hand():
    # in, below, in | below, above, in
    assert metrics.coverage(ACTUAL, LOWER, UPPER) == pytest.approx(3 / 6)


def test_an_interval_holds_its_bounds():
    ones = np.ones(2)

    assert metrics.coverage(ones, ones, ones) == 1


def test_interval_width_by_hand():
    # 3 1.5 5 | 2 10 20: 41.5 / 6
    assert metrics.interval_width(LOWER, UPPER) == pytest.approx(41.5 / 6)


def test_interval_score_by_hand():
    # widths 41.5; outside by 0.5, 4 and 5: 9.5 times 2 / 0.2
    expected = (41.5 + 9.5 * 10) / 6

    assert metrics.interval_score(ACTUAL, LOWER, UPPER, 80) == pytest.approx(expected)


def test_msis_by_hand():
    # widths 9.5 | 32; outside 0.5 | 9, times 10: 14.5 | 122; a step's mean over scale
    expected = (14.5 / 3 / 2 + 122 / 3 / 4) / 2

    result = metrics.msis(ACTUAL, LOWER, UPPER, 80, np.array([[2.0], [4.0]]))

    assert result == pytest.approx(expected)


def test_msis_leaves_out_rows_whose_scale_is_zero():
    scale = np.array([[2.0], [0.0]])

    result = metrics.msis(ACTUAL, LOWER, UPPER, 80, scale)

    assert result == pytest.approx(14.5 / 3 / 2)


def test_skill_by_hand():
    assert metrics.skill(3.0, 4.0) == 0.25
    assert metrics.skill(5.0, 4.0) == -0.25


def test_skill_over_a_perfect_baseline_is_unknown():
    assert math.isnan(metrics.skill(0.0, 0.0))


def test_naive_scale_by_hand():
    values = np.array([1.0, 4.0, 2.0, 8.0])

    # |3|, |-2|, |6|: 11 / 3; two steps apart |1|, |4|: 5 / 2
    assert metrics.naive_scale(values, 1) == pytest.approx(11 / 3)
    assert metrics.naive_scale(values, 2) == pytest.approx(5 / 2)


def test_naive_squared_scale_by_hand():
    values = np.array([1.0, 4.0, 2.0, 8.0])

    # 9, 4, 36: 49 / 3; two steps apart 1, 16: 17 / 2
    assert metrics.naive_squared_scale(values, 1) == pytest.approx(49 / 3)
    assert metrics.naive_squared_scale(values, 2) == pytest.approx(17 / 2)


@pytest.mark.parametrize("scale", [metrics.naive_scale, metrics.naive_squared_scale])
def test_a_series_no_longer_than_a_season_is_scaled_by_its_steps(scale):
    values = np.array([1.0, 4.0, 2.0, 8.0])

    assert scale(values, 4) == scale(values, 1)


@pytest.mark.parametrize("scale", [metrics.naive_scale, metrics.naive_squared_scale])
@pytest.mark.parametrize("values", [np.full(6, 3.0), np.array([3.0])])
def test_the_scale_of_a_constant_series_is_zero(scale, values):
    assert scale(values, 2) == 0


@given(RECTANGLES)
def test_errors_of_equal_arrays_are_exactly_zero(values):
    level, ones = 80, np.ones((len(values), 1))

    assert metrics.mae(values, values) == 0
    assert metrics.rmse(values, values) == 0
    assert metrics.smape(values, values) == 0
    assert metrics.mape(np.abs(values) + 1, np.abs(values) + 1) == 0
    assert metrics.mase(values, values, ones) == 0
    assert metrics.rmsse(values, values, ones) == 0
    assert metrics.pinball(values, values, 0.3) == 0
    assert metrics.interval_score(values, values, values, level) == 0


@pytest.mark.parametrize(
    ("metric", "one"),
    [
        (metrics.mae, lambda y, f: abs(y - f)),
        (lambda y, f: metrics.rmse(y, f) ** 2, lambda y, f: (y - f) ** 2),
        (metrics.mape, lambda y, f: 100 * abs(y - f) / abs(y)),
        (metrics.smape, lambda y, f: 200 * abs(y - f) / (abs(y) + abs(f))),
        (lambda y, f: metrics.mase(y, f, 3.0), lambda y, f: abs(y - f) / 3),
        (
            lambda y, f: metrics.pinball(y, f, 0.2),
            lambda y, f: 0.2 * (y - f) if y >= f else 0.8 * (f - y),
        ),
        (
            lambda y, f: metrics.coverage(y, f - 1, f + 1),
            lambda y, f: float(f - 1 <= y <= f + 1),
        ),
        (
            lambda y, f: metrics.interval_score(y, f - 1, f + 1, 95),
            lambda y, f: 2 + 40 * max(0.0, abs(y - f) - 1),
        ),
    ],
    ids=["mae", "mse", "mape", "smape", "mase", "pinball", "coverage", "score"],
)
def test_a_metric_agrees_with_a_plain_loop(metric, one):
    rng = np.random.default_rng(0)
    actual, forecast = rng.normal(size=(2, 7, 4))

    assert metric(actual, forecast) == pytest.approx(average(one, actual, forecast))


def test_rmsse_agrees_with_a_plain_loop():
    rng = np.random.default_rng(0)
    actual, forecast = rng.normal(size=(2, 7, 4))
    scale = rng.uniform(1, 2, size=(7, 1))

    rows = []
    for y, f, s in zip(actual, forecast, scale, strict=True):
        squares = [(a - b) ** 2 for a, b in zip(y, f, strict=True)]
        rows.append(math.sqrt(sum(squares) / 4 / s[0]))

    assert metrics.rmsse(actual, forecast, scale) == pytest.approx(sum(rows) / 7)
