"""Fixtures: a small trained model with its track record, and its report."""

from types import SimpleNamespace

import numpy as np
import pytest

from forecasting import Forecaster, Panel, RecurrentConfig, TrainingConfig, WindowSpec
from forecasting.data.splits import rolling_origins
from forecasting.evaluation.backtest import backtest
from forecasting.evaluation.baselines import Baseline
from forecasting.evaluation.scores import score, score_by_step
from forecasting.track_record.build import build_record
from forecasting.track_record.facts import TrainingFacts
from forecasting.track_record.record import Evaluation

HORIZON, HOSTILE = 7, "<script>alert(1)</script>"


def fit(panel):
    return Forecaster(
        windows=WindowSpec(seq_len=7, horizon=HORIZON),
        model=RecurrentConfig(cell="gru", hidden_size=3),
        training=TrainingConfig(epochs=1, device="cpu", engine="torch"),
    ).fit(panel)


def make_panel(num_series=3, days=120):
    rng = np.random.default_rng(0)
    names = [HOSTILE, *(f"shop {number}" for number in range(1, num_series))]
    stamps = np.datetime64("2024-01-01", "ns") + np.arange(days) * np.timedelta64(
        1, "D"
    )
    values = {n: 20 + np.arange(days) % 7 + rng.normal(0, 1, days) for n in names}
    return Panel.from_values(
        values, timestamps=dict.fromkeys(names, stamps), freq="D", target="sales"
    )


def make_model(panel):
    folds = rolling_origins(panel, folds=4, horizon=HORIZON, before=20)
    naive = Baseline("seasonal_naive", seq_len=7, horizon=HORIZON, season_length=7)
    fits = {"gru": fit, "seasonal_naive": naive.fit}
    table = backtest(fits, panel, folds, horizon=HORIZON, levels=(80.0, 95.0))
    scores = score(table, panel, folds, season_length=7)
    by_step = score_by_step(table, panel, folds, season_length=7)["mae"].unstack()
    evaluation = Evaluation(
        label="gru",
        baseline="seasonal_naive",
        metric="mae",
        season_length=7,
        levels=(80.0, 95.0),
        horizon=HORIZON,
        folds=4,
        origins=4 * len(panel),
        evidence="4 folds",
        leaderboard=scores.to_dict("index"),
        by_step={model: tuple(errors) for model, errors in by_step.iterrows()},
        methods={"network": len(panel)},
    )
    facts = TrainingFacts(
        source=f"{HOSTILE}.csv",
        digest="0123456789abcdef",
        notes=(f"not used: {HOSTILE}",),
        settings="name: shops",
        command="recast train shops.csv --name shops",
        influence={f"{HOSTILE}, 7 days before": 0.6, "promo": 0.4},
    )
    methods = ["network"] * len(panel)
    record = build_record(evaluation, panel, folds, table, methods, facts)
    return SimpleNamespace(forecaster=fit(panel), record=record, scores=scores)


@pytest.fixture(scope="session")
def model():
    return make_model(make_panel())


@pytest.fixture(scope="session")
def model_of_many():
    return make_model(make_panel(70, 60))
