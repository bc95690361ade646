"""Locks between processes: one creates the store, and one is the first champion."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import mlflow
import pytest

from model_registry.locks import process_lock, sqlite_file

TRAIN = ["train", "days.csv", "--epochs", "1", "--folds", "4"]


@pytest.mark.slow
def test_three_first_trainings_create_one_store_and_one_first_champion(
    tmp_path, daily_csv, monkeypatch
):
    daily_csv(tmp_path / "days.csv")
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    environment = os.environ | {"MLFLOW_TRACKING_URI": uri, "OMP_NUM_THREADS": "1"}

    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "pipelines", *TRAIN],
            cwd=tmp_path,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(3)
    ]
    outputs = [process.communicate(timeout=500) for process in processes]

    assert [process.returncode for process in processes] == [0, 0, 0], outputs
    errors = "".join(err for _, err in outputs)
    assert errors.count(f"creating the MLflow store {tmp_path}/mlflow.db ...") == 1
    words = " ".join("".join(out for out, _ in outputs).split())
    assert words.count("now champion: the first to be champion") == 1
    assert words.count("not champion: ") == 2
    client = mlflow.MlflowClient(uri)
    versions = client.search_model_versions("name='days'")
    assert {str(version.version) for version in versions} == {"1", "2", "3"}
    assert str(client.get_model_version_by_alias("days", "champion").version) == "1"


def test_a_lock_excludes_another_thread_and_says_that_it_waits(capfd):
    entered = []

    def enter():
        with process_lock("a key", "waiting ..."):
            entered.append("second")

    with process_lock("a key", "waiting ..."):
        thread = threading.Thread(target=enter)
        thread.start()
        thread.join(2)
        entered.append("first")
    thread.join(10)

    assert entered == ["first", "second"]
    assert capfd.readouterr().err == "waiting ...\n"


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("sqlite:////data/mlflow.db", "/data/mlflow.db"),
        ("sqlite+pysqlite:////data/mlflow.db", "/data/mlflow.db"),
        ("sqlite:///mlflow.db", "mlflow.db"),
        ("sqlite://", None),
        ("sqlite:///:memory:", None),
        ("http://127.0.0.1:5000", None),
        ("mlruns", None),
    ],
)
def test_the_file_of_a_store(uri, expected):
    assert sqlite_file(uri) == (None if expected is None else Path(expected).resolve())
