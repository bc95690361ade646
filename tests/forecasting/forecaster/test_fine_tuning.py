from dataclasses import replace

import numpy as np
import pytest
import torch

from forecasting.data.panel import Panel
from forecasting.data.splits import Origins, last_origins
from forecasting.data.windows import WindowSpec
from forecasting.errors import NotFittedError, SettingError
from forecasting.forecaster.fine_tuning import trained_lengths
from forecasting.forecaster.forecaster import Forecaster
from forecasting.models.config import RecurrentConfig
from forecasting.scaling.methods import METHODS
from forecasting.selection.guard import RUNGS
from forecasting.training import TrainingConfig

SHORT = TrainingConfig(epochs=3, device="cpu", learning_rate=0.01)
NO_EPOCHS = TrainingConfig(epochs=0, device="cpu")
SPEC = WindowSpec(seq_len=5, horizon=2)


def wave(count, level=20.0, seed=0):
    noise = np.random.default_rng(seed).normal(size=count)
    return level + 5 * np.sin(0.3 * np.arange(count)) + noise


def make(training=SHORT, windows=SPEC, **model):
    settings = RecurrentConfig(**{"hidden_size": 4, **model})
    return Forecaster(windows=windows, model=settings, training=training)


@pytest.fixture(scope="module")
def start():
    return make(members=2, num_layers=2).fit(Panel.from_values({"a": wave(120)}))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_without_an_epoch_the_forecasts_are_those_of_the_start(method, cell):
    settings = {"normalization": method, "cell": cell}
    start = make(**settings).fit(Panel.from_values({"a": wave(120)}))
    longer = Panel.from_values({"a": wave(160)})

    tuned = make(NO_EPOCHS, **settings).fit(longer, start=start)

    origins = last_origins(longer)
    expected = start.forecast_at(longer, origins)
    np.testing.assert_allclose(tuned.forecast_at(longer, origins), expected, rtol=1e-6)


def test_the_start_itself_is_the_first_that_validation_chooses_from(start):
    panel = Panel.from_values({"a": wave(160)})
    ruinous = TrainingConfig(epochs=2, learning_rate=5.0, clip_norm=None, device="cpu")

    tuned = make(ruinous, members=2, num_layers=2).fit(panel, start=start)

    origins = last_origins(panel)
    losses = [record.validation_loss for record in tuned.history]
    assert losses[0] < min(losses[1:3])
    expected = start.forecast_at(panel, origins)
    np.testing.assert_allclose(tuned.forecast_at(panel, origins), expected, rtol=1e-6)


def test_training_goes_on_from_the_weights_and_leaves_the_start_as_it_was(start):
    panel = Panel.from_values({"a": wave(160)})
    before = start.predict().points

    tuned = make(members=2, num_layers=2).fit(panel, start=start)

    afresh = make(members=2, num_layers=2).fit(panel)
    assert tuned.history[0].validation_loss != afresh.history[0].validation_loss
    assert tuned.history[0].epoch == 0
    np.testing.assert_array_equal(start.predict().points, before)


def test_a_known_series_keeps_its_statistics_and_a_new_one_has_its_own():
    start = make(normalization="standard").fit(Panel.from_values({"a": wave(120)}))
    panel = Panel.from_values({"b": wave(80, level=900), "a": wave(160)})

    tuned = make(NO_EPOCHS, normalization="standard").fit(panel, start=start)

    center = tuned.trained.normalizer.center
    assert center[1] == start.trained.normalizer.center[0]
    assert center[0] == pytest.approx(900, abs=5)


def test_auto_means_the_normalisation_of_the_start():
    start = make(normalization="minmax").fit(Panel.from_values({"a": wave(120)}))

    tuned = make(NO_EPOCHS).fit(Panel.from_values({"a": wave(160)}), start=start)

    assert tuned.trained.normalizer.method == "minmax"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"cell": "gru"}, "cell must be 'lstm', as in the model .* found 'gru'"),
        ({"hidden_size": 8}, "hidden_size must be 4, as in the model .* found 8"),
        ({"members": 3}, "members must be at most 2, the members .* has; found 3"),
        ({"strategy": "seq2seq"}, "strategy must be 'direct', as in .* 'seq2seq'"),
        ({"linear_skip": False}, "linear_skip must be True, as in the model .* False"),
        ({"quantiles": (0.1, 0.9)}, r"quantiles must be \(\), as in the model"),
        ({"calendar_features": True}, "calendar_features must be False, as in"),
        ({"normalization": "none"}, "normalization must be .* found 'none'"),
        ({"windows": replace(SPEC, seq_len=9)}, "seq_len must be 5, .* found 9"),
        ({"windows": replace(SPEC, horizon=3)}, "horizon must be 2, .* found 3"),
    ],
)
def test_a_setting_that_contradicts_the_start_is_refused(start, settings, message):
    same = {"members": 2, "num_layers": 2}

    with pytest.raises(SettingError, match=message):
        make(**(same | settings)).fit(start.trained.context, start=start)


def weights(forecaster):
    states = (network.state_dict() for network in forecaster.trained.networks)
    return [tensor for state in states for tensor in state.values()]


@pytest.mark.parametrize(
    "settings",
    [
        {"windows": replace(SPEC, stride=3)},
        {"dropout": 0.2},
        {"guard": True, "season_length": 7},
        {"intervals": "split"},
        {"train_skip": True},
        {"training": replace(NO_EPOCHS, loss="mse", seed=3, refit=True)},
    ],
)
def test_settings_that_no_weight_depends_on_may_differ(start, settings):
    same = {"training": NO_EPOCHS, "members": 2, "num_layers": 2}

    tuned = make(**same | settings).fit(
        Panel.from_values({"a": wave(160)}), start=start
    )

    pairs = zip(weights(tuned), weights(start), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)
    assert (tuned.trained.guard is not None) == ("guard" in settings)
    assert np.isfinite(tuned.predict().points).all()


def test_a_guard_is_chosen_on_the_new_series():
    start = make(guard=False).fit(Panel.from_values({"a": wave(120)}))
    walk = np.random.default_rng(1).normal(size=400).cumsum()

    tuned = make(guard=True).fit(Panel.from_values({"b": walk}), start=start)

    assert RUNGS[tuned.trained.guard.by_series[0]] == "last_value"
    assert tuned.trained.config.model.guard


def test_of_an_ensemble_the_first_members_may_be_tuned_alone(start):
    panel = Panel.from_values({"a": wave(160)})

    tuned = make(NO_EPOCHS, members=1, num_layers=2).fit(panel, start=start)

    first = start.trained.networks[0].state_dict().values()
    pairs = zip(weights(tuned), first, strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)


def test_a_loss_at_every_step_can_follow_one_at_the_end():
    panel = Panel.from_values({"a": wave(160)})
    start = make(linear_skip=False).fit(panel)

    tuned = make(linear_skip=False, loss_at="step").fit(panel, start=start)

    assert np.isfinite(tuned.predict().points).all()
    assert tuned.model.loss_at == "step"


def test_an_untrained_start_is_refused():
    with pytest.raises(NotFittedError, match="has not been trained"):
        make().fit(Panel.from_values({"a": wave(120)}), start=make())


def dated(values, first="2024-01-01"):
    days = np.datetime64(first) + np.arange(len(values))
    return Panel.from_values({"a": values}, timestamps={"a": days})


def test_training_of_a_series_ends_with_the_last_observation_in_the_context():
    values = wave(60)
    context = dated(values[:40]).tail(5)
    revised = values.copy()
    revised[38] += 1

    assert trained_lengths(dated(values), context).tolist() == [40]
    assert trained_lengths(dated(revised), context).tolist() == [40]
    assert trained_lengths(dated(values[:30]), context).tolist() == [30]
    assert trained_lengths(dated(values, "2025-01-01"), context).tolist() == [0]


def test_another_name_other_values_or_another_axis_are_another_series():
    context = dated(wave(40)).tail(5)

    assert trained_lengths(dated(wave(60, seed=1)), context).tolist() == [-1]
    assert trained_lengths(Panel.from_values({"a": wave(60)}), context).tolist() == [-1]
    assert trained_lengths(Panel.from_values({"b": wave(60)}), context).tolist() == [-1]


# Covariates and smoothing


def shops(count=120, **changes):
    defaults = {
        "past_covariates": {"visits": {"a": wave(count, seed=1)}},
        "known_covariates": {"price": {"a": wave(count, seed=2)}},
        "static_covariates": {"kind": {"a": "mall"}},
    }
    return Panel.from_values({"a": wave(count)}, **{**defaults, **changes})


@pytest.fixture(scope="module")
def shop_start():
    return make().fit(shops())


def test_without_an_epoch_covariates_are_read_as_the_start_reads_them(shop_start):
    moved = {"price": {"a": 900 + wave(160, seed=2)}}
    panel = shops(160, known_covariates=moved, static_covariates={"kind": {"a": "new"}})

    tuned = make(NO_EPOCHS).fit(panel, start=shop_start)

    origins = Origins(series=np.array([0]), ends=np.array([150]))
    points = []
    for model in (shop_start, tuned):  # their limits differ with the observations
        model.trained = replace(model.trained, shown=None)
        points.append(model.forecast_at(panel, origins))
    np.testing.assert_allclose(*points, rtol=1e-6)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"past_covariates": {}},
            r"past_covariates must be \('visits',\), as in the model .* found \(\)",
        ),
        (
            {"known_covariates": {"cost": {"a": wave(120)}}},
            r"known_covariates must be \('price',\), as .* found \('cost',\)",
        ),
        (
            {"static_covariates": {"kind": {"a": 3}}},
            "covariate 'kind' must be 'text', as in the model .* found 'numbers'",
        ),
    ],
)
def test_other_covariates_than_those_of_the_start_are_refused(
    shop_start, changes, message
):
    with pytest.raises(SettingError, match=message):
        make().fit(shops(**changes), start=shop_start)


def test_covariates_are_refused_by_a_start_without_any(start):
    with pytest.raises(SettingError, match=r"must be \(\), .* found \('visits',\)"):
        make(members=2, num_layers=2).fit(shops(), start=start)


def test_a_start_with_seasons_needs_dates():
    seasons = {"calendar_features": True}
    start = make(**seasons).fit(dated(wave(120)))

    with pytest.raises(SettingError, match="timestamps must be 'dates', as in the"):
        make(**seasons).fit(Panel.from_values({"a": wave(120)}), start=start)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"patch_len": 1}, "patch_len must be 5, as in the model .* found 1"),
        ({"season_length": 2}, "season_length must be 4, as in the model .* found 2"),
    ],
)
def test_patches_and_a_smoothed_season_are_those_of_the_start(settings, message):
    same = {"patch_len": 5, "season_length": 4}
    same["normalization"] = "ets"
    start = make(**same).fit(Panel.from_values({"a": wave(120)}))

    with pytest.raises(SettingError, match=message):
        make(**same | settings).fit(Panel.from_values({"a": wave(120)}), start=start)


def test_a_smoothing_start_is_tuned_on_series_shorter_than_a_window():
    start = make(normalization="log_ets").fit(Panel.from_values({"a": wave(120)}))

    tuned = make().fit(Panel.from_values({"b": wave(6)}), start=start)

    assert tuned.trained.normalizer.method == "log_ets"
    assert np.isfinite(tuned.predict().points).all()
