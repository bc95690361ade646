"""The command that measures the service: real services, for as short as it can be."""

import json
import sys
from pathlib import Path

import pytest

from benchmarks.common.timing import ProcessFailed
from benchmarks.load import generator
from benchmarks.load.generator import run_bundled_client, run_load
from benchmarks.load.servers import running
from benchmarks.load.services import FAST_OPTIONS, UVICORN
from benchmarks.load.targets import (
    AnswerCounts,
    constant_target,
    forecast_body,
    invocations_target,
    many_series,
    read_histories,
    recast_target,
)
from benchmarks.serving import main

ANSWER = {
    "model": {"name": "sunspots", "version": "1", "alias": None},
    "forecasts": [{"id": "one", "point": [float(step) for step in range(12)]}],
}
POINTS = ANSWER["forecasts"][0]["point"]


@pytest.fixture(scope="module")
def constant(tmp_path_factory):
    """A server of FastAPI that replies with ANSWER, on /plain and /typed."""
    folder = tmp_path_factory.mktemp("constant")
    path = folder / "answer.json"
    path.write_text(json.dumps(ANSWER))
    command = (*UVICORN, *FAST_OPTIONS, "benchmarks.load.constant:app")
    told = {"CONSTANT_ANSWER": str(path)}
    with running(command, "/openapi.json", folder, told) as server:
        yield server


@pytest.fixture
def target(constant):
    content = json.dumps(ANSWER).encode()
    return constant_target("constant", constant, AnswerCounts(), "/typed", content)


@pytest.fixture
def body(tmp_path):
    path = tmp_path / "body.json"
    path.write_bytes(forecast_body(1))
    return path


def elsewhere(target, path):
    content = json.dumps(ANSWER).encode()
    return constant_target("nowhere", target.server, target.tally, path, content)


class Scripted:
    """Stands where a server stands, for judges that only look at an answer."""

    def post(self, path, _body):
        version = path.partition("?version=")[2]
        points = [point + float(version) for point in POINTS]
        return 200, answer_of(version, points)


def answer_of(version, *points):
    forecasts = [{"point": each} for each in points]
    return json.dumps({"model": {"version": version}, "forecasts": forecasts}).encode()


@pytest.mark.slow
def test_the_command_moves_the_alias_under_load_and_loses_nothing(tmp_path, capsys):
    path = tmp_path / "found.json"
    rows = ["moves", "start", "batch"]
    tiny = ["--rounds", "1", "--seconds", "1", "--duration", "1"]

    code = main(["--only", *rows, *tiny, "--json", str(path)])

    found, printed = json.loads(path.read_text()), capsys.readouterr().out
    p99, lost, start, batch = found["results"]
    assert code == 0
    assert found["skipped"] == []
    assert p99["ours"] > 0
    assert p99["theirs"] > 0
    assert (lost["ours"], lost["theirs"], lost["met"]) == (0, 0, True)
    assert 0 < start["ours"] < 120
    assert batch["ratio"] > 5
    counts = found["answers"]["Recast"]
    assert counts["answered"] > 20
    assert counts["checked"] > 10
    assert (counts["failed"], counts["wrong"]) == (0, 0)
    assert printed.startswith("| row | work | against |")
    assert "| Recast | " in printed


@pytest.mark.parametrize("client", ["bundled", "wrk"])
def test_clients_count_answers_and_how_long_they_took(monkeypatch, target, client):
    if client == "wrk" and generator.WRK is None:
        pytest.skip("wrk is not installed")
    if client == "bundled":
        monkeypatch.setattr(generator, "WRK", None)

    found = run_load(target, 4, 1)

    assert found.requests > 50
    assert found.failed == 0
    assert 0.9 < found.seconds < 10
    assert 0 < found.p50 <= found.p99 < 2000
    assert 0 < found.cpu < 5
    assert found.pace == pytest.approx(found.requests / found.seconds)
    assert target.tally == AnswerCounts(found.requests, 0, generator.CHECKS, 0)


@pytest.mark.parametrize("client", ["bundled", "wrk"])
def test_clients_count_answers_of_a_bad_status_as_failures(monkeypatch, target, client):
    if client == "wrk" and generator.WRK is None:
        pytest.skip("wrk is not installed")
    if client == "bundled":
        monkeypatch.setattr(generator, "WRK", None)

    found = run_load(elsewhere(target, "/nothing"), 2, 1)

    assert found.requests == 0
    assert found.failed > 20
    assert target.tally.wrong == target.tally.checked == generator.CHECKS


def test_the_bundled_client_counts_the_requests_that_nobody_answers(
    tmp_path, body, target
):
    command = (sys.executable, "-m", "http.server", "--bind", "127.0.0.1", "{port}")
    with running(command, "/", tmp_path, {}) as server:
        pass  # it has gone when the client comes
    gone = constant_target(
        "gone", server, AnswerCounts(), "/", json.dumps(ANSWER).encode()
    )

    found = run_bundled_client(gone, body, clients=2, seconds=0.3)

    gone.check(1)
    assert found["answered"] == 0
    assert found["failed"] >= 2
    assert gone.tally == AnswerCounts(checked=1, wrong=1)


def test_both_constant_routes_and_the_raw_one_reply_alike(tmp_path, constant):
    path = tmp_path / "answer.json"
    path.write_text(json.dumps(ANSWER))
    command = (*UVICORN, *FAST_OPTIONS, "benchmarks.load.constant:raw")
    told = {"CONSTANT_ANSWER": str(path)}

    with running(command, "/", tmp_path, told) as raw:
        found = [
            server.post(route, forecast_body(1))
            for server, route in (
                (constant, "/plain"),
                (constant, "/typed"),
                (raw, "/"),
            )
        ]

    assert [status for status, _ in found] == [200] * 3
    assert [json.loads(body) for _, body in found] == [ANSWER] * 3


def test_a_server_that_ends_is_said_with_its_last_words(tmp_path):
    command = (sys.executable, "-c", "raise SystemExit('no {port} today')")

    with (
        pytest.raises(ProcessFailed, match=r"did not become ready, and said: no \d+ t"),
        running(command, "/", tmp_path, {}),
    ):
        pass


def test_an_answer_is_right_that_has_the_points_of_the_version_it_names():
    judge = recast_target("Recast", Scripted(), AnswerCounts()).judge
    first, second = ([point + more for point in POINTS] for more in (1.0, 2.0))

    assert judge(answer_of("1", first))
    assert judge(answer_of("2", second))
    assert not judge(answer_of("1", second))
    assert not judge(answer_of("3", first))
    assert not judge(answer_of("1", first[:11]))


def test_many_series_come_back_as_many_of_twelve_steps():
    judge = many_series(recast_target("Recast", Scripted(), AnswerCounts()), 2).judge

    assert judge(answer_of("1", POINTS, POINTS))
    assert not judge(answer_of("1", POINTS))
    assert not judge(answer_of("1", POINTS, POINTS[:11]))
    assert not judge(answer_of("7", POINTS, POINTS))


def test_mlflow_has_to_forecast_what_the_service_does():
    judge = invocations_target("mlflow", Scripted(), AnswerCounts(), POINTS).judge
    right = {"predictions": [{"point": point} for point in POINTS]}
    wrong = {"predictions": [{"point": point + 1} for point in POINTS]}

    assert judge(json.dumps(right).encode())
    assert not judge(json.dumps(wrong).encode())


def test_requests_ask_for_stretches_as_long_as_the_model_reads():
    found = read_histories(3)
    asked = json.loads(forecast_body(2))

    assert [len(each) for each in found] == [24] * 3
    assert found[1][1:] == found[0][:-1]
    assert (asked["horizon"], asked["levels"]) == (12, [80.0, 95.0])
    assert len({each["id"] for each in asked["series"]}) == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--rounds", "0"], "--rounds must be at least 1"),
        (["--json", "nowhere/f.json"], "--json must be a file in a folder that"),
    ],
)
def test_what_cannot_be_done_is_said_before_the_work(capsys, options, message):
    code = main(["--only", "start", *options])

    assert code == 2
    assert message in capsys.readouterr().err
    assert not Path("nowhere").exists()
