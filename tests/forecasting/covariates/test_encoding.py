"""Covariates in forecasts: their effect, and no leak of later values."""

import json

import numpy as np
import pytest
from safetensors.torch import load_file

from forecasting.covariates.encoding import (
    Covariate,
    Covariates,
    check_names,
    hold_known_covariates,
)
from forecasting.covariates.windows import check_reach
from forecasting.data.panel import Panel
from forecasting.data.splits import Origins, last_origins, rolling_origins
from forecasting.data.windows import WindowSpec
from forecasting.errors import (
    ArtifactError,
    DataError,
    InvalidValues,
    MissingCovariates,
    SettingError,
    UnknownSeries,
)
from forecasting.evaluation.backtest import backtest
from forecasting.forecaster.forecaster import Forecaster
from forecasting.models.config import RecurrentConfig
from forecasting.training import TrainingConfig

LENGTH, AHEAD = 160, 12
STRATEGIES = ("direct", "recursive", "seq2seq")


def fit(panel, *, seq_len=6, horizon=3, epochs=3, batch_size=256, **model):
    return Forecaster(
        windows=WindowSpec(seq_len=seq_len, horizon=horizon),
        model=RecurrentConfig(**{"hidden_size": 4, **model}),
        training=TrainingConfig(
            device="cpu",
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=0.001 * 256 / batch_size,
        ),
    ).fit(panel)


def error(forecaster, panel, actual):
    """Return the mean absolute error of forecasts from each of the last 57 steps."""
    steps = np.arange(LENGTH - 60, LENGTH - 3)
    origins = Origins(series=np.zeros(len(steps), dtype=np.int64), ends=steps)
    points = forecaster.forecast_at(panel, origins)
    return np.abs(points - actual[steps[:, None] + np.arange(points.shape[1])]).mean()


def wave(effect=0.0, seed=0):
    noise = np.random.default_rng(seed).normal(0, 0.3, LENGTH)
    return 20 + 3 * np.sin(0.4 * np.arange(LENGTH)) + effect + noise


def promotions(seed=1):
    return (np.random.default_rng(seed).random(LENGTH + AHEAD) < 0.3).astype(float)


def mixed(**changes):
    """Return two series with covariates of every role, numbers and text."""
    rng = np.random.default_rng(3)
    plan = ["none", "half", "full"]
    columns = {
        "past_covariates": {
            "visits": {"a": rng.normal(50, 9, LENGTH), "b": rng.normal(70, 9, LENGTH)}
        },
        "known_covariates": {
            "promo": {"a": promotions(1), "b": promotions(2)},
            "plan": {
                name: [plan[i] for i in rng.integers(0, 3, LENGTH + AHEAD)]
                for name in "ab"
            },
        },
        "static_covariates": {
            "size": {"a": 120, "b": 80},
            "kind": {"a": "mall", "b": "street"},
        },
    }
    values = {"a": wave(seed=1), "b": wave(seed=2)}
    return Panel.from_values(values, **{**columns, **changes})


def without_past(panel=None):
    panel = mixed() if panel is None else panel
    return mixed(past_covariates={})


# Effect of covariates on forecasts


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_known_promotion_that_explains_a_series_halves_the_error(strategy):
    promo = promotions()
    values = wave(8 * promo[:LENGTH])
    plain = Panel.from_values({"a": values})
    knowing = Panel.from_values({"a": values}, known_covariates={"promo": {"a": promo}})

    blind = fit(plain, strategy=strategy)
    informed = fit(knowing, strategy=strategy)

    errors = error(informed, knowing, values), error(blind, plain, values)
    assert errors[0] < errors[1] / 2


def test_the_network_learns_what_is_not_linear():
    price = np.random.default_rng(5).normal(0, 1, LENGTH + AHEAD)
    values = wave(6 * np.abs(price[:LENGTH]))
    panel = Panel.from_values({"a": values}, known_covariates={"price": {"a": price}})

    untrained = fit(panel, epochs=0, hidden_size=16)
    trained = fit(panel, epochs=40, batch_size=32, hidden_size=16)

    assert error(trained, panel, values) < 0.8 * error(untrained, panel, values)


@pytest.mark.parametrize("strategy", ["direct", "seq2seq"])
def test_a_past_covariate_that_leads_the_target_is_used(strategy):
    visits = np.random.default_rng(2).normal(0, 1, LENGTH)
    values = wave(5 * np.roll(visits, 3))  # three steps later, the horizon's length
    plain = Panel.from_values({"a": values})
    leading = Panel.from_values(
        {"a": values}, past_covariates={"visits": {"a": visits}}
    )

    blind, informed = fit(plain, strategy=strategy), fit(leading, strategy=strategy)

    assert error(informed, leading, values) < error(blind, plain, values) / 2


def test_a_static_category_separates_two_kinds_of_series():
    rng = np.random.default_rng(0)
    drift = {"up": 1.0, "down": -1.0}
    values, kinds = {}, {}
    for number in range(12):
        kind = ("up", "down")[number % 2]
        jumps = rng.normal(0, 3, 40)  # the drift cannot be told from a window
        values[f"s{number}"] = 200 + np.cumsum(drift[kind] + jumps)
        kinds[f"s{number}"] = kind
    panel = Panel.from_values(values, static_covariates={"kind": kinds})

    forecaster = fit(panel, seq_len=2, horizon=3, normalization="last")

    points = forecaster.predict().points
    change = points[:, -1] - np.array([series[-1] for series in values.values()])
    assert (change[0::2] > 0).all()
    assert (change[1::2] < 0).all()


def test_weekdays_are_learnt_from_the_timestamps_alone():
    days = np.datetime64("2024-01-01") + np.arange(LENGTH)
    weekend = np.isin((np.arange(LENGTH)) % 7, [5, 6])
    values = 10.0 + 5 * weekend + np.random.default_rng(0).normal(0, 0.2, LENGTH)
    panel = Panel.from_values({"a": values}, timestamps={"a": days})

    blind = fit(panel, seq_len=2, epochs=30)
    seeing = fit(panel, seq_len=2, epochs=30, calendar_features=True)

    assert seeing.trained.covariates.cycles == ("week",)
    assert error(seeing, panel, values) < error(blind, panel, values) / 2
    assert np.isfinite(seeing.predict(horizon=30).points).all()


def test_integer_steps_have_no_calendar_features():
    panel = Panel.from_values({"a": wave()})

    forecaster = fit(panel, calendar_features=True)

    assert not forecaster.trained.covariates
    expected = fit(panel).predict().points
    np.testing.assert_array_equal(forecaster.predict().points, expected)


def test_covariates_without_a_role_change_nothing():
    plain = Panel.from_values({"a": wave()})
    promo = {"promo": {"a": promotions()}}
    other = Panel.from_values({"a": wave()}, known_covariates=promo)

    forecaster = fit(plain)

    expected = forecaster.predict(plain).points
    np.testing.assert_array_equal(forecaster.predict(other).points, expected)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"strategy": "seq2seq", "num_layers": 2},
        {"bidirectional": True, "members": 2},
        {"linear_skip": False, "loss_at": "step"},
        {"normalization": "window", "cell": "mlp"},
    ],
)
def test_every_kind_of_network_takes_all_roles(settings):
    forecaster = fit(mixed(), epochs=1, **settings)

    points = forecaster.predict().points

    assert points.shape == (2, 3)
    assert np.isfinite(points).all()


def test_a_network_with_a_loss_at_every_step_is_trained_on_covariates():
    promo = promotions()
    values = wave(8 * promo[:LENGTH])
    covariates = {"promo": {"a": promo}}
    panel = Panel.from_values({"a": values}, known_covariates=covariates)
    settings = {"loss_at": "step", "linear_skip": False, "hidden_size": 16}

    trained = fit(panel, epochs=60, **settings)

    blind = fit(Panel.from_values({"a": values}), epochs=60, **settings)
    assert error(trained, panel, values) < 0.8 * error(blind, panel, values)


@pytest.mark.parametrize(
    ("strategy", "points"),
    [
        ("direct", [22.324809, 22.663791, 22.596953, 21.928415]),
        ("recursive", [22.322602, 22.577477, 22.266289, 21.769854]),
        ("seq2seq", [22.324779, 22.666697, 22.597894, 21.929669]),
    ],
)
def test_without_covariates_forecasts_are_those_of_before_there_were_any(
    strategy, points, tmp_path
):
    forecaster = fit(Panel.from_values({"a": wave()}), strategy=strategy)

    forecaster.save(tmp_path / "model")

    forecast = forecaster.predict(horizon=4).points[0]
    np.testing.assert_allclose(forecast, points, rtol=1e-4)
    names = load_file(tmp_path / "model" / "model.safetensors")
    parts = {name.split(".")[0] for name in names}
    assert parts == {"context", "intervals", "members", "scaler", "shown"}
    inner = {name.split(".")[2] for name in names if name.startswith("members")}
    assert inner <= {"encoder", "head", "decoder", "skip"}


# Leaks of later values


@pytest.mark.parametrize("strategy", ["direct", "seq2seq"])
def test_nothing_behind_the_cutoff_or_the_horizon_changes_a_forecast(strategy):
    panel = mixed()
    forecaster = fit(panel, strategy=strategy, calendar_features=True)
    origins = Origins(series=np.array([0, 1, 1]), ends=np.array([100, 100, 130]))
    expected = forecaster.forecast_at(panel, origins, 3)

    poisoned = mixed()
    for series, end in ((0, 100), (1, 130)):
        start = panel.offsets[series]
        poisoned.values[start + end : panel.offsets[series + 1]] = 1e6
        later = slice(start + end, panel.offsets[series + 1])
        poisoned.covariates["visits"][later] = -1e6
        beyond = slice(start + end + 3, panel.offsets[series + 1])
        poisoned.covariates["promo"][beyond] = 1e6
        poisoned.covariates["plan"][beyond] = "never seen"
    poisoned.future["promo"].values[:] = 1e6

    comparable = [0, 2]  # the second origin of b stands behind the first
    forecast = forecaster.forecast_at(poisoned, origins, 3)
    np.testing.assert_array_equal(forecast[comparable], expected[comparable])


def test_known_covariates_within_the_horizon_do_change_a_forecast():
    panel = mixed()
    forecaster = fit(panel)
    other = panel.with_future({"promo": {"a": [5.0] * 3, "b": [0.0] * 3}})

    changed = forecaster.predict(other).points != forecaster.predict(panel).points

    assert changed[0].all()


@pytest.mark.parametrize("strategy", ["direct", "seq2seq"])
def test_a_shorter_horizon_gives_the_same_first_steps(strategy):
    forecaster = fit(mixed(), strategy=strategy)

    full, short = forecaster.predict().points, forecaster.predict(horizon=1).points

    np.testing.assert_allclose(short, full[:, :1], rtol=1e-6)


@pytest.mark.parametrize("behind", ["target", "visits", "promo"])
def test_a_backtest_sees_no_covariate_behind_its_folds(behind):
    panel, poisoned = mixed(), mixed()
    folds = rolling_origins(panel, folds=2, horizon=3)[:1]
    end = int(folds[0].ends[0])
    ahead = 3 if behind == "promo" else 0
    for start in panel.offsets[:-1]:
        later = slice(start + end + ahead, start + LENGTH)
        column = poisoned.covariates.get(behind, poisoned.values)
        column[later] = 1e6

    tables = [
        backtest({"rnn": lambda p: fit(p, epochs=1)}, variant, folds, horizon=3)
        for variant in (panel, poisoned)
    ]

    np.testing.assert_array_equal(tables[0]["point"], tables[1]["point"])


# Forecasts beyond the panel


def test_future_covariates_of_predict_are_those_of_the_panel():
    complete = without_past()
    promo, plan = complete.future["promo"], complete.future["plan"]
    future = {
        name: {
            series: ahead.values[ahead.offsets[row] : ahead.offsets[row + 1]]
            for row, series in enumerate("ab")
        }
        for name, ahead in (("promo", promo), ("plan", plan))
    }
    forecaster = fit(complete)
    cut = complete.with_future({"promo": {}, "plan": {}})

    points = forecaster.predict(cut, future=future, horizon=7).points

    expected = forecaster.predict(complete, horizon=7).points
    np.testing.assert_array_equal(points, expected)
    np.testing.assert_array_equal(forecaster.predict(horizon=7).points, expected)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_long_forecasts_are_fed_back_with_what_is_known(strategy):
    promo = promotions()
    values = wave(8 * promo[:LENGTH])
    covariates = {"promo": {"a": promo}}
    panel = Panel.from_values({"a": values}, known_covariates=covariates)

    points = fit(panel, strategy=strategy).predict(horizon=AHEAD).points[0]

    on = promo[LENGTH:] == 1
    assert points[on].min() > points[~on].max()


def test_a_known_covariate_that_ends_too_early_is_named():
    forecaster = fit(without_past())
    message = (
        r"known covariate 'plan' of series 'b': expected 3 steps ahead; found 2\. "
        r"Give its future values \(future=\.\.\., --future FILE\.csv"
    )

    with pytest.raises(MissingCovariates, match=message):
        forecaster.predict(
            future={"plan": {"a": ["none"] * 3, "b": ["none"] * 2}}, horizon=3
        )


@pytest.mark.parametrize("name", ["prmo", "visits"])
def test_a_future_of_anything_but_a_known_covariate_is_refused(name):
    message = f"future: '{name}' is no known covariate.*known ones are: 'promo', 'plan'"

    with pytest.raises(DataError, match=message):
        mixed().with_future({name: {"a": [1.0]}})


def test_a_panel_without_a_covariate_of_the_model_is_refused():
    forecaster = fit(without_past())
    plain = Panel.from_values({"a": wave()})

    message = "'promo' of series 'a': expected values; found no covariates. The model"
    with pytest.raises(MissingCovariates, match=message):
        forecaster.predict(plain)


def test_past_covariates_reach_the_trained_horizon_only():
    forecaster = fit(mixed())

    with pytest.raises(SettingError, match="horizon must be at most 3 with past"):
        forecaster.predict(horizon=4)


def test_the_recursive_strategy_refuses_past_covariates():
    message = r"direct or seq2seq with past covariates \(visits\)"
    with pytest.raises(SettingError, match=message):
        fit(mixed(), strategy="recursive")


def test_seasons_need_timestamps():
    days = np.datetime64("2024-01-01") + np.arange(LENGTH)
    dated = Panel.from_values({"a": wave()}, timestamps={"a": days})
    forecaster = fit(dated, calendar_features=True)

    with pytest.raises(MissingCovariates, match=r"expected dates.*found none"):
        forecaster.predict(Panel.from_values({"a": wave()}))


def test_what_is_known_may_be_left_as_it_was_for_a_trial():
    panel = hold_known_covariates(without_past(), 5)

    check_reach(panel, ("promo", "plan"), last_origins(panel), 5)

    assert panel.future["plan"].lengths.tolist() == [5, 5]
    assert set(panel.future["plan"].values[:5]) == {panel.covariates["plan"][159]}


# Numbers and categories


def test_numbers_are_standardised_on_the_training_part_alone():
    values = {"a": [1.0] * 100 + [9.0] * 60}
    panel = Panel.from_values({"a": wave()}, past_covariates={"x": values})

    covariates = Covariates.fit(panel, np.array([100]), seasons=False)

    assert (covariates.columns[0].center, covariates.columns[0].scale) == (1.0, 1.0)


def test_a_category_never_seen_is_unknown():
    column = Covariate.fit("kind", "static", np.array(["b", "a", "b"], dtype=object))

    codes = column.encode(np.array([["a", "c"], ["b", ""]], dtype=object))

    assert codes.tolist() == [[1, 0], [2, 0]]


def test_a_forecast_takes_a_category_never_seen():
    forecaster = fit(mixed())
    kinds = {"a": "station", "b": "street"}
    static = {"size": {"a": 120, "b": 80}, "kind": kinds}

    points = forecaster.predict(mixed(static_covariates=static)).points

    assert np.isfinite(points).all()
    np.testing.assert_array_equal(points[1], forecaster.predict().points[1])


def test_whole_numbers_among_text_are_the_same_category_as_text():
    column = Covariate.fit("aisle", "known", np.array(["1", "2b"], dtype=object))

    assert column.encode(np.array([1.0, 2.0])).tolist() == [1, 0]


@pytest.mark.parametrize(
    ("values", "note"),
    [
        (["bonus", "plain"], []),
        (["Bonus"], ["'Bonus' not seen in training, where it is 'bonus'"]),
        (["new"], ["'new' not seen in training, which has 'bonus', 'plain'"]),
    ],
)
def test_categories_never_seen_are_noted(values, note):
    column = Covariate.fit("offer", "known", np.array(["bonus", "plain"], object))

    assert column.unseen(values) == [
        f"'offer': {text}; taken as unknown" for text in note
    ]


def test_categories_of_new_observations_and_of_the_future_are_noted():
    covariates = fit(mixed()).trained.covariates
    kinds = {"a": "station", "b": "street"}
    panel = mixed(static_covariates={"size": {"a": 120, "b": 80}, "kind": kinds})

    [note] = covariates.unseen(panel, is_new=True)

    assert note.startswith("'kind': 'station' not seen in training")
    assert covariates.unseen(panel, is_new=False) == []


def test_text_for_a_covariate_of_numbers_is_refused():
    column = Covariate.fit("promo", "known", np.array([0.0, 1.0]))

    with pytest.raises(InvalidValues, match="'promo': text where the model was"):
        column.encode(np.array(["yes"], dtype=object))


def test_a_static_covariate_that_changes_is_refused():
    panel = mixed()
    panel.covariates["size"][200] = 81.0

    with pytest.raises(InvalidValues, match="several values at series 'b'"):
        fit(panel)


# Checks of the covariates of a panel


@pytest.mark.parametrize(
    ("covariates", "kind", "message"),
    [
        (
            {"past_covariates": {"x": {"a": [1, 2]}}},
            MissingCovariates,
            "past covariate 'x' of series 'a': expected 3 values, one for each "
            "observation; found 2",
        ),
        (
            {"past_covariates": {"x": {"a": [1, 2, 3, 4]}}},
            DataError,
            "'x' of series 'a' has 4 values and the series 3",
        ),
        (
            {"known_covariates": {"x": {}}},
            MissingCovariates,
            "known covariate 'x' of series 'a': expected 3 values; found none",
        ),
        (
            {"static_covariates": {"x": {}}},
            MissingCovariates,
            "static covariate 'x' of series 'a': expected one value; found none",
        ),
        (
            {"known_covariates": {"x": {"b": [1, 2, 3]}}},
            UnknownSeries,
            "unknown series 'b'",
        ),
        (
            {"known_covariates": {"x": {"a": [1, None, 3]}}},
            InvalidValues,
            "'x': missing values at place 2",
        ),
        (
            {"known_covariates": {"x": {"a": [1, 2, float("inf")]}}},
            InvalidValues,
            "'x': infinite values at place 3",
        ),
        (
            {"known_covariates": {"x": {"a": [[1, 2], [2], [3]]}}},
            DataError,
            "'x' must be numbers or text; found list",
        ),
        (
            {
                "past_covariates": {"x": {"a": [1, 2, 3]}},
                "static_covariates": {"x": {"a": 1}},
            },
            DataError,
            "'x' is given as past and as static",
        ),
    ],
)
def test_covariates_that_do_not_fit_are_refused(covariates, kind, message):
    with pytest.raises(kind, match=message):
        Panel.from_values({"a": [1.0, 2.0, 3.0]}, **covariates)


def test_a_cut_panel_forgets_the_future_and_a_tail_keeps_it():
    panel = mixed()

    cut, tail = panel.until(np.array([100, LENGTH])), panel.tail(10)

    assert cut.future["promo"].lengths.tolist() == [0, AHEAD]
    assert tail.future["promo"].lengths.tolist() == [AHEAD, AHEAD]
    np.testing.assert_array_equal(
        cut.future["promo"].values, panel.future["promo"].values[AHEAD:]
    )


# Saved models


def test_a_loaded_model_forecasts_the_same_with_covariates(tmp_path):
    panel = mixed()
    forecaster = fit(panel, members=2)

    forecaster.save(tmp_path / "model")
    loaded = Forecaster.load(tmp_path / "model", device="cpu")

    expected = forecaster.predict().points
    np.testing.assert_array_equal(loaded.predict().points, expected)
    np.testing.assert_array_equal(loaded.predict(panel).points, expected)
    assert loaded.trained.covariates == forecaster.trained.covariates
    loaded.save(tmp_path / "again")
    for name in ("config.json", "model.safetensors"):
        first, second = (tmp_path / folder / name for folder in ("model", "again"))
        assert first.read_bytes() == second.read_bytes()


def test_a_model_without_covariates_saves_none(tmp_path):
    fit(Panel.from_values({"a": wave()})).save(tmp_path / "model")

    config = json.loads((tmp_path / "model" / "config.json").read_text())

    assert "covariates" not in config


def test_a_model_whose_covariates_do_not_fit_is_damaged(tmp_path):
    fit(mixed()).save(tmp_path / "model")
    path = tmp_path / "model" / "config.json"
    config = json.loads(path.read_text())
    config["covariates"]["columns"].pop()
    path.write_text(json.dumps(config))

    with pytest.raises(ArtifactError, match="it is damaged"):
        Forecaster.load(tmp_path / "model")


@pytest.mark.parametrize("name", ["series_id", "timestamp", "target"])
def test_a_covariate_with_the_name_of_an_input_of_every_model_is_refused(name):
    panel = Panel.from_values({"a": [1.0, 2.0]}, past_covariates={name: {"a": [1, 2]}})

    with pytest.raises(SettingError, match=f"rename the column; found '{name}'"):
        check_names(panel)


@pytest.mark.parametrize("name", ["point", "step", "lower_80", "date"])
def test_a_covariate_may_have_the_name_of_an_output(name):
    panel = Panel.from_values({"a": [1.0, 2.0]}, past_covariates={name: {"a": [1, 2]}})

    check_names(panel)
