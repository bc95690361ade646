"""Requests over the limits are refused before they cost anything."""

import json
import socket

import pytest

from serving.errors import RequestError, RequestTooLarge
from serving.forecasts.forecast import read_request
from serving.registry.loaded_model import LoadedModel
from serving.settings import Settings

ROUTE = "/v1/models/waves/forecast"
A, B = ({"id": name, "values": [1.0] * 6} for name in "ab")


def test_a_body_that_says_it_is_too_large_is_refused_unread(service):
    host, port = service.url.removeprefix("http://").split(":")
    request = (
        f"POST {ROUTE} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\n"
    )

    with socket.create_connection((host, int(port)), timeout=180) as connection:
        connection.sendall(request.encode())
        answer = b"".join(iter(lambda: connection.recv(10_000), b"")).decode()

    assert answer.startswith("HTTP/1.1 413")
    assert "urn:recast:problem:body-too-large" in answer


def test_a_body_that_does_not_say_its_length_is_counted(service, assert_problem):
    chunks = (b" " * 30_000 for _ in range(5))

    response = service.client.post(ROUTE, content=chunks)

    assert_problem(response, 413, "body-too-large", "at most 100,000 bytes")


def test_a_body_within_the_limit_is_read_in_chunks(service):
    chunks = (part for part in (b" " * 50_000, b"{", b"}"))

    response = service.client.post(ROUTE, content=chunks)

    assert response.status_code == 200


@pytest.mark.parametrize(
    ("body", "text", "loc"),
    [
        (
            {"series": [{"id": str(i), "values": [1.0] * 6} for i in range(21)]},
            "21 series; at most 20",
            ["body", "series"],
        ),
        (
            {"series": [{"id": "a", "values": [1.0] * 3001}]},
            "3,001 observations; at most 3,000",
            ["body", "series"],
        ),
        (
            {"horizon": 100, "levels": list(range(1, 16))},
            "6,200 numbers would be in the answer; at most 3,000",
            ["body"],
        ),
    ],
)
def test_more_than_the_service_takes_at_once_is_refused(
    service, body, text, loc, assert_problem
):
    response = service.forecast(body=body)

    assert_problem(response, 413, "request-too-large", text, loc)


@pytest.mark.parametrize(
    ("limits", "body", "error", "message"),
    [
        ({"max_series": 1}, {"series": [A, B]}, RequestTooLarge, "2 series; at most 1"),
        ({"max_points": 5}, {"series": [A]}, RequestTooLarge, "6 obs.*; at most 5"),
        ({"max_points": 14}, {"series": [A]}, RequestTooLarge, "15 num.*; at most 14"),
        ({"max_horizon": 2}, {"horizon": 3}, RequestError, "at most 2 steps.*found 3"),
        ({"max_levels": 1}, {"levels": [80, 95]}, RequestError, "at most 1.*found 2"),
        ({"max_levels": 0}, {"levels": [80]}, RequestError, "at most 0.*found 1"),
    ],
)
def test_each_limit_is_a_setting(library, limits, body, error, message):
    model = LoadedModel(library["waves", "1"], None)

    with pytest.raises(error, match=message):
        read_request(json.dumps(body).encode(), model, Settings(**limits))


def test_what_a_model_was_trained_for_is_no_matter_of_the_limits(library):
    model = LoadedModel(library["waves", "1"], None)  # 2 series, 3 steps ahead

    request = read_request(b"{}", model, Settings(max_horizon=1, max_series=1))

    assert request.horizon is None


def test_who_leaves_before_the_body_is_sent_is_no_failure(service):
    host, port = service.url.removeprefix("http://").split(":")
    head = f"POST {ROUTE} HTTP/1.1\r\nHost: localhost\r\nX-Request-ID: left\r\n"

    with socket.create_connection((host, int(port)), timeout=180) as connection:
        connection.sendall(f"{head}Content-Length: 50\r\n\r\n{{".encode())

    assert [line["status"] for line in service.requests("left")] == [499]
    assert service.lines("request failed") == []
