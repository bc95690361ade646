"""Hyper-parameter search."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import mlflow
import pandas as pd
import pytest
from rich.console import Console

from pipelines.config.job import read_job
from pipelines.errors import InputError
from pipelines.search.search_space import make_search_space
from pipelines.search.tune import tune

QUICK = {"training.epochs": 1, "evaluation.folds": 3}


def search(source, *, trials=3, storage=None, **settings):
    job = read_job(Path(source), QUICK | settings)
    return tune(job, Console(quiet=True), trials=trials, storage=storage)


@pytest.fixture(scope="module")
def searched(shared_workplace, daily_csv):
    """Search with three trials; return its result, the parent run, the nested runs."""
    tuned = search(daily_csv("days.csv"), **{"model.cell": "gru"})
    runs = mlflow.search_runs(experiment_names=["days"], output_format="list")
    parent = next(r for r in runs if r.info.run_id == tuned.outcome.run_id)
    nested = sorted((r for r in runs if r is not parent), key=lambda r: r.info.run_name)
    return tuned, parent, nested


def test_every_trial_is_a_nested_run_with_its_settings_and_its_error(searched):
    tuned, parent, nested = searched

    by_number = tuned.trials.set_index("trial")
    assert parent.info.run_name.startswith("days tune 20")
    seq_len = nested[0].data.params["windows.seq_len"]
    assert nested[0].info.run_name.startswith(f"trial 0: seq_len={seq_len} ")
    for number, run in enumerate(nested):
        row = by_number.loc[number]
        assert run.data.tags["mlflow.parentRunId"] == parent.info.run_id
        assert run.info.run_id == row["run_id"]
        assert run.info.status == "FINISHED"
        assert run.data.metrics["search/mase"] == row["value"]
        [logged] = run.inputs.dataset_inputs
        assert logged.dataset.name == "days.csv"
        assert run.data.params["windows.seq_len"] == str(row["windows.seq_len"])


def test_what_the_job_sets_is_not_searched(searched):
    tuned, _, nested = searched

    assert "model.cell" not in tuned.trials
    assert {run.data.params["model.cell"] for run in nested} == {"gru"}


def test_the_best_trial_is_trained_and_registered_from_the_parent_run(searched):
    tuned, parent, _ = searched

    assert tuned.trials["value"].is_monotonic_increasing
    assert tuned.best == tuned.trials["trial"][0]
    assert parent.data.tags["best_trial"] == str(tuned.best)
    version = mlflow.MlflowClient().get_model_version_by_alias("days", "champion")
    assert version.run_id == parent.info.run_id
    assert version.tags["seq_len"] == str(tuned.trials["windows.seq_len"][0])
    assert {"gru", "last_value"} <= set(tuned.outcome.scores.index)


def test_the_search_is_a_table_and_a_picture_and_its_winner_a_job_file(searched):
    tuned, parent, _ = searched

    run_id = parent.info.run_id
    table = mlflow.load_table("trials.json", run_ids=[run_id])
    assert list(table["trial"]) == list(tuned.trials["trial"])
    assert mlflow.artifacts.load_image(f"runs:/{run_id}/plots/search.png").width > 600
    Path("winner.yaml").write_text(
        mlflow.artifacts.load_text(f"runs:/{run_id}/winner.yaml")
    )
    assert (
        read_job(Path("winner.yaml")).model_dump()
        == tuned.job.model_copy(
            update={"data": read_job(Path("winner.yaml")).data}
        ).model_dump()
    )


def test_the_same_command_again_runs_no_trial_and_registers_the_best(searched):
    tuned, _, nested = searched

    again = search("days.csv", **{"model.cell": "gru"})

    pd.testing.assert_frame_equal(again.trials, tuned.trials)
    assert again.outcome.version == "2"
    runs = mlflow.search_runs(experiment_names=["days"], output_format="list")
    assert len(runs) == 1 + len(nested) + 1


def test_values_in_the_test_folds_change_nothing_of_the_search(workplace, daily_csv):
    path = daily_csv("days.csv")
    first = search(path, storage="sqlite:///one.db")
    table = pd.read_csv(path)
    table.loc[table.index[-6:], "sales"] *= 100  # 3 folds of horizon 2

    table.to_csv(path, index=False)
    poisoned = search(path, storage="sqlite:///two.db")

    searched = [c for c in first.trials if "." in c or c in ("trial", "value")]
    pd.testing.assert_frame_equal(poisoned.trials[searched], first.trials[searched])
    assert poisoned.best == first.best
    assert poisoned.outcome.scores.loc["last_value", "mae"] > 100


@pytest.mark.slow
def test_a_killed_search_goes_on(workplace, daily_csv):
    daily_csv("days.csv")
    command = [sys.executable, "-m", "pipelines", "tune", "days.csv", "--folds", "3"]
    process = subprocess.Popen(
        [*command, "--trials", "500", "--epochs", "1"], stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    wait_for_trials(process, 2)

    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=600)  # of 500 trials, which take longer
    states = read_states()
    done = len(states) - states.count("FAIL")
    tuned = search("days.csv", trials=done + 1)

    assert process.returncode == 130
    assert err == "Interrupted: what was logged so far is kept.\n"
    assert "RUNNING" not in states
    assert done >= 2
    assert len(tuned.trials) == done + 1
    runs = mlflow.search_runs(experiment_names=["days"], output_format="list")
    assert {run.info.status for run in runs} == {"FINISHED", "KILLED"}


def read_states():
    if not Path("recast-tune.db").exists():
        return []
    with sqlite3.connect("recast-tune.db") as connection:
        try:
            rows = connection.execute("SELECT state FROM trials").fetchall()
        except sqlite3.OperationalError:  # no table yet
            rows = []
    connection.close()
    return [state for (state,) in rows]


def wait_for_trials(process, count):
    for _ in range(3000):
        if read_states().count("COMPLETE") >= count:
            return
        assert process.poll() is None, process.communicate()
        time.sleep(0.1)
    process.kill()
    raise AssertionError(f"no {count} trials within five minutes")


def test_a_diverging_trial_counts_as_pruned_and_is_no_winner(workplace, daily_csv):
    path = daily_csv("days.csv")
    table = pd.read_csv(path)
    table.assign(sales=table["sales"] * 1e25).to_csv(path, index=False)
    raw = {"model.normalization": "none", "training.loss": "mse"}

    with pytest.raises(InputError, match="every trial diverged: the loss was no fin"):
        search(path, trials=2, **raw)

    runs = mlflow.search_runs(experiment_names=["days"], output_format="list")
    nested = [run for run in runs if "mlflow.parentRunId" in run.data.tags]
    assert [run.data.tags["state"] for run in nested] == ["pruned", "pruned"]
    assert all("diverged" in run.data.tags["reason"] for run in nested)


def test_a_job_that_leaves_nothing_open_is_refused(workplace, daily_csv):
    names = read_job(daily_csv("days.csv")).model_dump()
    fixed = {
        f"{section}.{key}": names[section][key]
        for section, keys in {
            "windows": ["seq_len"],
            "model": ["cell", "hidden_size", "num_layers", "dropout", "normalization"],
            "training": ["learning_rate", "batch_size"],
        }.items()
        for key in keys
    }

    with pytest.raises(InputError, match="days: there is nothing to search, for the"):
        search("days.csv", **fixed)

    assert mlflow.search_runs(experiment_names=["days"], output_format="list") == []


def test_the_store_of_mlflow_is_refused_before_anything_is_written(
    workplace, recast, daily_csv
):
    result = recast("tune", daily_csv("days.csv"), "--storage", "sqlite:///mlflow.db")

    assert result.code == 2
    assert "another program's tables are there" in result.err
    assert mlflow.search_runs(experiment_names=["days"], output_format="list") == []


def test_the_command_prints_the_trials_and_the_version(workplace, recast, daily_csv):
    daily_csv("days.csv")

    result = recast(
        "tune", "days.csv", "--trials", "2", "--epochs", "1", "--folds", "3"
    )

    assert result.err == ""
    assert result.code == 0
    for word in ("trial 0: mase", "trial 1: mase", "2 trials: 2 complete",
                 "hidden", "last value", "version 1", "now champion"):  # fmt: skip
        assert word in result.out


def test_windows_are_searched_that_the_patches_divide(workplace, daily_csv):
    job = read_job(daily_csv("days.csv", 200), {"windows.horizon": 3})
    patched = job.replace({"windows.seq_len": 8, "model.patch_len": 4})
    panel = job.read_panel()

    plain, divided = (
        make_search_space(variant, panel, season_length=7, longest=200)
        for variant in (job, patched)
    )

    assert any(length % 4 for length in plain.choices["windows.seq_len"])
    assert all(length % 4 == 0 for length in divided.choices["windows.seq_len"])
