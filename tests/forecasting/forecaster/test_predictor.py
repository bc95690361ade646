"""`Predictor` forecasts arrays, as `Forecaster.predict` forecasts panels."""

from dataclasses import replace

import numpy as np
import pytest

from forecasting.data.panel import Panel
from forecasting.data.windows import WindowSpec
from forecasting.errors import InvalidValues
from forecasting.forecaster.forecaster import Forecaster
from forecasting.forecaster.history import Histories
from forecasting.models.config import RecurrentConfig
from forecasting.selection.guard import RUNGS
from forecasting.training import TrainingConfig

LEVELS = (50.0, 80.0, 95.0)


def series(count=3, length=60):
    rng = np.random.default_rng(0)
    steps = np.arange(length)
    return {
        f"s{i}": 20 + 5 * np.sin(steps / 3 + i) + rng.normal(0, 0.5, length)
        for i in range(count)
    }


def fit(values=None, **model):
    return Forecaster(
        windows=WindowSpec(seq_len=6, horizon=3),
        model=RecurrentConfig(**{"hidden_size": 4, **model}),
        training=TrainingConfig(epochs=1, device="cpu"),
    ).fit(Panel.from_values(values or series()))


def histories(forecaster, values):
    places = forecaster.trained.find_places(list(values))
    return Histories.from_lists([list(v) for v in values.values()], places)


def assert_same(forecaster, values, steps=3):
    """Check the forecasts of arrays, all series at once, against those of a panel."""
    expected = forecaster.predict(
        Panel.from_values(values), horizon=steps, levels=LEVELS
    )

    points, bounds = forecaster.predictor.forecast(
        histories(forecaster, values), steps=steps, levels=LEVELS
    )

    np.testing.assert_allclose(points, expected.points, rtol=1e-5, atol=1e-6)
    intervals = list(expected.intervals.values())
    np.testing.assert_allclose(
        bounds[:3], [low for low, _ in intervals], rtol=1e-5, atol=1e-6
    )
    np.testing.assert_allclose(
        bounds[3:], [high for _, high in intervals], rtol=1e-5, atol=1e-6
    )


VALUES = {
    "s1": series()["s1"][:30],  # seen in training
    "new": [7.0, 9.0, 8.0, 7.5, 9.5, 8.2, 7.1, 9.9],
    "short": [1.0, 2.0, 4.0, 3.0, 2.5, 3.5],
    "flat": [5.0] * 9,
}


@pytest.mark.parametrize(
    "method", ["none", "standard", "minmax", "robust", "last", "mean", "window", "log"]
)
@pytest.mark.parametrize("steps", [2, 8])
def test_every_normalisation_forecasts_the_same(method, steps):
    assert_same(fit(normalization=method), VALUES, steps)


@pytest.mark.parametrize(
    "model",
    [
        *({"cell": cell} for cell in ("rnn", "gru", "mlp")),
        {"cell": "rnn", "nonlinearity": "relu"},
        {"linear_skip": False},
        {"num_layers": 2},
        {"bidirectional": True},
        {"patch_len": 3},
        {"strategy": "recursive"},
        {"strategy": "seq2seq"},
        {"members": 2},
        {"intervals": "split", "hidden_size": 600},
    ],
)
def test_every_network_forecasts_the_same(model):
    assert_same(fit(**model), VALUES, 5)


def test_a_model_of_one_series_takes_any_for_that_one():
    assert_same(fit(series(1)), VALUES)


def test_history_longer_and_shorter_than_a_season_forecasts_the_same():
    forecaster = fit(normalization="standard", season_length=12, guard=True)

    assert_same(forecaster, VALUES, 8)


@pytest.mark.parametrize(
    "rung", ["last_value", "seasonal_naive", "linear", "halfway", "zero_shot"]
)
def test_every_rung_of_the_guard_forecasts_the_same(rung):
    forecaster = fit(normalization="window", season_length=4, guard=True)
    fitted = forecaster.trained
    by_series = np.array([0, RUNGS.index(rung), RUNGS.index("network")])
    guard = replace(fitted.guard, by_series=by_series, default=RUNGS.index(rung))
    forecaster.trained = replace(fitted, guard=guard)

    assert_same(forecaster, {"s0": VALUES["s1"], **VALUES, "s2": VALUES["new"]}, 8)
    assert_same(forecaster, {"new": VALUES["new"]}, 8)


def test_negative_values_and_zeros_forecast_the_same():
    below = {"a": [0.0, -1.0, 2.0, -3.0, 1.0, 0.5, -0.5], "s0": [0.0] * 7}

    assert_same(fit(normalization="mean"), below)
    assert_same(fit(normalization="log"), {"s0": [0.0, 1.0, 0.0, 2.0, 1.0, 3.0]})


def test_many_series_at_once_forecast_as_they_do_alone():
    forecaster = fit(normalization="last")
    many = {f"n{i}": np.roll(VALUES["s1"], i) for i in range(700)}

    assert_same(forecaster, many)


def test_no_logarithm_is_taken_of_what_is_not_positive():
    forecaster = fit(normalization="log")
    values = {"s0": [0.0] * 6, "new": [1.0] * 5 + [0.0] * 2}  # s0 has a floor

    with pytest.raises(InvalidValues, match=r"value 6 of row 1.*logarithm"):
        forecaster.predictor.forecast(histories(forecaster, values), steps=3)


def test_a_long_horizon_may_be_infinite_and_is_no_error():
    forecaster = fit(normalization="log", linear_skip=False)
    values = {"s0": [1e300, 1.0, 1e300, 1.0, 1e300, 1e300]}

    points, bounds = forecaster.predictor.forecast(
        histories(forecaster, values), steps=40, levels=LEVELS
    )

    assert (points.shape, bounds.shape) == ((1, 40), (6, 1, 40))


def test_torch_answers_where_nothing_is_compiled(monkeypatch):
    forecaster = fit(members=2)
    compiled = forecaster.predict(horizon=5)
    monkeypatch.setattr("forecasting.kernels.network.is_compiled", lambda: False)
    again = Forecaster(
        windows=forecaster.windows, model=forecaster.model, training=forecaster.training
    )
    again.trained = forecaster.trained

    forecast = again.predict(horizon=5)

    np.testing.assert_allclose(forecast.points, compiled.points, rtol=1e-5)
