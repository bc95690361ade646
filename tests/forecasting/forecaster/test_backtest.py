"""Backtest of a forecaster from Python: its folds, its leaderboard, its display."""

import numpy as np
import pandas as pd
import pytest

from forecasting import Forecaster, Panel, RecurrentConfig, TrainingConfig, WindowSpec
from forecasting.errors import AmbiguousColumns, SeriesTooShort, SettingError

DAYS = pd.date_range("2024-01-01", periods=70)
HOSTILE = "<b onclick=alert(1)>"


def sales(*names, zone=None):
    """Return a frame of 70 days for each shop."""
    parts = []
    for number, name in enumerate(names):
        rng = np.random.default_rng(number)
        wave = 20 + 3 * np.sin(0.9 * np.arange(70) + number) + rng.normal(0, 0.3, 70)
        days = DAYS if zone is None else DAYS.tz_localize(zone)
        parts.append(pd.DataFrame({"day": days, "shop": name, "sales": wave}))
    return pd.concat(parts, ignore_index=True)


def quick(**model):
    return Forecaster(
        windows=WindowSpec(seq_len=7, horizon=3),
        model=RecurrentConfig(hidden_size=4, **model),
        training=TrainingConfig(epochs=1),
    )


@pytest.fixture(scope="module")
def result():
    return quick(guard=True).backtest(sales("north", "south"), folds=4)


def test_the_leaderboard_has_the_model_its_network_and_the_baselines(result):
    board = result.leaderboard

    assert set(board.index) == {
        "guarded lstm", "lstm", "last_value", "seasonal_naive", "drift", "mean",
        "linear_ar", "zero_shot",
    }  # fmt: skip
    assert board["mase"].is_monotonic_increasing
    assert {"skill", "skill_lower", "coverage_80", "msis_95"} <= set(board.columns)


def test_the_figures_are_those_of_the_forecasts_in_the_table(result):
    served = result.served

    error = (served["actual"] - served["point"]).abs().mean()
    assert result.leaderboard.loc["guarded lstm", "mae"] == pytest.approx(error)
    assert len(served) == 4 * 2 * 3
    cutoffs = pd.to_datetime(["2024-02-27", "2024-03-01", "2024-03-04", "2024-03-07"])
    assert sorted(served["cutoff"].unique()) == list(cutoffs)
    assert set(result.methods) <= {
        "network", "halfway", "linear", "seasonal_naive", "last_value",
    }  # fmt: skip
    assert sum(result.methods.values()) == 2


def test_scores_are_split_by_step_and_by_series(result):
    by_step, by_series = result.by_step, result.by_series

    errors = by_step.loc["guarded lstm", "mae"]
    assert errors.index.tolist() == [1, 2, 3]
    mean = result.leaderboard.loc["guarded lstm", "mae"]
    assert errors.mean() == pytest.approx(mean)
    assert by_series.loc["guarded lstm", "mae"].mean() == pytest.approx(mean)


def test_a_forecaster_is_not_changed_by_its_backtest():
    frame = sales("north")
    forecaster = quick().fit(frame)
    before, trained = forecaster.predict().points, forecaster.trained

    forecaster.backtest(frame, folds=3)

    assert forecaster.trained is trained
    assert np.array_equal(forecaster.predict().points, before)
    untrained = quick()
    untrained.backtest(frame, folds=3)
    assert repr(untrained).endswith("not trained>")


def test_values_after_a_cutoff_do_not_reach_its_forecast():
    frame = sales("north")
    poisoned = frame.copy()
    poisoned.loc[poisoned["day"] > "2024-03-01", "sales"] = 1e6

    clean = quick(guard=True).backtest(frame, folds=4)
    other = quick(guard=True).backtest(poisoned, folds=4)

    early = clean.table["cutoff"] <= pd.Timestamp("2024-03-01")
    columns = ["point", "lower_80", "upper_80"]
    pd.testing.assert_frame_equal(
        clean.table[early][columns], other.table[early][columns]
    )
    assert not clean.table["point"].equals(other.table["point"])


def test_a_trained_forecaster_reads_a_frame_as_that_of_its_training():
    frame = sales("north").assign(cost=1.5)
    forecaster = quick().fit(frame, target="sales")

    result = forecaster.backtest(frame, folds=3)

    assert result.comparison.panel.target == "sales"


def test_an_ambiguous_frame_is_refused_with_the_columns_to_choose_from():
    frame = sales("north").assign(cost=np.arange(70.0))

    with pytest.raises(AmbiguousColumns, match="'sales', 'cost'"):
        quick().backtest(frame, folds=3)
    with pytest.raises(AmbiguousColumns, match="Say it with the keyword target"):
        quick().fit(frame)


def test_a_frame_may_end_in_an_index_of_moments():
    frame = sales("north").set_index("day")["sales"]

    result = quick().backtest(frame, folds=3)

    assert str(result.table["cutoff"].max()) == "2024-03-07 00:00:00"


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"folds": 0}, SettingError, "folds must be auto or a whole number"),
        ({"folds": 40}, SeriesTooShort, "'sales' has 70; at least 130"),
        ({"metric": "r2"}, SettingError, "metric must be one of mae"),
        ({"levels": (0,)}, SettingError, "a percentage from 1 to 99"),
        ({"season_length": 0}, SettingError, "season_length must be auto"),
    ],
)
def test_a_setting_out_of_range_is_refused(settings, error, message):
    with pytest.raises(error, match=message):
        quick().backtest(sales("north"), **settings)


def test_columns_of_a_panel_have_been_read():
    panel = Panel.from_values({"a": np.arange(70.0)})

    with pytest.raises(SettingError, match="left out for a panel"):
        quick().backtest(panel, folds=3, target="a")


def test_moments_of_the_frame_are_in_the_zone_of_the_series():
    frame = sales("north", zone="Asia/Kolkata")

    result = quick().backtest(frame, folds=3)

    moments = result.to_frame()["cutoff"]
    assert str(moments.dt.tz) == "Asia/Kolkata"
    assert (moments.dt.hour == 0).all()
    assert result.table["cutoff"].dt.hour.unique().tolist() == [18]


def test_a_backtest_is_a_line_and_a_card(result):
    page = result._repr_html_()

    assert repr(result).startswith(
        "<Backtest of guarded lstm: 4 folds, 8 origins of 2 series; skill "
    )
    assert "Forecasts of sales were off by" in page
    assert page.count('<tr class="main">') == 1
    assert page.count("<rect") == len(result.leaderboard)
    assert len(page) < 10_000


def test_the_plot_of_a_backtest_has_a_line_a_fold_and_its_error(result):
    figure = result.plot("south")

    [ax] = figure.axes
    assert len(ax.get_lines()) == 1 + 4
    assert len(ax.get_lines()[0].get_xdata()) == 8 * 3
    assert "on 4 folds of 2 series" in figure.get_suptitle()


def test_names_from_the_data_are_escaped_everywhere():
    frame = sales(HOSTILE).rename(columns={"sales": HOSTILE})
    forecaster = quick().fit(frame)

    pages = [
        forecaster._repr_html_(),
        forecaster.predict()._repr_html_(),
        forecaster.backtest(frame, folds=3)._repr_html_(),
    ]

    for page in pages:
        assert HOSTILE not in page
        assert "&lt;b onclick" in page
