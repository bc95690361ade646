"""Requests for other hosts are refused without keys; CORS is for the origins named."""

import asyncio
import json
import os
import socket
import subprocess
import sys

import httpx
import pytest
from starlette.responses import PlainTextResponse

from serving.http.api_keys import hash_key
from serving.http.origins import HostCheck, host_middleware
from serving.settings import Settings

FORECAST = "/v1/models/waves/forecast"
PAGE = "https://app.example.org"
KEYS = json.dumps({"alice": hash_key("secret")})


@pytest.mark.parametrize("path", ["/v1/models/waves", "/", "/v2/models/waves"])
def test_a_page_that_lets_its_own_name_point_here_reads_nothing(service, path):
    answer = service.client.get(path, headers={"Host": "evil.example"})

    assert answer.status_code == 421
    assert "SERVING_ALLOWED_HOSTS" in answer.text
    assert "training" not in answer.text


def test_the_refusal_is_a_problem_and_is_logged(service, assert_problem):
    headers = {"Host": "evil.example:8000", "X-Request-ID": "rebound"}

    answer = service.client.post(FORECAST, json={}, headers=headers)

    text = "The header Host is 'evil.example:8000'; this service answers for localhost"
    assert_problem(answer, 421, "unknown-host", text)
    assert [line["status"] for line in service.requests("rebound")] == [421]


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8000", "127.0.0.1:1", "[::1]", "[::1]:8000"]
)
def test_the_names_of_this_machine_are_answered(service, host):
    answer = service.client.get("/v1/models", headers={"Host": host})

    assert answer.status_code == 200


@pytest.mark.parametrize(
    "host", ["localhost.evil.example", "127.0.0.1.evil.example", "[::1].evil", "[", ":"]
)
def test_a_name_that_only_begins_like_them_is_refused(service, host):
    answer = service.client.get("/v1/models", headers={"Host": host})

    assert answer.status_code == 421


def test_a_client_of_http_1_0_need_not_name_a_host(service):
    address = (service.client.base_url.host, service.client.base_url.port)
    with socket.create_connection(address, timeout=180) as connection:
        connection.sendall(b"GET /livez HTTP/1.0\r\n\r\n")

        assert connection.recv(1000).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    ("settings", "hosts"),
    [
        ({}, ("localhost", "127.0.0.1", "[::1]")),
        ({"host": "127.0.0.2"}, ("localhost", "127.0.0.1", "[::1]", "127.0.0.2")),
        ({"host": "::1"}, ("localhost", "127.0.0.1", "[::1]")),
        ({"allowed_hosts": "A.example, *.b.example"}, ("a.example", "*.b.example")),
        ({"allowed_hosts": "a.example", "api_keys": KEYS}, ("a.example",)),
        ({"allowed_hosts": "*"}, None),
        ({"api_keys": KEYS}, None),
        ({"host": "0.0.0.0", "allow_anonymous": True}, None),
        ({"host": "0.0.0.0", "api_keys": KEYS}, None),
    ],
)
def test_hosts_follow_from_the_address_and_the_keys(settings, hosts):
    middleware = host_middleware(Settings(**settings))

    assert [one.args[0] for one in middleware] == ([] if hosts is None else [hosts])


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("a.example:80", 200),
        ("x.b.example", 200),
        ("x.y.b.example", 200),
        ("b.example", 421),
        ("xb.example", 421),
        ("localhost", 421),
    ],
)
def test_names_and_subdomains_may_be_set(host, status):
    app = HostCheck(PlainTextResponse("here"), ("a.example", "*.b.example"))

    async def ask():
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport) as client:
            return await client.get(f"http://{host}/")

    assert asyncio.run(ask()).status_code == status


def test_an_address_given_as_an_option_decides_too(registry, tmp_path, running):
    arguments = ("--host", "0.0.0.0")
    with running(registry.uri, tmp_path, arguments, allow_anonymous="true") as service:
        answer = service.client.get("/livez", headers={"Host": "any.example"})

    assert answer.status_code == 200


@pytest.fixture(scope="module")
def shared(built, tmp_path_factory, running):
    """A service with a key; the scripts of one page may read its answers."""
    folder = tmp_path_factory.mktemp("shared")
    settings = {"cors_origins": f"{PAGE}, http://localhost:3000", "api_keys": KEYS}
    with running(f"sqlite:///{built}/mlflow.db", folder, **settings) as service:
        service.wait_for(lambda: service.client.get("/readyz").status_code == 200)
        yield service


def preflight(service, origin, method="POST", headers="authorization,content-type"):
    return service.client.options(
        FORECAST,
        headers={
            "Origin": origin,
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": headers,
        },
    )


def test_a_page_may_ask_before_it_sends_its_key(shared):
    answer = preflight(shared, PAGE)

    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert "Authorization" in answer.headers["access-control-allow-headers"]
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("key", "body", "status"),
    [("secret", {}, 200), ("no", {}, 401), ("secret", 1, 422)],
)
def test_a_page_may_read_answers_and_refusals(shared, key, body, status):
    headers = {"Origin": PAGE, "X-API-Key": key}

    answer = shared.client.post(FORECAST, json=body, headers=headers)

    assert answer.status_code == status
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert "X-Request-ID" in answer.headers["access-control-expose-headers"]
    assert answer.headers["vary"] == "Origin"


def test_other_pages_may_not(shared):
    asked = preflight(shared, "https://evil.example")
    headers = {"Origin": "https://evil.example", "X-API-Key": "secret"}
    answer = shared.client.post(FORECAST, json={}, headers=headers)

    assert asked.status_code == 400
    for response in (asked, answer):
        assert "access-control-allow-origin" not in response.headers


def test_without_the_setting_no_page_may(service):
    asked = preflight(service, PAGE)
    answer = service.client.post(FORECAST, json={}, headers={"Origin": PAGE})

    assert asked.status_code == 405
    assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("ALLOWED_HOSTS", "http://a.example", "without scheme and port, with commas"),
        ("ALLOWED_HOSTS", "a.example:80", "found 'a.example:80'"),
        ("ALLOWED_HOSTS", "a.*.example", "localhost,*.example.org"),
        ("CORS_ORIGINS", "app.example.org", "with commas: https://example.org"),
        ("CORS_ORIGINS", "https://app.example.org/", "without a path"),
    ],
)
def test_a_name_of_another_form_is_refused_at_the_start(tmp_path, name, value, message):
    done = subprocess.run(
        [sys.executable, "-m", "serving"],
        cwd=tmp_path,
        env=os.environ | {f"SERVING_{name}": value},
        capture_output=True,
        text=True,
        timeout=180,
    )

    assert done.returncode == 2
    assert message in done.stderr
