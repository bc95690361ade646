"""Small tests of forecast accuracy, in seconds.

`benchmarks/accuracy/__main__.py` measures it at full size.
"""

from pathlib import Path

import numpy as np
import pytest

from forecasting.data.panel import Panel
from forecasting.data.windows import WindowSpec
from forecasting.evaluation.backtest import EvaluationConfig, backtest
from forecasting.evaluation.baselines import RULES, Baseline
from forecasting.evaluation.scores import score
from forecasting.forecaster.forecaster import Forecaster
from forecasting.forecaster.presets import forecaster_for
from forecasting.io import read_csv
from forecasting.models.config import RecurrentConfig
from forecasting.training import TrainingConfig

DATA = Path(__file__).parents[2] / "data"
HORIZON, SEASON = 12, 12


def seasonal_series(count=60):
    """Months with a multiplicative season, a trend that changes, and noise."""
    rng = np.random.default_rng(0)
    panel = {}
    for number in range(count):
        length = int(rng.integers(84, 145))
        slopes = np.cumsum(rng.normal(0, 0.002, length)) + rng.normal(0.003, 0.005)
        season = np.resize(rng.normal(0, 0.15, SEASON), length)
        noise = rng.normal(0, 0.05, length)
        level = rng.uniform(3, 8)
        panel[str(number)] = np.exp(level + np.cumsum(slopes) + season + noise)
    return Panel.from_values(panel)


def scores_of(fits, panel, *, folds, horizon, season_length, metric):
    rolling = EvaluationConfig(folds=folds).origins(panel, seq_len=2, horizon=horizon)
    table = backtest(fits, panel, rolling, horizon=horizon)
    return score(table, panel, rolling, season_length=season_length, metric=metric)


@pytest.fixture(scope="module")
def seasonal_scores():
    def accurate(seen):
        settings = {
            "training.steps": 150,
            "model.members": 2,
            "model.hidden_size": 16,
            "training.device": "cpu",
        }
        chosen = forecaster_for(seen, "accurate", horizon=HORIZON, given=settings)
        return chosen.fit(seen)

    fits = {"accurate": accurate}
    for rule in ("seasonal_naive", "linear_ar"):
        fits[rule] = Baseline(
            rule, seq_len=24, horizon=HORIZON, season_length=SEASON
        ).fit
    return scores_of(
        fits, seasonal_series(), folds=1, horizon=HORIZON, season_length=SEASON,
        metric="mase",
    )  # fmt: skip


def test_the_accurate_preset_is_as_accurate_as_it_was(seasonal_scores):
    assert seasonal_scores.loc["accurate", "mase"] == pytest.approx(0.741, rel=0.05)


def test_the_accurate_preset_beats_simple_forecasts_by_far(seasonal_scores):
    mase = seasonal_scores["mase"]

    assert mase["accurate"] < 0.85 * mase[["seasonal_naive", "linear_ar"]].min()


def test_intervals_hold_about_what_they_say(seasonal_scores):
    assert 0.7 <= seasonal_scores.loc["accurate", "coverage_80"] <= 0.9


BUNDLED = {
    "stocks": ({"time": "Date", "target": "Close"}, (5, 2), "mae", "mase"),
    "rainfall": ({"time": "date", "target": "precipitation"}, (5, 2), "mse", "rmsse"),
    "sunspots": ({"time": "Month", "target": "Sunspots"}, (36, 12), "mae", "mase"),
}


@pytest.fixture(scope="module", params=BUNDLED)
def bundled(request):
    """A bundled series as its job reads it, and the best error of simple forecasts."""
    columns, (seq_len, horizon), loss, metric = BUNDLED[request.param]
    panel = read_csv(DATA / f"{request.param}.csv", **columns)
    windows = WindowSpec(seq_len=seq_len, horizon=horizon)
    measured = {
        "folds": "auto", "horizon": horizon, "season_length": 1, "metric": metric,
    }  # fmt: skip
    simple = {
        rule: Baseline(rule, seq_len=seq_len, horizon=horizon).fit
        for rule in RULES
        if rule != "seasonal_naive"
    }
    best = scores_of(simple, panel, **measured)[metric].min()
    return panel, windows, loss, measured, best


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_a_guarded_network_errs_hardly_more_than_the_best_simple_forecast(
    bundled, cell
):
    panel, windows, loss, measured, best = bundled
    network = Forecaster(
        windows=windows,
        model=RecurrentConfig(cell=cell, guard=True),
        training=TrainingConfig(epochs=20, loss=loss, device="cpu"),
    )

    scores = scores_of({cell: network.fit}, panel, **measured)

    assert scores.loc[cell, measured["metric"]] <= 1.02 * best
