"""A model, version, alias or tag that cannot be read costs no other model anything."""

import json
import shutil
import sqlite3
from urllib.parse import quote

import mlflow
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from serving.masking import mask
from serving.registry.mlflow_registry import MlflowRegistry

QUOTES = "a'\"b"
BEYOND = json.dumps({"mase": 10**400, "\ud800": 1, "skill": 0.5})


def without_numbers(folder):
    """Make an interval table NaN, as it is before calibration or when damaged."""
    tensors = load_file(folder / "model.safetensors")
    tensors["intervals.quantiles"][:, -1] = np.nan
    save_file(tensors, folder / "model.safetensors")


def with_half_a_pair(folder):
    """Name the target by half of a surrogate pair, which JSON cannot hold."""
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"target": "\ud800"}))


def execute(registry, *statements):
    """Change the registry's database in ways that MLflow's interface refuses."""
    with sqlite3.connect(registry.path) as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


@pytest.fixture
def register(registry, built, tmp_path):
    """Registers a champion: ``register(name, damage=..., tags=...)``."""

    def make(name, damage=None, **tags):
        number = len(list(tmp_path.glob("model-*")))
        model = tmp_path / f"model-{number}"
        shutil.copytree(built / "waves-1", model)
        if damage:
            damage(model)
        logged = tmp_path / f"logged-{number}"
        mlflow.pyfunc.save_model(
            logged,
            loader_module="forecasting.pyfunc",
            data_path=str(model),
            pip_requirements=["torch"],
        )
        client = registry.client
        client.create_registered_model(name)
        client.create_model_version(name, logged.as_uri(), tags=tags)
        client.set_registered_model_alias(name, "champion", "1")
        return logged

    return make


def test_what_cannot_be_read_costs_no_other_model_anything(
    registry, register, tmp_path, running
):
    register(QUOTES)
    register("deep", metrics="[" * 100_000)
    register("beyond", metrics=BEYOND)
    register("no numbers", without_numbers)
    register("no text", with_half_a_pair)
    shutil.rmtree(register("lost"))
    register("a\tb")
    for name in ("gone", "broken"):
        register(name)
    execute(
        registry,
        "update registered_model_aliases set version = 7 where name = 'gone'",
        "update model_versions set creation_time = 'soon' where name = 'broken'",
    )
    reasons = {
        "no numbers": "it is damaged (ValueError: intervals.quantiles",
        "no text": "it is damaged",
        "lost": "the registry did not deliver it",
        "gone": "an alias points to it, and the registry has it no more",
        "a\tb": "a models:/ URI cannot hold its name",
    }

    with running(registry.uri, tmp_path) as service:
        state = service.wait_for(
            lambda: (
                len(service.readyz().get("refused", [])) == len(reasons)
                and service.readyz()["models"] == 6
                and service.readyz()
            )
        )
        listed = service.client.get("/v1/models").json()["models"]
        statuses = {model["name"]: ask(service, model["name"]) for model in listed}
        registry.client.set_registered_model_alias("waves", "champion", "2")
        service.wait_for(lambda: service.forecast().json()["model"]["version"] == "2")
        service.wait_for(lambda: failures(service, "gone") > 1)

    assert state["registry"]["reachable"] is True
    names = [QUOTES, "beyond", "deep", "my steps", "spare", "waves"]
    assert statuses == dict.fromkeys(names, 200)
    assert listed[1]["metrics"] == {"skill": 0.5}
    assert listed[2]["metrics"] == {}
    lines = [x for x in service.lines("version refused") if x["level"] == "error"]
    assert sorted(line["model"] for line in lines) == sorted(reasons)
    for line in lines:
        assert line["reason"].startswith(reasons[line["model"]])
    (lost,) = [line for line in lines if line["model"] == "lost"]
    assert "MLmodel" in lost["cause"]
    (broken,) = service.lines("model cannot be read")
    assert broken["model"] == "broken"


def ask(service, name):
    url = f"/v1/models/{quote(name)}/forecast"
    return service.client.post(url, json={}).status_code


def failures(service, name):
    start = f'recast_swap_failures_total{{model="{name}"}} '
    lines = service.client.get("/metrics").text.splitlines()
    return sum(float(x.removeprefix(start)) for x in lines if x.startswith(start))


@pytest.fixture
def source(registry, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", registry.uri)
    return MlflowRegistry()


def test_a_model_that_can_be_read_no_more_is_as_it_was_last(source, registry):
    before = source.read()
    execute(
        registry,
        "update model_versions set creation_time = 'soon' where name = 'spare'",
        "update registered_models set last_updated_time = last_updated_time + 1",
    )

    after = source.read()

    assert after["spare"] == before["spare"]
    assert after["waves"].changed == before["waves"].changed + 1


def test_a_model_has_all_its_versions_however_many_pages_they_fill(source, registry):
    execute(
        registry,
        "insert into model_versions (name, version, creation_time, source, "
        "current_stage, status, workspace) "
        "with recursive number(n) as "
        "(select 3 union all select n + 1 from number where n < 10050) "
        "select 'spare', n, n, 'nowhere', 'None', 'READY', 'default' from number",
    )

    assert len(source.read()["spare"].versions) == 10_050


def test_a_password_in_the_uri_is_never_logged(tmp_path, running, free_port):
    with running(f"http://admin:S3cret@127.0.0.1:{free_port}", tmp_path) as service:
        (line,) = service.wait_for(lambda: service.lines("registry is away"))

    assert f"http://127.0.0.1:{free_port}" in line["reason"]
    assert "S3cret" not in service.log.read_text() + service.stderr.read_text()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("to http://me:secret@host/a failed", "to http://host/a failed"),
        ("http://me@host:80/a", "http://host:80/a"),
        ("'s3://key:sec/ret@bucket'", "'s3://bucket'"),
        ("http://me:s@cret@host", "http://host"),
        ("http://a:b@c,http://d:e@f", "http://c,http://f"),
        ("http://host:5000/models/a@champion", "http://host:5000/models/a@champion"),
        ("file:///tmp/a@b", "file:///tmp/a@b"),
        ("nobody@host", "nobody@host"),
    ],
)
def test_users_and_passwords_are_left_out_of_uris(text, shown):
    assert mask(text) == shown
