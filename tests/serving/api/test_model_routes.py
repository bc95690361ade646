"""Descriptions of the models and of the service."""

import pytest


def test_the_list_names_every_model_that_answers(service):
    models = service.client.get("/v1/models").json()["models"]

    assert [model["name"] for model in models] == ["my steps", "spare", "waves"]
    assert models[2] == {
        "name": "waves",
        "version": "1",
        "alias": "champion",
        "aliases": ["champion"],
        "latest": False,
        "task": "forecast",
        "seq_len": 6,
        "least_history": 6,
        "horizon": 3,
        "freq": "D",
        "target": "target",
        "num_series": 2,
        "cell": "lstm",
        "methods": {"network": 2},
        "metrics": {"mase": 0.9, "skill": 0.12},
        "trained_until": "2024-03-20T00:00:00",
    }


def test_a_model_is_described_with_the_end_of_its_series(service, library, hostile):
    context = library["waves", "1"].trained.context

    details = service.client.get("/v1/models/waves").json()

    assert details["series_ids"] == ["a", hostile]
    assert [history["id"] for history in details["context"]] == ["a", hostile]
    assert details["context"][0]["values"] == context.series("a").tolist()
    assert details["context"][0]["timestamps"][-1] == "2024-03-20T00:00:00"


def test_the_context_sent_back_as_series_gives_the_same_forecast(service):
    context = service.client.get("/v1/models/waves").json()["context"]

    answer = service.forecast(body={"series": context}).json()

    assert answer == service.forecast().json()


@pytest.mark.parametrize(
    ("query", "version", "alias"),
    [({"version": 2}, "2", None), ({"alias": "challenger"}, "2", "challenger")],
)
def test_another_version_is_described_on_demand(service, query, version, alias):
    details = service.client.get("/v1/models/waves", params=query).json()

    assert (details["version"], details["alias"]) == (version, alias)
    assert details["aliases"] == ["challenger"]
    assert details["metrics"] == {}


def test_a_model_without_dates_says_so(service):
    details = service.client.get("/v1/models/my steps").json()

    assert details["freq"] is None
    assert details["trained_until"] == 80
    assert details["latest"] is True


def test_a_process_that_answers_is_alive(service):
    assert service.client.get("/livez").json() == {"status": "alive"}


def test_a_ready_service_knows_how_its_registry_is(service):
    readiness = service.readyz()

    assert readiness["state"] == "ready"
    assert readiness["registry"]["reachable"] is True
    assert readiness["registry"]["age_seconds"] < 10
    assert readiness["models"] == 3
    assert readiness["refused"] == []


def test_prometheus_sees_requests_forecasts_models_and_registry(service):
    service.forecast("my steps")
    service.client.get("/v1/models/wave")
    service.client.get("/some/thing")

    response = service.client.get("/metrics")

    assert response.headers["content-type"].startswith("text/plain")
    for line in (
        'recast_model_version{alias="champion",model="waves"} 1.0',
        'recast_forecasts_total{model="my steps"}',
        'recast_requests_total{method="POST",route="/v1/models/{name}/forecast",status="200"}',
        'recast_requests_total{method="GET",route="/v1/models/{name}",status="404"}',
        'recast_requests_total{method="GET",route="none",status="404"}',
        'recast_request_seconds_count{route="/v1/models/{name}/forecast"}',
        "recast_registry_reachable 1.0",
        "recast_registry_age_seconds 0.",
        "recast_models_held",
    ):
        assert line in response.text


def test_every_request_is_one_line_in_the_log(service):
    response = service.client.get("/livez", headers={"X-Request-ID": "line-1"})

    lines = service.requests("line-1")
    assert response.headers["x-request-id"] == "line-1"
    assert [(r["method"], r["path"], r["status"]) for r in lines] == [
        ("GET", "/livez", 200)
    ]
    assert lines[0]["ms"] >= 0


def test_a_request_id_that_would_spoil_the_log_is_replaced(service):
    response = service.client.get("/livez", headers={"X-Request-ID": "a b\tc"})

    assert response.headers["x-request-id"].isalnum()


def test_answers_are_neither_stored_nor_guessed_at(service):
    headers = service.client.get("/v1/models").headers

    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert headers["content-security-policy"].startswith("default-src 'none'")
