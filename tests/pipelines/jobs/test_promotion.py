"""Promotion gate: a better version replaces the champion, on the same origins."""

from pathlib import Path

import mlflow
import numpy as np
import pandas as pd

from forecasting.evaluation.baselines import RULES
from pipelines.config.job import read_job
from pipelines.jobs.experiment import Experiment
from pipelines.jobs.promotion import judge

# Without its linear part and untrained, a network is far from any forecast.
BAD = {"model__linear_skip": False, "model__normalization": "standard"}


def champion(name="days"):
    client = mlflow.MlflowClient()
    return str(client.get_model_version_by_alias(name, "champion").version)


def forget_backtest(outcome):
    """Remove the record of a version's backtest."""
    [record] = Path("mlruns").glob(f"*/{outcome.run_id}/artifacts/backtest.csv.gz")
    record.unlink()


def test_the_first_version_is_champion_and_warned_of_when_a_baseline_is_better(
    workplace, daily_csv, train_job
):
    outcome = train_job(daily_csv("days.csv"), **BAD)

    assert champion() == "1"
    assert outcome.verdict.reason == "the first to be champion"
    rules = [name for name in outcome.scores.index if name in RULES]
    best = rules[0].replace("_", " ")
    assert f"lstm does not beat the {best} baseline" in outcome.verdict.warning


def test_a_version_that_beats_the_baselines_comes_without_a_warning(
    workplace, daily_csv, train_job
):
    outcome = train_job(daily_csv("days.csv", noise=0.01), windows__seq_len=16)

    assert outcome.scores.index[0] == "lstm"
    assert outcome.verdict.warning is None


def test_better_is_promoted_worse_and_equal_are_not(workplace, daily_csv, train_job):
    path = daily_csv("days.csv")
    bad = train_job(path, **BAD)

    good = train_job(path)
    assert champion() == "2"

    again = train_job(path)
    worse = train_job(path, **BAD)
    assert champion() == "2"
    verdicts = [outcome.verdict.promote for outcome in (bad, good, again, worse)]
    assert verdicts == [True, True, False, False]


def test_the_comparison_is_on_the_forecasts_that_the_champion_recorded(
    workplace, daily_csv, train_job
):
    path = daily_csv("days.csv")
    old = train_job(path, **BAD).scores.loc["lstm", "mase"]

    outcome = train_job(path)

    new = outcome.scores.loc["lstm", "mase"]
    expected = f"mase {new:.4g} against {old:.4g} of champion (version 1) on 4 origins"
    assert outcome.verdict.reason == expected


def test_the_record_of_a_series_named_na_is_found(workplace, daily_csv, train_job):
    path = daily_csv("shops.csv", {"NA": 80, "None": 80})
    train_job(path, **BAD)

    outcome = train_job(path)

    assert outcome.verdict.reason.endswith("of champion (version 1) on 8 origins")


def test_the_metric_of_the_job_decides(workplace, daily_csv, train_job):
    path = daily_csv("days.csv")
    train_job(path, **BAD)

    outcome = train_job(path, evaluation__metric="rmse")

    assert outcome.verdict.reason.startswith("rmse ")
    assert outcome.verdict.promote


def test_new_data_are_compared_on_origins_after_the_champions_training(
    workplace, daily_csv, train_job
):
    train_job(daily_csv("days.csv", 80), **BAD)

    outcome = train_job(daily_csv("days.csv", 95))

    assert outcome.verdict.promote
    reason = outcome.verdict.reason
    assert reason.endswith("on 4 origins that came after its training")


def test_series_that_ended_at_different_times_are_compared_each_by_its_own_scale(
    workplace, daily_csv, train_job
):
    path = daily_csv("shops.csv", {"north": 80, "south": 60})
    train_job(path, name="days")
    longer = daily_csv("shops.csv", {"north": 95, "south": 65})

    outcome = train_job(longer, name="days")

    reason = outcome.verdict.reason
    assert reason.endswith("on 6 origins that came after its training")


def test_without_a_record_the_comparison_favours_the_champion_and_says_so(
    workplace, daily_csv, train_job
):
    path = daily_csv("days.csv")
    forget_backtest(train_job(path))

    outcome = train_job(path)

    assert not outcome.verdict.promote
    reason = outcome.verdict.reason
    assert reason.endswith("on 4 origins, most of which days 1 was trained on")


def test_revised_actuals_make_the_champion_forecast_anew(
    workplace, daily_csv, train_job
):
    path = daily_csv("days.csv")
    train_job(path)
    table = pd.read_csv(path)
    table.loc[table.index[-3], "sales"] += 1
    table.to_csv(path, index=False)

    outcome = train_job(path)

    assert outcome.verdict.reason.endswith("was trained on")


def test_rounding_is_no_revision(workplace, daily_csv, train_job):
    path = daily_csv("days.csv")
    train_job(path)
    table = pd.read_csv(path)
    table["sales"] = np.nextafter(table["sales"], np.inf)
    table.to_csv(path, index=False)

    outcome = train_job(path)

    assert outcome.verdict.reason.endswith("on 4 origins")


def test_a_champion_of_another_time_axis_forecasts_anew(
    workplace, daily_csv, train_job
):
    path = daily_csv("days.csv")
    train_job(path, **BAD)
    pd.read_csv(path)[["sales"]].to_csv(path, index=False)

    outcome = train_job(path)

    assert outcome.verdict.reason.endswith("was trained on")
    assert outcome.verdict.promote


def test_a_shorter_horizon_is_compared_on_the_steps_they_share(
    workplace, daily_csv, train_job
):
    path = daily_csv("days.csv")
    train_job(path, windows__horizon=4, **BAD)

    outcome = train_job(path, windows__horizon=2)

    assert outcome.verdict.promote


def test_a_champion_that_cannot_be_loaded_stays_and_is_said(
    workplace, daily_csv, train_job
):
    path = daily_csv("days.csv")
    forget_backtest(train_job(path, **BAD))
    [weights] = workplace.rglob("model.safetensors")
    weights.write_bytes(b"")

    outcome = train_job(path)

    assert champion() == "1"
    expected = "champion (version 1) cannot be compared: model days version 1: "
    assert outcome.verdict.reason.startswith(expected)


def test_always_and_never_are_obeyed(workplace, daily_csv, train_job):
    path = daily_csv("days.csv")
    never = train_job(path, registry__promote="never")
    assert not mlflow.MlflowClient().get_registered_model("days").aliases

    train_job(path)
    always = train_job(path, registry__promote="always", **BAD)
    train_job(path, registry__promote="never")

    assert champion() == "3"
    assert never.verdict.reason == "promote is set to never"
    assert always.verdict.reason == "promote is set to always"


def test_another_alias_has_a_gate_of_its_own(workplace, daily_csv, train_job):
    path = daily_csv("days.csv")
    train_job(path)

    train_job(path, registry__alias="summer", **BAD)

    aliases = mlflow.MlflowClient().get_registered_model("days").aliases
    assert {alias: str(v) for alias, v in aliases.items()} == {
        "champion": "1",
        "summer": "2",
    }


def test_a_window_shorter_than_a_season_is_advised_to_grow(
    workplace, daily_csv, train_job
):
    outcome = train_job(daily_csv("days.csv"), windows__seq_len=3, **BAD)

    assert outcome.verdict.warning.endswith("seq_len of 7 or more sees a whole season")


def test_two_cutoffs_are_too_few_to_replace_a_champion(workplace, daily_csv, train_job):
    path = daily_csv("days.csv")
    train_job(path, evaluation__folds=2, **BAD)

    outcome = train_job(path, evaluation__folds=2)

    assert champion() == "1"
    assert "on 2 origins, too few to tell: it takes 3 cutoffs" in outcome.verdict.reason


def test_with_few_origins_after_its_training_all_origins_are_compared(
    workplace, daily_csv, train_job
):
    train_job(daily_csv("days.csv", 80), **BAD)

    outcome = train_job(daily_csv("days.csv", 83))

    reason = outcome.verdict.reason
    assert reason.endswith("on 4 origins, most of which days 1 was trained on")
    assert outcome.verdict.promote


def test_a_gain_at_one_cutoff_of_four_is_chance(workplace, daily_csv, train_job):
    path = daily_csv("days.csv")
    train_job(path, **BAD)
    quick = {"training.epochs": 1, "model.hidden_size": 4, "evaluation.folds": 4}
    bad = {key.replace("__", "."): value for key, value in BAD.items()}
    job = read_job(path, quick | {"model.guard": False} | bad)
    experiment = Experiment(job)
    table = experiment.evaluate(experiment.job).table
    sizes = (table["point"] - table["actual"]).abs().groupby(table["fold"]).sum()
    others = 0.95 * sizes.sum() / (sizes.sum() - sizes[2])  # 5 % better in all
    factors = table["fold"].map(lambda fold: 0.0 if fold == 2 else others)
    table["point"] = table["actual"] + factors * (table["point"] - table["actual"])

    verdict = judge(experiment, pd.concat([table, experiment.baselines]), "lstm")

    assert not verdict.promote
    assert " on 4 origins" in verdict.reason
    assert verdict.reason.endswith(": no more than chance")


def change_sales(path, change):
    """Write the series with other values, and return the path."""
    table = pd.read_csv(path)
    table["sales"] = change(table["sales"].to_numpy())
    table.to_csv(path, index=False)
    return path


def with_zeros_at_the_end(sales):
    return np.where(np.arange(len(sales)) < len(sales) - 12, sales, 0)


def test_data_that_differ_from_the_champions_are_refused_in_words(
    workplace, daily_csv, train_job
):
    path = daily_csv("days.csv", 80)
    train_job(path, **BAD)
    reasons = {}
    changes = {
        "tail": with_zeros_at_the_end,
        "stuck": lambda sales: np.append(sales[:68], np.full(12, sales[68])),
        "units": lambda sales: sales * 1000,
        "noise": lambda sales: sales + 50 * np.tile([-1, 1], 40),
    }
    for name, change in changes.items():
        verdict = train_job(change_sales(daily_csv(path, 80), change)).verdict
        reasons[name] = verdict.reason
        assert not verdict.promote
    reasons["length"] = train_job(daily_csv(path, 30)).verdict.reason

    assert champion() == "1"
    start = "its series differ from those of champion (version 1): "
    assert all(reason.startswith(start) for reason in reasons.values())
    assert all(reason.endswith("recast promote") for reason in reasons.values())
    assert "100% zeros at the end instead of 0%" in reasons["tail"]
    assert "one repeated value at the end of 100% of the series" in reasons["stuck"]
    assert "a level of " in reasons["units"]
    assert "a spread of " in reasons["noise"]
    assert "30 observations instead of 80" in reasons["length"]


def test_better_than_the_champion_but_worse_than_a_baseline_is_not_promoted(
    workplace, daily_csv, train_job
):
    path = change_sales(daily_csv("days.csv"), lambda sales: np.arange(80.0) + sales)
    train_job(path, **BAD, training__learning_rate=1e-6, training__seed=1)

    outcome = train_job(path, **BAD, training__epochs=30, training__learning_rate=0.01)

    best = outcome.scores.index[0].replace("_", " ")
    assert champion() == "1"
    assert f"but the {best} baseline has " in outcome.verdict.reason
    assert outcome.verdict.reason.endswith("to promote it all the same: recast promote")
