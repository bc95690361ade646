from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from forecasting.covariates.layout import append_covariates
from forecasting.data.panel import Panel
from forecasting.data.splits import Origins, last_origins
from forecasting.data.windows import WindowSpec
from forecasting.errors import SettingError
from forecasting.evaluation.metrics import coverage
from forecasting.forecaster.forecaster import Forecaster
from forecasting.forecaster.predict import read_histories
from forecasting.intervals.calibration import Calibration
from forecasting.intervals.errors import ForecastErrors
from forecasting.intervals.scores import from_scores, to_scores
from forecasting.models.config import RecurrentConfig
from forecasting.models.ensemble import ensemble_forecast, ensemble_spread
from forecasting.models.network import RecurrentNetwork
from forecasting.models.quantile_head import QuantileHead
from forecasting.training import TrainingConfig
from forecasting.training.recipe.losses import make_loss, pinball_loss

QUANTILES = (0.1, 0.25, 0.5, 0.9)
STRATEGIES = ("direct", "recursive", "seq2seq")


def bursts(count=600, seed=0):
    """Noise that is loud for 20 steps and calm for 20."""
    random = np.random.default_rng(seed)
    loud = np.arange(count) // 20 % 2 == 0
    return 50 + random.normal(size=count) * np.where(loud, 5.0, 1.0)


def make(values, epochs=2, **model):
    forecaster = Forecaster(
        windows=WindowSpec(seq_len=5, horizon=2),
        model=RecurrentConfig(
            **{"cell": "gru", "hidden_size": 8, "quantiles": (0.1, 0.9), **model}
        ),
        training=TrainingConfig(device="cpu", epochs=epochs, learning_rate=0.01),
    )
    return forecaster.fit(Panel.from_values({"a": values}))


def network(strategy="direct", seed=0, scale=1.0):
    torch.manual_seed(seed)
    config = RecurrentConfig(
        cell="gru", hidden_size=4, strategy=strategy, quantiles=QUANTILES
    )
    built = RecurrentNetwork(config, seq_len=5, horizon=3)
    with torch.no_grad():
        for weights in built.parameters():
            weights.normal_(0, scale)
    return built.eval()


# The head


@pytest.mark.parametrize("strategy", STRATEGIES)
@given(seed=st.integers(0, 2**31), scale=st.sampled_from([0.1, 1.0, 30.0]))
def test_quantiles_do_not_cross_whatever_the_weights(strategy, seed, scale):
    model = network(strategy, seed, scale)
    inputs = torch.randn(4, 5, 1)

    with torch.no_grad():
        quantiles = model.forward_quantiles(inputs)
        median = model(inputs)

    assert quantiles.shape == (4, 3, 4)
    assert (quantiles.diff(dim=-1) >= 0).all()
    torch.testing.assert_close(quantiles[..., 2], median)


def test_training_starts_at_the_quantiles_of_the_errors():
    head = QuantileHead(4, 2, QUANTILES)
    residuals = torch.randn(5000, 2) * torch.tensor([1.0, 3.0])

    head.set_gaps(residuals)

    offsets = head(torch.randn(1, 4))[0]
    quantiles = torch.quantile(residuals, torch.tensor(QUANTILES), dim=0).T
    torch.testing.assert_close(offsets, quantiles - quantiles[:, 2:3])


def test_equal_errors_leave_a_gap():
    head = QuantileHead(4, 2, QUANTILES)

    head.set_gaps(torch.zeros(9, 2))

    assert (head(torch.randn(3, 4)).diff(dim=-1) > 0).all()


def test_the_loss_is_the_sum_of_the_quantiles_losses():
    forecast, actual = torch.randn(6, 3, 2), torch.randn(6, 3)

    loss = make_loss("mse", quantiles=(0.1, 0.5))(forecast, actual)

    by_hand = [
        pinball_loss(forecast[..., i], actual, q) for i, q in ((0, 0.1), (1, 0.5))
    ]
    torch.testing.assert_close(loss, by_hand[0] + by_hand[1])


def test_an_ensemble_forecasts_the_median_of_each_quantile():
    members, inputs = [network(seed=seed) for seed in range(3)], torch.randn(4, 5, 1)

    with torch.no_grad():
        spread = ensemble_spread(members, inputs)
        point = ensemble_forecast(members, inputs)
        each = torch.stack([member.forward_quantiles(inputs) for member in members])

    torch.testing.assert_close(point[..., None] + spread, each.median(0).values)
    assert (spread.diff(dim=-1) >= 0).all()


# Scores


def test_a_quantile_has_the_score_of_its_probability():
    offsets = np.array([[[-2.0, 0.0, 1.0]]])

    scores = to_scores(np.array([[-2.0]]), offsets, (0.1, 0.5, 0.9))
    beyond = to_scores(np.array([[2.0]]), offsets, (0.1, 0.5, 0.9))

    assert scores[0, 0] == pytest.approx(-1.281552, abs=1e-6)  # normal tables
    assert beyond[0, 0] == pytest.approx(2 * 1.281552, abs=1e-6)


@given(st.integers(0, 10_000))
def test_scores_turn_back_into_errors(seed):
    random = np.random.default_rng(seed)
    offsets = np.sort(random.normal(size=(3, 2, 4)), axis=-1)
    offsets -= offsets[..., 2:3]
    errors = 5 * random.normal(size=(3, 6))  # more steps than there are offsets

    scores = to_scores(errors, offsets, QUANTILES)

    np.testing.assert_allclose(from_scores(scores, offsets, QUANTILES), errors)
    assert (np.sign(scores) == np.sign(errors)).all()


# The forecaster


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_level_holds_the_narrower_ones_and_the_point(strategy):
    model = make(bursts(120), strategy=strategy, members=2)

    forecast = model.predict(horizon=5, levels=range(1, 100))

    inner = (forecast.points, forecast.points)
    for lower, upper in forecast.intervals.values():
        assert np.isfinite([lower, upper]).all()
        assert (lower <= inner[0]).all()
        assert (upper >= inner[1]).all()
        inner = lower, upper


@pytest.mark.parametrize("strategy", ["direct", "recursive"])
def test_intervals_cover_what_they_say(strategy):
    values = bursts(3000)
    panel = Panel.from_values({"a": values})
    model = make(values[:2000], epochs=10, strategy=strategy)
    ends = np.arange(2000, 2998)
    origins = Origins(series=np.zeros_like(ends), ends=ends)

    points = model.forecast_at(panel, origins)

    actual = values[ends[:, None] + np.arange(2)]
    for level, bounds in model.intervals_at(
        panel, origins, points, [50, 80, 95]
    ).items():
        assert 100 * coverage(actual, *bounds) == pytest.approx(level, abs=4)


def test_loud_windows_have_wider_quantiles_than_calm_ones():
    model = make(bursts(1500), epochs=20, intervals="split")
    calm, loud = np.full(5, 50.0), np.array([56.0, 44.0, 57.0, 43.0, 55.0])

    lower, upper = model.predict(Panel.from_values({"a": calm, "b": loud})).intervals[
        80
    ]

    assert ((upper - lower)[1] > 1.3 * (upper - lower)[0]).all()


def test_calibration_mends_quantiles_that_are_too_narrow():
    panel = Panel.from_values({"a": bursts(700)})
    model = make(bursts(700)[:600], intervals="split")
    with torch.no_grad():
        model.trained.networks[0].spread.gaps.mul_(0.1)
    ends = np.arange(600, 690)
    origins = Origins(series=np.zeros_like(ends), ends=ends)
    points = model.forecast_at(panel, origins)
    narrow = np.ptp(model.intervals_at(panel, origins, points, [80])[80], axis=0)

    model._calibration = Calibration.start(ForecastErrors.none(2), "split")
    model.calibrate(panel, origins, points)

    bounds = model.intervals_at(panel, origins, points, [80])[80]
    actual = panel.values[ends[:, None] + np.arange(2)]
    assert (np.ptp(bounds, axis=0) > 2 * narrow).all()
    assert coverage(actual, *bounds) == pytest.approx(0.8, abs=0.05)


def test_a_saved_model_has_its_quantiles(tmp_path):
    model = make(bursts(120), members=2)
    model.save(tmp_path / "model")

    loaded = Forecaster.load(tmp_path / "model", device="cpu")

    assert loaded.model == model.model
    first, second = (m.predict(horizon=4, levels=[60, 99]) for m in (model, loaded))
    for level in (60, 99):
        np.testing.assert_array_equal(first.intervals[level], second.intervals[level])


def test_without_quantiles_a_network_has_no_head_for_them():
    model = make(bursts(60), quantiles=())

    assert model.trained.networks[0].spread is None
    assert not any("spread" in name for name in model.trained.networks[0].state_dict())


def test_levels_round_points_from_elsewhere_shift_with_them():
    model = make(bursts(120))
    panel = Panel.from_values({"a": bursts(120)})
    points = model.forecast_at(panel, last_origins(panel))

    first, second = (
        np.array(model.intervals_at(panel, last_origins(panel), p, [80])[80])
        for p in (points, points + 7)
    )

    np.testing.assert_allclose(second, first + 7, rtol=1e-6)


# Settings


def test_the_median_is_always_among_the_quantiles():
    assert RecurrentConfig(quantiles=(0.9, 0.1, 0.9)).quantiles == (0.1, 0.5, 0.9)
    assert RecurrentConfig(quantiles=[0.2]).quantiles == (0.2, 0.5)
    assert RecurrentConfig().quantiles == ()


@pytest.mark.parametrize("quantiles", [(0.0, 0.5), (0.9, 1.0), (0.5,), (float("nan"),)])
def test_what_is_no_probability_is_refused(quantiles):
    with pytest.raises(
        SettingError, match=r"quantiles must be probabilities from 0\.001"
    ):
        RecurrentConfig(quantiles=quantiles)


def test_quantiles_need_the_loss_at_the_end():
    with pytest.raises(SettingError, match="loss_at must be 'end' with quantiles"):
        RecurrentConfig(quantiles=(0.1,), loss_at="step", linear_skip=False)


# With covariates


def shops():
    """Two shops with a past, a known and a static covariate."""
    rng = np.random.default_rng(0)
    promo = (rng.random((2, 128)) < 0.3).astype(float)
    names = "ab"
    return Panel.from_values(
        {
            s: 20 + 8 * promo[i, :120] + rng.normal(size=120)
            for i, s in enumerate(names)
        },
        past_covariates={"visits": {s: rng.normal(size=120) for s in names}},
        known_covariates={"promo": dict(zip(names, promo, strict=True))},
        static_covariates={"kind": {"a": "mall", "b": "street"}},
    )


def with_covariates(strategy):
    return Forecaster(
        windows=WindowSpec(seq_len=5, horizon=3),
        model=RecurrentConfig(
            hidden_size=4, strategy=strategy, quantiles=(0.1, 0.9), members=2
        ),
        training=TrainingConfig(device="cpu", epochs=2),
    ).fit(shops())


@pytest.mark.parametrize("strategy", ["direct", "seq2seq"])
def test_quantiles_are_those_of_windows_with_their_covariates(strategy):
    panel, model = shops(), with_covariates(strategy)
    fitted, origins = model.trained, last_origins(panel)
    histories = read_histories(model.predictor, panel, origins, 3)
    rows = model.predictor.read(histories, slice(0, 2))

    spread = model.predictor.spread(rows)

    columns = rows.covariates_from(0, 8)
    inputs = append_covariates(rows.frame.inputs[..., None], columns)
    with torch.no_grad():
        expected = ensemble_spread(fitted.networks, inputs)
    assert inputs.shape == (2, 8, fitted.covariates.layout.width)
    np.testing.assert_allclose(spread, expected, rtol=1e-6)


@pytest.mark.parametrize("strategy", ["direct", "seq2seq"])
def test_a_model_with_quantiles_and_covariates_is_saved_and_calibrated(
    strategy, tmp_path
):
    panel, model = shops(), with_covariates(strategy)
    origins = Origins(series=np.array([0, 1]), ends=np.array([110, 111]))
    points = model.forecast_at(panel, origins)
    model.calibrate(panel, origins, points)
    model.save(tmp_path / "model")

    loaded = Forecaster.load(tmp_path / "model", device="cpu")

    first, second = (m.intervals_at(panel, origins, points) for m in (model, loaded))
    np.testing.assert_array_equal(first[80], second[80])
    forecast = loaded.predict(panel)
    lower, upper = forecast.intervals[80]
    assert (lower < forecast.points).all()
    assert (forecast.points < upper).all()


def test_visits_change_the_width_that_the_network_forecasts():
    panel, model = shops(), with_covariates("direct")
    with torch.no_grad():
        for network in model.trained.networks:
            network.spread.linear.weight.normal_(0, 3)
    moved = {**panel.covariates, "visits": panel.covariates["visits"] + 5}
    origins = last_origins(panel)

    widths = [
        np.ptp(model.intervals_at(p, origins, np.full((2, 3), 25.0), [80])[80], axis=0)
        for p in (panel, replace(panel, covariates=moved))
    ]

    assert (np.abs(widths[0] - widths[1]) > 0.01).all()
