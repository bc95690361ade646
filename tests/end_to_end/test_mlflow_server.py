"""Commands and service with real MLflow servers: SQLite, PostgreSQL, logins."""

import csv
import functools
import json
import math
import os
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow
import pytest

from pipelines.__main__ import main

ROOT = Path(__file__).parents[2]
START_SECONDS = 180  # for a server's first answer
QUICK = ("--seq-len", "4", "--horizon", "2", "--epochs", "2", "--folds", "2")
TINY = "data: {path: sales.csv}\nmodel: {hidden_size: 4, guard: false}\nname: "
ADMIN, PASSWORD = "admin", "correct-h0rse"
READER, READER_PASSWORD = "reader", "only-l00king"


@dataclass(frozen=True)
class CommandResult:
    code: object
    out: str
    err: str


@dataclass(frozen=True)
class Site:
    """A user's folder and its MLflow server."""

    folder: Path
    uri: str
    log: Path

    def client(self) -> mlflow.MlflowClient:
        return mlflow.MlflowClient(self.uri, self.uri)

    def champion_version(self) -> str:
        """Return the number of the champion."""
        return str(
            self.client().get_model_version_by_alias("sales", "champion").version
        )


def write_sales(path: Path, days: int = 60) -> None:
    rows = [
        f"{time.strftime('%Y-%m-%d', time.gmtime(1_700_000_000 + 86_400 * day))},"
        f"{100 + 10 * math.sin(2 * math.pi * day / 7) + (day * 37) % 11 / 5:.3f}"
        for day in range(days)
    ]
    path.write_text("\n".join(["day,sales", *rows]) + "\n")


@contextmanager
def workplace(folder: Path, uri: str) -> Iterator[None]:
    """Work in a folder, with a server."""
    folder.mkdir()
    write_sales(folder / "sales.csv")
    (folder / "sales.yaml").write_text(f"{TINY}sales")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("MLFLOW_TRACKING_URI", uri)
        patch.setenv("COLUMNS", "200")
        patch.setenv("MLFLOW_EXPERIMENT_ID", "")  # MLflow sets it: it must go again
        patch.delenv("MLFLOW_EXPERIMENT_ID")
        yield


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def site(request, tmp_path_factory, servers) -> Iterator[Site]:
    """Run a server on a store of each kind, with an empty registry."""
    folder = tmp_path_factory.mktemp(request.param)
    with (
        servers.backend_store(request.param, folder) as (store, variables),
        servers.tracking_server(folder, store, **variables) as (url, log),
        workplace(folder / "user", url),
    ):
        yield Site(folder / "user", url, log)


@pytest.fixture(scope="module")
def guarded_site(tmp_path_factory, servers) -> Iterator[Site]:
    """Run a server that asks for a user and a password."""
    folder = tmp_path_factory.mktemp("guarded")
    (folder / "auth.ini").write_text(
        "[mlflow]\ndefault_permission = READ\nadmin_username = admin\n"
        f"database_uri = sqlite:///{folder}/users.db\n"
        # Without it, each request costs the server a slow hash of the password.
        "auth_cache_ttl_seconds = 600\n"
    )
    with (
        servers.backend_store("sqlite", folder) as (store, _),
        servers.tracking_server(
            folder, store, "--app-name", "basic-auth",
            MLFLOW_FLASK_SERVER_SECRET_KEY="of this test",
            MLFLOW_AUTH_CONFIG_PATH=str(folder / "auth.ini"),
            MLFLOW_AUTH_ADMIN_PASSWORD=PASSWORD,
        ) as (url, log),
        workplace(folder / "user", url),
        pytest.MonkeyPatch.context() as patch,
    ):  # fmt: skip
        log_in(patch)
        yield Site(folder / "user", url, log)


def log_in(patch, user: str = ADMIN, password: str = PASSWORD) -> None:
    patch.setenv("MLFLOW_TRACKING_USERNAME", user)
    patch.setenv("MLFLOW_TRACKING_PASSWORD", password)


@pytest.fixture
def recast(capsys, servers) -> Callable[..., CommandResult]:
    """Run a command in this process; return its exit code and output."""

    def run(*arguments: object) -> CommandResult:
        capsys.readouterr()
        with pytest.raises(SystemExit) as done:
            main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        for secret in (PASSWORD, READER_PASSWORD, servers.password):
            assert secret not in out + err
        return CommandResult(done.value.code or 0, out, err)

    return run


@contextmanager
def serving(servers, site: Site, **variables: str) -> Iterator[str]:
    """Run the service until the block ends; yield its address."""
    port = servers.find_free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "pipelines", "serve", "--port", str(port)]
    environment = os.environ | {"SERVING_POLL_SECONDS": "0.2"} | variables
    log = site.folder / "service.log"
    ready = functools.partial(servers.is_answering, f"{url}/readyz")
    with servers.process_of(command, log, ready, cwd=site.folder, env=environment):
        yield url
    assert PASSWORD not in log.read_text()


def ask(url: str) -> dict[str, Any]:
    request = urllib.request.Request(
        f"{url}/v1/models/sales/forecast", b"{}", {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        answer: dict[str, Any] = json.load(response)
    return answer


def ask_until_version(url: str, version: str) -> dict[str, Any]:
    end = time.monotonic() + START_SECONDS
    while (answer := ask(url))["model"]["version"] != version:
        assert time.monotonic() < end, answer
        time.sleep(0.05)
    return answer


# The tests of a site depend on the versions of the tests before them.


def test_train_compare_and_tune_register_a_version_each(site, recast):
    train = recast("train", "sales.yaml", *QUICK)
    compare = recast("compare", "sales.yaml", *QUICK)
    tune = recast("tune", "sales.yaml", *QUICK, "--trials", "2")

    assert [train.code, compare.code, tune.code] == [0, 0, 0], train.err + compare.err
    assert "now champion: the first to be champion" in train.out
    assert "sales version 2 registered" in compare.out
    assert "sales version 3 registered" in tune.out
    for version in site.client().search_model_versions("name = 'sales'"):
        run = site.client().get_run(version.run_id)
        assert run.info.status == "FINISHED"
        assert version.source.startswith("models:/m-")
        assert run.info.artifact_uri.startswith("mlflow-artifacts:/")


def test_a_second_training_is_compared_with_the_champion(site, recast):
    before = site.champion_version()

    again = recast("train", "sales.yaml", *QUICK, "--seq-len", "6")

    assert again.code == 0
    verdict = " ".join(again.out.split())
    assert f"of champion (version {before}) on 2 origins" in verdict
    assert ("now champion" in verdict) == (site.champion_version() == "4")


def test_discrete_series_are_trained_compared_and_answered(site, recast):
    table = "id,x,kind\n" + "".join(
        f"s{n:02d},{(step - 3) ** 2 if n % 2 else step},{'bowl' if n % 2 else 'line'}\n"
        for n in range(20)
        for step in range(7)
    )
    Path("shapes.csv").write_text(table)
    train = ("train", "shapes.csv", "--task", "classify")
    quick = ("--set", "training.epochs=3", "--set", "model.members=1")

    first, second = recast(*train, *quick), recast(*train, *quick)
    predicted = recast("predict", "shapes", "--data", "shapes.csv", "--json")

    assert [first.code, second.code, predicted.code] == [0, 0, 0], first.err
    assert "now champion: the first to be champion" in first.out
    assert "not champion: " in second.out
    labels = {row["label"] for row in json.loads(predicted.out)["predictions"]}
    assert labels <= {"bowl", "line"}
    [newest, champion] = site.client().search_model_versions("name = 'shapes'")
    assert newest.tags["task"] == champion.tags["task"] == "classify"
    assert champion.source.startswith("models:/m-")


def test_versions_are_listed_promoted_and_rolled_back(site, recast):
    recast("promote", "sales", "1")
    recast("promote", "sales", "2")
    listed = recast("models", "sales")
    promoted = site.champion_version()
    back = recast("rollback", "sales")
    unknown = recast("promote", "sales", "9")

    lines = [line for line in listed.out.splitlines() if "sales" in line]
    assert ["champion" in line for line in lines] == [False, False, True, False]
    assert (promoted, site.champion_version()) == ("2", "1")
    assert back.out == "sales@champion is now version 1\n"
    assert (
        unknown.code,
        "there is no such version; there is: 4, 3" in unknown.err,
    ) == (
        2,
        True,
    )


def test_the_service_gives_the_forecast_of_the_command_and_follows_the_alias(
    site, recast, servers
):
    forecast = recast("forecast", "sales", "--output", "forecast.csv")
    explain = recast("explain", "sales", "--output", "explain.csv")
    with serving(servers, site) as url:
        before = ask_until_version(url, "1")
        promoted = recast("promote", "sales", "4")  # of another seq_len
        after = ask_until_version(url, "4")
        recast("rollback", "sales")
        again = ask_until_version(url, "1")

    assert [forecast.code, explain.code, promoted.code] == [0, 0, 0], explain.err
    with Path("forecast.csv").open() as file:
        points = [float(row["point"]) for row in csv.DictReader(file)]
    assert before["forecasts"][0]["point"] == pytest.approx(points, rel=1e-5)
    assert before["forecasts"] == again["forecasts"] != after["forecasts"]
    assert len(Path("explain.csv").read_text().splitlines()) > 2


def test_a_server_with_logins_is_used_with_user_and_password(
    guarded_site, recast, servers
):
    train = recast("train", "sales.yaml", *QUICK)
    models = recast("models")
    forecast = recast("forecast", "sales", "--output", "forecast.csv")
    with serving(servers, guarded_site) as url:
        answer = ask_until_version(url, "1")

    assert [train.code, models.code, forecast.code] == [0, 0, 0], train.err
    assert "champion" in models.out
    assert len(answer["forecasts"][0]["point"]) == 2
    assert PASSWORD not in guarded_site.log.read_text()


def test_user_and_password_in_the_address_are_never_shown(
    guarded_site, recast, monkeypatch
):
    monkeypatch.delenv("MLFLOW_TRACKING_USERNAME")
    monkeypatch.delenv("MLFLOW_TRACKING_PASSWORD")
    address = guarded_site.uri.replace("//", f"//{ADMIN}:{PASSWORD}@")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)

    train = recast("train", "sales.yaml", *QUICK)

    assert train.code == 0, train.err
    printed = train.out + train.err
    assert guarded_site.uri in printed  # the page of the run
    assert PASSWORD not in printed
    assert f"{ADMIN}:" not in printed


@pytest.mark.parametrize("command", [("train", "sales.yaml"), ("models",)])
@pytest.mark.parametrize("source", ["variables", "address", "none"])
def test_a_wrong_password_is_one_message_without_it(
    guarded_site, recast, monkeypatch, command, source
):
    wrong = "battery-st4ple"
    monkeypatch.delenv("MLFLOW_TRACKING_USERNAME")
    monkeypatch.delenv("MLFLOW_TRACKING_PASSWORD")
    if source == "variables":
        log_in(monkeypatch, ADMIN, wrong)
    if source == "address":
        address = guarded_site.uri.replace("//", f"//{ADMIN}:{wrong}@")
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)

    result = recast(*command)

    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("Error: MLflow at http://")
    assert (
        "asks for a user and a password that it knows (401: You are not" in result.err
    )
    assert "Set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD" in result.err
    assert len(result.err.splitlines()) == 1
    assert wrong not in result.err


def test_what_a_user_may_not_do_is_one_message(guarded_site, recast, monkeypatch):
    body = json.dumps({"username": READER, "password": READER_PASSWORD}).encode()
    admin = urllib.request.HTTPPasswordMgrWithDefaultRealm()
    admin.add_password(None, guarded_site.uri, ADMIN, PASSWORD)
    opener = urllib.request.build_opener(urllib.request.HTTPBasicAuthHandler(admin))
    create = urllib.request.Request(
        f"{guarded_site.uri}/api/2.0/mlflow/users/create",
        body,
        {"Content-Type": "application/json"},
    )
    opener.open(create, timeout=60).close()
    before = len(guarded_site.client().search_model_versions())
    log_in(monkeypatch, READER, READER_PASSWORD)

    read = recast("forecast", "sales", "--output", "forecast.csv")
    train = recast("train", "sales.yaml", *QUICK)
    promote = recast("promote", "sales", "1")

    assert read.code == 0, read.err
    for refused in (train, promote):
        assert refused.code == 2
        assert refused.err.startswith("Error: MLflow at http://")
        assert "does not allow this (403: " in refused.err
        assert len(refused.err.splitlines()) == 1
    log_in(monkeypatch)
    assert len(guarded_site.client().search_model_versions()) == before
