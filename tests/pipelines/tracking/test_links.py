"""Addresses of MLflow's pages: no passwords, and a command for a local store."""

import pytest

from model_registry.addresses import experiment_address
from pipelines.tracking.links import describe_page, open_command


def test_a_server_has_the_address_of_the_run_without_the_password(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://me:secret@host:5000/flow/")

    assert describe_page("7", "abc") == (
        "https://host:5000/flow/#/experiments/7/runs/abc"
    )


def test_a_file_has_the_command_that_opens_it_first(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///mlflow.db")

    assert describe_page("1", "abc") == (
        f"mlflow ui --backend-store-uri sqlite:///{tmp_path}/mlflow.db, "
        "then http://127.0.0.1:5000/#/experiments/1/runs/abc"
    )


@pytest.mark.parametrize(
    ("uri", "argument"),
    [
        ("sqlite:////a folder/m.db", "'sqlite:////a folder/m.db'"),
        ("/data/mlruns", "/data/mlruns"),
        ("postgresql://me:secret@host/db", '"$MLFLOW_TRACKING_URI"'),
    ],
)
def test_the_command_of_a_store_fits_a_shell_and_shows_no_password(uri, argument):
    assert open_command(uri) == f"mlflow ui --backend-store-uri {argument}"


def test_the_page_of_an_experiment_is_that_of_training_runs():
    assert experiment_address("http://h:5000", "3") == (
        "http://h:5000/#/experiments/3/runs?workflowType=machine_learning"
    )
