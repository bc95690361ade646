"""Requests over the rate are refused with the time to wait; others are not."""

import asyncio
import json
import time

import httpx
import pytest

from serving.app import create_app
from serving.http.api_keys import hash_key
from serving.http.auth import RateLimit
from serving.settings import Settings


@pytest.fixture
def ask(monkeypatch, tmp_path):
    """Request the same path of an application with each of several headers."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/none.db")

    def ask(path, headers, **settings):
        async def go():
            transport = httpx.ASGITransport(create_app(Settings(**settings)))
            async with httpx.AsyncClient(
                transport=transport, base_url="http://localhost"
            ) as client:
                return [await client.get(path, headers=one) for one in headers]

        return asyncio.run(go())

    return ask


def statuses(responses):
    return [response.status_code for response in responses]


def test_one_request_too_many_is_refused_with_the_time_to_wait(ask, assert_problem):
    *answered, refused = ask("/v1/models", [{}] * 4, rate_limit="3/minute")

    assert statuses(answered) == [503] * 3  # the registry is away
    assert_problem(refused, 429, "rate-exceeded", "Retry-After")
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert refused.headers["x-content-type-options"] == "nosniff"


def test_each_key_has_a_rate_of_its_own(ask):
    keys = json.dumps({"alice": hash_key("a"), "bob": hash_key("b")})
    headers = [{"X-API-Key": key} for key in "aabba"]

    responses = ask("/v1/models", headers, api_keys=keys, rate_limit="2/minute")

    assert statuses(responses) == [503] * 4 + [429]


def test_probes_are_not_counted(ask):
    responses = ask("/livez", [{}] * 5, rate_limit="1/minute")

    assert statuses(responses) == [200] * 5


def test_who_waits_as_long_as_told_is_admitted():
    limit = RateLimit("2/second")

    waits = [limit.admit("a") for _ in range(3)]
    time.sleep(waits[-1])

    assert waits == [0, 0, 1]
    assert limit.admit("a") == 0


def test_without_a_rate_and_keys_nothing_stands_before_the_routes(
    monkeypatch, tmp_path
):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/none.db")

    app = create_app(Settings())

    assert "AuthMiddleware" not in [each.cls.__name__ for each in app.user_middleware]
