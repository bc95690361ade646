"""The page of a run in MLflow's UI, and the command that opens it."""

import shlex

import mlflow

from model_registry.addresses import is_server, run_address
from model_registry.locks import sqlite_file

LOCAL_SERVER = "http://127.0.0.1:5000"  # where `mlflow ui` listens


def describe_page(experiment_id: str, run_id: str) -> str:
    """Return the address of a run's page; for a local store, after a command.

    ``mlflow ui --backend-store-uri sqlite:////data/mlflow.db``, then the address.
    """
    uri = str(mlflow.get_tracking_uri())
    if is_server(uri):
        return run_address(uri, experiment_id, run_id)
    address = run_address(LOCAL_SERVER, experiment_id, run_id)
    return f"{open_command(uri)}, then {address}"


def open_command(uri: str) -> str:
    """Return the command that shows a store which is no server."""
    path = sqlite_file(uri)
    if path is not None:
        uri = f"sqlite:///{path}"
    elif "://" in uri and "@" in uri:  # a database with a password
        return 'mlflow ui --backend-store-uri "$MLFLOW_TRACKING_URI"'
    return f"mlflow ui --backend-store-uri {shlex.quote(uri)}"
