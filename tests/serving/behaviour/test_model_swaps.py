"""A new version takes over without a failed request; a broken one does not."""

import threading

import numpy as np
import pytest

MOVES = 100


@pytest.fixture(scope="module")
def registry(copy_registry, tmp_path_factory):
    return copy_registry(tmp_path_factory.mktemp("swaps"))


@pytest.fixture(scope="module")
def running_service(registry, running):
    with running(registry.uri, registry.path.parent) as service:
        yield service


@pytest.fixture
def swapping(running_service, registry):
    """Return a service on a separate registry, with version 1 as champion."""
    registry.client.set_registered_model_alias("waves", "champion", "1")
    running_service.wait_for(lambda: is_ready_with(running_service, "1"))
    return running_service


def is_ready_with(service, version):
    state = service.readyz().get("state")
    return state == "ready" and version_of(service) == version


class Client(threading.Thread):
    """A thread that requests forecasts until stopped, and keeps every answer."""

    def __init__(self, service):
        super().__init__(daemon=True)
        self.service, self.stop, self.answers = service, threading.Event(), []

    def run(self):
        while not self.stop.is_set():
            self.answers.append(self.service.forecast())


def version_of(service, **query):
    return service.forecast(**query).json()["model"]["version"]


def test_aliases_move_under_load_and_no_request_fails(swapping, registry, library):
    expected = {v: library["waves", v].predict().points for v in ("1", "2")}
    clients = [Client(swapping) for _ in range(4)]
    for client in clients:
        client.start()

    for move in range(MOVES):
        version = "2" if move % 2 == 0 else "1"
        registry.client.set_registered_model_alias("waves", "champion", version)
        if move % 5 == 0:  # else it moves on, whether the service has seen it or not
            swapping.wait_for(lambda version=version: version_of(swapping) == version)
    for client in clients:
        client.stop.set()
        client.join(timeout=180)

    answers = [answer for client in clients for answer in client.answers]
    assert {answer.status_code for answer in answers} == {200}
    seen = set()
    for answer in (response.json() for response in answers):
        version = answer["model"]["version"]
        points = [row["point"] for row in answer["forecasts"]]
        np.testing.assert_allclose(points, expected[version], rtol=1e-6)
        seen.add(version)
    assert seen == {"1", "2"}


def test_a_broken_version_is_refused_and_the_last_good_one_stays(swapping, registry):
    registry.client.set_registered_model_alias("waves", "champion", "3")

    state = swapping.wait_for(
        lambda: swapping.readyz()["refused"] and swapping.readyz()
    )

    assert state["state"] == "degraded"
    assert state["refused"][0]["version"] == "3"
    assert state["refused"][0]["reason"].startswith("it is damaged")
    assert str(registry.path.parent) not in str(state)
    assert version_of(swapping) == "1"
    assert (
        'recast_swap_failures_total{model="waves"}'
        in swapping.client.get("/metrics").text
    )
    refusals = [r for r in swapping.lines("version refused") if r["model"] == "waves"]
    assert len(refusals) == 1

    registry.client.set_registered_model_alias("waves", "champion", "2")
    swapping.wait_for(lambda: is_ready_with(swapping, "2"))


def test_another_alias_is_kept_warm_once_somebody_has_asked_for_it(swapping, registry):
    registry.client.set_registered_model_alias("waves", "challenger", "2")
    swapping.wait_for(lambda: version_of(swapping, alias="challenger") == "2")

    registry.client.set_registered_model_alias("waves", "challenger", "4")
    swapping.wait_for(lambda: answering(swapping, "challenger", "4"))

    assert version_of(swapping, alias="challenger") == "4"


def answering(service, alias, version):
    """Return the log lines of a version that answers, without a request."""
    lines = service.lines("model answers")
    return [x for x in lines if (x["alias"], x["version"]) == (alias, version)]


def test_what_is_removed_stops_answering(swapping, registry, assert_problem):
    def status(**query):
        return swapping.forecast("spare", **query).status_code

    registry.client.set_registered_model_alias("spare", "mine", "2")
    swapping.wait_for(lambda: status(alias="mine") == 200)
    registry.client.delete_registered_model_alias("spare", "mine")
    swapping.wait_for(lambda: status(alias="mine") == 404)
    assert status(version=2) == 200
    registry.client.delete_model_version("spare", "2")
    swapping.wait_for(lambda: status(version=2) == 404)
    no_version = swapping.forecast("spare", version=2)
    registry.client.delete_registered_model_alias("spare", "champion")
    swapping.wait_for(lambda: status() == 404)
    no_alias, by_version = (
        swapping.forecast("spare"),
        swapping.forecast("spare", version=1),
    )
    registry.client.delete_registered_model("spare")
    swapping.wait_for(lambda: status(version=1) == 404)
    no_model = swapping.forecast("spare")

    assert_problem(no_version, 404, "unknown-version", "There is: 1.")
    assert_problem(no_alias, 404, "unknown-alias", "There is: none.")
    assert by_version.status_code == 200
    assert_problem(no_model, 404, "unknown-model", "There is: my steps, other, waves.")
    assert "spare" not in swapping.client.get("/v1/models").text
    assert swapping.readyz()["state"] == "ready"
