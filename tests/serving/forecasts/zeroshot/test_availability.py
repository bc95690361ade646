"""Forecasts without a trained model need no registry, and a key where there are any."""

import json

from serving.http.api_keys import hash_key, make_key

BODY = {"series": [{"id": "a", "values": [3.0, 1.0, 2.0, 3.0, 1.0, 2.0]}], "horizon": 2}
NIXTLA = {"series": {"y": BODY["series"][0]["values"], "sizes": [6]}, "freq": "D"}


def ask(service, **options):
    return service.client.post("/v1/forecast", json=BODY, **options)


def ask_as_nixtla(service, model="timegpt-2.1"):
    return service.client.post("/v2/forecast", json=NIXTLA | {"h": 2, "model": model})


def test_a_registry_that_is_away_is_not_needed(
    tmp_path, running, free_port, assert_problem
):
    with running(f"http://127.0.0.1:{free_port}", tmp_path) as service:
        answer, named = ask(service), ask_as_nixtla(service, "zero_shot")
        readiness, unnamed = service.client.get("/readyz"), ask_as_nixtla(service)

    assert answer.status_code == 200, answer.text
    assert named.json()["mean"] == answer.json()["forecasts"][0]["point"]
    assert_problem(readiness, 503, "not-ready", "no model is held")  # by its models
    assert_problem(unnamed, 503, "not-ready")  # a model may be registered


def test_without_any_registry_the_service_is_ready(registry, tmp_path, running):
    folder = tmp_path / "empty"
    folder.mkdir()
    database = folder / "mlflow.db"
    with running(None, folder) as service:
        readiness = service.wait_for(
            lambda: service.readyz().get("state") == "ready" and service.readyz()
        )
        answer, unnamed = ask(service), ask_as_nixtla(service)
        models = service.client.get("/v1/models").json()
        probes = [service.client.get(path) for path in ("/ping", "/v2/health/ready")]
        registry.path.rename(database)
        service.wait_for(lambda: service.readyz()["models"])
        database.rename(registry.path)
        service.wait_for(lambda: service.readyz()["state"] == "degraded")
        trained = service.forecast()

    assert readiness["registry"]["configured"] is False
    assert readiness["registry"]["recalled"] is False
    assert answer.status_code == 200, answer.text
    assert unnamed.json()["model"] == answer.json()["model"]
    assert models == {"models": []}
    assert [probe.status_code for probe in probes] == [200, 200]
    assert trained.status_code == 200, trained.text  # a registry that answered is away
    assert not (folder / "mlruns").exists()


def test_a_key_is_needed_where_there_are_keys(built, tmp_path, running, assert_problem):
    key = make_key()
    keys = json.dumps({"alice": hash_key(key)})
    with running(f"sqlite:///{built}/mlflow.db", tmp_path, api_keys=keys) as service:
        refused = ask(service)
        answer = ask(service, headers={"X-API-Key": key})

    assert_problem(refused, 401, "key-needed")
    assert answer.status_code == 200, answer.text
