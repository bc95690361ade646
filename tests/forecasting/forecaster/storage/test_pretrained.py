from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from forecasting import Panel, explain
from forecasting.data.splits import Origins
from forecasting.errors import SettingError
from forecasting.forecaster.forecaster import Forecaster
from forecasting.forecaster.storage.pretrained import (
    pretrained_season_lengths,
    read_pretrained,
)
from forecasting.models.config import RecurrentConfig
from forecasting.training import TrainingConfig

MONTHS = np.arange(96)
NO_STEPS = TrainingConfig(epochs=0, device="cpu")


def monthly(level=100.0, seed=0):
    noise = np.random.default_rng(seed).normal(size=len(MONTHS))
    return level + 0.4 * MONTHS + 12 * np.sin(2 * np.pi * MONTHS / 12) + noise


@pytest.fixture(scope="module")
def pretrained():
    return Forecaster.pretrained(season_length=12, horizon=18)


@pytest.fixture(scope="module")
def panel():
    return Panel.from_values({"a": monthly(), "b": monthly(level=5000.0, seed=1)})


def test_it_forecasts_series_that_it_has_never_seen(pretrained, panel):
    forecast = pretrained.predict(panel)

    ahead = np.arange(96, 114)
    expected = 100 + 0.4 * ahead + 12 * np.sin(2 * np.pi * ahead / 12)
    assert forecast.points.shape == (2, 18)
    assert np.abs(forecast.points[0] - expected).mean() < 3.0  # the season is 12 high
    lower, upper = forecast.intervals[80.0]
    assert (lower < forecast.points).all()
    assert (forecast.points < upper).all()
    assert forecast.methods == ("network", "network")


def test_the_first_steps_are_the_same_function_of_the_window_for_every_horizon():
    short, long = (read_pretrained(12, steps, torch.device("cpu")) for steps in (3, 18))
    windows = torch.randn(5, short.seq_len, 1, generator=torch.manual_seed(0))

    with torch.no_grad():
        first, all_steps = (model.networks[0](windows) for model in (short, long))

    torch.testing.assert_close(first, all_steps[:, :3])
    np.testing.assert_array_equal(
        short.intervals.quantiles, long.intervals.quantiles[:, :3]
    )


def test_a_series_is_forecast_alone_as_among_others(pretrained, panel):
    together = pretrained.predict(panel).points

    alone = pretrained.predict(panel.select(np.array([1]))).points

    np.testing.assert_allclose(alone[0], together[1], rtol=1e-6)


def test_beyond_the_trained_steps_forecasts_are_fed_back(panel):
    forecaster = Forecaster.pretrained(season_length=12, horizon=24)

    forecast = forecaster.predict(panel, horizon=60)

    assert forecaster.windows.horizon < 60
    assert forecast.points.shape == (2, 60)
    np.testing.assert_array_equal(
        forecast.points[:, : forecaster.windows.horizon],
        forecaster.predict(panel).points,
    )


def test_negative_values_are_forecast_and_series_without_any_stay_above_zero(
    pretrained,
):
    below = monthly(level=-500.0)
    counts = np.where(MONTHS % 3 == 0, 4.0, 0.0)

    forecast = pretrained.predict(Panel.from_values({"below": below, "few": counts}))

    assert (forecast.points[0] < -300).all()
    lower, _ = forecast.intervals[95.0]
    assert (lower[0] < 0).all()
    assert lower[1].min() >= 0


def test_a_series_with_the_name_of_a_synthetic_one_is_no_other_series(pretrained):
    values = monthly()
    named = Panel.from_values({"a": values})
    name = pretrained.trained.context.series_ids[0]

    assert name.startswith("synthetic ")
    assert pretrained.trained.find_places(named.series_ids).tolist() == [-1]


@pytest.mark.parametrize("count", [1, 2, 5, 13])
def test_few_observations_are_enough(pretrained, count):
    panel = Panel.from_values({"young": monthly()[:count]})

    assert np.isfinite(pretrained.predict(panel).points).all()


def test_a_frame_with_dates_is_read_by_its_own_columns(pretrained):
    frame = pd.DataFrame(
        {"month": pd.date_range("2015-01-01", periods=96, freq="MS"), "sold": monthly()}
    )

    forecast = pretrained.predict(frame, horizon=2)

    first, second = forecast.timestamps[0].astype("datetime64[M]").astype(str)
    assert (first, second) == ("2023-01", "2023-02")


def test_it_is_saved_and_loaded_as_any_forecaster(pretrained, panel, tmp_path):
    pretrained.save(tmp_path / "model")

    loaded = Forecaster.load(tmp_path / "model")

    np.testing.assert_array_equal(
        loaded.predict(panel).points, pretrained.predict(panel).points
    )


def test_its_forecasts_are_explained(pretrained, panel):
    explanation = explain(pretrained, panel)

    assert explanation.observations.shape == (18, pretrained.windows.seq_len)
    assert np.isfinite(explanation.observations).all()
    assert explanation.observations.sum() > 0


def test_calibration_moves_its_intervals(panel):
    forecaster = Forecaster.pretrained(season_length=12, horizon=6)
    before = forecaster.predict(panel).intervals[80.0]
    origins = Origins(series=np.repeat([0, 1], 30), ends=np.tile(np.arange(60, 90), 2))
    points = forecaster.forecast_at(panel, origins)

    after = forecaster.calibrate(panel, origins, points).predict(panel).intervals[80.0]

    assert not np.allclose(before[0], after[0])


def test_without_a_step_a_forecaster_that_starts_from_it_forecasts_the_same(
    pretrained, panel
):
    tuned = Forecaster(
        windows=pretrained.windows, model=pretrained.model, training=NO_STEPS
    ).fit(panel, start=pretrained)

    assert tuned.trained.context.series_ids == ("a", "b")
    np.testing.assert_allclose(
        tuned.predict().points, pretrained.predict(panel).points, rtol=0.02
    )


def test_a_training_with_its_settings_starts_from_it(pretrained, panel):
    training = replace(pretrained.training, steps=20)

    tuned = Forecaster(
        windows=pretrained.windows, model=pretrained.model, training=training
    ).fit(panel, start=pretrained)

    assert tuned.history[0].epoch == 0
    assert np.isfinite(tuned.predict().points).all()
    weights = tuned.trained.as_global().networks[0].head.weight
    start = pretrained.trained.as_global().networks[0].head.weight
    assert not torch.equal(weights, start)


def test_a_guard_may_choose_between_it_and_simple_forecasts(pretrained, panel):
    model = replace(pretrained.model, guard=True)

    tuned = Forecaster(windows=pretrained.windows, model=model, training=NO_STEPS).fit(
        panel, start=pretrained
    )

    assert sum(tuned.trained.method_counts.values()) == 2


def test_a_season_without_networks_is_refused_with_those_there_are():
    names = ", ".join(map(str, pretrained_season_lengths()))

    with pytest.raises(
        SettingError, match=f"season_length must be one of {names}.*found 11"
    ):
        Forecaster.pretrained(season_length=11)


def test_more_steps_than_the_network_was_trained_for_are_refused():
    with pytest.raises(SettingError, match=r"horizon.*at most 24.*predict.*25"):
        Forecaster.pretrained(season_length=12, horizon=25)


def test_a_horizon_of_no_steps_is_refused():
    with pytest.raises(SettingError, match=r"horizon.*0"):
        Forecaster.pretrained(season_length=12, horizon=0)


@pytest.mark.parametrize("season_length", pretrained_season_lengths())
def test_every_network_forecasts_a_straight_line_as_one(season_length):
    forecaster = Forecaster.pretrained(season_length=season_length, horizon=4)
    line = np.arange(1.0, 1 + 8 * max(season_length, 12))

    points = forecaster.predict(Panel.from_values({"line": line})).points[0]

    expected = len(line) + np.arange(1, 5)
    np.testing.assert_allclose(points, expected, rtol=0.05)


def test_its_settings_are_those_of_a_recurrent_network(pretrained):
    assert isinstance(pretrained.model, RecurrentConfig)
    assert pretrained.model.cell == "gru"
    assert pretrained.model.season_length == 12
