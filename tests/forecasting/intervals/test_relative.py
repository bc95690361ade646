import numpy as np
import pytest

from forecasting.intervals.calibration import Calibration
from forecasting.intervals.errors import ForecastErrors
from forecasting.intervals.relative import prefers_relative, to_relative


def errors_of(residuals, unit=0.5):
    count = len(residuals)
    return ForecastErrors(
        residuals=residuals,
        volatility=np.ones(count),
        log_units=np.full(count, unit),
        overlap=1.0,
    )


def test_small_errors_are_the_same_and_large_ones_relative():
    residuals = np.array([[1e-6, np.log(3) / 0.5, -1e9, np.nan]])

    relative = to_relative(residuals, np.array([0.5]))[0]

    assert relative[0] == pytest.approx(1e-6, rel=1e-4)
    assert relative[1] == pytest.approx(2 / 0.5)  # three times the point
    assert relative[2] == pytest.approx(-1 / 0.5)  # nothing is left of it
    assert np.isnan(relative[3])


def test_errors_that_are_not_on_logarithms_stay_as_they_are():
    residuals = np.random.default_rng(0).normal(size=(99, 2))
    errors = ForecastErrors(residuals=residuals, volatility=np.ones(99))

    calibration = Calibration.start(errors, "split")

    assert not calibration.table.relative
    np.testing.assert_array_equal(calibration.errors.residuals, residuals)


def test_errors_with_the_same_relative_distribution_become_relative():
    random = np.random.default_rng(0)
    relative = random.uniform(-0.9, 0.9, size=(400, 2))
    errors = errors_of(np.log1p(relative) / 0.5)

    calibration = Calibration.start(errors, "adaptive")

    assert calibration.table.relative
    np.testing.assert_allclose(calibration.errors.residuals, relative / 0.5)


def test_logarithms_stay_where_their_intervals_score_clearly_better():
    # windows of very different units: relative errors of calm and wild ones differ
    random = np.random.default_rng(0)
    units = np.repeat([0.01, 2.0], 400)
    residuals = random.normal(size=(800, 1))
    errors = ForecastErrors(
        residuals=residuals, volatility=np.ones(800), log_units=units, overlap=1.0
    )

    assert not prefers_relative(errors, scaled=False)


@pytest.mark.parametrize("jump", [5.0, 500.0, np.inf])
def test_few_or_extreme_errors_are_no_evidence_for_logarithms(jump):
    random = np.random.default_rng(0)
    few, extreme = random.normal(size=(5, 2)), random.normal(size=(40, 2))
    extreme[:4] = jump

    assert prefers_relative(errors_of(few), scaled=True)
    assert prefers_relative(errors_of(extreme), scaled=True)


def test_later_errors_are_converted_as_the_first_ones():
    calibration = Calibration.start(errors_of(np.zeros((9, 1))), "split")

    later = calibration.update(errors_of(np.array([[2.0]])), np.array([0]))

    assert later.errors.residuals[-1, 0] == pytest.approx((np.e - 1) / 0.5)


def test_origins_are_joined_with_the_number_of_independent_ones():
    many = ForecastErrors(residuals=np.zeros((40, 4)), volatility=np.ones(40))
    apart = errors_of(np.zeros((5, 4)))

    assert many.independent == 10
    assert apart.independent == 5
    assert many.join(apart).independent == pytest.approx(15)
    assert apart.join(many).log_units is None
