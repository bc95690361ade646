"""The registry may be away: at the start, later, or for ever."""

import time


def test_a_service_starts_without_registry_and_outlives_its_absence(
    registry, tmp_path, assert_problem, running
):
    away = registry.path.with_name("away.db")
    registry.path.rename(away)
    with running(registry.uri, tmp_path) as service:
        service.wait_for(lambda: service.lines("registry is away"))
        not_ready = service.client.get("/readyz")
        refused = service.forecast()
        away.rename(registry.path)
        service.wait_for(lambda: service.readyz().get("state") == "ready")
        before = service.forecast().json()
        registry.path.rename(away)
        degraded = service.wait_for(
            lambda: service.readyz()["state"] == "degraded" and service.readyz()
        )
        during, elsewhere = service.forecast().json(), service.forecast(version=2)
        away.rename(registry.path)
        service.wait_for(lambda: service.readyz()["state"] == "ready")
        registry.client.set_registered_model_alias("waves", "champion", "2")
        service.wait_for(lambda: service.forecast().json()["model"]["version"] == "2")

    problem = assert_problem(not_ready, 503, "not-ready", "no model is held")
    assert problem["state"] == "unavailable"
    assert problem["registry"] == {"reachable": False, "age_seconds": None}
    assert_problem(refused, 503, "not-ready", "has not answered yet")
    assert refused.headers["retry-after"] == "2"
    assert degraded["registry"]["reachable"] is False
    assert before == during
    assert_problem(elsewhere, 503, "version-unusable", "did not deliver it")
    assert len(service.lines("registry is away")) == 2
    assert len(service.lines("registry answers")) == 2
    assert not (tmp_path / "mlruns").exists()


def test_a_service_whose_registry_is_nowhere_says_so_and_stops_when_told(
    tmp_path, assert_problem, running, free_port
):
    with running(f"http://127.0.0.1:{free_port}", tmp_path) as service:
        service.wait_for(lambda: service.lines("registry is away"))
        response = service.client.get("/readyz")
        began = time.monotonic()

    assert_problem(response, 503, "not-ready", "does not answer")
    assert service.process.returncode == 0
    assert time.monotonic() - began < 10
