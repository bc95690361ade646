import numpy as np
import pandas as pd
import pytest

from forecasting.data.panel import Panel
from forecasting.data.splits import Origins, rolling_origins
from forecasting.data.windows import WindowSpec
from forecasting.errors import SeriesTooShort, SettingError
from forecasting.evaluation.backtest import EvaluationConfig, backtest, forecast_table
from forecasting.evaluation.baselines import Baseline
from forecasting.forecaster.forecaster import Forecaster
from forecasting.models.config import RecurrentConfig
from forecasting.scaling.methods import METHODS
from forecasting.training import TrainingConfig

HORIZON = 2


def panel(lengths=(60, 50), **settings):
    time = np.arange(max(lengths))
    random = np.random.default_rng(0)
    return Panel.from_values(
        {
            f"s{i}": 20 + 5 * np.sin(0.3 * time[:n]) + random.normal(size=n)
            for i, n in enumerate(lengths)
        },
        **settings,
    )


def network(**model):
    def fit(series):
        forecaster = Forecaster(
            windows=WindowSpec(seq_len=5, horizon=HORIZON),
            model=RecurrentConfig(**{"hidden_size": 4, **model}),
            training=TrainingConfig(device="cpu", epochs=1),
        )
        return forecaster.fit(series)

    return fit


def run(series, fits=None, folds=3, **settings):
    origins = rolling_origins(series, folds=folds, horizon=HORIZON)
    fits = {"gru": network(cell="gru")} if fits is None else fits
    return backtest(fits, series, origins, horizon=HORIZON, **settings)


def test_a_row_is_a_model_series_fold_and_step():
    table = run(panel(), {"gru": network(cell="gru"), "rnn": network(cell="rnn")})

    assert list(table) == [
        "model", "series_id", "fold", "cutoff", "step", "timestamp", "actual", "point",
        "lower_80", "upper_80", "lower_95", "upper_95",
    ]  # fmt: skip
    keys = table[["model", "series_id", "fold", "step"]]
    assert len(table) == 2 * 2 * 3 * HORIZON
    assert not keys.duplicated().any()
    assert not table.isna().any().any()
    assert (table["lower_80"] <= table["point"]).all()
    assert (table["point"] <= table["upper_80"]).all()


def test_cutoffs_timestamps_and_actuals_are_those_of_the_series():
    series = panel()

    table = run(series).query("series_id == 's1'")

    assert table["cutoff"].tolist() == [44, 44, 46, 46, 48, 48]
    assert table["timestamp"].tolist() == [45, 46, 47, 48, 49, 50]
    assert table["step"].tolist() == [1, 2] * 3
    assert table["fold"].tolist() == [1, 1, 2, 2, 3, 3]
    assert table["actual"].tolist() == series.series("s1")[44:].tolist()


def test_cutoffs_are_dates_where_the_series_has_dates():
    month = np.datetime64("2000-01", "M") + np.arange(60)

    table = run(panel((60,), timestamps={"s0": month}))

    assert table["cutoff"].iloc[-1] == pd.Timestamp("2004-10-01")
    assert table["timestamp"].iloc[-1] == pd.Timestamp("2004-12-01")


def test_every_fold_is_what_the_model_forecasts_by_hand():
    series = panel()
    before = np.array([54, 44])
    model = network(cell="gru")(series.until(before))

    table = run(series, levels=[80])

    for fold in range(3):
        ends = before + fold * HORIZON
        forecast = model.predict(series.until(ends), levels=[80])
        origins = Origins(series=np.arange(2), ends=ends)
        model.calibrate(series.until(ends + HORIZON), origins, forecast.points)
        rows = table[table["fold"] == fold + 1]
        np.testing.assert_allclose(rows["point"], forecast.points.ravel(), rtol=1e-6)
        lower, upper = forecast.intervals[80]
        np.testing.assert_allclose(rows["lower_80"], lower.ravel(), rtol=1e-6)
        np.testing.assert_allclose(rows["upper_80"], upper.ravel(), rtol=1e-6)


def test_refitting_fits_on_what_lies_before_each_cutoff():
    series, seen = panel(), []

    def fit(cut):
        seen.append(cut)
        return network(cell="gru")(cut)

    table = run(series, {"gru": fit}, refit=True)

    assert [cut.lengths.tolist() for cut in seen] == [[54, 44], [56, 46], [58, 48]]
    last = network(cell="gru")(series.until(np.array([58, 48]))).predict()
    rows = table[table["fold"] == 3]
    np.testing.assert_allclose(rows["point"], last.points.ravel(), rtol=1e-6)


def test_without_refitting_a_model_is_fitted_once_before_the_first_fold():
    seen = []

    def fit(cut):
        seen.append(cut.lengths.tolist())
        return network(cell="gru")(cut)

    run(panel(), {"gru": fit})

    assert seen == [[54, 44]]


@pytest.mark.parametrize("refit", [False, True])
@pytest.mark.parametrize("method", METHODS)
def test_earlier_folds_do_not_see_what_comes_later(method, refit):
    clean = panel()
    poisoned = Panel.from_values({s: clean.series(s).copy() for s in clean.series_ids})
    poisoned.values[56:60] = [1e9, -1e9, 0, 1e9]  # the second fold and the third
    poisoned.values[106:110] = [-1e9, 1e9, 0, -1e9]
    folds = rolling_origins(clean, folds=3, horizon=HORIZON)[:2]
    fits = {"gru": network(cell="gru", normalization=method)}

    tables = [
        backtest(fits, series, folds, horizon=HORIZON, refit=refit)
        for series in (clean, poisoned)
    ]

    first, second = (table.drop(columns="actual") for table in tables)
    pd.testing.assert_frame_equal(first, second)


@pytest.mark.parametrize("strategy", ["recursive", "seq2seq"])
def test_no_strategy_sees_what_comes_later(strategy):
    clean = panel()
    poisoned = Panel.from_values({s: clean.series(s).copy() for s in clean.series_ids})
    poisoned.values[54:60] = 1e9
    poisoned.values[104:110] = 1e9
    fits = {"lstm": network(strategy=strategy)}

    first, second = (run(series, fits) for series in (clean, poisoned))

    np.testing.assert_array_equal(
        first.loc[first["fold"] == 1, ["point", "lower_80", "upper_80"]],
        second.loc[second["fold"] == 1, ["point", "lower_80", "upper_80"]],
    )
    assert (
        first.loc[first["fold"] == 2, "point"]
        != second.loc[second["fold"] == 2, "point"]
    ).all()  # which sees the poison, as it may


def test_a_series_too_short_for_the_model_is_an_error():
    with pytest.raises(SeriesTooShort, match="'s0' has 6; at least 7 points"):
        run(panel((12,)))


def test_forecasts_of_any_origins_make_a_table():
    series = panel((10,))
    origins = Origins(series=np.array([0, 0]), ends=np.array([4, 7]))
    points = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])

    table = forecast_table(series, origins, points, {50.0: (points - 1, points + 1)})

    assert table["cutoff"].tolist() == [4, 4, 4, 7, 7, 7]
    assert table["timestamp"].tolist() == [5, 6, 7, 8, 9, 10]
    assert table["actual"].tolist() == [*series.values[4:7], *series.values[7:10]]
    assert table["upper_50"].tolist() == [2, 3, 4, 5, 6, 7]


# How to measure


def test_the_number_of_folds_is_taken_as_given():
    folds = EvaluationConfig(folds=4).origins(panel(), seq_len=5, horizon=HORIZON)

    assert folds[0].ends.tolist() == [52, 42]
    assert len(folds) == 4


def test_folds_are_chosen_where_nobody_says_how_many():
    folds = EvaluationConfig().origins(panel(), seq_len=5, horizon=HORIZON)

    assert len(folds) == 5  # a fifth of the 50 points of the shorter series


@pytest.mark.parametrize("folds", [27, 100])
def test_more_folds_than_leave_a_window_to_train_on_are_refused(folds):
    config = EvaluationConfig(folds=folds)

    with pytest.raises(
        SeriesTooShort, match=f"{folds} folds of horizon 2 and 7 before"
    ):
        config.origins(panel(), seq_len=5, horizon=HORIZON)


def test_the_season_is_that_of_the_calendar_unless_it_is_given():
    month = np.datetime64("2000-01", "M") + np.arange(60)
    monthly = panel((60,), timestamps={"s0": month})

    assert EvaluationConfig().seasons(monthly) == 12
    assert EvaluationConfig(season_length=6).seasons(monthly) == 6
    assert EvaluationConfig().seasons(panel()) == 1


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("folds", 0, "folds must be auto or a whole number of at least 1; found 0"),
        ("folds", True, "folds must be auto or"),
        ("folds", "many", "folds must be auto or"),
        ("season_length", -1, "season_length must be auto or"),
        ("season_length", 1.5, "season_length must be auto or"),
        ("metric", "r2", "metric must be one of mae, rmse, .*; found 'r2'"),
        ("levels", (80, 100), "level must be a percentage from 1 to 99; found 100"),
    ],
)
def test_a_setting_out_of_range_is_refused(setting, value, message):
    with pytest.raises(SettingError, match=message):
        EvaluationConfig(**{setting: value})


def upset(series, size):
    """Return the series swinging wildly over its last 20 steps."""
    values = {name: series.series(name).copy() for name in series.series_ids}
    for observed in values.values():
        observed[-20:] += size * (-1.0) ** np.arange(20)
    return Panel.from_values(values)


@pytest.mark.parametrize("fit", [network(cell="gru"), Baseline("last_value").fit])
def test_intervals_learn_from_the_errors_of_the_folds_before(fit):
    table = run(upset(panel((80,)), size=60), {"m": fit}, folds=10)

    width = (table["upper_80"] - table["lower_80"]).groupby(table["fold"]).mean()
    assert width[10] > 1.5 * width[1]


def test_intervals_do_not_learn_from_errors_that_are_yet_to_come():
    calm = panel((80,))
    wild = upset(calm, size=1e6)
    ends = np.arange(57, 61)  # folds one step apart, each two steps long
    folds = [Origins(series=np.zeros(1, dtype=np.int64), ends=e[None]) for e in ends]
    fits = {"m": Baseline("last_value").fit}

    tables = [backtest(fits, p, folds, horizon=HORIZON) for p in (calm, wild)]

    widths = [table["upper_80"] - table["lower_80"] for table in tables]
    assert widths[0].tolist() == pytest.approx(widths[1].tolist())
