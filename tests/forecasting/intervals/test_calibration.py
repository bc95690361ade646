import numpy as np
import pytest

from forecasting.evaluation.metrics import coverage, interval_score
from forecasting.intervals.calibration import MIN_STEP, Calibration
from forecasting.intervals.errors import ForecastErrors
from forecasting.intervals.table import IntervalTable

NOISE = np.random.default_rng(0).normal(size=(200, 2))


def start(residuals=NOISE, method="adaptive", volatility=None):
    if volatility is None:
        volatility = np.ones(len(residuals))
    errors = ForecastErrors(residuals=residuals, volatility=volatility)
    return Calibration.start(errors, method)


def learn_errors(calibration, residuals, moments=None):
    count = len(residuals)
    when = np.arange(count) if moments is None else moments
    errors = ForecastErrors(residuals=residuals, volatility=np.ones(count))
    return calibration.update(errors, when)


def test_split_calibration_counts_all_errors_alike():
    early, late = NOISE[:150], 9 * NOISE[150:]

    learned = learn_errors(start(early, "split"), late)

    both = IntervalTable.from_residuals(np.concatenate([early, late]))
    np.testing.assert_array_equal(learned.table.quantiles, both.quantiles)
    assert learned.table.scaling.exponent == 0


def test_without_volatility_or_misses_adaptive_calibration_is_split():
    np.testing.assert_array_equal(
        start().table.quantiles, start(method="split").table.quantiles
    )


def test_errors_are_compared_at_their_volatility():
    volatility = np.repeat([1.0, 10.0], 100)

    table = start(NOISE * volatility[:, None], volatility=volatility).table

    small, large = table.scaling.sizes(np.array([1.0, 10.0]))[:, 0]
    assert large / small == pytest.approx(10, rel=0.15)


def test_a_miss_widens_a_level_and_a_hit_narrows_it():
    step = 1.0  # the first one

    miss, hit = (
        learn_errors(start(), np.full((1, 2), 99.0)),
        learn_errors(start(), np.zeros((1, 2))),
    )

    np.testing.assert_allclose(miss.factors[[79, 94]], np.exp([0.8 * step, 0.95]))
    np.testing.assert_allclose(hit.factors[[79, 94]], np.exp([-0.2 * step, -0.05]))


def test_steps_shrink_but_not_for_ever():
    calibration = start()
    steps = []
    for _ in range(150):
        before = calibration.factors[79]
        calibration = learn_errors(calibration, np.zeros((1, 2)))
        steps.append(np.log(before / calibration.factors[79]) / 0.2)

    np.testing.assert_allclose(steps[:4], np.arange(1, 5) ** -0.5)
    assert steps[-1] == pytest.approx(MIN_STEP)


def test_what_was_forecast_together_is_one_moment():
    residuals = np.array([[99.0, 99.0], [0.0, 0.0]])

    learned = learn_errors(start(), residuals, np.array([7, 7]))

    assert learned.moments == 1
    assert learned.factors[79] == pytest.approx(np.exp(0.5 - 0.2))


def test_moments_are_taken_in_from_the_oldest():
    shuffled = np.array([2, 0, 1])

    ordered = learn_errors(start(), NOISE[:3])
    other = learn_errors(start(), NOISE[shuffled], shuffled)

    np.testing.assert_array_equal(other.factors, ordered.factors)


def test_infinite_errors_leave_finite_intervals():
    residuals = NOISE.copy()
    residuals[:9] = np.inf
    residuals[9:12] = -np.inf

    for method in ("split", "adaptive"):
        assert np.isfinite(start(residuals, method).table.check().quantiles).all()


def test_nothing_known_stays_nothing_known():
    learned = learn_errors(start(np.empty((0, 2))), np.full((1, 2), np.nan))

    assert np.isnan(learned.table.quantiles).all()
    assert (learned.factors == 1).all()


def test_widening_keeps_the_levels_nested():
    random = np.random.default_rng(1)
    table = start().table.widened(np.exp(random.normal(size=99)))

    lower, upper = zip(
        *(table.offsets(level, 2) for level in range(1, 100)), strict=True
    )

    assert (np.diff(lower, axis=0) <= 0).all()
    assert (np.diff(upper, axis=0) >= 0).all()


def test_a_residual_is_missed_by_the_levels_that_do_not_hold_it():
    table = start(np.arange(-99.0, 100.0)[:, None]).table  # n + 1 = 200: exact ranks

    missed = table.levels_missed(np.array([[0.0], [50.0], [-50.5], [1e9], [np.nan]]))

    assert missed.tolist() == [0, 49, 50, 99]
    lower, upper = table.offsets(50, 1)
    assert (lower[0], upper[0]) == (-50, 50)


# Coverage


def walk(sizes, method, seed):
    """Forecast 0 for noise of some sizes; return coverage and score of each level.

    The first 100 errors are held out, the others come one by one.
    """
    noise = np.random.default_rng(seed).normal(size=(len(sizes), 1)) * sizes[:, None]
    calibration, bounds = start(noise[:100], method), []
    for moment in range(100, len(sizes)):
        bounds.append([calibration.table.offsets(level, 1) for level in (80, 95)])
        calibration = learn_errors(calibration, noise[moment : moment + 1])
    sides = np.array(bounds)[..., 0]  # (moments, levels, sides)
    results = []
    for level, (lower, upper) in zip((80, 95), sides.transpose(1, 2, 0), strict=True):
        covered = coverage(noise[100:, 0], lower, upper)
        results += [covered, interval_score(noise[100:, 0], lower, upper, level)]
    return results


def test_where_nothing_drifts_adaptive_intervals_cover_as_much_as_split_ones():
    # 25 runs of 150 steps: the standard error of the mean is below 1 %
    adaptive, split = (
        np.mean([walk(np.ones(250), method, seed) for seed in range(25)], axis=0)
        for method in ("adaptive", "split")
    )

    np.testing.assert_allclose(adaptive[[0, 2]], [0.8, 0.95], atol=0.02)
    assert (adaptive[[1, 3]] < 1.08 * split[[1, 3]]).all()


def test_where_volatility_doubles_adaptive_intervals_follow():
    sizes = np.repeat([1.0, 2.0], [110, 190])

    adaptive, split = (
        np.mean([walk(sizes, method, seed) for seed in range(10)], axis=0)
        for method in ("adaptive", "split")
    )

    np.testing.assert_allclose(adaptive[[0, 2]], [0.8, 0.95], atol=0.03)
    assert (adaptive[[1, 3]] < 1.02 * split[[1, 3]]).all()
    assert split[0] < 0.72
