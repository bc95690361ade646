"""Addresses of runs and experiments in MLflow's UI."""

import shlex
from urllib.parse import urlsplit, urlunsplit

import mlflow

from pipelines.tracking.locks import sqlite_file

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


def run_address(server: str, experiment_id: str, run_id: str) -> str:
    """Return the address of a run's page on a server."""
    return f"{_public(server)}/#/experiments/{experiment_id}/runs/{run_id}"


def experiment_address(server: str, experiment_id: str) -> str:
    """Return the address of an experiment's training runs on a server.

    Without the kind of work, MLflow opens a page of traces, which a training has not.
    """
    page = f"#/experiments/{experiment_id}/runs?workflowType=machine_learning"
    return f"{_public(server)}/{page}"


def open_command(uri: str) -> str:
    """Return the command that shows a store which is no server."""
    path = sqlite_file(uri)
    if path is not None:
        uri = f"sqlite:///{path}"
    elif "://" in uri and "@" in uri:  # a database with a password
        return 'mlflow ui --backend-store-uri "$MLFLOW_TRACKING_URI"'
    return f"mlflow ui --backend-store-uri {shlex.quote(uri)}"


def is_server(uri: str) -> bool:
    """Return whether a tracking URI is the address of an MLflow server."""
    return urlsplit(uri).scheme in ("http", "https")


def _public(server: str) -> str:
    """Return an address without user and password, and without a final slash."""
    parts = urlsplit(server)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path.rstrip("/"), "", ""))
