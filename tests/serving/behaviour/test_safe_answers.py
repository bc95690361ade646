"""Every answer has the headers that make it safe, and none reveals the machine."""

import asyncio
import json

import httpx
import pytest

from serving.app import create_app
from serving.http.api_keys import hash_key
from serving.http.middleware import HEADERS
from serving.settings import Settings

FORECAST = "/v1/models/waves/forecast"
PAGES = ("/", "/docs")  # their policy allows their scripts


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/livez", "", 200),
        ("GET", "/metrics", "", 200),
        ("GET", "/", "", 200),
        ("GET", "/docs", "", 200),
        ("GET", "/docs/assets/swagger-ui.css", "", 200),
        ("GET", "/docs/assets/../app.py", "", 404),
        ("GET", "/docs/assets/%2e%2e/%2e%2e/etc/passwd", "", 404),
        ("GET", "/nothing", "", 404),
        ("GET", FORECAST, "", 405),
        ("POST", FORECAST, "{}", 200),
        ("POST", FORECAST, "{", 422),
        ("POST", FORECAST, " " * 100_001, 413),
        ("POST", "/v1/models/waves/forecast?version=3", "{}", 503),
        ("GET", "/v1/models/..%2F..%2Fetc", "", 404),
    ],
)
def test_every_answer_has_the_safe_headers(service, method, path, body, status):
    response = service.client.request(method, path, content=body)

    assert response.status_code == status
    for name, value in HEADERS.items():
        if name != "Content-Security-Policy" or path not in PAGES:
            assert response.headers[name] == value
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    assert "server" not in response.headers


@pytest.mark.parametrize(
    ("headers", "path", "status"),
    [
        ({}, "/v1/models", 401),
        ({"X-API-Key": "a"}, "/broken", 500),
        ({"X-API-Key": "a"}, "/broken", 429),
    ],
)
def test_refusals_and_failures_have_them_too(
    monkeypatch, tmp_path, headers, path, status
):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/none.db")
    keys = json.dumps({"alice": hash_key("a")})
    app = create_app(Settings(api_keys=keys, rate_limit="1/day"))

    @app.get("/broken")
    def broken():
        raise FileNotFoundError(tmp_path / "secret")

    async def ask(times):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://x"
        ) as client:
            return [await client.get(path, headers=headers) for _ in range(times)][-1]

    response = asyncio.run(ask(2 if status == 429 else 1))

    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert {name: response.headers.get(name) for name in HEADERS} == HEADERS
    assert str(tmp_path) not in response.text


def test_a_model_that_is_damaged_tells_nothing_of_its_folder(
    registry, built, tmp_path, running
):
    registry.client.set_registered_model_alias("waves", "champion", "3")
    with running(registry.uri, tmp_path) as service:
        ready = service.wait_for(
            lambda: service.readyz().get("refused") and service.client.get("/readyz")
        )
        refused = service.forecast()

    assert refused.status_code == 503
    for response in (ready, refused):
        assert "it is damaged" in response.text
        for secret in (str(built), str(tmp_path), "/tmp", "recast-", "Traceback"):
            assert secret not in response.text
