"""Requests without a key get probes and pages only; keys stay secret."""

import json

import pytest

from forecasting.errors import SettingError
from serving.http.api_keys import check_exposure, hash_key, make_key, read_keys
from serving.http.auth import extract_key
from serving.settings import Settings

ALICE, BOB = make_key(), make_key()


@pytest.fixture(scope="module")
def guarded(built, tmp_path_factory, running):
    """Run a service with two keys: one from the settings, one from a file."""
    folder = tmp_path_factory.mktemp("guarded")
    (folder / "keys.json").write_text(json.dumps({"bob": hash_key(BOB)}))
    with running(
        f"sqlite:///{built}/mlflow.db",
        folder,
        host="0.0.0.0",
        api_keys=json.dumps({"alice": hash_key(ALICE)}),
        api_keys_file=folder / "keys.json",
    ) as service:
        service.wait_for(lambda: service.readyz().get("state") == "ready")
        yield service


def bearer(key):
    return {"Authorization": f"Bearer {key}"}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        bearer(make_key()),
        bearer(hash_key(ALICE)),
        {"Authorization": f"Basic {ALICE}"},
        {"X-API-Key": ALICE[:-1]},
    ],
)
@pytest.mark.parametrize("path", ["/v1/models", "/metrics", "/nothing", "/livez/"])
def test_without_a_key_of_the_service_there_is_no_answer(
    guarded, path, headers, assert_problem
):
    response = guarded.client.get(path, headers=headers)

    assert_problem(response, 401, "key-needed", "Authorization: Bearer KEY")
    assert response.headers["www-authenticate"] == 'Bearer realm="recast"'
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["x-request-id"]


@pytest.mark.parametrize(
    "headers",
    [
        bearer(ALICE),
        bearer(BOB),
        {"Authorization": f"bearer  {ALICE}"},
        {"X-API-Key": ALICE},
        {"X-API-Key": BOB, "Authorization": "Basic cHJveHk6bG9naW4="},
    ],
)
def test_each_key_opens_every_route_in_either_header(guarded, headers):
    url = "/v1/models/waves/forecast"

    response = guarded.client.post(url, json={}, headers=headers)

    assert response.status_code == 200


@pytest.mark.parametrize("name", [b"x-api-key", b"authorization"])
def test_space_around_a_key_is_no_part_of_it(name):
    scheme = b"Bearer " if name == b"authorization" else b""

    assert extract_key([(name, scheme + b" key \t")]) == b"key"


@pytest.mark.parametrize(
    "path",
    ["/livez", "/readyz", "/", "/docs", "/openapi.json", "/docs/assets/swagger-ui.css"],
)
def test_probes_and_pages_need_no_key(guarded, path):
    assert guarded.client.get(path).status_code == 200


def test_requests_are_counted_and_logged_by_the_name_of_their_key(guarded):
    headers = bearer(BOB) | {"X-Request-ID": "of-bob"}
    guarded.client.post("/v1/models/waves/forecast", json={}, headers=headers)

    [line] = guarded.requests("of-bob")
    numbers = guarded.client.get("/metrics", headers=headers).text

    assert (line["key"], line["model"], line["version"]) == ("bob", "waves", "1")
    assert 'recast_key_requests_total{key="bob"} ' in numbers
    for secret in (BOB, hash_key(BOB).removeprefix("sha256:")):
        assert secret not in numbers + guarded.log.read_text()


def test_the_document_says_which_routes_ask_for_a_key(guarded):
    document = guarded.client.get("/openapi.json").json()

    forecast = document["paths"]["/v1/models/{name}/forecast"]["post"]
    assert forecast["security"] == [{"bearer": []}, {"header": []}]
    assert "application/problem+json" in forecast["responses"]["401"]["content"]
    assert set(document["components"]["securitySchemes"]) == {"bearer", "header"}
    assert "security" not in document["paths"]["/livez"]["get"]


def test_a_hash_is_the_sha256_that_openssl_prints():
    # printf 'recast_example' | openssl dgst -sha256
    digest = "f3c0d3661eb125c7e2aa3ed3b5343b893e52b7c15bf31b5677ac5a0f63b8b55a"

    assert hash_key("recast_example") == f"sha256:{digest}"


def test_no_two_keys_are_the_same():
    keys = {make_key() for _ in range(100)}

    assert len(keys) == 100
    assert {len(key) for key in keys} == {50}


@pytest.mark.parametrize("text", ["{", "[]", '{"a": "secret"}', '{"a b": "sha256:"}'])
def test_a_file_that_holds_no_keys_is_refused(tmp_path, text):
    file = tmp_path / "keys.json"
    file.write_text(text)

    with pytest.raises(SettingError, match="api_keys_file must be a file of JSON"):
        read_keys(Settings(api_keys_file=file))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "example.org"])
def test_other_machines_are_not_let_in_without_keys(host):
    with pytest.raises(SettingError, match=r"host must be 127\.0\.0\.1 as long as"):
        check_exposure(Settings(host=host))


@pytest.mark.parametrize(
    "settings",
    [
        {"host": "127.0.0.1"},
        {"host": "::1"},
        {"host": "localhost"},
        {"host": "0.0.0.0", "allow_anonymous": True},
        {"host": "0.0.0.0", "api_keys": {"alice": hash_key(ALICE)}},
    ],
)
def test_this_machine_a_key_or_the_users_word_will_do(settings):
    check_exposure(Settings(**settings))
