"""Addresses of runs, experiments and versions in MLflow's UI."""

import re
from urllib.parse import quote, urlsplit, urlunsplit


def without_password(text: str) -> str:
    """Mask the passwords of the URIs in a text."""
    return re.sub(r"(://[^\s:/@]*:)(?!\d*/)\S*@", r"\1***@", text)


def is_server(uri: str) -> bool:
    """Return whether a tracking URI is the address of an MLflow server."""
    return urlsplit(uri).scheme in ("http", "https")


def run_address(server: str, experiment_id: str, run_id: str) -> str:
    """Return the address of a run's page on a server."""
    return f"{_public(server)}/#/experiments/{experiment_id}/runs/{run_id}"


def experiment_address(server: str, experiment_id: str) -> str:
    """Return the address of an experiment's training runs on a server.

    Without the kind of work, MLflow opens a page of traces, which a training has not.
    """
    page = f"#/experiments/{experiment_id}/runs?workflowType=machine_learning"
    return f"{_public(server)}/{page}"


def version_address(server: str, name: str, version: str) -> str:
    """Return the address of a version's page on a server.

    >>> version_address("http://me:secret@host:5000/", "my sales", "3")
    'http://host:5000/#/models/my%20sales/versions/3'
    """
    return f"{_public(server)}/#/models/{quote(name, safe='')}/versions/{version}"


def _public(server: str) -> str:
    """Return an address without user and password, and without a final slash."""
    parts = urlsplit(server)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path.rstrip("/"), "", ""))
