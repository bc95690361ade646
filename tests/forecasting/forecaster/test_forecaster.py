from dataclasses import replace

import numpy as np
import pytest
import torch

from forecasting.data.panel import Panel
from forecasting.data.splits import Origins, last_origins
from forecasting.data.windows import WindowSpec
from forecasting.errors import (
    DataError,
    IrregularTimestamps,
    NotFittedError,
    SeriesTooShort,
    SettingError,
)
from forecasting.forecaster.forecaster import Forecaster
from forecasting.intervals.table import IntervalTable
from forecasting.models.config import RecurrentConfig
from forecasting.scaling.methods import METHODS
from forecasting.training import TrainingConfig

SPEC = WindowSpec(seq_len=5, horizon=2)


def noise(count=120, seed=0):
    return np.random.default_rng(seed).normal(size=count)


def season(count=120, seed=0):
    return 20 + 5 * np.sin(0.3 * np.arange(count)) + noise(count, seed)


def single_series(values, **settings):
    return Panel.from_values({"a": values}, **settings)


def two_series():
    return Panel.from_values({"a": season(), "b": 100 * season(80, seed=1)})


def days(count, start="2024-01-01"):
    return np.datetime64(start, "ns") + np.arange(count) * np.timedelta64(1, "D")


def sunday_to_thursday(count):
    sunday, mask = np.datetime64("2024-01-07"), "Sun Mon Tue Wed Thu"
    return np.busday_offset(sunday, np.arange(count), weekmask=mask)


def as_days(forecast):
    return forecast.timestamps[0].astype("datetime64[D]").astype(str).tolist()


def make(spec=SPEC, training=None, **model):
    return Forecaster(
        windows=spec,
        model=RecurrentConfig(**{"hidden_size": 4, **model}),
        training=TrainingConfig(**{"device": "cpu", "epochs": 3, **(training or {})}),
    )


@pytest.fixture(scope="module")
def single():
    return make().fit(single_series(season()))


@pytest.fixture(scope="module")
def panel_model():
    return make().fit(two_series())


# Accuracy


@pytest.mark.parametrize("linear_skip", [True, False])
def test_an_autoregressive_process_is_learnt_to_near_its_noise(linear_skip):
    shocks, values = noise(2500), np.zeros(2500)
    for t in range(2, 2500):
        values[t] = 0.6 * values[t - 1] + 0.3 * values[t - 2] + shocks[t]
    panel = single_series(values)
    ends = np.arange(2000, 2499)
    origins = Origins(series=np.zeros_like(ends), ends=ends)
    training = {"epochs": 12, "learning_rate": 0.01}

    model = make(linear_skip=linear_skip, training=training, normalization="standard")
    points = model.fit(panel.until(np.array([2000]))).forecast_at(panel, origins)

    error = np.sqrt(((points[:, 0] - values[ends]) ** 2).mean())
    floor = np.sqrt((shocks[ends] ** 2).mean())
    assert 0.95 * floor < error < 1.05 * floor


@pytest.mark.parametrize(
    ("linear_skip", "strategy", "tolerance"),
    [
        (True, "direct", 0.01),
        (True, "recursive", 0.01),
        (True, "seq2seq", 0.01),
        (False, "direct", 0.1),
    ],
)
def test_a_sine_is_forecast_far_ahead(linear_skip, strategy, tolerance):
    wave = np.sin(2 * np.pi * np.arange(330) / 20)
    training = {"epochs": 40, "learning_rate": 0.02, "batch_size": 32}
    spec = WindowSpec(seq_len=12, horizon=4)
    model = make(
        spec, training, linear_skip=linear_skip, strategy=strategy, hidden_size=8
    )

    forecast = model.fit(single_series(wave[:300])).predict(horizon=30)

    assert np.abs(forecast.points[0] - wave[300:]).max() < tolerance


# Points and timestamps


def test_a_forecast_has_a_row_a_series_and_goes_on_after_its_end(panel_model):
    forecast = panel_model.predict(levels=[80])

    assert forecast.series_ids == ("a", "b")
    assert forecast.points.shape == (2, 2)
    assert forecast.timestamps.tolist() == [[121, 122], [81, 82]]
    assert list(forecast.intervals) == [80]


def test_the_first_steps_do_not_depend_on_the_horizon(panel_model):
    long, short = panel_model.predict(horizon=11), panel_model.predict(horizon=2)

    assert long.points.shape == (2, 11)
    np.testing.assert_array_equal(long.points[:, :2], short.points)
    np.testing.assert_array_equal(
        panel_model.predict(horizon=1).points, short.points[:, :1]
    )


def test_beyond_the_trained_horizon_forecasts_are_fed_back(single):
    values = season()

    forecast = single.predict(horizon=4).points[0]

    observed = single_series(np.concatenate([values, forecast[:2]]))
    again = single.predict(observed).points[0]
    np.testing.assert_allclose(forecast[2:], again, rtol=1e-5)


def test_the_series_seen_go_on_as_when_they_are_given(panel_model):
    remembered, passed = (
        panel_model.predict(horizon=5),
        panel_model.predict(two_series(), horizon=5),
    )

    np.testing.assert_array_equal(remembered.points, passed.points)
    np.testing.assert_array_equal(remembered.timestamps, passed.timestamps)
    for level, bounds in remembered.intervals.items():
        np.testing.assert_array_equal(bounds, passed.intervals[level])


def test_series_may_come_in_any_order_and_number(panel_model):
    panel = two_series()
    swapped = Panel.from_values({s: panel.series(s) for s in ("b", "a")})
    lone = Panel.from_values({"b": panel.series("b")})

    expected = panel_model.predict(panel).points

    np.testing.assert_allclose(
        panel_model.predict(swapped).points, expected[::-1], rtol=1e-6
    )
    np.testing.assert_allclose(
        panel_model.predict(lone).points, expected[1:], rtol=1e-6
    )


@pytest.mark.parametrize("strategy", ["direct", "recursive", "seq2seq"])
def test_a_batch_is_forecast_as_one_by_one(strategy):
    panel = Panel.from_values({f"s{i}": season(40, seed=i) for i in range(12)})
    model = make(strategy=strategy, members=2).fit(panel)

    together = model.predict(horizon=6).points

    alone = [
        model.predict(Panel.from_values({s: panel.series(s)}), horizon=6).points[0]
        for s in panel.series_ids
    ]
    np.testing.assert_allclose(together, alone, rtol=1e-5)


def test_a_forecast_rests_on_the_last_window_alone(single):
    values = season()

    whole, window = (
        single.predict(single_series(values)),
        single.predict(single_series(values[-5:])),
    )

    np.testing.assert_array_equal(whole.points, window.points)


def test_a_series_unknown_to_a_panel_model_is_scaled_by_its_own_history():
    panel = Panel.from_values({"a": season(), "b": season(seed=1)})
    model = make(normalization="standard").fit(panel)
    new = season(seed=2)

    small = model.predict(Panel.from_values({"new": new})).points
    large = model.predict(Panel.from_values({"new": 1e4 * new})).points

    np.testing.assert_allclose(large, 1e4 * small, rtol=1e-4)
    assert 10 < small.mean() < 30


def test_a_model_of_one_series_takes_any_series_for_it(single):
    values = season()

    named = single.predict(Panel.from_values({"another": values, "third": values - 1}))

    np.testing.assert_allclose(named.points[0], single.predict().points[0], rtol=1e-6)
    assert named.series_ids == ("another", "third")


@pytest.mark.parametrize("method", sorted(set(METHODS) - {"none", "log", "log_ets"}))
def test_a_series_in_another_unit_is_forecast_in_that_unit(method):
    celsius = season()
    fahrenheit = 32 + 1.8 * celsius

    first = make(normalization=method).fit(single_series(celsius)).predict(horizon=5)
    second = (
        make(normalization=method).fit(single_series(fahrenheit)).predict(horizon=5)
    )

    np.testing.assert_allclose(32 + 1.8 * first.points, second.points, rtol=1e-3)
    lower, upper = first.intervals[80]
    np.testing.assert_allclose(32 + 1.8 * lower, second.intervals[80][0], rtol=1e-3)
    np.testing.assert_allclose(32 + 1.8 * upper, second.intervals[80][1], rtol=1e-3)


@pytest.mark.parametrize("method", ["log", "log_ets"])
def test_with_logarithms_ten_times_the_series_is_ten_times_the_forecast(method):
    first = make(normalization=method).fit(single_series(season())).predict(horizon=5)
    second = (
        make(normalization=method).fit(single_series(10 * season())).predict(horizon=5)
    )

    np.testing.assert_allclose(10 * first.points, second.points, rtol=1e-3)


def test_one_series_many_times_over_is_forecast_alike_at_any_level():
    panel = Panel.from_values({"small": season(), "large": 1e6 * season()})

    points = make(normalization="last").fit(panel).predict().points

    np.testing.assert_allclose(1e6 * points[0], points[1], rtol=1e-4)


# No future


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("ids", [("a", "b"), ("new", "b")])
def test_a_forecast_ignores_everything_behind_its_origin(method, ids):
    model = make(normalization=method).fit(two_series())
    clean = [season(), 100 * season(80, seed=1)]
    poisoned = [values.copy() for values in clean]
    poisoned[0][60:] = -1e9
    poisoned[1][50:] = 0
    origins = Origins(series=np.array([0, 1, 0]), ends=np.array([60, 50, 30]))

    points, bounds = [], []
    for values in (clean, poisoned):
        panel = Panel.from_values(dict(zip(ids, values, strict=True)))
        points.append(model.forecast_at(panel, origins, 4))
        bounds.append(model.intervals_at(panel, origins, points[-1], [80]))

    np.testing.assert_array_equal(points[0], points[1])
    np.testing.assert_array_equal(bounds[0][80], bounds[1][80])


def test_an_origin_is_the_end_of_a_shorter_series(single):
    panel = single_series(season())
    ends = np.array([60, 5, 120])

    points = single.forecast_at(panel, Origins(series=np.zeros(3, int), ends=ends))

    for end, row in zip(ends, points, strict=True):
        cut = panel.until(np.array([end]))
        np.testing.assert_allclose(row, single.predict(cut).points[0], rtol=1e-6)


def test_the_series_that_were_given_are_left_as_they_were(panel_model):
    panel = two_series()

    panel_model.predict(panel, horizon=9)
    make().fit(panel)

    np.testing.assert_array_equal(panel.values, two_series().values)


# Intervals


@pytest.mark.parametrize("method", METHODS)
def test_levels_nest_round_the_point(method):
    forecast = (
        make(normalization=method)
        .fit(two_series())
        .predict(horizon=7, levels=[99, 50, 80, 1])
    )

    inner = (forecast.points, forecast.points)
    assert list(forecast.intervals) == [1, 50, 80, 99]
    for lower, upper in forecast.intervals.values():
        assert (lower <= inner[0]).all()
        assert (upper >= inner[1]).all()
        inner = lower, upper


def test_rounding_puts_no_bound_beyond_the_point(panel_model):
    panel, points = two_series(), 100 * np.random.default_rng(0).random((2, 500))
    fitted = panel_model.trained
    no_width = IntervalTable(np.zeros_like(fitted.intervals.quantiles))
    model = make()
    model.trained = replace(fitted, intervals=no_width)

    lower, upper = model.intervals_at(panel, last_origins(panel), points, [80])[80]

    assert (lower <= points).all()
    assert (points <= upper).all()
    np.testing.assert_allclose(lower, upper)


def test_intervals_cover_about_their_level():
    panel = Panel.from_values({f"s{seed}": noise(500, seed) for seed in range(8)})
    model = make().fit(panel.until(np.full(8, 400)))
    series, ends = (grid.ravel() for grid in np.mgrid[0:8, 400:499])
    origins = Origins(series=series, ends=ends)

    points = model.forecast_at(panel, origins)

    first = panel.offsets[series] + ends
    actual = panel.values[first[:, None] + np.arange(2)]
    for level, (lower, upper) in model.intervals_at(panel, origins, points).items():
        covered = ((lower <= actual) & (actual <= upper)).mean()
        assert 100 * covered == pytest.approx(level, abs=4)


def test_a_backtest_adds_its_errors_to_the_intervals():
    panel = single_series(season())
    model = make().fit(panel)
    ends = np.arange(60, 118)
    origins = Origins(series=np.zeros_like(ends), ends=ends)
    actual = panel.values[ends[:, None] + np.arange(2)]
    before = model.predict(levels=[80]).intervals[80]

    model.calibrate(
        panel, origins, actual + np.where(np.arange(58) % 2, 50, -50)[:, None]
    )

    lower, upper = model.predict(levels=[80]).intervals[80]
    assert (lower < before[0] - 10).all() | (lower == 0).all()
    assert (upper > before[1] + 10).all()
    assert isinstance(model.trained.intervals, IntervalTable)


# Never below zero


@pytest.fixture(scope="module")
def falling():
    """Fit a model of a series that falls to zero; return both."""
    values = np.concatenate([np.linspace(100, 0, 101)] * 3)[:301]
    return make(normalization="last").fit(single_series(values)), values


def test_a_series_that_was_never_negative_is_not_forecast_below_zero(falling):
    model, values = falling

    forecast = model.predict(single_series(values[:98]), horizon=40)

    assert (forecast.points >= 0).all()
    assert (forecast.points == 0).any()
    for lower, _ in forecast.intervals.values():
        assert (lower >= 0).all()


def test_a_window_below_zero_may_be_forecast_below_zero(falling):
    model, values = falling

    forecast = model.predict(single_series(values[:98] - 50))

    assert (forecast.points < 0).all()


def test_a_series_with_negative_values_may_go_below_zero():
    values = np.concatenate([np.linspace(100, -10, 111)] * 3)

    forecast = (
        make(normalization="last")
        .fit(single_series(values))
        .predict(single_series(values[:108]))
    )

    assert (forecast.points < 0).all()


# Timestamps


def test_dates_go_on_by_their_frequency():
    model = make().fit(single_series(season(), timestamps={"a": days(120)}))

    assert as_days(model.predict()) == ["2024-04-30", "2024-05-01"]


def test_a_few_trading_days_go_on_as_the_calendar_seen_in_training():
    trained = single_series(season(), timestamps={"a": sunday_to_thursday(120)})
    week = single_series(season(5), timestamps={"a": sunday_to_thursday(5)}, freq="C")
    spec = WindowSpec(seq_len=3, horizon=2)
    start = single_series(season(3), timestamps={"a": sunday_to_thursday(3)}, freq="C")

    model = make(spec).fit(trained)

    assert as_days(model.predict(week)) == [
        "2024-01-14",
        "2024-01-15",
    ]  # after Thursday
    assert as_days(model.predict(start)) == [
        "2024-01-10",
        "2024-01-11",
    ]  # within a week


def test_a_series_without_timestamps_is_forecast_in_steps():
    model = make().fit(single_series(season(), timestamps={"a": days(120)}))

    forecast = model.predict(single_series(season(30)))

    assert forecast.timestamps.tolist() == [[31, 32]]


def test_another_frequency_than_in_training_is_refused():
    model = make().fit(single_series(season(), timestamps={"a": days(120)}))
    hours = np.datetime64("2024-01-01", "ns") + np.arange(30) * np.timedelta64(1, "h")

    with pytest.raises(
        IrregularTimestamps, match=r"go on by 'h', those seen .* by 'D'"
    ):
        model.predict(single_series(season(30), timestamps={"a": hours}))


# Errors


def test_a_forecast_before_training_is_refused(tmp_path):
    untrained, panel = make(), single_series(season())

    with pytest.raises(
        NotFittedError, match="forecaster has not been trained: call fit"
    ):
        untrained.predict(panel)
    with pytest.raises(NotFittedError, match="call fit first"):
        untrained.forecast_at(panel, last_origins(panel))
    with pytest.raises(NotFittedError, match="call fit first"):
        untrained.save(tmp_path / "model")
    with pytest.raises(NotFittedError, match="call fit first"):
        _ = untrained.trained


def test_the_error_for_a_short_history_names_the_required_points(single):
    short = Panel.from_values({"x": [1.0] * 4, "y": [1.0] * 5})

    with pytest.raises(SeriesTooShort, match="'x' has 4; at least 5 points are needed"):
        single.predict(short)


@pytest.mark.parametrize("horizon", [-1, 0, 10**9, 1.5, True])
def test_a_horizon_that_is_no_number_of_steps_is_refused(single, horizon):
    with pytest.raises(
        SettingError, match="horizon must be a whole number from 1 to 10"
    ):
        single.predict(horizon=horizon)


@pytest.mark.parametrize("level", [0, 100, float("nan")])
def test_a_level_that_is_no_percentage_is_refused(single, level):
    with pytest.raises(SettingError, match="level must be a percentage from 1 to 99"):
        single.predict(levels=[level])


def test_a_model_of_logarithms_reads_a_later_zero_as_the_training_minimum():
    model = make(normalization="log").fit(single_series(season()))
    minimum = float(season().min())

    after_zero = model.predict(single_series([*season(29), 0.0])).points

    assert after_zero == pytest.approx(
        model.predict(single_series([*season(29), minimum])).points
    )


def test_observations_that_no_forecast_can_follow_are_refused():
    model = make(normalization="last").fit(single_series(season()))

    with pytest.raises(DataError, match="far beyond what the model was trained on"):
        model.predict(single_series([*season(29), 1e300]))


def test_a_horizon_at_which_forecasts_explode_is_refused():
    growth = single_series(np.exp(0.5 * np.arange(60)))
    model = make(normalization="log").fit(growth)
    model.trained = replace(model.trained, shown=None)  # as in an older artifact

    with pytest.raises(SettingError, match=r"horizon must be at most \d+: .* 5000"):
        model.predict(horizon=5000)


def test_fitting_anew_forgets_what_was_fitted_before():
    model = make().fit(two_series())

    model.fit(single_series(season()))

    np.testing.assert_array_equal(
        model.predict().points, make().fit(single_series(season())).predict().points
    )


def test_forecasting_leaves_the_random_numbers_of_the_caller_alone(single):
    torch.manual_seed(5)
    expected = torch.get_rng_state()

    single.predict(horizon=9)

    assert torch.equal(torch.get_rng_state(), expected)
