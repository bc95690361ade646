"""Sizes of errors, and quantiles of their multiples."""

import numpy as np
import pytest
from scipy import stats

from forecasting.zeroshot.intervals import (
    GROWTH,
    WIDENING,
    error_quantile,
    error_sizes,
)

VALUES = np.arange(20.0)


def sizes_of(errors, values):
    """Return the sizes of one series from errors ``(origins, steps)``, with NaN."""
    sums, counts = np.nansum(errors, 0), (~np.isnan(errors)).sum(0)
    return error_sizes(values, np.array([0, len(values)]), sums[None], counts[None])[0]


@pytest.mark.parametrize("level", [1, 50, 80, 95, 99, 99.9])
def test_quantiles_are_those_of_students_t_distribution(level):
    expected = stats.t(3).ppf(0.5 + level / 200) * WIDENING
    mean_size = 2 * stats.t(3).expect(lambda x: x, lb=0)

    assert error_quantile(level) == pytest.approx(expected / mean_size, rel=1e-6)


def test_sizes_grow_with_the_step_as_the_errors_do():
    steps = np.arange(1.0, 25)
    rising = sizes_of(np.tile(steps, (8, 1)), VALUES)
    flat = sizes_of(np.full((8, 24), 3.0), VALUES)

    assert rising[-1] / rising[0] > 8
    assert 1 <= flat[-1] / flat[0] < 1.5
    assert flat.mean() == pytest.approx(3.0, rel=0.05)


def test_steps_that_were_never_measured_follow_the_growth_of_the_others():
    errors = np.full((2, 6), np.nan)
    errors[:, :2] = 1.0

    sizes = sizes_of(errors, VALUES)

    assert (np.diff(sizes) > 0).all()
    assert sizes[-1] < 6**GROWTH * 1.5


def test_without_a_backtest_the_changes_of_the_series_give_the_size():
    sizes = sizes_of(np.empty((0, 3)), 2 * VALUES)

    np.testing.assert_allclose(sizes, 2 * np.arange(1.0, 4) ** GROWTH)


def test_a_series_that_never_changed_has_no_errors():
    assert sizes_of(np.zeros((4, 3)), np.ones(9)).tolist() == [0.0, 0.0, 0.0]
