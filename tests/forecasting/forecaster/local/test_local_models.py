"""A model a series in one forecaster: each series is forecast by its own model."""

import json

import numpy as np
import pytest

from forecasting import (
    Forecaster,
    Panel,
    RecurrentConfig,
    TrainingConfig,
    WindowSpec,
    fit_each,
    join_forecasters,
)
from forecasting.data.splits import Origins
from forecasting.errors import ArtifactError, SettingError, UnknownSeries
from forecasting.explanation.explain import explain
from forecasting.forecaster.local.models import LocalModels
from forecasting.pyfunc import PyfuncForecaster, example_frame

SETTINGS = {
    "windows": WindowSpec(seq_len=6, horizon=3),
    "model": RecurrentConfig(hidden_size=4, guard=True, season_length=4),
    "training": TrainingConfig(epochs=2, device="cpu", refit=True),
}
LENGTHS = {"rising": 60, "steady": 45, "wild": 70, "flat": 50}


@pytest.fixture(scope="module")
def panel():
    rng = np.random.default_rng(3)
    series = {
        name: 30 + number * np.arange(length) * 0.5 + rng.normal(0, 1, length)
        for number, (name, length) in enumerate(LENGTHS.items())
    }
    return Panel.from_values(series | {"flat": np.full(LENGTHS["flat"], 7.0)})


@pytest.fixture(scope="module")
def fleet(panel):
    return fit_each(panel, **SETTINGS)


@pytest.fixture(scope="module")
def joined(fleet):
    return join_forecasters(fleet)


@pytest.fixture(scope="module", params=["in memory", "loaded"])
def forecaster(request, joined, tmp_path_factory):
    if request.param == "in memory":
        return joined
    folder = tmp_path_factory.mktemp("local") / "model"
    joined.save(folder)
    return Forecaster.load(folder, device="cpu")


def test_each_series_is_forecast_as_by_its_model_alone(fleet, forecaster):
    forecast = forecaster.predict(horizon=7, levels=(80, 95))

    for row, (name, alone) in enumerate(fleet.items()):
        single = alone.predict(horizon=7, levels=(80, 95))
        np.testing.assert_array_equal(forecast.points[row], single.points[0])
        for level in (80, 95):
            for side in (0, 1):
                bounds = forecast.intervals[level][side][row]
                expected = single.intervals[level][side][0]
                np.testing.assert_array_equal(bounds, expected)
        assert forecast.series_ids[row] == name
        assert forecast.methods[row] == single.methods[0]


def test_origins_in_any_order_are_forecast_each_by_its_model(fleet, panel, forecaster):
    origins = Origins(series=np.array([2, 0, 2, 1]), ends=np.array([40, 30, 70, 20]))

    points = forecaster.forecast_at(panel, origins)
    bounds = forecaster.intervals_at(panel, origins, points, (90,))[90]

    for row, (place, end) in enumerate(zip(origins.series, origins.ends, strict=True)):
        alone, one = fleet[panel.series_ids[place]], origins.select(np.array([row]))
        expected = alone.forecast_at(panel, one)
        np.testing.assert_array_equal(points[row], expected[0], err_msg=str(end))
        single = alone.intervals_at(panel, one, expected, (90,))[90]
        np.testing.assert_array_equal(bounds[0][row], single[0][0])
        np.testing.assert_array_equal(bounds[1][row], single[1][0])


def test_the_guard_can_be_left_out_for_all(fleet, forecaster):
    points = forecaster.without_guard().predict().points

    for row, alone in enumerate(fleet.values()):
        expected = alone.without_guard().predict().points
        np.testing.assert_array_equal(points[row], expected[0])


def test_intervals_are_calibrated_by_the_errors_of_each_series(panel, forecaster):
    series = np.arange(len(panel)).repeat(3)
    ends = panel.lengths[series] - np.tile([9, 6, 3], len(panel))
    origins = Origins(series=series, ends=ends)
    points = forecaster.forecast_at(panel, origins)
    points[series == 0] += 100  # far from the actual values
    before = forecaster.predict().intervals[80]
    copy = Forecaster.of(forecaster.trained)

    after = copy.calibrate(panel, origins, points).predict().intervals[80]

    width_before, width_after = before[1] - before[0], after[1] - after[0]
    assert (width_after[0] > width_before[0]).all()
    assert (width_after[1:] < 20).all()


def test_a_series_without_a_model_is_named(forecaster):
    other = Panel.from_values({"rising": [1.0] * 20, "new": [1.0] * 20})

    with pytest.raises(UnknownSeries, match=r"'new'; known are .*model of its own"):
        forecaster.predict(other)


def test_facts_on_all_models_are_those_of_each(fleet, forecaster):
    trained = forecaster.trained
    methods = [alone.trained.method for alone in fleet.values()]

    assert isinstance(trained, LocalModels)
    assert trained.context.series_ids == tuple(fleet)
    assert sum(trained.method_counts.values()) == len(fleet)
    assert all(method in trained.normalization for method in methods)
    assert trained.num_bytes > 8 * len(trained.context.values)


@pytest.mark.parametrize("part", ["model", "network"])
def test_an_explanation_is_the_mean_of_those_of_each_series(fleet, forecaster, part):
    explanation = explain(forecaster, part=part)
    alone = [explain(single, part=part) for single in fleet.values()]
    lags = len(explanation.lags)

    padded = [np.pad(e.observations, ((0, 0), (lags - len(e.lags), 0))) for e in alone]
    np.testing.assert_allclose(explanation.observations, np.mean(padded, 0))
    assert explanation.windows == len(fleet)
    assert set(explanation.methods) == set(fleet)


def test_the_pyfunc_forecasts_the_series_of_a_frame(fleet, forecaster):
    table = PyfuncForecaster(forecaster).predict(example_frame(forecaster, 2))

    assert table["series_id"].unique().tolist() == ["rising", "steady"]
    expected = fleet["steady"].predict().points[0]
    steady = table[table["series_id"] == "steady"]["point"]
    assert steady.tolist() == pytest.approx(expected.tolist(), rel=1e-6)


def test_a_saved_model_asks_older_versions_for_an_update(joined, tmp_path):
    joined.save(tmp_path / "model")

    config = json.loads((tmp_path / "model" / "config.json").read_text())

    assert config["format_version"] == 4  # older ones read up to 3


@pytest.mark.parametrize(
    "damage",
    [
        {"series_ids": ["rising", "steady", "wild"]},
        {"series_ids": ["rising"] * 4},
        {"local": []},
        {"local": [{}] * 4},
        {"windows": {"seq_len": 9, "horizon": 3}},
    ],
)
def test_a_damaged_artifact_is_an_error_of_its_folder(joined, tmp_path, damage):
    joined.save(tmp_path / "model")
    path = tmp_path / "model" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | damage))

    with pytest.raises(ArtifactError, match="it is damaged"):
        Forecaster.load(tmp_path / "model")


def test_forecasters_of_different_settings_are_not_joined(fleet):
    other = {**SETTINGS, "windows": WindowSpec(seq_len=5, horizon=3)}
    short = fit_each(Panel.from_values({"a": np.arange(40.0)}), **other)

    with pytest.raises(SettingError, match="the same settings"):
        join_forecasters({**fleet, **short})


def test_models_of_their_own_are_no_start_for_fine_tuning(panel, forecaster):
    with pytest.raises(SettingError, match="holds a model a series"):
        Forecaster(**SETTINGS).fit(panel, start=forecaster)
