"""Fixtures: a panel with a plan, and the record of a backtest of baselines on it."""

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest

from forecasting.data.panel import Panel
from forecasting.data.splits import rolling_origins
from forecasting.evaluation.backtest import backtest
from forecasting.evaluation.baselines import Baseline
from forecasting.evaluation.scores import score, score_by_step
from forecasting.track_record.build import build_record
from forecasting.track_record.facts import TrainingFacts
from forecasting.track_record.record import Evaluation

HORIZON, FOLDS, LEVELS = 3, 4, (80.0, 95.0)


def make_panel(lengths=(40, 45, 8), plan=2, freq="D", zone="Europe/Berlin") -> Panel:
    """Return series in Berlin, the last one too short for the folds."""
    rng = np.random.default_rng(0)
    names = [f"shop {number}" for number in range(len(lengths))]
    values = {
        name: 20 + np.arange(length) % 7 + rng.normal(0, 1, length)
        for name, length in zip(names, lengths, strict=True)
    }
    stamps = {
        name: np.datetime64("2024-01-01", "ns")
        + np.arange(length) * np.timedelta64(1, freq)
        for name, length in zip(names, lengths, strict=True)
    }
    ahead = {name: len(row) + plan for name, row in values.items()}
    promo = {n: rng.integers(0, 2, k).astype(float) for n, k in ahead.items()}
    kind = {n: rng.choice(["flyer", "none"], k).tolist() for n, k in ahead.items()}
    return Panel.from_values(
        values,
        timestamps=stamps,
        freq=freq,
        zone=zone,
        target="sales",
        known_covariates={"promo": promo, "kind": kind},
        past_covariates={"visits": values},
    )


def make_record(panel: Panel) -> SimpleNamespace:
    """Return the record of a seasonal naive forecast, its table and its folds."""
    folds = rolling_origins(panel, folds=FOLDS, horizon=HORIZON, before=14)
    fits = {
        rule: Baseline(rule, seq_len=7, horizon=HORIZON, season_length=7).fit
        for rule in ("seasonal_naive", "last_value")
    }
    table = backtest(fits, panel, folds, horizon=HORIZON, levels=LEVELS)
    scores = score(table, panel, folds, season_length=7)
    by_step = score_by_step(table, panel, folds, season_length=7)["mae"].unstack()
    evaluation = Evaluation(
        label="seasonal_naive",
        baseline="last_value",
        metric="mase",
        season_length=7,
        levels=LEVELS,
        horizon=HORIZON,
        folds=FOLDS,
        origins=FOLDS * len(folds[0]),
        evidence="4 folds",
        leaderboard=scores.to_dict("index"),
        by_step={model: tuple(errors) for model, errors in by_step.iterrows()},
        methods={"seasonal_naive": len(panel)},
    )
    methods = ["seasonal_naive"] * (len(panel) - 1) + [""]
    facts = TrainingFacts(source="shops.csv", notes=("a",), versions={"numpy": "2"})
    record = build_record(evaluation, panel, folds, table, methods, facts)
    return SimpleNamespace(record=record, table=table, folds=folds, scores=scores)


@pytest.fixture(scope="session")
def panel_of() -> Callable[..., Panel]:
    return make_panel


@pytest.fixture(scope="session")
def record_of() -> Callable[[Panel], SimpleNamespace]:
    return make_record


@pytest.fixture(scope="session")
def built() -> SimpleNamespace:
    panel = make_panel()
    return SimpleNamespace(panel=panel, **vars(make_record(panel)))
