"""Contents of a job's MLflow run, and its end on success, errors and signals."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
import yaml

from pipelines.config.job import read_job
from pipelines.errors import Interrupted
from pipelines.tracking import runs as tracking
from pipelines.tracking.models import open_model
from pipelines.tracking.runs import connect, is_local, tracked_run

LONG = (
    "name: long\ndata: {path: days.csv}\nmodel: {hidden_size: 4}\n"
    "training: {epochs: 100000, patience: 100000, learning_rate: 0.000001}\n"
)


def newest_run(name):
    """Return the newest run of an experiment."""
    client = mlflow.MlflowClient()
    experiment = client.get_experiment_by_name(name)
    return client.search_runs([experiment.experiment_id])[0]


def artifacts(run, path=None):
    files = mlflow.MlflowClient().list_artifacts(run.info.run_id, path)
    return {file.path for file in files}


@pytest.fixture(scope="module")
def trained(shared_workplace, daily_csv, train_job):
    """Train a model of two shops; return the outcome and the run."""
    daily_csv("shops.csv", {"north": 80, "south": 80})
    outcome = train_job("shops.csv", windows__horizon=3, training__epochs=4)
    return outcome, newest_run("shops")


def test_a_run_is_finished_and_knows_where_it_comes_from(trained):
    outcome, run = trained

    tags = run.data.tags
    assert (run.info.status, run.info.run_id) == ("FINISHED", outcome.run_id)
    assert re.fullmatch(r"shops lstm \d{4}-\d\d-\d\d \d\d:\d\d", run.info.run_name)
    assert tags["device"] == outcome.device
    assert tags["version.torch"].startswith("2.")
    assert tags["version.python"].startswith(f"3.{sys.version_info.minor}.")
    assert tags["registered_version"] == outcome.version == "1"
    assert tags["verdict"] == "the first to be champion"


def test_the_git_revision_is_a_tag_where_there_is_one(workplace, daily_csv, train_job):
    daily_csv("days.csv", 40)
    who = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
    subprocess.run(["git", "init", "-q"], check=True)
    subprocess.run(
        ["git", *who, "commit", "-q", "--allow-empty", "-m", "x"], check=True
    )
    head = subprocess.check_output(["git", "rev-parse", "HEAD"], text=True).strip()

    train_job("days.csv")

    assert newest_run("days").data.tags["mlflow.source.git.commit"] == head


def test_every_setting_is_a_parameter_and_the_job_file_runs_again(trained):
    _, run = trained

    params = run.data.params
    text = mlflow.artifacts.load_text(f"runs:/{run.info.run_id}/job.yaml")
    assert (params["name"], params["windows.horizon"]) == ("shops", "3")
    assert (params["model.cell"], params["training.seed"]) == ("lstm", "0")
    plain = yaml.safe_load(text)
    assert Path(plain["data"]["path"]).is_absolute()
    Path("again.yaml").write_text(text)
    assert read_job(Path("again.yaml")).windows.horizon == 3


def test_the_dataset_is_logged_with_digest_and_source(trained):
    _, run = trained

    [logged] = run.inputs.dataset_inputs
    assert logged.dataset.name == "shops.csv"
    assert logged.dataset.digest
    assert "shops.csv" in logged.dataset.source
    assert '"num_rows": 160' in logged.dataset.profile


def test_the_losses_are_logged_by_epoch(trained):
    _, run = trained

    client = mlflow.MlflowClient()
    for name in ("training/loss", "training/validation_loss"):
        history = client.get_metric_history(run.info.run_id, name)
        assert {1, 2, 3, 4} <= {point.step for point in history}
        assert all(np.isfinite(point.value) for point in history)


def test_model_and_baselines_are_measured_overall_and_by_step(trained):
    outcome, run = trained

    metrics, client = run.data.metrics, mlflow.MlflowClient()
    errors = ("mae", "rmse", "mape", "smape", "mase", "rmsse")
    for name in (*errors, "coverage_80", "msis_95"):
        model, drift = (
            outcome.scores.loc["lstm", name],
            outcome.scores.loc["drift", name],
        )
        assert metrics[f"backtest/{name}"] == pytest.approx(model)
        assert metrics[f"baselines/drift/{name}"] == pytest.approx(drift)
    naive, network = metrics["baselines/last_value/mase"], metrics["backtest/mase"]
    assert metrics["backtest/skill"] == pytest.approx(1 - network / naive)
    assert metrics["baselines/last_value/skill"] == 0
    assert metrics["timing/seconds"] >= metrics["timing/backtest_seconds"] > 0
    for name in ("backtest/step/mae", "baselines/linear_ar/step/mase"):
        history = client.get_metric_history(run.info.run_id, name)
        assert [point.step for point in history] == [1, 2, 3]


def test_every_figure_comes_with_its_evidence(trained):
    outcome, run = trained

    metrics, evidence = run.data.metrics, outcome.evidence
    size = [metrics[f"backtest/{name}"] for name in ("folds", "origins", "series")]
    assert size == [4, 8, 2] == [evidence.folds, evidence.origins, evidence.series]
    interval = [metrics[f"backtest/skill_{side}"] for side in ("lower", "upper")]
    assert interval == pytest.approx(evidence.skill.interval())
    assert interval[0] < metrics["backtest/skill"] < interval[1]
    words = run.data.tags["evidence"]
    assert words.startswith("4 folds, 8 origins of 2 series; skill ")
    tags = mlflow.MlflowClient().get_model_version("shops", "1").tags
    assert tags["evidence"] == words
    assert json.loads(tags["metrics"])["skill_lower"] == pytest.approx(
        interval[0], abs=1e-6
    )


def test_settings_that_were_left_open_are_parameters_as_they_were_chosen(trained):
    outcome, run = trained

    params = run.data.params
    assert params["data.target"] == "sales"
    assert params["data.time"] == "['day']"
    assert params["evaluation.season_length"] == "7"
    assert params["training.device"] == outcome.device
    normalization = open_model("shops/1")[0].trained.method
    assert params["model.normalization"] == normalization


def test_run_version_and_model_are_described(trained):
    outcome, run = trained

    client = mlflow.MlflowClient()
    text = client.get_model_version("shops", "1").description
    assert run.data.tags["mlflow.note.content"] == text
    for part in (
        "now champion: the first to be champion",
        "**Answers:** network",
        "4 folds, 8 origins of 2 series",
        f"| **lstm** | {outcome.scores.loc['lstm', 'mase']:.4g} |",
        "`sales` of `shops.csv`: 2 series, 160 observations, frequency `D`",
        "5 observations in, 3 steps out",
        "models:/shops/1",
    ):
        assert part in text
    described = client.get_registered_model("shops").description
    assert "models:/shops@champion" in described


def test_the_description_of_a_user_is_left_alone(workplace, daily_csv, train_job):
    client = mlflow.MlflowClient()
    client.create_registered_model("days", description="ours")

    train_job(daily_csv("days.csv", 40))

    assert client.get_registered_model("days").description == "ours"


def test_the_leaderboard_and_every_forecast_are_logged(trained):
    outcome, run = trained

    board = mlflow.load_table("leaderboard.json", run_ids=[run.info.run_id])
    path = mlflow.artifacts.download_artifacts(
        run_id=run.info.run_id, artifact_path="backtest.csv.gz"
    )
    table = pd.read_csv(path)
    assert list(board["model"]) == list(outcome.scores.index)
    models = len(outcome.scores)
    assert len(table) == models * 2 * 4 * 3  # shops, folds, steps
    assert {"model", "series_id", "fold", "cutoff", "lower_80"} <= set(table)


def test_the_plots_are_pictures(trained):
    _, run = trained

    drawn = ("explanation", "forecast", "loss", "residuals")
    names = {f"plots/{name}.png" for name in drawn}
    assert artifacts(run, "plots") == names
    for name in names:
        picture = mlflow.artifacts.load_image(f"runs:/{run.info.run_id}/{name}")
        assert 600 <= picture.width <= 1400
        assert 300 <= picture.height <= 1600


def test_the_model_has_a_signature_and_an_input_example(trained):
    model = mlflow.models.get_model_info("models:/shops/1")

    assert model.signature.inputs.input_names() == ["series_id", "timestamp", "target"]
    outputs = model.signature.outputs.input_names()
    assert outputs[:4] == ["series_id", "step", "timestamp", "point"]
    assert {"lower_80", "upper_95"} <= set(outputs)
    params = [param.name for param in model.signature.params]
    assert params == ["horizon", "levels", "method"]
    assert model.saved_input_example_info


def test_a_model_is_json_text_and_safetensors_and_nothing_that_runs(trained):
    path = mlflow.artifacts.download_artifacts("models:/shops/1")

    kinds = {file.suffix for file in Path(path).rglob("*") if file.is_file()}
    assert ".safetensors" in kinds
    assert kinds <= {"", ".json", ".txt", ".yaml", ".yml", ".safetensors"}


def test_an_error_ends_the_run_as_failed(workplace, daily_csv):
    job = read_job(daily_csv("days.csv"))
    connect()

    with pytest.raises(ZeroDivisionError), tracked_run(job, "a run"):
        print(1 / 0)  # noqa: T201

    assert newest_run("days").info.status == "FAILED"
    assert mlflow.active_run() is None


def test_an_error_in_a_nested_run_ends_its_parent_too(workplace, daily_csv):
    job = read_job(daily_csv("days.csv"))
    connect()

    with (
        pytest.raises(ZeroDivisionError),
        tracked_run(job, "parent"),
        tracked_run(job, "child", nested=True),
    ):
        print(1 / 0)  # noqa: T201

    runs = mlflow.search_runs(experiment_names=["days"], output_format="list")
    assert [run.info.status for run in runs] == ["FAILED", "FAILED"]


def start_long_job(workplace, daily_csv):
    """Start an endless training, and return its process when losses are logged."""
    daily_csv("days.csv")
    (workplace / "job.yaml").write_text(LONG)
    process = subprocess.Popen(
        [sys.executable, "-m", "pipelines", "train", "job.yaml"],
        stderr=subprocess.PIPE, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    client = mlflow.MlflowClient()
    for _ in range(3000):
        experiment = client.get_experiment_by_name("long")
        runs = client.search_runs([experiment.experiment_id]) if experiment else []
        if runs and "training/validation_loss" in runs[0].data.metrics:
            return process
        assert process.poll() is None, process.communicate()
        time.sleep(0.1)
    process.kill()
    raise AssertionError("no loss was logged within five minutes")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_run_as_killed_with_what_was_logged(
    workplace, daily_csv, number
):
    process = start_long_job(workplace, daily_csv)
    before = len(losses())

    while len(losses()) == before:
        assert process.poll() is None
        time.sleep(0.1)
    process.send_signal(number)
    _, err = process.communicate(timeout=180)

    assert process.returncode == 130
    assert err == "Interrupted: what was logged so far is kept.\n"
    assert newest_run("long").info.status == "KILLED"
    assert len(losses()) > before


def test_a_signal_that_breaks_something_still_ends_the_run_as_killed(
    workplace, daily_csv
):
    @tracked_run(read_job(daily_csv("days.csv")), "mine")
    def break_something():
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            raise OSError("closed twice")

    with pytest.raises(Interrupted):
        break_something()

    assert newest_run("days").info.status == "KILLED"


def losses():
    client = mlflow.MlflowClient()
    return client.get_metric_history(
        newest_run("long").info.run_id, "training/validation_loss"
    )


def test_the_next_job_ends_what_a_dead_process_left_running(
    workplace, daily_csv, train_job
):
    process = start_long_job(workplace, daily_csv)
    process.kill()
    process.communicate(timeout=180)
    stale = newest_run("long")
    assert stale.info.status == "RUNNING"

    train_job("job.yaml")

    runs = mlflow.search_runs(experiment_names=["long"], output_format="list")
    assert [run.info.status for run in runs] == ["FINISHED", "KILLED"]


def test_a_new_local_store_may_take_its_time(tmp_path, monkeypatch):
    monkeypatch.setattr(tracking, "MAX_ANSWER_SECONDS", 0.001)
    store = tmp_path / "new.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{store}")

    connect()

    assert mlflow.MlflowClient().get_experiment("0").name == "Default"


@pytest.mark.parametrize(
    ("uri", "local"),
    [
        ("sqlite:///mlflow.db", True),
        ("sqlite+pysqlite:////data/mlflow.db", True),
        ("file:///data/mlruns", True),
        ("mlruns", True),
        ("http://127.0.0.1:5000", False),
        ("postgresql://me@here/db", False),
    ],
)
def test_what_is_a_file_here_is_no_server(uri, local):
    assert is_local(uri) == local
