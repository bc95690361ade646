"""Forecasts against a plain loop over series that uses the parts of the model."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from forecasting.data.panel import Panel
from forecasting.data.splits import Origins
from forecasting.data.windows import WindowSpec
from forecasting.errors import SeriesTooShort
from forecasting.forecaster.forecaster import Forecaster
from forecasting.io import read_frame
from forecasting.models.config import RecurrentConfig
from forecasting.selection.guard import RUNGS
from forecasting.training import TrainingConfig

SEQ_LEN, HORIZON, SEASON = 6, 3, 4
PANEL = Panel.from_values(
    {
        name: np.exp(np.sin(np.arange(n) / 2) + np.random.default_rng(n).normal(size=n))
        for name, n in {"a": 60, "b": 75, "c": 50}.items()
    }
)


def fit(**model):
    config = {"hidden_size": 8, "normalization": "last", "season_length": SEASON}
    return Forecaster(
        windows=WindowSpec(seq_len=SEQ_LEN, horizon=HORIZON),
        model=RecurrentConfig(**{**config, **model}),
        training=TrainingConfig(device="cpu", epochs=2),
    ).fit(PANEL)


def with_rungs(forecaster, *rungs):
    guard = replace(forecaster.trained.guard, by_series=np.array(rungs))
    forecaster.trained = replace(forecaster.trained, guard=guard)
    return forecaster


def one_by_one(fitted, name, values, steps):
    """Forecast a series step by step, original units."""
    place = fitted.context.series_ids.index(name)
    center, scale = fitted.normalizer.center[place], fitted.normalizer.scale[place]
    history, network = list((values - center) / scale), fitted.networks[0]
    rung = "network" if fitted.guard is None else RUNGS[fitted.guard.by_series[place]]
    points = []
    while len(points) < steps:
        last = history[-1]
        window = torch.tensor([[[u - last] for u in history[-SEQ_LEN:]]]).float()
        with torch.no_grad():
            forecast = network(window)[0].double().numpy()
        if rung != "network":
            simple = {
                "last_value": np.zeros(HORIZON),
                "seasonal_naive": np.array(history[-SEASON:][:HORIZON]) - last,
                "linear": fitted.guard.linear.forecast(window)[0].numpy(),
            }
            mean = (simple[fitted.guard.basis] + forecast) / 2
            forecast = mean if rung == "halfway" else simple[rung]
        points += list(forecast + last)
        history += list(forecast + last)
    return np.maximum(np.array(points[:steps]) * scale + center, 0.0)


@pytest.mark.parametrize("steps", [2, HORIZON, 8])
def test_a_forecast_is_that_of_the_network_on_the_levelled_window(steps):
    forecaster = fit()

    points = forecaster.predict(PANEL, horizon=steps).points

    for row, name in zip(points, PANEL.series_ids, strict=True):
        expected = one_by_one(forecaster.trained, name, PANEL.series(name), steps)
        np.testing.assert_allclose(row, expected, rtol=2e-6)


@pytest.mark.parametrize(
    "rungs",
    [(5, 5, 5), (4, 4, 4), (3, 3, 3), (1, 1, 1), (0, 0, 0), (0, 4, 1), (3, 5, 3)],
)
def test_each_series_gets_the_forecast_of_its_own_rung(rungs):
    forecaster = with_rungs(fit(guard=True), *rungs)

    points = forecaster.predict(PANEL, horizon=5).points

    for row, name in zip(points, PANEL.series_ids, strict=True):
        expected = one_by_one(forecaster.trained, name, PANEL.series(name), 5)
        np.testing.assert_allclose(row, expected, rtol=2e-6, atol=1e-7)


def refuse(windows, covariates):
    raise AssertionError("the network runs")


@pytest.mark.parametrize("rung", [0, 1, 3])
def test_no_network_runs_where_no_series_asks_for_it(rung):
    forecaster = with_rungs(fit(guard=True), 3, 3, rung)
    forecaster.predictor._evaluate = refuse

    points = forecaster.predict(PANEL).points

    assert np.isfinite(points).all()


@pytest.mark.parametrize("rung", [4, 5])
def test_the_network_runs_where_one_series_asks_for_it(rung):
    forecaster = with_rungs(fit(guard=True), 3, 3, rung)
    forecaster.predictor._evaluate = refuse

    with pytest.raises(AssertionError, match="the network runs"):
        forecaster.predict(PANEL)


@pytest.mark.parametrize("model", [{}, {"quantiles": (0.1, 0.9)}])
def test_bounds_of_many_levels_are_those_of_each_level_alone(model):
    forecaster = fit(**model)

    together = forecaster.predict(PANEL, levels=(95, 50, 80.5)).intervals

    assert list(together) == [50, 80.5, 95]
    for level, bounds in together.items():
        alone = forecaster.predict(PANEL, levels=(level,)).intervals[level]
        np.testing.assert_array_equal(bounds, alone)


def test_bounds_are_the_table_s_offsets_in_units_of_each_series():
    forecaster = fit(intervals="split")
    fitted, points = forecaster.trained, forecaster.predict(PANEL, horizon=5).points

    lower, upper = forecaster.predict(PANEL, horizon=5).intervals[80]

    below, above = fitted.intervals.offsets(80, 5)
    windows = np.array([PANEL.series(name)[-SEQ_LEN:] for name in PANEL.series_ids])
    scale = fitted.normalizer.scale[:, None]
    change = np.sqrt(np.mean((np.diff(windows) / scale) ** 2, axis=1))
    unit = fitted.intervals.scaling.sizes(change) * scale
    np.testing.assert_allclose(lower, np.maximum(points + below * unit, 0), rtol=1e-5)
    np.testing.assert_allclose(upper, points + above * unit, rtol=1e-5)


def test_without_levels_there_are_no_intervals():
    forecaster = fit()
    origins = Origins(series=np.array([1, 0]), ends=np.array([30, 40]))
    points = forecaster.forecast_at(PANEL, origins)

    assert forecaster.predict(levels=()).intervals == {}
    assert forecaster.intervals_at(PANEL, origins, points, ()) == {}


SHORT = Panel.from_values(
    {"new": [5.0, 7.0, 6.0], "old": PANEL.series("a"), "one": [4.0]}
)


def fit_short(**model):
    return Forecaster(
        windows=WindowSpec(seq_len=SEQ_LEN, horizon=HORIZON),
        model=RecurrentConfig(hidden_size=8, season_length=SEASON, **model),
        training=TrainingConfig(device="cpu", epochs=2),
    ).fit(SHORT)


@pytest.mark.parametrize("normalization", ["auto", "minmax", "last", "window"])
def test_with_a_guard_a_short_series_is_forecast_by_its_last_value(normalization):
    forecaster = fit_short(guard=True, normalization=normalization)

    forecast = forecaster.predict(horizon=5)
    again = forecaster.predict(SHORT, horizon=5)

    assert forecast.series_ids == ("new", "old", "one")
    np.testing.assert_allclose(forecast.points[0], 6.0, rtol=1e-5)
    np.testing.assert_allclose(forecast.points[2], 4.0, rtol=1e-5)
    np.testing.assert_allclose(again.points, forecast.points, rtol=1e-5)
    lower, upper = forecast.intervals[80.0]
    assert (lower <= forecast.points).all()
    assert (upper >= forecast.points).all()


def test_a_short_series_with_a_season_is_forecast_by_it_where_the_guard_says_so():
    forecaster = fit_short(guard=True)
    rungs = [RUNGS.index("seasonal_naive")] * 3
    values = {"new": [1.0, 9.0, 2.0, 8.0, 3.0], "old": PANEL.series("a"), "one": [4.0]}

    points = with_rungs(forecaster, *rungs).predict(Panel.from_values(values)).points

    np.testing.assert_allclose(points[0], [9.0, 2.0, 8.0], rtol=1e-5)
    np.testing.assert_allclose(points[2], 4.0, rtol=1e-5)


def test_a_short_series_does_not_change_the_forecast_of_the_others():
    alone = Panel.from_values({"old": PANEL.series("a")})
    forecaster = fit_short(guard=True)

    points = forecaster.predict(SHORT).points[1]

    np.testing.assert_allclose(points, forecaster.predict(alone).points[0], rtol=1e-5)


def test_without_a_guard_a_short_series_is_left_out_of_the_model():
    forecaster = fit_short()

    assert forecaster.predict().series_ids == ("old",)
    with pytest.raises(SeriesTooShort, match=r"'new' has 3, 'one' has 1"):
        forecaster.predict(SHORT)


def test_a_frame_is_read_in_the_way_of_the_training():
    table = PANEL.to_frame().rename(columns={"series_id": "shop", "target": "sales"})
    panel = read_frame(table, time="timestamp", missing="forward")
    forecaster = Forecaster(training=TrainingConfig(device="cpu", epochs=1)).fit(panel)
    gappy = table.drop(index=[20]).assign(visits=1.0)[::-1]

    points = forecaster.predict(gappy[gappy["shop"] == "b"]).points

    filled = forecaster.read(gappy)
    assert dict(zip(filled.series_ids, filled.lengths, strict=True)) == {
        "a": 60,
        "b": 75,
        "c": 50,
    }
    place = list(filled.series_ids).index("b")
    np.testing.assert_allclose(points[0], forecaster.predict(filled).points[place])
