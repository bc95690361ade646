"""Versions of a model: the registry's tags, its outages, its address."""

import json

import pytest

from model_registry.addresses import version_address
from serving.registry.mlflow_registry import MlflowRegistry
from serving.settings import Settings


@pytest.fixture
def described(registry):
    """A registry with the tags that a registration writes on one version."""
    tags = {
        "trained_until": "2024-03-20",
        "rows": "160",
        "series": "2",
        "seq_len": "6",
        "horizon": "3",
        "label": "guarded gru",
        "answers": "network (2)",
        "evidence": "5 cutoffs",
        "verdict": "the first to be champion",
    }
    for key, value in tags.items():
        registry.client.set_model_version_tag("waves", "1", key, value)
    return registry


def test_versions_come_newest_first_with_the_tags_of_their_registration(
    described, running, tmp_path
):
    with running(described.uri, tmp_path) as service:
        service.wait_for(lambda: service.readyz().get("state") == "ready")
        answer = service.client.get("/v1/models/waves/versions").json()

    assert answer["name"] == "waves"
    assert answer["can_promote"] is False
    assert [version["version"] for version in answer["versions"]] == list("4321")
    first = answer["versions"][-1]
    assert first.pop("created").startswith("20")
    assert first == {
        "version": "1",
        "aliases": ["champion"],
        "trained_until": "2024-03-20",
        "rows": 160,
        "series": 2,
        "seq_len": 6,
        "horizon": 3,
        "label": "guarded gru",
        "answers": "network (2)",
        "metrics": {"mase": 0.9, "skill": 0.12},
        "evidence": "5 cutoffs",
        "verdict": "the first to be champion",
        "url": None,
    }


def test_a_version_without_tags_has_nulls(service):
    versions = service.client.get("/v1/models/waves/versions").json()["versions"]

    [second] = [version for version in versions if version["version"] == "2"]
    assert second["rows"] is second["label"] is second["verdict"] is None
    assert second["metrics"] == {}


def test_tags_of_any_content_are_answered(registry, running, tmp_path):
    odd = {"rows": "9" * 400, "seq_len": "-3", "series": "\u0663", "label": "x" * 9000}
    odd["metrics"] = '{"mase": NaN, "rmse": 1e999, "mae": 2, "a": "b", "c": true}'
    for key, value in odd.items():
        registry.client.set_model_version_tag("waves", "1", key, value)

    with running(registry.uri, tmp_path) as service:
        service.wait_for(lambda: service.readyz().get("state") == "ready")
        response = service.client.get("/v1/models/waves/versions")

    first = response.json()["versions"][-1]
    assert first["rows"] is first["seq_len"] is first["series"] is None
    assert len(first["label"]) < 2100
    assert first["metrics"]["mae"] == 2
    assert set(first["metrics"]) <= {"mae", "c"}
    json.loads(response.text, parse_constant=pytest.fail)


def test_an_unknown_model_is_answered_with_those_that_there_are(
    service, assert_problem
):
    response = service.client.get("/v1/models/nothing/versions")

    assert_problem(response, 404, "unknown-model", "There is: my steps")


def test_while_the_registry_is_away_the_last_known_versions_are_in_the_problem(
    registry, running, tmp_path, assert_problem
):
    with running(registry.uri, tmp_path) as service:
        service.wait_for(lambda: service.readyz().get("state") == "ready")
        known = service.client.get("/v1/models/waves/versions").json()["versions"]
        registry.path.rename(registry.path.with_suffix(".away"))

        def refused():
            response = service.client.get("/v1/models/waves/versions")
            return response if response.status_code == 503 else None

        response = service.wait_for(refused)

    problem = assert_problem(response, 503, "registry-away", "does not answer")
    assert problem["versions"] == known
    assert problem["name"] == "waves"
    assert response.headers["retry-after"]
    assert str(tmp_path) not in response.text


@pytest.mark.parametrize(
    ("server", "name", "address"),
    [
        ("http://h:5000", "sales", "http://h:5000/#/models/sales/versions/3"),
        ("https://u:secret@h/x/", "sales", "https://h/x/#/models/sales/versions/3"),
        ("http://h", "a b/c?d#e", "http://h/#/models/a%20b%2Fc%3Fd%23e/versions/3"),
    ],
)
def test_the_address_of_a_version_has_its_name_quoted_and_no_password(
    server, name, address
):
    assert version_address(server, name, "3") == address


def test_the_address_is_that_of_the_setting_where_the_registry_is_no_server(
    registry, running, tmp_path
):
    url = "https://mlflow.example.org/"
    with running(registry.uri, tmp_path, mlflow_url=url) as service:
        service.wait_for(lambda: service.readyz().get("state") == "ready")
        versions = service.client.get("/v1/models/my steps/versions").json()["versions"]

    expected = "https://mlflow.example.org/#/models/my%20steps/versions/1"
    assert [version["url"] for version in versions] == [expected]
    assert MlflowRegistry().uri != url


@pytest.mark.parametrize("url", ["mlflow", "ftp://h", "https://u:p@h", "http://h/#/x"])
def test_an_address_of_pages_that_is_none_is_refused_at_the_start(url):
    with pytest.raises(ValueError, match="expected an address such as"):
        Settings(mlflow_url=url)
