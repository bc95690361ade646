"""One command in two processes, started by torchrun, on a real MLflow store."""

import json
import os
import subprocess
import sys
from pathlib import Path

import mlflow
import numpy as np
import pytest

from pipelines.config.job import read_job
from pipelines.tracking.models import open_model

ROOT = Path(__file__).parents[3]
JOB = {
    "name": "days",
    "data": {"path": "days.csv"},
    "model": {"guard": False, "linear_skip": False, "hidden_size": 4},
    "training": {"epochs": 6, "learning_rate": 0.05, "batch_size": 16},
    "evaluation": {"folds": 2},
}

# Simulates a second machine without the CSV file.
ELSEWHERE = """
import os
if os.environ["RANK"] == "1":
    os.chdir("/")
from pipelines.__main__ import main
main()
"""


def torchrun(*arguments: object) -> subprocess.CompletedProcess[str]:
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    return subprocess.run(
        [*launcher, "--nproc-per-node", "2", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=600,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )


@pytest.fixture(scope="module")
def job(shared_workplace, daily_csv):
    daily_csv("days.csv")
    path = shared_workplace / "job.yaml"
    path.write_text(json.dumps(JOB))  # JSON is YAML
    return path


@pytest.fixture(scope="module")
def trained(job):
    done = torchrun("-m", "pipelines", "train", job)
    assert done.returncode == 0, done.stderr
    return done


def runs():
    return mlflow.search_runs(experiment_names=["days"], output_format="list")


def test_one_run_and_one_version_come_of_two_processes(trained):
    versions = mlflow.MlflowClient().search_model_versions("name='days'")

    assert [run.info.status for run in runs()] == ["FINISHED"]
    assert [str(version.version) for version in versions] == ["1"]


def test_one_process_speaks(trained):
    assert trained.stdout.count("days version 1 registered") == 1
    assert trained.stdout.count("days: backtest  ") == 1
    assert trained.stdout.count("note: time") == 1


def test_the_forecasts_are_those_of_one_process(trained, job, train_job):
    model = {"model.hidden_size": 4, "training.epochs": 6, "evaluation.folds": 2}
    settings = {key.replace(".", "__"): value for key, value in model.items()}
    alone = train_job(job, name="alone", **settings)

    together, _ = open_model("days/1")
    other, _ = open_model(f"alone/{alone.version}")

    assert len(together.predict().points.ravel()) == read_job(job).windows.horizon
    np.testing.assert_allclose(
        together.predict().points, other.predict().points, rtol=1e-4
    )


def test_what_fails_in_one_process_ends_all_with_one_message(trained, job):
    script = job.with_name("elsewhere.py")
    script.write_text(ELSEWHERE)

    done = torchrun(script, "train", "days.csv", "--name", "days")

    assert done.returncode != 0
    messages = [line for line in done.stderr.splitlines() if line.startswith("Error")]
    assert messages == ["Error: days.csv: there is no such file. Check the path."]
    assert done.stdout == ""
    assert all(run.info.status != "RUNNING" for run in runs())


def test_a_command_for_one_process_is_refused(workplace):
    done = torchrun("-m", "pipelines", "models")

    assert done.returncode != 0
    message = "Error: command must be train or compare for 2 processes together; found"
    assert done.stderr.count(message) == 1
