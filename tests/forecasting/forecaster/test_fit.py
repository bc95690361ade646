import math

import numpy as np
import pytest
import torch

from forecasting.data.panel import Panel
from forecasting.data.windows import WindowSpec
from forecasting.errors import SeriesTooShort, SettingError
from forecasting.forecaster.fit import fit_networks
from forecasting.forecaster.prepare import training_ends
from forecasting.forecaster.trained_model import ForecasterConfig
from forecasting.models.config import RecurrentConfig
from forecasting.models.ensemble import ensemble_forecast
from forecasting.scaling.methods import METHODS
from forecasting.training import TrainingConfig

SPEC = WindowSpec(seq_len=5, horizon=2)


def noise(count=200, seed=0):
    return np.random.default_rng(seed).normal(size=count)


def positive(count=200):
    return 20 + 5 * np.sin(0.3 * np.arange(count)) + noise(count)


def growing_season():
    time = np.arange(300)
    return np.exp(0.02 * time + 0.5 * np.sin(0.5 * time) + 0.05 * noise(300))


def fit(panel, *, spec=SPEC, on_epoch=None, training=None, **model):
    config = ForecasterConfig(
        windows=spec,
        model=RecurrentConfig(**{"hidden_size": 4, **model}),
        training=TrainingConfig(**{"device": "cpu", "epochs": 3, **(training or {})}),
    )
    return fit_networks(panel, config, on_epoch=on_epoch)


def single_series(values):
    return Panel.from_values({"a": values})


def weights_of(fitted):
    return [
        tensor
        for network in fitted.networks
        for tensor in network.state_dict().values()
    ]


def same_weights(first, second):
    pairs = zip(weights_of(first), weights_of(second), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.parametrize(
    ("length", "share", "end"),
    [
        (100, 0.15, 85),
        (100, 0.0, 100),
        (20, 0.05, 18),  # one horizon at least
        (9, 0.15, 7),  # a single window to train on is left
        (8, 0.15, 8),  # none would be left: no validation part
        (3, 0.15, 3),
    ],
)
def test_the_latest_share_of_each_series_validates(length, share, end):
    panel = Panel.from_values({"a": np.arange(50.0), "b": np.arange(float(length))})

    config = ForecasterConfig(windows=SPEC, training=TrainingConfig(validation=share))

    assert training_ends(panel, config)[1] == end


def test_members_differ_and_their_median_is_the_forecast():
    fitted = fit(single_series(positive()), members=3, linear_skip=False)
    inputs = torch.randn(10, 5, 1)

    with torch.no_grad():
        forecast = ensemble_forecast(fitted.networks, inputs)
        members = torch.stack([network(inputs) for network in fitted.networks])

    assert not torch.allclose(members[0], members[1])
    assert torch.equal(forecast, members.median(0).values)


def test_the_median_of_four_is_the_mean_of_the_middle_two():
    fitted = fit(single_series(positive()), members=4, linear_skip=False)
    inputs = torch.randn(10, 5, 1)

    with torch.no_grad():
        forecast = ensemble_forecast(fitted.networks, inputs)
        members = torch.stack([network(inputs) for network in fitted.networks])

    torch.testing.assert_close(forecast, members.sort(0).values[1:3].mean(0))


def test_the_same_seed_gives_the_same_networks_and_another_seed_others():
    panel = single_series(positive())

    first, second = fit(panel), fit(panel)
    other = fit(panel, training={"seed": 1})

    assert same_weights(first, second)
    assert not same_weights(first, other)
    np.testing.assert_array_equal(first.errors.residuals, second.errors.residuals)


def test_the_random_numbers_of_the_caller_are_left_alone():
    torch.manual_seed(5)
    np.random.seed(5)
    expected = torch.get_rng_state(), np.random.get_state()[1].copy()

    fit(
        single_series(positive()),
        members=2,
        num_layers=2,
        dropout=0.5,
        strategy="seq2seq",
    )

    assert torch.equal(torch.get_rng_state(), expected[0])
    assert (np.random.get_state()[1] == expected[1]).all()


def test_the_state_of_the_caller_does_not_matter():
    panel = single_series(positive())

    torch.manual_seed(1)
    first = fit(panel)
    torch.manual_seed(2)
    second = fit(panel)

    assert same_weights(first, second)


def test_every_epoch_of_every_member_is_reported():
    reported = []

    fitted = fit(single_series(positive()), members=2, on_epoch=reported.append)

    by_member = sorted(reported, key=lambda record: record.member)  # in parallel or not
    assert by_member == fitted.history
    epochs = [(record.member, record.epoch) for record in by_member]
    assert epochs == [(0, 0), (0, 1), (0, 2), (0, 3), (1, 0), (1, 1), (1, 2), (1, 3)]


def test_training_starts_at_the_linear_forecast():
    wave = np.sin(0.3 * np.arange(200))

    fitted = fit(single_series(wave), training={"epochs": 0})

    assert fitted.history[0].validation_loss < 1e-3
    assert np.abs(fitted.errors.residuals).max() < 1e-2


def test_residuals_are_actual_minus_forecast_on_the_validation_part():
    values = positive()

    fitted = fit(single_series(values), normalization="last")

    center, scale = fitted.normalizer.center[0], fitted.normalizer.scale[0]
    scaled = (values - center) / scale
    expected = []
    for origin in range(170, 199):
        window = scaled[origin - 5 : origin] - scaled[origin - 1]
        actual = scaled[origin : origin + 2] - scaled[origin - 1]
        with torch.no_grad():
            forecast = fitted.networks[0](torch.tensor(window).float()[None, :, None])
        expected.append(actual - forecast[0].double().numpy())
    np.testing.assert_allclose(fitted.errors.residuals, np.array(expected), atol=1e-5)


def test_without_a_validation_part_residuals_are_those_of_training():
    fitted = fit(single_series(positive()), training={"validation": 0})

    assert fitted.errors.residuals.shape == (200 - 7 + 1, 2)


@pytest.mark.parametrize(
    ("values", "method"),
    [
        (growing_season(), "log"),
        (noise(1000).cumsum(), "last"),
        (noise(1000), "standard"),
    ],
)
def test_auto_chooses_the_normalization_that_suits_the_series(values, method):
    fitted = fit(single_series(values), normalization="auto", training={"epochs": 0})

    assert fitted.normalizer.method == method


def test_auto_takes_the_first_candidate_when_nothing_validates():
    fitted = fit(single_series(positive()), training={"validation": 0, "epochs": 0})

    assert fitted.normalizer.method == "last"


def test_a_series_without_a_window_does_not_hinder_the_others():
    panel = Panel.from_values({"long": positive(), "short": [1.0, 2.0]})

    fitted = fit(panel)

    assert fitted.normalizer.center.shape == (2,)
    assert np.isfinite(fitted.errors.residuals).all()


def test_series_that_are_all_too_short_are_named():
    panel = Panel.from_values({"a": [1.0] * 6, "b": [2.0] * 3})

    with pytest.raises(
        SeriesTooShort, match=r"'a' has 6, 'b' has 3; at least 7 points"
    ):
        fit(panel)


@pytest.mark.parametrize(
    "model",
    [
        {"bidirectional": True},
        {"strategy": "seq2seq"},
        {"loss_at": "step", "linear_skip": False},
    ],
)
def test_truncation_is_refused_where_the_gradient_has_no_one_way_back(model):
    with pytest.raises(
        SettingError, match="truncate must be null unless one direction"
    ):
        fit(single_series(positive()), training={"truncate": 3}, **model)


@pytest.mark.parametrize(
    ("method", "strategy"),
    [
        (method, strategy)
        for method in METHODS
        for strategy in ("direct", "recursive", "seq2seq")
        if (method, strategy) not in (("ets", "recursive"), ("log_ets", "recursive"))
    ],
)
def test_nothing_that_is_fitted_sees_behind_the_cutoff(method, strategy):
    values, cutoff = positive(), np.array([150])
    poisoned = values.copy()
    poisoned[150:] = [1e9, -1e9] * 25

    clean = fit(
        single_series(values).until(cutoff), normalization=method, strategy=strategy
    )
    after = fit(
        single_series(poisoned).until(cutoff), normalization=method, strategy=strategy
    )

    assert clean.normalizer.center == after.normalizer.center
    assert clean.normalizer.scale == after.normalizer.scale
    assert same_weights(clean, after)  # the linear part is among them
    np.testing.assert_array_equal(clean.errors.residuals, after.errors.residuals)


@pytest.mark.parametrize("method", METHODS)
def test_training_does_not_see_the_validation_part(method):
    values = positive()
    poisoned = values.copy()
    poisoned[170:] = 1e9
    settings = {"normalization": method, "linear_skip": False}

    clean = fit(single_series(values), **settings)
    after = fit(single_series(poisoned), **settings)

    assert clean.normalizer.center == after.normalizer.center
    assert clean.normalizer.scale == after.normalizer.scale
    losses = [[record.train_loss for record in f.history[1:]] for f in (clean, after)]
    assert losses[0] == losses[1]
    assert not math.isclose(
        clean.history[0].validation_loss, after.history[0].validation_loss
    )


def test_refit_trains_once_more_on_everything_as_long_as_was_best():
    panel = single_series(positive(120))

    fitted = fit(panel, training={"refit": True, "epochs": 6, "learning_rate": 0.05})
    plain = fit(panel, training={"epochs": 6, "learning_rate": 0.05})

    first, refitted = (fitted.history[: len(plain.history)], fitted.history[7:])
    losses = [record.validation_loss for record in plain.history]
    assert [record.train_loss for record in first[1:]] == [
        record.train_loss for record in plain.history[1:]
    ]
    assert len(refitted) == 1 + losses.index(min(losses))
    assert all(math.isnan(record.validation_loss) for record in refitted)
    np.testing.assert_array_equal(fitted.errors.residuals, plain.errors.residuals)
    assert fitted.penalty == plain.penalty
    assert not same_weights(fitted, plain)


def test_refit_sees_the_latest_observations():
    values = positive(120)
    later = values.copy()
    later[-10:] += 30
    training = {"refit": True, "validation": 0.1, "epochs": 0}

    plain, moved = (
        fit(
            single_series(v),
            training={**training, "refit": False},
            normalization="standard",
        )
        for v in (values, later)
    )
    refitted = fit(single_series(later), training=training, normalization="standard")

    assert plain.normalizer.center == moved.normalizer.center
    assert refitted.normalizer.center > moved.normalizer.center + 1


def test_nothing_is_refitted_where_nothing_was_held_out():
    training = {"validation": 0.0, "epochs": 2}

    fitted = fit(single_series(positive()), training={**training, "refit": True})

    assert len(fitted.history) == 3
    assert same_weights(fitted, fit(single_series(positive()), training=training))


def test_refitted_steps_are_as_many_as_before():
    fitted = fit(single_series(positive()), training={"refit": True, "steps": 20})

    assert [record.epoch for record in fitted.history] == [*range(11), *range(11)]


@pytest.mark.parametrize("method", ["ets", "log_ets"])
def test_smoothing_learns_from_series_shorter_than_a_window(method):
    panel = Panel.from_values({"a": positive(12), "b": positive(60)})
    spec = WindowSpec(seq_len=20, horizon=3)

    fitted = fit(panel, spec=spec, normalization=method)
    alone = fit(single_series(positive(9)), spec=spec, normalization=method)

    assert np.isfinite(fitted.errors.residuals).all()
    assert len(alone.history) > 0


def test_drawing_windows_changes_what_is_learnt_and_the_seed_repeats_it():
    panel = Panel.from_values({"a": positive(40), "b": positive(200)})

    first, same, balanced = (
        fit(panel, training={"steps": 20, "balance": balance})
        for balance in (0.0, 0.0, 1.0)
    )

    assert same_weights(first, same)
    assert not same_weights(first, balanced)
