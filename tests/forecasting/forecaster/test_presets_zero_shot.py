"""The preset zero_shot: the package's network as it is, calibrated and guarded."""

import numpy as np
import pytest
import torch

from forecasting import Forecaster, Panel, explain, forecaster_for
from forecasting.data.splits import Origins
from forecasting.errors import SettingError
from forecasting.forecaster.presets import choose_settings
from forecasting.training import TrainingConfig

MONTHS = np.arange(84)


def monthly(seed=0):
    noise = np.random.default_rng(seed).normal(size=len(MONTHS))
    return 100 + 0.3 * MONTHS + 12 * np.sin(2 * np.pi * MONTHS / 12) + noise


@pytest.fixture(scope="module")
def panel():
    return Panel.from_values({"a": monthly(), "b": 50 * monthly(seed=1)})


def make(panel, **given):
    settings = {"training.device": "cpu"} | given
    return forecaster_for(
        panel, "zero_shot", horizon=6, season_length=12, given=settings
    )


@pytest.fixture(scope="module")
def fitted(panel):
    return make(panel).fit(panel)


def test_the_weights_are_those_of_the_package(fitted):
    pretrained = Forecaster.pretrained(season_length=12, horizon=6)
    weights, expected = (
        forecaster.trained.as_global().networks[0].state_dict()
        for forecaster in (fitted, pretrained)
    )

    assert weights.keys() == expected.keys()
    for name, tensor in expected.items():
        torch.testing.assert_close(weights[name], tensor.to(weights[name].device))
    assert all(record.epoch == 0 for record in fitted.history)


def test_no_seed_changes_it(panel, fitted):
    other = make(panel, **{"training.seed": 7}).fit(panel)

    np.testing.assert_array_equal(other.predict().points, fitted.predict().points)


def test_a_guard_chooses_what_answers_for_the_series(fitted):
    assert sum(fitted.trained.method_counts.values()) == 2


def test_it_is_saved_loaded_explained_and_calibrated_as_any_forecaster(
    panel, fitted, tmp_path
):
    fitted.save(tmp_path / "model")
    loaded = Forecaster.load(tmp_path / "model", device="cpu")
    forecast = loaded.predict(panel)
    np.testing.assert_array_equal(forecast.points, fitted.predict(panel).points)

    explanation = explain(loaded, panel)
    assert np.isfinite(explanation.observations).all()

    origins = Origins(series=np.repeat([0, 1], 12), ends=np.tile(np.arange(60, 72), 2))
    points = loaded.forecast_at(panel, origins)
    bounds = loaded.calibrate(panel, origins, points).predict(panel).intervals[80.0]
    assert not np.allclose(bounds[0], forecast.intervals[80.0][0])


def test_values_behind_an_origin_change_nothing_before_it(panel):
    ends = panel.lengths - 9
    poisoned = Panel.from_values(
        {
            name: np.concatenate([panel.series(name)[:-9], np.full(9, 1e6)])
            for name in panel.series_ids
        }
    )
    origins = Origins(series=np.arange(2), ends=ends)

    first, second = (
        make(source.until(ends)).fit(source.until(ends)).forecast_at(source, origins)
        for source in (panel, poisoned)
    )

    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("model.cell", "lstm"),
        ("model.hidden_size", 8),
        ("windows.seq_len", 24),
        ("training.epochs", 5),
        ("training.learning_rate", 0.01),
    ],
)
def test_a_setting_of_a_training_is_refused_by_name(panel, path, value):
    with pytest.raises(SettingError, match=f"{path} must be left out with the preset"):
        make(panel, **{path: value})


def test_intervals_and_guard_are_left_to_the_user(panel):
    chosen = choose_settings(
        "zero_shot",
        panel,
        horizon=6,
        season_length=12,
        given={"model.guard": False, "model.intervals": "split"},
    )

    assert not {"model.guard", "model.intervals"} & set(chosen.settings)
    assert "season_length 12" in chosen.reasons[0]


def test_a_horizon_beyond_the_network_is_refused(panel):
    with pytest.raises(SettingError, match="horizon must be at most"):
        choose_settings("zero_shot", panel, horizon=200, season_length=12)


def test_a_season_without_a_network_is_refused_with_those_there_are(panel):
    with pytest.raises(SettingError, match=r"season_length must be one of .*12"):
        choose_settings("zero_shot", panel, horizon=6, season_length=11)


def test_covariates_are_refused_by_name():
    values = {"a": monthly()}
    priced = Panel.from_values(values, past_covariates={"price": values})

    with pytest.raises(SettingError, match=r"covariates must be left out.*'price'"):
        choose_settings("zero_shot", priced, horizon=6, season_length=12)


def test_pretrained_weights_need_the_settings_of_their_network(panel):
    training = TrainingConfig(start="pretrained", epochs=0, device="cpu")

    with pytest.raises(SettingError, match="season_length"):
        Forecaster(training=training).fit(panel)


def test_a_start_that_is_none_is_refused():
    with pytest.raises(SettingError, match="start must be one of random, pretrained"):
        TrainingConfig(start="zeros")
