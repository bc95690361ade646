"""Load generators count answers, failures and latencies."""

import json
import sys
from dataclasses import replace

import pytest

from benchmarks.load import generator
from benchmarks.load.generator import run_bundled_client, run_load
from benchmarks.load.servers import running
from benchmarks.load.targets import AnswerCounts, constant_target, forecast_body


@pytest.fixture
def target(answer, constant):
    content = json.dumps(answer).encode()
    return constant_target("constant", constant, AnswerCounts(), "/typed", content)


@pytest.fixture
def body(tmp_path):
    path = tmp_path / "body.json"
    path.write_bytes(forecast_body(1))
    return path


def at_path(target, path):
    return replace(target, path=path)


@pytest.mark.parametrize("client", ["bundled", "wrk"])
def test_clients_count_answers_and_measure_latencies(monkeypatch, target, client):
    if client == "wrk" and generator.WRK is None:
        pytest.skip("wrk is not installed")
    if client == "bundled":
        monkeypatch.setattr(generator, "WRK", None)

    result = run_load(target, 4, 1)

    assert result.requests > 50
    assert result.failed == 0
    assert 0.9 < result.seconds < 10
    assert 0 < result.p50 <= result.p99 < 2000
    assert 0 < result.cpu < 5
    assert result.pace == pytest.approx(result.requests / result.seconds)
    assert target.counts == AnswerCounts(result.requests, 0, generator.CHECKS, 0)


@pytest.mark.parametrize("client", ["bundled", "wrk"])
def test_clients_count_answers_of_a_bad_status_as_failures(monkeypatch, target, client):
    if client == "wrk" and generator.WRK is None:
        pytest.skip("wrk is not installed")
    if client == "bundled":
        monkeypatch.setattr(generator, "WRK", None)

    result = run_load(at_path(target, "/nothing"), 2, 1)

    assert result.requests == 0
    assert result.failed > 20
    assert target.counts.wrong == target.counts.checked == generator.CHECKS


def test_the_bundled_client_counts_requests_without_a_response(tmp_path, body, answer):
    command = (sys.executable, "-m", "http.server", "--bind", "127.0.0.1", "{port}")
    with running(command, "/", tmp_path, {}) as server:
        pass  # the server has stopped before the client starts
    gone = constant_target(
        "gone", server, AnswerCounts(), "/", json.dumps(answer).encode()
    )

    result = run_bundled_client(gone, body, clients=2, seconds=0.3)

    gone.check_answers(1)
    assert result["answered"] == 0
    assert result["failed"] >= 2
    assert gone.counts == AnswerCounts(checked=1, wrong=1)
