"""Large requests are answered where the limits allow them, and refused clearly."""

import json

import pytest


@pytest.fixture(scope="module")
def many():
    """A hundred thousand series."""
    values = [10.0, 11.0, 10.5, 12.0, 11.5, 10.0]
    return json.dumps(
        {"series": [{"id": str(i), "values": values} for i in range(100_000)]}
    )


@pytest.mark.slow
def test_the_limits_are_wide_enough_for_ten_megabytes_and_end_before_a_hundred_thousand(
    registry, tmp_path, running, assert_problem, many
):
    values = ", ".join(f"{10 + i % 7}.{'5' * 16}" for i in range(500_000))
    body = f'{{"series": [{{"id": "a", "values": [{values}]}}]}}'
    assert len(body) > 10**7
    with running(registry.uri, tmp_path) as service:
        route = "/v1/models/waves/forecast"
        long = service.client.post(route, content=body)
        wide = service.client.post(route, content=many)

    assert long.status_code == 200, long.text
    assert_problem(wide, 413, "request-too-large", "100,000 series; at most 10,000")


@pytest.mark.slow
def test_a_hundred_thousand_series_are_answered_where_the_limits_allow_it(
    registry, tmp_path, running, many
):
    limits = {"max_series": 100_000, "max_points": 2_000_000, "request_seconds": 300}
    with running(registry.uri, tmp_path, **limits) as service:
        answer = service.client.post(
            "/v1/models/waves/forecast", content=many, timeout=300
        )
        others = service.forecast().status_code

    assert answer.status_code == 200, answer.text[:300]
    assert len(answer.json()["forecasts"]) == 100_000
    assert others == 200
