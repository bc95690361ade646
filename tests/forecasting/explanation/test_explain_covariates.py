"""Explanations of covariates, and of forecasts with exponential smoothing."""

from dataclasses import replace

import numpy as np
import pytest

from forecasting.data.panel import Panel
from forecasting.data.splits import last_origins
from forecasting.data.windows import WindowSpec
from forecasting.errors import MissingCovariates
from forecasting.explanation.explain import explain
from forecasting.forecaster.forecaster import Forecaster
from forecasting.forecaster.predict import read_histories
from forecasting.forecaster.predictor import forecast_windows
from forecasting.models.config import RecurrentConfig
from forecasting.models.ensemble import ensemble_forecast
from forecasting.training import TrainingConfig

LENGTH, AHEAD = 120, 8
POSITION = "position in the week"


def days(count=LENGTH):
    return np.datetime64("2024-01-01", "ns") + np.arange(count) * np.timedelta64(1, "D")


def shops(effect=0.0, length=LENGTH, ahead=AHEAD):
    """Return two shops with covariates of every role, numbers and text."""
    rng = np.random.default_rng(0)
    prices = rng.normal(size=(2, LENGTH + AHEAD))[:, : length + ahead]
    values = 20 + rng.normal(size=(2, LENGTH))[:, :length] + effect * prices[:, :length]
    kinds = ["mall", "street"]
    return Panel.from_values(
        dict(zip("ab", values, strict=True)),
        timestamps={name: days(length) for name in "ab"},
        freq="D",
        past_covariates={"visits": {name: rng.normal(size=length) for name in "ab"}},
        known_covariates={
            "price": dict(zip("ab", prices, strict=True)),
            "plan": {name: ["on", "off"] * ((length + ahead) // 2) for name in "ab"},
        },
        static_covariates={
            "size": {"a": 1.0, "b": 3.0},
            "kind": dict(zip("ab", kinds, strict=True)),
        },
    )


def fit(panel, epochs=2, **model):
    return Forecaster(
        windows=WindowSpec(seq_len=6, horizon=3),
        model=RecurrentConfig(**{"hidden_size": 4, "calendar_features": True, **model}),
        training=TrainingConfig(device="cpu", epochs=epochs),
    ).fit(panel)


@pytest.fixture(scope="module")
def trained():
    return fit(shops(effect=5.0))


@pytest.mark.parametrize("part", ["model", "network"])
@pytest.mark.parametrize("strategy", ["direct", "seq2seq"])
def test_each_number_has_its_importance_where_it_is_known(strategy, part):
    forecaster = fit(shops(), strategy=strategy)

    explanation = explain(forecaster, shops(), part=part)

    shapes = {
        name: importance.shape for name, importance in explanation.covariates.items()
    }
    assert shapes == {"visits": (3, 6), "price": (3, 9), POSITION: (3, 9), "size": (3,)}
    assert explanation.observations.shape == explanation.sensitivity.shape == (3, 6)


def test_what_moves_a_series_is_important_at_its_own_step(trained):
    price = explain(trained, shops(effect=5.0)).covariates["price"]

    assert price[:, 6:].argmax(1).tolist() == [0, 1, 2]
    visits = explain(trained, shops(effect=5.0)).covariates["visits"]
    assert price[:, 6:].max() > 5 * visits.max()


def test_a_direct_forecast_owes_nothing_to_the_known_covariates_of_other_steps(trained):
    ahead = explain(trained, shops(effect=5.0)).covariates["price"][:, 6:]

    np.testing.assert_array_equal(ahead[~np.eye(3, dtype=bool)], 0)


@pytest.mark.parametrize("strategy", ["direct", "seq2seq"])
def test_importance_of_a_static_number_is_what_changing_it_does(strategy):
    panel = shops()
    forecaster = fit(panel, strategy=strategy, normalization="standard")
    size = next(c for c in forecaster.trained.covariates.columns if c.name == "size")
    points = []
    for change in (0.01, -0.01):
        moved = {**panel.covariates, "size": panel.covariates["size"] + change}
        points.append(forecaster.predict(replace(panel, covariates=moved)).points)
    slope = (points[0] - points[1]) / 0.02 * size.scale
    slope = slope / forecaster.trained.normalizer.scale[:, None]
    x = size.encode(np.array([1.0, 3.0]))[:, None]

    explanation = explain(forecaster, forecaster.trained.context)

    expected = np.abs(slope * x).mean(0)
    np.testing.assert_allclose(explanation.covariates["size"], expected, rtol=0.02)


def test_recursive_forecasts_are_explained_too():
    panel = shops()
    rising = Panel.from_values(
        {"a": panel.values[:LENGTH]},
        known_covariates={"price": {"a": panel.covariates["price"][:LENGTH]}},
    )

    explanation = explain(fit(rising, strategy="recursive"), rising)

    assert (explanation.covariates["price"][2, 6:] > 0).all()
    assert explanation.covariates["price"][0, 7:].sum() == 0


def test_windows_end_where_known_covariates_still_reach_the_horizon(trained):
    panel = shops(effect=5.0, length=40, ahead=0)
    longer = shops(effect=5.0, length=40, ahead=8)

    assert explain(trained, panel, windows=1000).windows == 2 * (40 - 6 + 1 - 3)
    assert explain(trained, longer, windows=1000).windows == 2 * (40 - 6 + 1)


def test_without_known_future_values_the_error_names_the_required_steps():
    panel = shops(length=40, ahead=0)
    forecaster = fit(panel)

    message = "known covariate 'price' of series 'a'.* at least seq_len 6 \\+ horizon 3"
    with pytest.raises(MissingCovariates, match=message):
        explain(forecaster)


def test_the_table_has_lags_of_future_steps(trained):
    table = explain(trained, shops(effect=5.0)).to_frame()

    first = table[table["step"] == 1].set_index("feature")["lag"]
    assert first["visits"].tolist() == [6, 5, 4, 3, 2, 1]
    assert first["price"].tolist() == [6, 5, 4, 3, 2, 1, 0, -1, -2]
    assert table.query("feature == 'size'")["lag"].isna().all()
    assert str(table["lag"].dtype) == "Int64"


# Smoothing


def smoothed(values, normalization="ets"):
    return fit(
        Panel.from_values({"a": values}), calendar_features=False,
        normalization=normalization, season_length=4, linear_skip=False,
    )  # fmt: skip


def seasonal(count=80, seed=0):
    noise = np.random.default_rng(seed).normal(size=count)
    return 20 + 5 * np.sin(np.pi / 2 * np.arange(count)) + noise


@pytest.mark.parametrize("normalization", ["ets", "log_ets"])
def test_with_smoothing_the_network_alone_is_explained_by_the_remainder(normalization):
    forecaster = smoothed(seasonal(), normalization)
    fitted = forecaster.trained
    predictor, origins = forecaster.predictor, last_origins(fitted.context)
    histories = read_histories(predictor, fitted.context, origins, 3)
    frame = predictor.read(histories, slice(0, 1)).frame

    def run(windows, _):
        return ensemble_forecast(fitted.networks, windows[..., None])

    slopes = []
    for lag in range(6):
        ends = []
        for sign in (1, -1):
            inputs = frame.inputs.clone()
            inputs[0, lag] += sign * 0.1
            moved = frame._replace(inputs=inputs)
            ends.append(frame.measure(forecast_windows(fitted, moved, run)).detach())
        slopes.append(((ends[0] - ends[1]) / 0.2).numpy()[0])

    explanation = explain(forecaster, part="network")

    expected = np.abs(slopes).T
    assert expected.max() > 5e-3
    np.testing.assert_allclose(explanation.sensitivity, expected, rtol=0.05, atol=2e-4)


def test_lags_before_the_start_of_a_series_have_no_influence():
    forecaster = smoothed(seasonal())
    short = Panel.from_values({"new": seasonal(4, seed=1)})

    explanation = explain(forecaster, short)

    assert explanation.windows == 1
    np.testing.assert_array_equal(explanation.observations[:, :2], 0)
    np.testing.assert_array_equal(explanation.sensitivity[:, :2], 0)
    assert (explanation.sensitivity[:, 2:] > 0).all()
