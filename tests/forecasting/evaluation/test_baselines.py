from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.data.panel import Panel
from forecasting.data.splits import Origins, last_origins
from forecasting.errors import NotFittedError, SeriesTooShort, SettingError
from forecasting.evaluation.baselines import RULES, Baseline
from forecasting.evaluation.linear_ar import MAX_WINDOWS
from forecasting.evaluation.metrics import coverage, naive_scale

SIMPLE = RULES[:-1]


def origins(*pairs: tuple[int, int]) -> Origins:
    series, ends = zip(*pairs, strict=True)
    return Origins(series=np.array(series), ends=np.array(ends))


def random_walks(*lengths: int, seed: int = 0) -> Panel:
    rng = np.random.default_rng(seed)
    return Panel.from_values(
        {f"s{i}": 50 + rng.normal(size=n).cumsum() for i, n in enumerate(lengths)}
    )


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("last_value", [8, 8, 8, 8]),
        ("seasonal_naive", [4, 2, 8, 4]),  # the last three again and again
        ("drift", [10, 12, 14, 16]),  # 8 plus (8 - 0) / 4 a step
        ("mean", [3, 3, 3, 3]),  # (0 + 1 + 4 + 2 + 8) / 5
    ],
)
def test_a_rule_by_hand(rule, expected):
    panel = Panel.from_values({"a": [0, 1, 4, 2, 8]})
    baseline = Baseline(rule, horizon=4, season_length=3)

    points = baseline.fit(panel).predict().points

    np.testing.assert_allclose(points, [expected])


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("last_value", [[3, 3], [20, 20], [5, 5]]),
        ("seasonal_naive", [[1, 3], [20, 20], [4, 5]]),  # b has one value at its origin
        ("drift", [[5, 7], [20, 20], [6.25, 7.5]]),  # slopes (3 - 1) / 1, none, 5 / 4
        ("mean", [[2, 2], [20, 20], [3, 3]]),  # of 1 3, of 20, of 0 1 5 4 5
    ],
)
def test_origins_may_lie_anywhere_in_several_series(rule, expected):
    panel = Panel.from_values(
        {"a": [1, 3, 9], "b": [20, 30, 40], "c": [0, 1, 5, 4, 5, 6]}
    )
    baseline = Baseline(rule, season_length=2)

    points = baseline.forecast_at(panel, origins((0, 2), (1, 1), (2, 5)))

    np.testing.assert_allclose(points, expected)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("poison", [np.nan, 1e9])
@given(ends=st.tuples(st.integers(4, 30), st.integers(4, 12), st.integers(4, 30)))
def test_nothing_behind_an_origin_is_looked_at(rule, poison, ends):
    panel = random_walks(30, 12, 30)
    baseline = Baseline(rule, seq_len=4, season_length=5).fit(panel)
    at = Origins(series=np.arange(3), ends=np.array(ends))
    values = panel.values.copy()
    for first, last, end in zip(
        panel.offsets[:-1], panel.offsets[1:], ends, strict=True
    ):
        values[first + end : last] = poison

    poisoned = baseline.forecast_at(replace(panel, values=values), at, horizon=5)

    np.testing.assert_array_equal(poisoned, baseline.forecast_at(panel, at, horizon=5))


@pytest.mark.parametrize("rule", RULES)
def test_an_origin_forecasts_what_the_series_cut_there_would(rule):
    panel, ends = random_walks(30, 20), np.array([25, 9])
    baseline = Baseline(rule, seq_len=4, season_length=5).fit(panel)

    points = baseline.forecast_at(panel, Origins(series=np.arange(2), ends=ends))

    np.testing.assert_allclose(points, baseline.predict(panel.until(ends)).points)


def test_linear_ar_recovers_an_exact_autoregression():
    # a wave is the autoregression y_t = 2 cos(w) y_(t-1) - y_(t-2); the penalty takes
    # one or two hundredths of it
    values = 100 + np.sin(0.4 * np.arange(300))
    panel = Panel.from_values({"a": values[:290]})

    forecast = Baseline("linear_ar", seq_len=4, horizon=3).fit(panel).predict()

    np.testing.assert_allclose(forecast.points[0], values[290:293], atol=0.02)


def test_linear_ar_recovers_the_coefficient_of_noisy_changes():
    # changes follow d_t = 0.6 d_(t-1) + noise, so the next value is 10 + 0.6 x 5
    rng = np.random.default_rng(0)
    noise, changes = rng.normal(size=20_000), np.zeros(20_000)
    for t in range(1, len(noise)):
        changes[t] = 0.6 * changes[t - 1] + noise[t]
    baseline = Baseline("linear_ar", seq_len=2, horizon=1)
    baseline.fit(Panel.from_values({"a": changes.cumsum()}))

    points = baseline.predict(Panel.from_values({"a": [0.0, 5.0, 10.0]})).points

    assert points[0, 0] == pytest.approx(13, abs=0.15)


def test_linear_ar_goes_beyond_its_horizon_by_feeding_back():
    values = 5 + np.sin(0.4 * np.arange(320))
    panel = Panel.from_values({"a": values[:300]})
    baseline = Baseline("linear_ar", seq_len=6, horizon=2).fit(panel)

    points = baseline.predict(horizon=7).points[0]

    np.testing.assert_array_equal(points[:2], baseline.predict().points[0])
    fed = Panel.from_values({"a": np.append(values[:300], points[:2])})
    np.testing.assert_allclose(points[2:4], baseline.predict(fed).points[0], rtol=1e-2)
    np.testing.assert_allclose(points, values[300:307], atol=0.05)


def test_linear_ar_does_not_care_for_units():
    panel = random_walks(80)
    other = replace(panel, values=1000 * panel.values - 7)

    ours, theirs = (
        Baseline("linear_ar").fit(p).predict().points for p in (panel, other)
    )

    np.testing.assert_allclose(theirs, 1000 * ours - 7)


def test_linear_ar_learns_from_an_even_choice_of_very_many_windows():
    # the wave is three times as high in the second half, where the forecast starts
    steps = np.arange(2 * MAX_WINDOWS)
    values = np.sin(0.4 * steps) * np.where(steps < MAX_WINDOWS, 1, 3)
    panel = Panel.from_values({"a": values[:-2]})

    forecast = Baseline("linear_ar").fit(panel).predict()

    np.testing.assert_allclose(forecast.points[0], values[-2:], atol=0.06)


@pytest.mark.parametrize("rule", RULES)
def test_a_constant_series_goes_on_as_it_is(rule):
    panel = Panel.from_values({"a": [7.0] * 30})

    forecast = Baseline(rule).fit(panel).predict(horizon=4, levels=[95])

    np.testing.assert_array_equal(forecast.points, 7)
    np.testing.assert_array_equal(forecast.intervals[95], 7)


@pytest.mark.parametrize("rule", SIMPLE)
def test_one_observation_is_enough_for_a_simple_rule(rule):
    panel = Panel.from_values({"a": [7.0]})

    forecast = Baseline(rule, season_length=3).fit(panel).predict(levels=[80])

    np.testing.assert_array_equal(forecast.points, 7)
    assert np.isnan(forecast.intervals[80]).all()


@pytest.mark.parametrize("rule", RULES)
def test_intervals_cover_about_what_they_promise(rule):
    panel = random_walks(*[120] * 40)
    seen = panel.until(panel.lengths - 2)

    forecast = Baseline(rule).fit(seen).predict(levels=[80])

    actual = panel.values[panel.offsets[1:, None] - [2, 1]]
    assert 0.65 <= coverage(actual, *forecast.intervals[80]) <= 0.95


def test_intervals_are_in_units_of_each_series():
    walk = np.random.default_rng(0).normal(size=100).cumsum()
    panel = Panel.from_values({"small": walk, "large": 100 * walk})

    lower, upper = Baseline("last_value").fit(panel).predict(levels=[80]).intervals[80]

    np.testing.assert_allclose((upper - lower)[1], 100 * (upper - lower)[0])


def bursts(count: int) -> Panel:
    """A random walk that is loud for 20 steps and calm for 20."""
    loud = np.arange(count) // 20 % 2 == 0
    steps = np.random.default_rng(0).normal(size=count) * np.where(loud, 5, 1)
    return Panel.from_values({"a": 100 + steps.cumsum()})


@pytest.mark.parametrize(
    ("intervals", "min_ratio", "max_ratio"), [("adaptive", 1.4, 6), ("split", 1, 1.2)]
)
def test_adaptive_intervals_are_wider_after_a_loud_stretch(
    intervals, min_ratio, max_ratio
):
    panel = bursts(400)
    baseline = Baseline("last_value", seq_len=10, intervals=intervals).fit(panel)
    at = origins((0, 339), (0, 359))  # after a loud stretch, after a calm one

    lower, upper = baseline.intervals_at(panel, at, np.zeros((2, 2)), [80])[80]

    loud, calm = (upper - lower)[:, 0]
    assert min_ratio <= loud / calm <= max_ratio


@pytest.mark.parametrize("rule", RULES)
def test_an_interval_ignores_what_lies_behind_its_origin(rule):
    panel = bursts(200)
    baseline = Baseline(rule, seq_len=10).fit(panel)
    values = panel.values.copy()
    values[150:] = 1e9
    at, points = origins((0, 150)), np.zeros((1, 2))

    poisoned = baseline.intervals_at(replace(panel, values=values), at, points, [80])

    clean = baseline.intervals_at(panel, at, points, [80])
    np.testing.assert_array_equal(poisoned[80], clean[80])


def test_residuals_are_those_of_the_last_half():
    # the first half is wild; in the second each step is 1, as is the error. The unit is
    # the mean change of the whole series, and so comes out of the interval again.
    values = np.append(np.tile([0.0, 1000.0], 50), 1000 + np.arange(1.0, 101.0))
    panel = Panel.from_values({"a": values})

    forecast = Baseline("last_value", horizon=1).fit(panel).predict(levels=[80])

    np.testing.assert_allclose(forecast.intervals[80][1], forecast.points + 1)


@pytest.mark.parametrize("season_length", [1, 4, 9, 30])
@pytest.mark.parametrize("end", [2, 4, 5, 9, 12])
def test_an_interval_is_as_wide_as_the_naive_scale_of_its_series(season_length, end):
    panel = random_walks(12, 12)
    baseline = Baseline("mean", season_length=season_length).fit(panel)
    cut = panel.until(np.array([12, end]))

    lower, upper = baseline.predict(cut, levels=[80]).intervals[80]

    scales = [naive_scale(cut.series(name), season_length) for name in ("s0", "s1")]
    width = upper - lower
    np.testing.assert_allclose(width[1] / width[0], scales[1] / scales[0])


def test_a_forecast_names_its_series_and_moments():
    panel = Panel.from_values({"a": [1, 2, 3], "b": [4, 5]})

    forecast = Baseline("drift").fit(panel).predict(horizon=3, levels=[95, 80])

    assert forecast.series_ids == ("a", "b")
    assert forecast.timestamps is not None
    assert forecast.timestamps.tolist() == [[4, 5, 6], [3, 4, 5]]
    assert list(forecast.intervals) == [80, 95]


@pytest.mark.parametrize("rule", RULES)
def test_new_observations_may_be_of_other_series(rule):
    baseline = Baseline(rule).fit(random_walks(60))
    others = random_walks(30, 40, seed=1)

    forecast = baseline.predict(others)

    expected = baseline.forecast_at(others, last_origins(others))
    np.testing.assert_array_equal(forecast.points, expected)


def test_linear_ar_refuses_to_learn_from_series_without_a_window():
    panel = Panel.from_values({"a": range(6), "b": [1.0]})

    with pytest.raises(SeriesTooShort, match="'a' has 6, 'b' has 1; at least 7 points"):
        Baseline("linear_ar").fit(panel)


def test_linear_ar_learns_from_the_series_that_are_long_enough():
    panel = Panel.from_values({"a": range(10), "b": range(5)})

    forecast = Baseline("linear_ar").fit(panel).predict()

    np.testing.assert_allclose(forecast.points, [[10, 11], [5, 6]])


def test_linear_ar_refuses_an_origin_with_less_than_a_window_before_it():
    baseline = Baseline("linear_ar").fit(random_walks(60))

    with pytest.raises(SeriesTooShort, match="'short' has 4; at least 5 points"):
        baseline.predict(Panel.from_values({"short": [1, 2, 3, 4]}))


@pytest.mark.parametrize("rule", RULES)
def test_predict_before_fit_is_refused(rule):
    with pytest.raises(NotFittedError, match=f"this {rule} baseline has not been"):
        Baseline(rule).predict()


def test_linear_ar_forecasts_nothing_before_fit():
    panel = random_walks(30)

    with pytest.raises(NotFittedError, match="call fit first"):
        Baseline("linear_ar").forecast_at(panel, last_origins(panel))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rule": "naive"}, "rule must be one of last_value, .*; found 'naive'"),
        ({"rule": "mean", "season_length": 0}, "season_length must be at least 1"),
        ({"rule": "mean", "seq_len": 0}, "seq_len must be"),
        ({"rule": "mean", "horizon": 0}, "horizon must be"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings, message):
    with pytest.raises(SettingError, match=message):
        Baseline(**settings)


def test_a_horizon_of_zero_is_refused():
    baseline = Baseline("mean").fit(random_walks(10))

    with pytest.raises(SettingError, match="horizon must be a whole number"):
        baseline.predict(horizon=0)
