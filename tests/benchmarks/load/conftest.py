"""Services and requests for tests of the load generator."""

import json

import pytest

from benchmarks.load.servers import running
from benchmarks.load.services import FAST_OPTIONS, UVICORN


@pytest.fixture(scope="package")
def answer():
    """A forecast response of Recast's service."""
    points = [float(step) for step in range(12)]
    return {
        "model": {"name": "sunspots", "version": "1", "alias": None},
        "forecasts": [{"id": "one", "point": points}],
    }


@pytest.fixture(scope="package")
def constant(answer, tmp_path_factory):
    """A server of FastAPI that sends the answer on /plain and /typed."""
    folder = tmp_path_factory.mktemp("constant")
    path = folder / "answer.json"
    path.write_text(json.dumps(answer))
    command = (*UVICORN, *FAST_OPTIONS, "benchmarks.load.constant:app")
    environment = {"CONSTANT_ANSWER": str(path)}
    with running(command, "/openapi.json", folder, environment) as server:
        yield server
