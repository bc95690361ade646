import numpy as np
import pytest

from forecasting.data.panel import Panel
from forecasting.data.splits import Origins, last_origins
from forecasting.errors import SeriesTooShort
from forecasting.evaluation.zero_shot_baseline import ZeroShotBaseline
from forecasting.zeroshot import zero_shot

LEVELS = (80.0, 95.0)
ORIGINS = Origins(series=np.array([0, 1, 0]), ends=np.array([60, 41, 84]))


def weekly(*lengths: int) -> Panel:
    rng = np.random.default_rng(0)
    return Panel.from_values(
        {
            f"s{place}": 20 + np.arange(length) % 7 + rng.normal(0, 0.3, length)
            for place, length in enumerate(lengths)
        }
    )


@pytest.fixture(scope="module")
def panel():
    return weekly(100, 50)


@pytest.mark.parametrize("season_length", ["auto", 7, 1])
def test_an_origin_gets_the_zero_shot_forecast_of_the_observations_before_it(
    panel, season_length
):
    baseline = ZeroShotBaseline(horizon=5, season_length=season_length)

    points = baseline.forecast_at(panel, ORIGINS)
    intervals = baseline.intervals_at(panel, ORIGINS, points, LEVELS)

    for row, (series, end) in enumerate(zip(ORIGINS.series, ORIGINS.ends, strict=True)):
        values = panel.series(panel.series_ids[series])[:end]
        expected = zero_shot(
            Panel.from_values({"seen": values}),
            horizon=5,
            season_length=season_length,
            levels=LEVELS,
        )
        np.testing.assert_array_equal(points[row], expected.points[0])
        for level in LEVELS:
            for bound, other in zip(
                intervals[level], expected.intervals[level], strict=True
            ):
                np.testing.assert_array_equal(bound[row], other[0])


@pytest.mark.parametrize("poison", [np.nan, 1e9, -1e9])
def test_nothing_behind_an_origin_changes_its_forecast(panel, poison):
    baseline, values = ZeroShotBaseline(horizon=5), panel.values.copy()
    origins = Origins(series=np.array([0, 1]), ends=np.array([60, 41]))
    clean = baseline.forecast_at(panel, origins)
    bounds = baseline.intervals_at(panel, origins, clean, LEVELS)
    poisoned = weekly(100, 50)
    poisoned.values[60:100] = poison
    poisoned.values[141:] = poison

    points = baseline.fit(poisoned).forecast_at(poisoned, origins)

    np.testing.assert_array_equal(points, clean)
    for level, pair in baseline.intervals_at(poisoned, origins, points, LEVELS).items():
        np.testing.assert_array_equal(pair, bounds[level])
    np.testing.assert_array_equal(panel.values, values)


def test_other_levels_than_those_of_the_baseline_are_computed_anew(panel):
    few = ZeroShotBaseline(horizon=5, levels=(80,))
    points = few.forecast_at(panel, ORIGINS)

    intervals = few.intervals_at(panel, ORIGINS, points, LEVELS)

    expected = ZeroShotBaseline(horizon=5).intervals_at(panel, ORIGINS, points, LEVELS)
    for level in LEVELS:
        np.testing.assert_array_equal(intervals[level], expected[level])


def test_later_errors_change_no_interval(panel):
    baseline = ZeroShotBaseline(horizon=5)
    points = baseline.forecast_at(panel, ORIGINS)
    before = baseline.intervals_at(panel, ORIGINS, points)

    baseline.calibrate(panel, ORIGINS, points + 100)

    after = baseline.intervals_at(panel, ORIGINS, points)
    np.testing.assert_array_equal(after[80], before[80])


def test_covariates_are_not_read(panel):
    values = {name: panel.series(name) for name in panel.series_ids}
    prices = {name: np.arange(len(row), dtype=float) for name, row in values.items()}
    priced = Panel.from_values(values, past_covariates={"price": prices})
    baseline = ZeroShotBaseline(horizon=3)

    points = baseline.forecast_at(priced, last_origins(priced))

    expected = baseline.forecast_at(panel, last_origins(panel))
    np.testing.assert_array_equal(points, expected)


def test_two_observations_are_too_few(panel):
    origins = Origins(series=np.array([0]), ends=np.array([2]))

    with pytest.raises(SeriesTooShort, match="at least 3 points"):
        ZeroShotBaseline(horizon=2).forecast_at(panel, origins)
