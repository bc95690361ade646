"""Explanations of every method that may answer, against differences of the forecast."""

from dataclasses import replace

import numpy as np
import pytest

from forecasting.data.panel import Panel
from forecasting.data.windows import WindowSpec
from forecasting.explanation.explain import Explanation, explain
from forecasting.forecaster.forecaster import Forecaster
from forecasting.models.config import RecurrentConfig
from forecasting.selection.guard import RUNGS
from forecasting.training import TrainingConfig

SEQ_LEN, HORIZON, SEASON = 6, 5, 4


def wave(count=60, seed=0):
    noise = np.random.default_rng(seed).normal(size=count)
    return 20 + 5 * np.sin(2 * np.pi / SEASON * np.arange(count)) + noise


def fit(normalization, *, seq_len=SEQ_LEN, season=SEASON, panel=None):
    return Forecaster(
        windows=WindowSpec(seq_len=seq_len, horizon=HORIZON),
        model=RecurrentConfig(
            hidden_size=4, normalization=normalization, season_length=season, guard=True
        ),
        training=TrainingConfig(device="cpu", epochs=2),
    ).fit(panel or Panel.from_values({"a": wave()}))


def answer_by(forecaster, *methods):
    """Return the forecaster with these methods for its series, in their order."""
    trained = forecaster.trained
    rungs = np.array([RUNGS.index(method) for method in methods])
    changed = Forecaster(
        windows=forecaster.windows,
        model=forecaster.model,
        training=forecaster.training,
    )
    guard = replace(trained.guard, by_series=rungs)
    changed.trained = replace(trained, guard=guard)
    return changed


def measured_slopes(forecaster, values, count):
    """Return |dy/dx| of the served forecast, ``(horizon, count)``, by differences.

    In normalised units; logarithms are taken as they are in u.
    """
    scaler = forecaster.trained.normalizer
    u = scaler.scale_values(values[None])[0]
    small, slopes = 0.002, []

    def forecast(lag, change):
        moved = u.copy()
        moved[-lag] += change
        panel = Panel.from_values({"a": scaler.unscale(moved[None])[0]})
        return scaler.scale_values(forecaster.predict(panel).points)[0]

    for lag in range(count, 0, -1):
        change = forecast(lag, small) - forecast(lag, -small)
        slopes.append(np.abs(change) / (2 * small))
    return np.array(slopes).T


METHODS = [name for name in RUNGS if name != "smoothing"]
ALL = [("last", name) for name in METHODS]
ALL += [("standard", name) for name in METHODS] + [("log", name) for name in METHODS]
ALL += [("ets", name) for name in RUNGS] + [("log_ets", name) for name in RUNGS]


@pytest.fixture(scope="module")
def trained():
    names = {normalization for normalization, _ in ALL}
    return {normalization: fit(normalization) for normalization in names}


@pytest.mark.parametrize(("normalization", "method"), ALL)
def test_the_sensitivity_is_that_of_the_served_forecast(trained, normalization, method):
    forecaster = answer_by(trained[normalization], method)
    context = forecaster.trained.context

    explanation = explain(forecaster)

    expected = measured_slopes(forecaster, context.values, SEQ_LEN)
    assert explanation.methods == {"a": method}
    np.testing.assert_allclose(explanation.sensitivity, expected, rtol=0.05, atol=5e-3)


@pytest.mark.parametrize("normalization", ["last", "standard", "ets"])
@pytest.mark.parametrize("seq_len", [2, 6])
def test_a_copy_of_the_last_season_is_a_hundred_percent_its_lag(normalization, seq_len):
    forecaster = answer_by(fit(normalization, seq_len=seq_len), "seasonal_naive")

    explanation = explain(forecaster)

    [shares] = explanation.shares().values()
    lags = np.array(explanation.lags)
    assert lags[0] == max(seq_len, SEASON)
    assert lags[shares.argmax(1)].tolist() == [4, 3, 2, 1, 4]
    np.testing.assert_allclose(shares.max(1), 1, rtol=1e-6)


def test_a_copy_of_the_last_value_is_a_hundred_percent_lag_one_on_a_flat_series():
    flat = Panel.from_values({"a": np.full(60, 7.0)})
    forecaster = answer_by(fit("standard", panel=flat), "last_value")

    explanation = explain(forecaster)

    [shares] = explanation.shares().values()
    assert shares[:, -1].tolist() == [1.0] * HORIZON
    assert explanation.observations.max() == 0


def test_halfway_is_the_mean_of_network_and_basis(trained):
    signed, basis = {}, trained["standard"].trained.guard.basis
    for method in (basis, "halfway", "network"):
        forecaster = answer_by(trained["standard"], method)
        signed[method] = explain(forecaster).sensitivity

    upper = (signed[basis] + signed["network"]) / 2
    assert (signed["halfway"] <= upper + 1e-6).all()
    assert not np.allclose(signed["halfway"], signed["network"])


def test_series_with_different_methods_are_averaged_and_named():
    panel = Panel.from_values({"a": wave(), "b": wave(seed=1)})
    forecaster = fit("standard", panel=panel)
    mixed = answer_by(forecaster, "seasonal_naive", "last_value")

    explanation = explain(mixed)

    assert explanation.methods == {"a": "seasonal_naive", "b": "last_value"}
    np.testing.assert_allclose(explanation.sensitivity[0], [0, 0, 0.5, 0, 0, 0.5])


def test_a_series_below_a_window_is_explained_by_its_last_value(trained):
    explanation = explain(trained["last"], Panel.from_values({"a": [3.0, 5.0, 4.0]}))

    assert explanation.methods == {"a": "last_value"}
    np.testing.assert_allclose(explanation.sensitivity, [[0, 0, 0, 0, 0, 1]] * HORIZON)


def test_the_network_is_explained_by_itself_whatever_answers(trained):
    naive = answer_by(trained["standard"], "seasonal_naive")
    network = answer_by(trained["standard"], "network")

    one, other = explain(naive, part="network"), explain(network, part="network")

    np.testing.assert_array_equal(one.observations, other.observations)
    assert one.observations.max() > 0
    assert (one.methods, one.part) == ({"a": "seasonal_naive"}, "network")


def test_long_smoothed_series_have_fewer_windows(trained, monkeypatch):
    monkeypatch.setattr("forecasting.explanation.explain.MAX_SMOOTHED_POINTS", 5000)

    explanation = explain(trained["ets"], Panel.from_values({"a": wave(100)}))

    assert explanation.windows == 5000 // (2 * 6 * 100)


def test_shares_of_a_step_without_any_influence_are_zero():
    explanation = Explanation(
        target="y",
        windows=1,
        observations=np.zeros((1, 2)),
        sensitivity=np.zeros((1, 2)),
        covariates={"price": np.zeros((1, 3))},
    )

    assert [part.max() for part in explanation.shares().values()] == [0, 0]
