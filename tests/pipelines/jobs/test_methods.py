"""The method that answers: chosen once, measured, and named in all places."""

import json
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest

from forecasting.forecaster.forecaster import Forecaster
from pipelines.config.job import read_job
from pipelines.jobs.experiment import Experiment
from pipelines.jobs.fine_tuning import load_pretrained
from pipelines.tracking.models import open_model

WEEK = np.array([5.0, 9, 7, 6, 8, 12, 3])


@pytest.fixture
def weekly_csv(tmp_path):
    """Write a weekly pattern with noise, which a seasonal naive forecast continues."""
    generator = np.random.default_rng(3)
    values = np.tile(WEEK, 12) + generator.normal(0, 0.01, 84)
    days = pd.date_range("2024-01-01", periods=len(values)).strftime("%Y-%m-%d")
    path = tmp_path / "week.csv"
    pd.DataFrame({"day": days, "sales": values}).to_csv(path, index=False)
    return path


def test_the_method_is_named_on_the_terminal_in_mlflow_and_in_the_forecast(
    workplace, recast, weekly_csv
):
    trained = recast("train", weekly_csv, "--epochs", "2", "--seq-len", "7")

    assert trained.code == 0, trained.err
    forecaster, version = open_model("week")
    [method] = forecaster.trained.method_counts
    words = method.replace("_", " ")
    assert f"answers: {words}" in trained.out
    assert version.tags["answers"] == words
    assert mlflow.get_run(version.run_id).data.tags["answers"] == words
    assert words in recast("models").out
    recast("forecast", "week", "--output", "out.csv")
    assert set(pd.read_csv("out.csv")["method"]) == {method}


@pytest.fixture
def months_csv(tmp_path):
    """Write seasons on a trend, which windows of four months do not show."""
    generator = np.random.default_rng(5)
    months = pd.date_range("2016-01-01", periods=120, freq="MS").strftime("%Y-%m-%d")
    tables = []
    for shop in range(6):
        profile = np.tile(30 * generator.normal(size=12), 10)
        sales = 100 + 2 * np.arange(120) + profile + generator.normal(size=120)
        table = pd.DataFrame({"shop": f"s{shop}", "month": months, "sales": sales})
        tables.append(table)
    path = tmp_path / "months.csv"
    pd.concat(tables).to_csv(path, index=False)
    return path


def test_the_forecast_without_training_is_named_with_the_errors_that_chose_it(
    workplace, recast, months_csv
):
    trained = recast(
        "train", months_csv, "--epochs", "1", "--seq-len", "4", "--horizon", "6"
    )

    assert trained.code == 0, trained.err
    forecaster, version = open_model("months")
    gain = forecaster.trained.guard.gain
    assert forecaster.trained.method_counts == {"zero_shot": 6}
    assert "answers: zero shot" in trained.out
    text = " ".join(trained.out.split())
    assert f"its scaled error in validation is {gain.error:.4g}" in text
    assert version.tags["answers"] == "zero shot"
    recast("forecast", "months", "--output", "out.csv")
    assert set(pd.read_csv("out.csv")["method"]) == {"zero_shot"}
    assert "zero shot" in recast("explain", "months").out


def evaluate_afresh(name, start=None):
    """Return the error registered for a version, and that of a new evaluation.

    The evaluation has the settings of the served model, on the same origins.
    """
    forecaster, version = open_model(name)
    path = mlflow.artifacts.download_artifacts(
        run_id=version.run_id, artifact_path="job.yaml"
    )
    served = {
        name: getattr(forecaster, name) for name in ("windows", "model", "training")
    }
    job = read_job(Path(path)).model_copy(update=served)
    pretrained = None if start is None else load_pretrained(start)
    experiment = Experiment(job, pretrained=pretrained)
    result = experiment.evaluate(job)
    methods = result.forecaster.trained.method_counts
    assert methods == forecaster.trained.method_counts
    table = pd.concat([result.table, experiment.baselines], ignore_index=True)
    registered = json.loads(version.tags["metrics"])["mase"]
    return registered, experiment.comparison.scores(table).loc[result.label, "mase"]


COMMANDS = {
    "train": ("--epochs", "3"),
    "compare": ("--epochs", "2"),
    "tune": ("--epochs", "2", "--trials", "2"),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_the_registered_score_is_that_of_a_fresh_evaluation_of_the_served_model(
    workplace, recast, daily_csv, command
):
    path = daily_csv("days.csv")

    result = recast(command, path, "--folds", "3", *COMMANDS[command])

    assert result.code == 0, result.err
    registered, fresh = evaluate_afresh("days")
    assert registered == pytest.approx(fresh, rel=1e-4)


def test_a_refit_at_every_fold_keeps_the_normalization_that_was_chosen_first(
    workplace, daily_csv, train_job
):
    path = daily_csv("days.csv")
    train_job(path, model__guard=True, evaluation__folds=3, evaluation__refit=True)

    registered, fresh = evaluate_afresh("days")

    assert registered == pytest.approx(fresh, rel=1e-4)


def test_the_registered_score_of_a_fine_tuned_model_is_that_of_a_fresh_evaluation(
    workplace, recast, daily_csv
):
    recast("train", daily_csv("days.csv", 60), "--epochs", "2", "--folds", "3")
    path = daily_csv("days.csv", 80)

    result = recast("train", path, "--from", "days/1", "--folds", "3", "--epochs", "2")

    assert result.code == 0, result.err
    registered, fresh = evaluate_afresh("days/2", start="days/1")
    assert registered == pytest.approx(fresh, rel=1e-4)


def test_the_leaderboard_has_the_network_alone_and_guarded(
    workplace, weekly_csv, train_job
):
    outcome = train_job(weekly_csv, model__guard=True)

    assert {"lstm", "guarded lstm"} <= set(outcome.scores.index)


def test_the_final_model_keeps_the_method_of_its_backtest(
    workplace, weekly_csv, train_job, monkeypatch
):
    chosen = []
    fit = Forecaster.fit

    def record(forecaster, *arguments, **options):
        fitted = fit(forecaster, *arguments, **options)
        chosen.append(fitted.trained.guard.by_series.tolist())
        return fitted

    monkeypatch.setattr(Forecaster, "fit", record)
    train_job(weekly_csv, model__guard=True)

    backtested, final = chosen
    assert final == backtested


def test_the_registered_error_is_that_of_the_method_that_answers(
    workplace, weekly_csv, train_job
):
    outcome = train_job(weekly_csv, model__guard=True)

    folder = mlflow.artifacts.download_artifacts(
        run_id=outcome.run_id, artifact_path="backtest.csv.gz"
    )
    table = pd.read_csv(folder)
    [method] = outcome.methods
    served = table[table["model"] == "guarded lstm"]
    if method in set(table["model"]):
        simple = table[table["model"] == method]
        assert served["point"].tolist() == pytest.approx(simple["point"].tolist(), 1e-4)
    error = (served["point"] - served["actual"]).abs().mean()
    assert outcome.scores.loc["guarded lstm", "mae"] == pytest.approx(error)
