"""Presets in jobs: chosen by the observations before the folds, shown and logged."""

from dataclasses import replace

import mlflow
import numpy as np
import pandas as pd
import pytest

from forecasting.data.windows import WindowSpec
from forecasting.errors import InvalidValues
from pipelines.config.job import read_job
from pipelines.jobs.experiment import Experiment

QUICK = {
    "training.steps": 20,
    "model.members": 1,
    "model.hidden_size": 4,
    "evaluation.folds": 3,
    "windows.horizon": 3,
}
QUICK_JOB = """\
name: days
preset: {preset}
data: {{path: days.csv}}
windows: {{horizon: 3}}
model: {{hidden_size: 4, members: 1}}
training: {{{effort}}}
evaluation: {{folds: 3}}
"""


def write_job(folder, preset="accurate"):
    effort = "steps: 20" if preset == "accurate" else "epochs: 1"
    path = folder / "job.yaml"
    path.write_text(QUICK_JOB.format(preset=preset, effort=effort))
    return path


def only_run(experiment):
    [run] = mlflow.search_runs(experiment_names=[experiment], output_format="list")
    return run


# Observations that the choices depend on


@pytest.mark.parametrize("preset", ["classic", "guarded", "accurate"])
def test_values_within_the_folds_change_no_setting(preset, tmp_path, daily_csv):
    source = daily_csv(tmp_path / "days.csv", {"a": 90, "b": 75})
    poisoned = tmp_path / "poisoned.csv"
    table, rng = pd.read_csv(source), np.random.default_rng(0)
    for _, rows in table.groupby("shop"):
        table.loc[rows.index[-9:], "sales"] = rng.uniform(0, 5000, 9)
    table.to_csv(poisoned, index=False)
    settings = QUICK | {"preset": preset, "name": "days"}

    experiments = [Experiment(read_job(path, settings)) for path in (source, poisoned)]

    first, second = (
        experiment.job.model_dump(exclude={"data"}) for experiment in experiments
    )
    assert first == second
    assert experiments[0].notes == experiments[1].notes
    assert not np.array_equal(experiments[0].panel.values, experiments[1].panel.values)


def test_values_before_the_folds_do_change_settings(tmp_path, daily_csv):
    source = daily_csv(tmp_path / "days.csv", 140)
    weekly = tmp_path / "weekly.csv"
    table = pd.read_csv(source)
    table["sales"] += 20 * (np.arange(140) % 7 == 0)
    table.to_csv(weekly, index=False)
    settings = QUICK | {"preset": "accurate"}

    first, second = (
        Experiment(read_job(path, settings)).job for path in (source, weekly)
    )

    assert second.model.season_length == 7
    assert first.model.season_length != 7


def test_a_fall_below_zero_within_the_folds_is_refused_before_training(
    tmp_path, daily_csv
):
    source = daily_csv(tmp_path / "days.csv", 90)
    table = pd.read_csv(source)
    table.loc[88:, "sales"] = -5.0
    table.to_csv(source, index=False)
    settings = QUICK | {"preset": "accurate"}

    with pytest.raises(InvalidValues, match=r"below zero at 2024-03-29 .* choose"):
        Experiment(read_job(source, settings))

    ets = Experiment(read_job(source, settings | {"model.normalization": "ets"}))
    assert np.isfinite(ets.evaluate(ets.job).table["point"]).all()


# Explicit settings


def test_what_the_job_gives_stays(tmp_path, daily_csv):
    source = daily_csv(tmp_path / "days.csv", 90)
    explicit = {"model.cell": "rnn", "model.normalization": "ets", "windows.seq_len": 9}

    job = Experiment(read_job(source, QUICK | explicit | {"preset": "accurate"})).job

    assert (job.model.cell, job.model.normalization) == ("rnn", "ets")
    assert job.windows.seq_len == 9
    assert job.training.steps == 20
    assert job.model.guard


def test_the_default_preset_is_guarded(tmp_path, daily_csv):
    job = read_job(daily_csv(tmp_path / "days.csv", 60), {})

    resolved = Experiment(job).job

    assert (job.preset, job.model.guard) == ("guarded", False)
    assert resolved.model.guard
    assert resolved.windows == WindowSpec(seq_len=14, horizon=6)  # of 60 days
    assert resolved.training == replace(job.training, refit=True)


def test_the_guard_can_be_switched_off(tmp_path, daily_csv):
    source = daily_csv(tmp_path / "days.csv", 60)

    job = Experiment(read_job(source, {"model.guard": False})).job

    assert not job.model.guard


def test_a_resolved_job_resolves_to_itself(tmp_path, daily_csv):
    source = daily_csv(tmp_path / "days.csv", 90)
    job = Experiment(read_job(source, QUICK | {"preset": "accurate"})).job
    (tmp_path / "again.yaml").write_text(job.to_yaml())

    again = Experiment(read_job(tmp_path / "again.yaml", {})).job

    assert again.model_dump() == job.model_dump()


@pytest.mark.parametrize("days", [12, 20])
def test_series_shorter_than_the_default_lookback_are_enough(days, tmp_path, daily_csv):
    source = daily_csv(tmp_path / "days.csv", {"a": days, "b": days + 3})
    settings = QUICK | {"preset": "accurate", "evaluation.folds": 1}

    experiment = Experiment(read_job(source, settings))

    assert np.isfinite(experiment.evaluate(experiment.job).table["point"]).all()
    assert np.isfinite(experiment.baselines["point"]).all()


# On the command line


def test_a_job_file_names_its_preset_and_the_run_logs_it(workplace, recast, daily_csv):
    daily_csv("days.csv")

    result = recast("train", write_job(workplace))

    run = only_run("days")
    assert (result.code, result.err) == (0, "")
    assert "preset accurate: season_length" in result.out
    assert "preset accurate: normalization" in result.out
    assert run.data.params["preset"] == "accurate"
    assert run.data.params["model.cell"] == "gru"
    assert run.data.params["model.normalization"] in ("ets", "log_ets")
    assert "gru" in result.out


@pytest.mark.parametrize("preset", ["classic", "guarded"])
def test_an_option_wins_over_the_job_file(preset, workplace, recast, daily_csv):
    daily_csv("days.csv")

    result = recast("train", write_job(workplace, "guarded"), "--preset", preset)

    run = only_run("days")
    assert result.code == 0
    assert run.data.params["preset"] == preset
    assert run.data.params["model.guard"] == str(preset == "guarded")


def test_an_unknown_preset_is_refused_in_one_message(workplace, recast, daily_csv):
    daily_csv("days.csv")

    result = recast("train", "days.csv", "--preset", "best")

    assert (result.code, result.out) == (2, "")
    assert "preset" in result.err
    assert "'classic', 'guarded', 'accurate' or 'zero_shot'" in result.err
    assert "Traceback" not in result.err
    assert mlflow.search_runs(search_all_experiments=True).empty


def test_a_backtest_says_what_the_preset_chose(workplace, recast, daily_csv):
    daily_csv("days.csv")

    result = recast("backtest", write_job(workplace))

    assert result.code == 0
    assert "preset accurate: steps" in result.out


def test_cells_are_compared_with_the_same_choices(workplace, recast, daily_csv):
    daily_csv("days.csv", 60)

    result = recast("compare", write_job(workplace))

    runs = mlflow.search_runs(experiment_names=["days"], output_format="list")
    chosen = {
        (run.data.params["windows.seq_len"], run.data.params["model.normalization"])
        for run in runs
    }
    assert (result.code, result.err) == (0, "")
    assert len(runs) == 4
    assert len(chosen) == 1


def test_a_search_refuses_the_preset_that_chooses_itself(workplace, recast, daily_csv):
    daily_csv("days.csv")

    result = recast("tune", "days.csv", "--preset", "accurate", "--trials", "2")

    assert (result.code, result.out) == (2, "")
    assert "preset must be classic or guarded: a search makes choices" in result.err
    assert mlflow.search_runs(search_all_experiments=True).empty
