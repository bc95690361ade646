"""The zero-shot forecast as a rung: its origins, its choice, and models that use it."""

import json
from dataclasses import replace

import numpy as np
import pytest

from forecasting.data.panel import Panel
from forecasting.data.splits import Origins
from forecasting.data.windows import WindowSpec
from forecasting.forecaster.forecaster import Forecaster
from forecasting.forecaster.history import Histories
from forecasting.forecaster.local.per_series import join_forecasters
from forecasting.models.config import RecurrentConfig
from forecasting.selection.zero_shot import (
    MAX_ORIGINS,
    MIN_ORIGINS,
    forecast_origins,
    forecast_zero_shot,
    measure_gain,
    recent_origins,
)
from forecasting.training import TrainingConfig
from forecasting.zeroshot import MAX_CONTEXT, zero_shot

SEASON, HORIZON = 12, 6


def trending_season(count=96, seed=0):
    """Return a season on a trend, which windows of four steps do not show."""
    generator = np.random.default_rng(seed)
    profile, months = 30 * generator.normal(size=SEASON), np.arange(count)
    return 100 + 2 * months + profile[months % SEASON] + generator.normal(size=count)


def seasons(series=8, count=96):
    return Panel.from_values(
        {f"s{i}": trending_season(count, i) for i in range(series)}
    )


def untrained(**training):
    return Forecaster(
        windows=WindowSpec(seq_len=4, horizon=HORIZON),
        model=RecurrentConfig(
            hidden_size=2, normalization="last", season_length=SEASON, guard=True
        ),
        training=TrainingConfig(**{"device": "cpu", "epochs": 1, **training}),
    )


@pytest.fixture(scope="module")
def panel():
    return seasons()


@pytest.fixture(scope="module")
def fitted(panel):
    return untrained(refit=True).fit(panel)


def gain_of(panel, origins, others, **options):
    return measure_gain(
        panel, origins, others=others, horizon=HORIZON, season_length=SEASON, **options
    )


def forecasts_at(panel, origins):
    return forecast_origins(panel, origins, season_length=SEASON, horizon=HORIZON)


def test_the_origins_lie_a_horizon_apart_in_the_validation_part():
    panel = Panel.from_values({"a": np.arange(40.0), "b": np.arange(20.0)})

    origins = recent_origins(panel, np.array([25, 18]), HORIZON)

    assert origins.series.tolist() == [0, 0]
    assert origins.ends.tolist() == [28, 34]


def test_of_many_series_a_part_is_measured():
    panel = Panel.from_values({f"s{i}": np.arange(20.0) for i in range(5000)})

    origins = recent_origins(panel, np.full(5000, 14), HORIZON)

    assert len(origins) == MAX_ORIGINS
    assert origins.series.max() > 4900


def test_no_value_after_an_origin_is_read(panel):
    origins = Origins(series=np.arange(8), ends=np.full(8, 60))
    poisoned = panel.values.copy()
    for begin in panel.offsets[:-1]:
        poisoned[begin + 60 : begin + 96] = 1e9

    expected = forecasts_at(panel, origins)

    changed = forecasts_at(replace(panel, values=poisoned), origins)
    np.testing.assert_array_equal(changed, expected)


def test_the_first_steps_do_not_depend_on_the_number_of_steps(panel):
    few, many = (
        forecast_zero_shot(
            panel.values,
            panel.offsets,
            season_length=SEASON,
            horizon=HORIZON,
            steps=steps,
        )
        for steps in (2, HORIZON)
    )

    np.testing.assert_array_equal(few, many[:, :2])


def test_equal_forecasts_are_no_gain(panel):
    origins = recent_origins(panel, np.full(8, 60), HORIZON)

    assert gain_of(panel, origins, forecasts_at(panel, origins)) is None


@pytest.mark.parametrize(("count", "is_gain"), [(MIN_ORIGINS, True), (7, False)])
def test_a_gain_takes_eight_origins(panel, count, is_gain):
    origins = recent_origins(panel, np.full(8, 90), HORIZON).select(np.arange(count))
    far = np.zeros((count, HORIZON))

    assert (gain_of(panel, origins, far) is not None) == is_gain


def test_a_gain_within_two_standard_errors_shows_nothing(panel):
    origins = recent_origins(panel, np.full(8, 90), HORIZON)
    actual = panel.pieces(origins.series, origins.ends, origins.ends + HORIZON)
    others = actual.values.reshape(-1, HORIZON).copy()  # without an error
    others[0] += 500  # but for one series

    assert gain_of(panel, origins, others) is None


def test_with_squared_errors_large_ones_count_more(panel):
    origins = recent_origins(panel, np.full(8, 60), HORIZON)
    zero_shot_points = forecasts_at(panel, origins)
    actual = panel.pieces(origins.series, origins.ends, origins.ends + HORIZON)
    targets = actual.values.reshape(-1, HORIZON)
    errors = np.abs(zero_shot_points - targets)
    level = targets + 0.9 * np.sqrt((errors**2).mean(1, keepdims=True))

    # One error a window, alike at all steps: smaller squares than those of unlike ones.
    assert gain_of(panel, origins, level, squared=True) is None
    assert gain_of(panel, origins, targets + 2 * errors, squared=True).other > 0


def test_forecasts_that_are_not_finite_are_no_rival(panel):
    origins = recent_origins(panel, np.full(8, 90), HORIZON)

    assert gain_of(panel, origins, np.full((8, HORIZON), np.nan)) is None


def test_it_answers_for_all_series_where_it_is_clearly_better(panel, fitted):
    forecast = fitted.predict(levels=[80])

    lower, upper = forecast.intervals[80]
    gain = fitted.trained.guard.gain
    expected = zero_shot(panel, horizon=HORIZON, season_length=SEASON)
    assert fitted.trained.method_counts == {"zero_shot": 8}
    assert forecast.methods == ("zero_shot",) * 8
    assert 0 < gain.error < 0.98 * gain.other
    assert "zero shot answers" in fitted._repr_html_()
    np.testing.assert_allclose(forecast.points, expected.points, rtol=1e-8)
    assert (lower < forecast.points).all()
    assert (forecast.points < upper).all()


def test_its_intervals_hold_the_next_steps(fitted):
    longer = seasons(count=96 + HORIZON)

    lower, upper = fitted.predict(levels=[80]).intervals[80]

    actual = longer.values.reshape(8, -1)[:, -HORIZON:]
    assert 0.6 < ((lower <= actual) & (actual <= upper)).mean() < 0.97


def test_the_trained_forecast_stays_where_nothing_is_gained():
    noise = np.random.default_rng(0).normal(size=(8, 96))
    walks = Panel.from_values({f"s{i}": row for i, row in enumerate(noise.cumsum(1))})

    forecaster = untrained().fit(walks)

    assert "zero_shot" not in forecaster.trained.method_counts
    assert forecaster.trained.guard.gain is None
    assert forecaster.trained.memory == SEASON


def test_covariates_leave_no_room_for_it(panel):
    prices = np.random.default_rng(1).normal(size=len(panel.values))
    priced = replace(panel, covariates={"price": prices}, roles={"price": "past"})

    forecaster = untrained().fit(priced)

    assert "zero_shot" not in forecaster.trained.method_counts


def test_a_choice_holds_in_later_fits(panel, fitted):
    again = untrained(refit=True).fit(panel.until(panel.lengths - 1), choices=fitted)

    assert again.trained.method_counts == {"zero_shot": 8}
    assert again.trained.guard.gain == fitted.trained.guard.gain


def test_new_series_and_short_ones_get_it_too(panel, fitted):
    values = {"new": trending_season(seed=9), "three": [1.0, 2, 3], "two": [1.0, 2]}

    forecast = fitted.predict(Panel.from_values(values))

    assert forecast.methods == ("zero_shot", "zero_shot", "last_value")
    np.testing.assert_allclose(forecast.points[2], 2.0)


def test_arrays_are_forecast_as_panels(panel, fitted):
    values = [panel.series(name) for name in panel.series_ids]
    histories = Histories.from_lists(values, np.arange(8))

    points, bounds = fitted.predictor.forecast(histories, steps=9, levels=(80.0,))

    forecast = fitted.predict(panel, horizon=9, levels=[80])
    np.testing.assert_array_equal(points, forecast.points)
    np.testing.assert_array_equal(bounds, [*forecast.intervals[80]])


def test_a_saved_model_keeps_choice_and_forecasts(fitted, tmp_path):
    fitted.save(tmp_path / "model")
    loaded = Forecaster.load(tmp_path / "model", device="cpu")

    config = json.loads((tmp_path / "model" / "config.json").read_text("utf-8"))
    assert config["format_version"] == 5
    assert loaded.trained.guard.gain == fitted.trained.guard.gain
    np.testing.assert_array_equal(loaded.predict().points, fitted.predict().points)
    assert loaded.without_guard().trained.method_counts == {"network": 8}


def test_a_model_without_it_keeps_the_earlier_format(panel, fitted, tmp_path):
    fitted.without_guard().save(tmp_path / "model")

    config = json.loads((tmp_path / "model" / "config.json").read_text("utf-8"))
    assert config["format_version"] == 3


def test_the_context_holds_all_that_it_reads():
    long = Panel.from_values({f"s{i}": trending_season(2100, i) for i in range(2)})

    forecaster = untrained(epochs=0).fit(long)

    assert forecaster.trained.method_counts == {"zero_shot": 2}
    assert forecaster.trained.memory == MAX_CONTEXT
    assert forecaster.trained.context.lengths.tolist() == [MAX_CONTEXT] * 2
    context = Forecaster.of(forecaster.trained).predict()
    np.testing.assert_array_equal(context.points, forecaster.predict(long).points)


def test_models_a_series_keep_it(tmp_path):
    values = {f"s{i}": trending_season(400, i) for i in range(2)}
    fleet = {
        name: untrained().fit(Panel.from_values({name: row}))
        for name, row in values.items()
    }

    joined = join_forecasters(fleet)

    joined.save(tmp_path / "models")
    loaded = Forecaster.load(tmp_path / "models", device="cpu")
    config = json.loads((tmp_path / "models" / "config.json").read_text("utf-8"))
    assert loaded.trained.method_counts == {"zero_shot": 2}
    assert config["format_version"] == 5
    assert loaded.trained.memory == MAX_CONTEXT
    np.testing.assert_array_equal(
        loaded.predict().points,
        np.concatenate([forecaster.predict().points for forecaster in fleet.values()]),
    )
