"""Explanations against importances that are computed by other means."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from forecasting.data.panel import Panel
from forecasting.data.windows import WindowSpec
from forecasting.errors import (
    DataError,
    IrregularTimestamps,
    NotFittedError,
    SeriesTooShort,
    SettingError,
)
from forecasting.explanation.explain import Explanation, explain
from forecasting.forecaster.forecaster import Forecaster
from forecasting.models.config import RecurrentConfig
from forecasting.training import TrainingConfig


def season(count=120, seed=0):
    noise = np.random.default_rng(seed).normal(size=count)
    return 20 + 5 * np.sin(0.3 * np.arange(count)) + noise


def single_series(values):
    return Panel.from_values({"a": values})


def fit(panel=None, seq_len=5, horizon=2, **model):
    return Forecaster(
        windows=WindowSpec(seq_len=seq_len, horizon=horizon),
        model=RecurrentConfig(**{"hidden_size": 4, **model}),
        training=TrainingConfig(device="cpu", epochs=2),
    ).fit(panel or single_series(season()))


def make_linear(forecaster):
    """Zero the head, so that only the ridge regression forecasts."""
    for network in forecaster.trained.networks:
        torch.nn.init.zeros_(network.head.weight)
        torch.nn.init.zeros_(network.head.bias)
    return forecaster


def set_weights(network, **weights):
    """Fill named parameters with constants."""
    for name, parameter in network.encoder.named_parameters():
        torch.nn.init.constant_(parameter, weights[name.split(".")[-1].split("_l0")[0]])
    torch.nn.init.ones_(network.head.weight)
    torch.nn.init.zeros_(network.head.bias)


def test_of_a_linear_forecast_the_gradient_is_its_weights():
    panel = single_series(season())
    forecaster = make_linear(fit(panel, normalization="standard"))
    weights = forecaster.trained.networks[0].skip.weight.abs().numpy()
    normalizer = forecaster.trained.normalizer
    scaled = (panel.values - normalizer.center) / normalizer.scale
    windows = np.lib.stride_tricks.sliding_window_view(scaled, 5)

    explanation = explain(forecaster, panel, windows=1000)

    assert explanation.windows == len(windows) == 116
    np.testing.assert_allclose(explanation.sensitivity, weights, rtol=1e-5)
    expected = weights * np.abs(windows).mean(0)
    np.testing.assert_allclose(explanation.observations, expected, rtol=1e-4)


def test_the_gradient_goes_through_the_level_of_the_window():
    forecaster = make_linear(fit(normalization="last"))
    weights = forecaster.trained.networks[0].skip.weight.numpy().copy()
    weights[:, -1] = 1 - weights[:, :-1].sum(1)  # of y = last + W (x - last)

    explanation = explain(forecaster)

    np.testing.assert_allclose(explanation.sensitivity, np.abs(weights), rtol=1e-4)


@pytest.mark.parametrize("strategy", ["direct", "recursive", "seq2seq"])
@pytest.mark.parametrize("normalization", ["none", "mean", "window", "log"])
def test_the_sensitivity_is_that_of_the_forecast_itself(strategy, normalization):
    panel = single_series(season())
    forecaster = fit(panel, strategy=strategy, normalization=normalization, members=3)
    inside = np.log if normalization == "log" else np.asarray
    outside = np.exp if normalization == "log" else np.asarray
    window, small = inside(panel.values[-5:]), 1e-2

    def forecast(changed):
        return inside(forecaster.predict(single_series(outside(changed))).points[0])

    moved = [
        [forecast(window + sign * bump) for sign in (1, -1)]
        for bump in small * np.eye(5)
    ]
    slopes = [(up - down) / (2 * small) for up, down in moved]

    explanation = explain(forecaster)

    expected = np.abs(slopes).T
    np.testing.assert_allclose(explanation.sensitivity, expected, rtol=0.05, atol=2e-3)


def test_a_silent_network_depends_on_nothing_by_itself():
    forecaster = make_linear(fit(normalization="standard"))

    explanation = explain(forecaster, part="network")

    assert (explanation.observations == 0).all()
    assert (explain(forecaster).observations > 0).any()
    assert forecaster.trained.networks[0].skip is not None


def test_without_a_linear_part_the_network_is_the_model():
    forecaster = fit(normalization="none", linear_skip=False)

    whole, network = explain(forecaster), explain(forecaster, part="network")

    np.testing.assert_array_equal(whole.observations, network.observations)


def test_a_contracting_network_forgets_at_the_rate_of_its_weight():
    forecaster = fit(
        seq_len=12, cell="rnn", hidden_size=1, normalization="none", linear_skip=False
    )
    set_weights(
        forecaster.trained.networks[0], weight_ih=1, weight_hh=0.5, bias_ih=0, bias_hh=0
    )
    tiny = single_series(1e-3 * season(40))

    sensitivity = explain(forecaster, tiny, part="network").sensitivity

    ratios = sensitivity[:, :-1] / sensitivity[:, 1:]
    assert (ratios < 0.5).all()
    np.testing.assert_allclose(ratios, 0.5, rtol=0.01)


def test_a_symmetric_bidirectional_network_explains_a_mirrored_window_mirrored():
    forecaster = fit(
        cell="rnn", bidirectional=True, merge="sum", normalization="none",
        linear_skip=False,
    )  # fmt: skip
    layer = forecaster.trained.networks[0].encoder.layers[0]
    layer.reverse_cell.load_state_dict(layer.forward_cell.state_dict())
    window = np.array([0.1, -0.4, 0.3, 0.2, 0.9])

    ahead, mirrored = (
        explain(forecaster, single_series(w)) for w in (window, window[::-1])
    )

    np.testing.assert_allclose(
        ahead.observations, mirrored.observations[:, ::-1], rtol=1e-5
    )


def test_members_that_agree_are_explained_like_one():
    forecaster = fit(members=4)
    fitted = forecaster.trained
    alone = explain(forecaster)
    forecaster.trained = replace(fitted, networks=fitted.networks[:1])
    first = explain(forecaster)
    forecaster.trained = replace(fitted, networks=fitted.networks[:1] * 4)

    agreed = explain(forecaster)

    np.testing.assert_allclose(agreed.observations, first.observations, rtol=1e-5)
    assert not np.allclose(alone.observations, first.observations)


def test_observations_before_the_window_have_no_influence():
    forecaster, values = fit(), season(40, seed=3)
    changed = values.copy()
    changed[:-5] += 100

    last, other = (
        explain(forecaster, single_series(v), windows=1) for v in (values, changed)
    )

    np.testing.assert_array_equal(last.observations, other.observations)
    np.testing.assert_array_equal(last.sensitivity, other.sensitivity)


def test_by_default_the_last_window_of_each_series_is_explained():
    panel = Panel.from_values({"a": season(), "b": 100 * season(80, seed=1)})
    forecaster = fit(panel)

    explanation = explain(forecaster)

    assert explanation.windows == 2
    assert explanation.observations.shape == (2, 5)
    assert explanation.covariates == {}
    expected = explain(forecaster, panel.tail(5))
    np.testing.assert_array_equal(explanation.observations, expected.observations)


@pytest.mark.parametrize(("windows", "expected"), [(1, [15]), (3, [7, 11, 15])])
def test_windows_are_spread_evenly_and_end_with_the_last(windows, expected):
    forecaster, values = fit(), season(15, seed=4)
    alone = [
        explain(forecaster, single_series(values[end - 5 : end])) for end in expected
    ]

    explanation = explain(forecaster, single_series(values), windows=windows)

    mean = np.mean([each.observations for each in alone], axis=0)
    np.testing.assert_allclose(explanation.observations, mean, rtol=1e-5)


def test_a_short_series_beside_a_long_one_has_no_window():
    forecaster = fit(Panel.from_values({"a": season(), "b": season(90)}))
    both = Panel.from_values({"a": season(40), "b": season(3)})

    assert explain(forecaster, both, windows=100).windows == 36


def test_explaining_changes_nothing():
    forecaster = fit(members=2)
    before = forecaster.predict().points

    explain(forecaster, part="network")

    np.testing.assert_array_equal(forecaster.predict().points, before)
    assert not forecaster.trained.networks[0].training


def test_the_table_has_a_row_for_each_step_lag_and_feature():
    table = Explanation(
        target="sales",
        windows=1,
        observations=np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]),
        sensitivity=np.ones((2, 3)),
        covariates={"price": np.array([[7.0, 8.0, 9.0]] * 2), "size": np.ones(2)},
    ).to_frame()

    assert list(table) == ["step", "lag", "feature", "importance"]
    assert len(table) == 2 * 3 + 2 * 3 + 2
    assert table.iloc[0].tolist() == [1, 3, "sales", 1.0]
    assert table.iloc[5].tolist() == [2, 1, "sales", 6.0]
    assert table["feature"].value_counts().to_dict() == {
        "sales": 6, "price": 6, "size": 2
    }  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"part": "half"}, "part must be one of model, network; found 'half'"),
        ({"windows": 0}, "windows must be at least 1; found 0"),
    ],
)
def test_a_wrong_setting_is_refused(settings, match):
    with pytest.raises(SettingError, match=match):
        explain(fit(), **settings)


def test_the_mean_of_finite_gradients_is_finite_however_large_they_are():
    forecaster = fit(normalization="none")
    largest = np.finfo(np.float32).max
    usual = explain(forecaster, single_series(season(30))).sensitivity
    values = season(30) * float(largest) / 3 / np.abs(season(30)).max() / usual.max()

    importance = explain(forecaster, single_series(values)).observations

    assert np.isfinite(importance).all()
    assert importance.max() > 0


def test_series_that_cannot_be_forecast_cannot_be_explained():
    stamps = np.arange("2024-01", "2034-01", dtype="datetime64[M]")
    stamps = stamps.astype("datetime64[ns]")
    monthly = Panel.from_values({"a": season()}, timestamps={"a": stamps}, freq="MS")
    days = np.datetime64("2024-01-01", "ns") + np.arange(9) * np.timedelta64(1, "D")
    daily = Panel.from_values({"a": season(9)}, timestamps={"a": days}, freq="D")
    forecaster = fit(monthly)

    with pytest.raises(NotFittedError, match="has not been"):
        explain(Forecaster())
    with pytest.raises(SeriesTooShort, match="seq_len 5"):
        explain(forecaster, single_series(season(4)))
    with pytest.raises(IrregularTimestamps, match=r"'D'.*'MS'"):
        explain(forecaster, daily)
    with pytest.raises(DataError, match="no finite gradient"):
        explain(forecaster, single_series(np.full(5, 1e300)))
