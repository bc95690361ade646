"""Promotion and rollback over REST: as the commands, by key, one after the other."""

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from pipelines.tracking.registry import promote, rollback
from serving.http.api_keys import format_entry, hash_key, make_key

ALICE, BOB = make_key(), make_key()
KEYS = json.loads(format_entry("alice", ALICE, ["promote"])) | {"bob": hash_key(BOB)}


def bearer(key):
    return {"Authorization": f"Bearer {key}"}


@contextmanager
def ready(running, uri, folder, **settings):
    with running(uri, folder, api_keys=json.dumps(KEYS), **settings) as service:
        service.wait_for(lambda: service.readyz().get("state") == "ready")
        service.client.headers.update(bearer(ALICE))
        yield service


def state(registry, name="waves"):
    model = registry.client.get_registered_model(name)
    return {a: str(v) for a, v in model.aliases.items()}, dict(model.tags)


def check_moves(service, registry):
    """Promote and roll back, and check answers, registry, log and the next forecast."""
    promoted = service.client.post("/v1/models/waves/promote", json={"version": "2"})
    answered = service.client.post("/v1/models/waves/forecast", json={}).json()["model"]
    after = state(registry)
    back = service.client.post("/v1/models/waves/rollback", json={})
    again = service.client.post("/v1/models/waves/forecast", json={}).json()["model"]

    expected = {"name": "waves", "alias": "champion", "version": "2", "before": "1"}
    assert promoted.json() == expected
    assert answered["version"] == "2"  # at once, in this process
    assert after[0]["champion"] == "2"
    assert json.loads(after[1]["history.champion"]) == ["1", "2"]
    assert back.json() == expected | {"version": "1", "before": "2"}
    assert again["version"] == "1"
    assert json.loads(state(registry)[1]["history.champion"]) == ["1"]
    [line] = service.lines("alias promoted")
    assert {k: line[k] for k in ("key", "model", "before", "version")} == {
        "key": "alice", "model": "waves", "before": "1", "version": "2",
    }  # fmt: skip
    assert [line["before"] for line in service.lines("alias rolled back")] == ["2"]


def test_a_promotion_and_a_rollback_move_the_alias_and_the_answers(
    registry, running, tmp_path
):
    with ready(running, registry.uri, tmp_path) as service:
        check_moves(service, registry)


def test_they_do_so_through_a_tracking_server(
    registry, running, tracking, tmp_path, free_port
):
    uri = f"http://127.0.0.1:{free_port}"
    with (
        tracking(registry.path, tmp_path, free_port),
        ready(running, uri, tmp_path) as service,
    ):
        check_moves(service, registry)
        versions = service.client.get("/v1/models/waves/versions").json()

    assert versions["can_promote"] is True
    assert versions["versions"][-1]["url"] == f"{uri}/#/models/waves/versions/1"


def test_the_effects_are_those_of_the_commands(
    copy_registry, running, tmp_path, monkeypatch
):
    (tmp_path / "rest").mkdir()
    (tmp_path / "command").mkdir()
    by_rest = copy_registry(tmp_path / "rest")
    by_command = copy_registry(tmp_path / "command")

    with ready(running, by_rest.uri, tmp_path) as service:
        for version in ("2", "1", "2"):
            body = {"version": version}
            service.client.post("/v1/models/waves/promote", json=body)
        service.client.post("/v1/models/waves/rollback")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", by_command.uri)
    for version in ("2", "1", "2"):
        promote("waves", version)
    rollback("waves")

    assert state(by_rest) == state(by_command)


def test_of_many_promotions_at_once_each_is_whole(registry, running, tmp_path):
    with ready(running, registry.uri, tmp_path) as service:

        def move(version):
            body = {"version": version}
            return service.client.post("/v1/models/waves/promote", json=body).json()

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(move, ["2", "1"] * 8))

        aliases, tags = state(registry)
        lines = service.lines("alias promoted")
    assert sorted(answer["version"] for answer in answers) == ["1"] * 8 + ["2"] * 8
    assert [line["before"] for line in lines] == [
        "1", *(line["version"] for line in lines[:-1])
    ]  # fmt: skip
    assert aliases["champion"] == lines[-1]["version"]
    assert json.loads(tags["history.champion"])[-1] == aliases["champion"]


@pytest.fixture(scope="module")
def guarded(copy_registry, running, tmp_path_factory):
    """A service with keys; tests move nothing."""
    folder = tmp_path_factory.mktemp("guarded")
    with ready(running, copy_registry(folder).uri, folder) as service:
        yield service


@pytest.mark.parametrize(
    ("name", "version", "status", "kind", "text"),
    [
        ("waves", "9", 404, "unknown-version", "There is: 4, 3, 2, 1."),
        ("nothing", "1", 404, "unknown-model", "There is: my steps"),
        ("my steps", "2", 404, "unknown-version", "There is: 1."),
        ("waves", "3", 503, "version-unusable", "Version 3 of model 'waves'"),
        ("other", "1", 404, "foreign-version", "was not made by Recast"),
    ],
)
def test_a_version_that_cannot_answer_is_not_promoted(
    guarded, name, version, status, kind, text, assert_problem
):
    body = {"version": version}
    response = guarded.client.post(f"/v1/models/{name}/promote", json=body)

    assert_problem(response, status, kind, text)
    assert guarded.lines("alias promoted") == []


def test_without_a_version_before_there_is_no_rollback(guarded, assert_problem):
    response = guarded.client.post("/v1/models/my steps/rollback", json={})

    assert_problem(response, 409, "nothing-before", "my steps@champion")


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"version": 3}', b'{"version": "0"}',
             b'{"version": "1", "alias": "x"}', b'{"version": "1/../2"}']
)  # fmt: skip
def test_a_body_without_the_number_of_a_version_is_refused(
    guarded, body, assert_problem
):
    headers = {"Content-Type": "application/json"}
    response = guarded.client.post(
        "/v1/models/waves/promote", content=body, headers=headers
    )

    assert_problem(response, 422, "request-error")


@pytest.mark.parametrize("move", ["promote", "rollback"])
def test_a_key_without_the_permission_is_refused_and_told_which(
    guarded, move, assert_problem
):
    response = guarded.client.post(
        f"/v1/models/waves/{move}", json={"version": "2"}, headers=bearer(BOB)
    )

    assert_problem(response, 403, "key-may-not", "The key 'bob' has not the permission")
    assert "--may promote" in response.text


def test_without_a_key_nothing_is_moved(guarded, assert_problem):
    response = guarded.client.post(
        "/v1/models/waves/promote", json={"version": "2"}, headers=bearer("none")
    )

    assert_problem(response, 401, "key-needed")


def test_the_list_of_versions_says_whether_this_key_may_promote(guarded):
    answers = [
        guarded.client.get("/v1/models/waves/versions", headers=bearer(key)).json()
        for key in (ALICE, BOB)
    ]

    assert [answer["can_promote"] for answer in answers] == [True, False]


def test_a_service_without_keys_moves_nothing_by_default(service, assert_problem):
    response = service.client.post("/v1/models/waves/promote", json={"version": "2"})

    assert_problem(response, 403, "not-allowed", "SERVING_PROMOTE=on")


def test_with_the_setting_it_does_but_not_for_pages_from_elsewhere(
    registry, running, tmp_path, assert_problem
):
    with running(registry.uri, tmp_path, promote="on") as service:
        service.wait_for(lambda: service.readyz().get("state") == "ready")
        path, body = "/v1/models/waves/promote", {"version": "2"}
        refused = [
            service.client.post(path, json=body, headers={"Origin": origin})
            for origin in ("https://evil.example", "null", "http://localhost:1")
        ]
        before = state(registry)[0]["champion"]
        allowed = service.client.post(path, json=body, headers={"Origin": service.url})

    for response in refused:
        assert_problem(response, 403, "foreign-origin", "another address")
    assert before == "1"
    assert allowed.json()["version"] == "2"


def test_while_the_registry_is_away_nothing_is_moved_and_forecasts_go_on(
    registry, running, tmp_path, assert_problem
):
    # No poll is under way when the file moves: SQLite would make an empty one.
    with ready(running, registry.uri, tmp_path, poll_seconds=3600) as service:
        body = {"version": "2"}
        service.client.post("/v1/models/waves/forecast", json={}, params=body)
        registry.path.rename(registry.path.with_suffix(".away"))
        moves = [
            service.client.post("/v1/models/waves/promote", json=body),
            service.client.post("/v1/models/waves/rollback"),
        ]
        forecast = service.client.post("/v1/models/waves/forecast", json={})

    for response in moves:
        assert_problem(response, 503, "registry-away", "Ask again later")
    assert forecast.json()["model"]["version"] == "1"
    assert not registry.path.exists()
