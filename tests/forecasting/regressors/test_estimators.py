import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from forecasting.data.windows import WindowSpec, sliding_windows
from forecasting.errors import SettingError, ShapeError
from forecasting.regressors import GRURegressor, LSTMRegressor, RNNRegressor

REGRESSORS = (RNNRegressor, LSTMRegressor, GRURegressor)
EACH_REGRESSOR = pytest.mark.parametrize("regressor", REGRESSORS)
SMALL = {
    "hidden_size": 8,
    "members": 2,
    "epochs": 4,
    "device": "cpu",
    "random_state": 0,
}


def wave_windows(count=160, horizon=3):
    """Return a noisy wave on a high level: (rows, 6) and (rows, horizon)."""
    steps = np.arange(count)
    noise = np.random.default_rng(0).normal(scale=0.05, size=count)
    wave = 20 + np.sin(0.5 * steps) + noise
    inputs, targets = sliding_windows(wave, WindowSpec(seq_len=6, horizon=horizon))
    return inputs[..., 0].copy(), targets.copy()


def error(regressor, inputs, targets, split=110):
    regressor.fit(inputs[:split], targets[:split])
    return float(np.abs(regressor.predict(inputs[split:]) - targets[split:]).mean())


@parametrize_with_checks([regressor(**SMALL) for regressor in REGRESSORS])
def test_the_regressors_keep_the_rules_of_scikit_learn(estimator, check):
    check(estimator)


@EACH_REGRESSOR
def test_a_forecast_has_the_shape_of_the_targets(regressor):
    inputs, targets = wave_windows()
    three_steps = regressor(**SMALL).fit(inputs, targets)
    one_step = regressor(**SMALL).fit(inputs, targets[:, 0])
    one_column = regressor(**SMALL).fit(inputs, targets[:, :1])

    assert three_steps.predict(inputs[:7]).shape == (7, 3)
    assert one_step.predict(inputs[:7]).shape == (7,)
    assert one_column.predict(inputs[:7]).shape == (7, 1)


@EACH_REGRESSOR
@pytest.mark.parametrize("strategy", ["direct", "recursive", "seq2seq"])
@pytest.mark.parametrize("normalization", ["standard", "last"])
def test_every_setting_forecasts_a_wave_on_a_high_level(
    regressor, strategy, normalization
):
    inputs, targets = wave_windows()
    settings = SMALL | {"strategy": strategy, "normalization": normalization}

    mean_error = error(regressor(**settings), inputs, targets)

    repeated = np.abs(inputs[110:, -1:] - targets[110:]).mean()
    assert mean_error < 0.2 * repeated


def test_a_network_without_a_linear_start_learns_too():
    inputs, targets = wave_windows()
    settings = SMALL | {"epochs": 60, "linear_skip": False, "learning_rate": 0.01}

    mean_error = error(GRURegressor(**settings), inputs, targets)

    assert mean_error < 0.3 * np.abs(inputs[110:, -1:] - targets[110:]).mean()


def test_windows_with_a_features_axis_of_one_are_the_same_windows():
    inputs, targets = wave_windows()

    flat = LSTMRegressor(**SMALL).fit(inputs, targets)
    deep = LSTMRegressor(**SMALL).fit(inputs[..., None], targets)

    np.testing.assert_array_equal(
        flat.predict(inputs[:5]), deep.predict(inputs[:5, :, None])
    )


@pytest.mark.parametrize("strategy", ["direct", "seq2seq"])
def test_a_further_feature_that_predicts_the_future_is_used(strategy):
    noise = np.random.default_rng(0).normal(size=200)
    future = np.append(noise[1:], 0)  # at each step, the next target
    inputs, targets = sliding_windows(
        np.stack([noise, future], 1), WindowSpec(seq_len=4, horizon=1)
    )

    mean_error = error(GRURegressor(**SMALL, strategy=strategy), inputs, targets)

    assert mean_error < 0.1


@EACH_REGRESSOR
def test_the_same_seed_gives_the_same_forecasts(regressor):
    inputs, targets = wave_windows()
    settings = SMALL | {"linear_skip": False}
    first = regressor(**settings).fit(inputs, targets)

    second = clone(first).fit(inputs, targets)
    other = regressor(**settings | {"random_state": 1}).fit(inputs, targets)

    np.testing.assert_array_equal(second.predict(inputs), first.predict(inputs))
    assert (other.predict(inputs) != first.predict(inputs)).any()


def test_the_later_rows_choose_the_epoch_and_do_not_train():
    inputs, targets = wave_windows()
    settings = SMALL | {"validation": 0.25}
    poisoned = targets.copy()
    poisoned[-40:] = 1e6  # the latest quarter, and nothing else, is spoilt

    clean = LSTMRegressor(**settings).fit(inputs, targets)
    after = LSTMRegressor(**settings).fit(inputs, poisoned)

    assert after.normalizer_.target_scale == clean.normalizer_.target_scale
    assert after.history_[1].validation_loss > 1e6 * clean.history_[1].validation_loss


def test_without_validation_every_epoch_is_run():
    inputs, targets = wave_windows()

    fitted = GRURegressor(**SMALL | {"validation": 0.0}).fit(inputs, targets)

    assert [record.epoch for record in fitted.history_] == [0, 1, 2, 3, 4] * 2
    assert all(np.isnan(record.validation_loss) for record in fitted.history_)


def test_training_leaves_the_random_numbers_of_the_caller_alone():
    inputs, targets = wave_windows()
    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)

    GRURegressor(**SMALL).fit(inputs, targets)

    assert torch.equal(torch.rand(1), expected)


@EACH_REGRESSOR
def test_a_grid_search_over_time_finds_a_setting(regressor):
    inputs, targets = wave_windows(count=100)
    grid = {"hidden_size": np.array([2, 4]), "normalization": ["standard", "last"]}
    search = GridSearchCV(
        regressor(**SMALL), grid, cv=TimeSeriesSplit(2, gap=2), error_score="raise"
    )

    search.fit(inputs, targets)

    assert search.best_score_ > 0.9
    assert search.predict(inputs).shape == targets.shape


@EACH_REGRESSOR
def test_a_pipeline_may_scale_inputs_and_targets(regressor):
    inputs, targets = wave_windows()
    scaled_inputs = make_pipeline(StandardScaler(), regressor(**SMALL))
    scaled_targets = TransformedTargetRegressor(
        scaled_inputs, transformer=StandardScaler()
    )

    repeated = np.abs(inputs[110:, -1:] - targets[110:]).mean()
    assert error(clone(scaled_inputs), inputs, targets) < 0.2 * repeated
    assert error(scaled_targets, inputs, targets) < 0.2 * repeated


def test_no_scaling_is_left_to_the_caller():
    inputs, targets = wave_windows()
    regressor = GRURegressor(**SMALL, normalization="none")

    mean_error = error(regressor, inputs - 20, targets - 20)

    assert mean_error < 0.2


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"normalization": "max"}, "normalization must be one of none, standard"),
        ({"normalization": "log"}, "one of standard, last, none for rows"),
        ({"hidden_size": 0}, "hidden_size must be a whole number"),
        ({"validation": 1.5}, "validation must be from 0 to 0.9"),
        ({"device": "abacus"}, "device must be one of auto, cpu, cuda, mps"),
        ({"merge": "mean"}, "merge must be one of concat, sum, mul"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused_when_fitting(settings, message):
    inputs, targets = wave_windows()
    regressor = LSTMRegressor(**SMALL | settings)

    with pytest.raises(SettingError, match=message):
        regressor.fit(inputs, targets)


def test_the_elman_network_refuses_an_unknown_nonlinearity():
    inputs, targets = wave_windows()

    with pytest.raises(SettingError, match="nonlinearity must be one of tanh, relu"):
        RNNRegressor(nonlinearity="sin").fit(inputs, targets)


def test_rows_of_another_shape_are_refused():
    inputs, targets = wave_windows()
    regressor = GRURegressor(**SMALL).fit(inputs, targets)

    with pytest.raises(ValueError, match="is expecting 6 features as input"):
        regressor.predict(inputs[:, :4])
    with pytest.raises(
        ShapeError, match=r"X must have .*rows, 6, 1.*found \(152, 6, 2"
    ):
        regressor.predict(np.stack([inputs, inputs], 2))
    with pytest.raises(ShapeError, match="X must have the shape"):
        regressor.fit(inputs[:, :, None, None], targets)
