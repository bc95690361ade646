"""Trainings over REST: one at a time, bounded, stopped cleanly, without leaks."""

import json
import os
import signal
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import pandas as pd
import pytest

from serving.http.api_keys import format_entry, hash_key, make_key

ALICE, BOB = make_key(), make_key()
KEYS = json.loads(format_entry("alice", ALICE, ["train"])) | {"bob": hash_key(BOB)}
DAYS = pd.date_range("2024-01-01", periods=90).strftime("%Y-%m-%d")
SALES = "day,sales\n" + "".join(
    f"{day},{i % 7 + i % 3}\n" for i, day in enumerate(DAYS)
)
LONG = "day,shop,sales\n" + "".join(
    f"{day},{shop},{i % 7 + shop}\n"
    for shop in range(150)
    for i, day in enumerate(DAYS)
)
LONG_COLUMNS = {"target": "sales", "series_id": "shop"}
QUICK = {"horizon": 3, "seq_len": 7, "folds": 1}


@contextmanager
def trainer(running, uri, folder, **settings):
    """Run a service that trains, with keys; the temporary files are in a folder."""
    (folder / "tmp").mkdir(exist_ok=True)
    prefix = ("env", f"TMPDIR={folder}/tmp", "SOME_SECRET=hush-hush-9")
    settings = {"api_keys": json.dumps(KEYS), "train": "on"} | settings
    with running(uri, folder, prefix=prefix, **settings) as service:
        service.client.headers["Authorization"] = f"Bearer {ALICE}"
        yield service


def start(service, content=SALES, **query):
    return service.client.post(
        "/v1/training", content=content, params={"file": "sales.csv", **QUICK, **query}
    )


def wait(service, training_id):
    def ended():
        answer = service.client.get(f"/v1/training/{training_id}").json()
        return answer if answer["state"] != "running" else None

    return service.wait_for(ended)


def files(folder):
    """Return the files of trainings that are left in the temporary folder."""
    return sorted((folder / "tmp").glob("recast-training-*/**/*"))


def check_no_leak(text, folder):
    for secret in (str(folder), "/tmp", "Traceback", ".py", "hush-hush-9", "sqlite"):
        assert secret not in text


def test_a_training_registers_a_version_that_the_service_answers_with(
    registry, running, tmp_path
):
    with trainer(running, registry.uri, tmp_path) as service:
        begun = start(service)
        training_id = begun.json()["id"]
        second = start(service)
        running_now = service.client.get("/v1/training").json()
        stream = service.client.get(f"/v1/training/{training_id}/events")
        end = service.client.get(f"/v1/training/{training_id}").json()
        again = service.client.get(
            f"/v1/training/{training_id}/events", headers={"Last-Event-ID": "0"}
        )
        model = service.wait_for(
            lambda: service.client.post("/v1/models/sales/forecast").json().get("model")
        )
        versions = service.client.get("/v1/models/sales/versions").json()["versions"]
        third = start(service, content="day,sales\n")
        failed = wait(service, third.json()["id"])

    assert begun.status_code == 202
    assert begun.json()["command"].startswith("recast train sales.csv --name=sales")
    assert second.status_code == 409
    assert second.json()["type"] == "urn:recast:problem:training-runs"
    assert running_now == {"can_train": True, "running": training_id}
    assert stream.headers["content-type"].startswith("text/event-stream")
    events = stream.text.strip().split("\n\n")
    kinds = [event.split("\n")[1] for event in events if not event.startswith(":")]
    assert kinds[-1] == "event: end"
    assert json.loads(events[-1].partition("data: ")[2]) == end
    assert end["state"] == "done", end
    assert end["outcome"]["name"] == "sales"
    assert end["outcome"]["promoted"] is True
    assert model == {"name": "sales", "version": "1", "alias": "champion"}
    assert versions[0]["rows"] == 90
    assert versions[0]["verdict"] == "the first to be champion"
    assert again.text.count("event: line") == max(len(end["lines"]) - 1, 0)
    assert failed["state"] == "failed"
    assert failed["outcome"] is None
    assert "a header and no rows" in failed["lines"][-1]
    for answer in (end, failed, begun.json()):
        check_no_leak(json.dumps(answer), tmp_path)
    assert files(tmp_path) == []


def test_a_training_that_is_stopped_registers_nothing_and_ends_its_run(
    registry, running, tmp_path
):
    with trainer(running, registry.uri, tmp_path) as service:
        training_id = start(service, LONG, file="long.csv", **LONG_COLUMNS).json()["id"]
        time.sleep(5)  # it imports, or trains by now
        stopped = service.client.delete(f"/v1/training/{training_id}")
        end = wait(service, training_id)
        running_now = service.client.get("/v1/training").json()["running"]
        again = service.client.delete(f"/v1/training/{training_id}").json()

    assert stopped.status_code == 200
    assert (end["state"], end["outcome"]) == ("stopped", None)
    assert again["state"] == "stopped"
    assert running_now is None
    assert {"long"} & {m.name for m in registry.client.search_registered_models()} == (
        set()
    )
    assert unended_runs(registry) == []
    check_no_leak(json.dumps(end), tmp_path)


def unended_runs(registry):
    client = registry.client
    experiments = [e.experiment_id for e in client.search_experiments()]
    runs = client.search_runs(
        [e for e in experiments if e != "0"], "attributes.status = 'RUNNING'"
    )
    return [run for run in runs if run.data.tags.get("recast.host")]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_training_ends_with_the_service_however_that_ends(
    registry, running, tmp_path, number
):
    # A stream that went on would delay the end by as long as a request may take.
    limits = {"request_seconds": 600}
    with trainer(running, registry.uri, tmp_path, **limits) as service:
        training_id = start(service, LONG, file="long.csv", **LONG_COLUMNS).json()["id"]
        with service.client.stream("GET", f"/v1/training/{training_id}/events") as _:
            pids = processes_of(tmp_path)
            service.process.send_signal(number)
            service.process.wait(180)
        end = time.monotonic() + 120
        while any(map(alive, pids)) and time.monotonic() < end:
            time.sleep(0.1)

    assert len(pids) >= 1
    assert not any(map(alive, pids))
    assert files(tmp_path) == []
    assert unended_runs(registry) == []


def processes_of(folder):
    """Return the processes of trainings in a folder, which is in their arguments."""
    pids = []
    for entry in os.listdir("/proc"):
        try:
            line = Path(f"/proc/{entry}/cmdline").read_bytes().decode()
        except (OSError, ValueError):
            continue
        if f"{folder}/tmp/recast-training-" in line:
            pids.append(int(entry))
    return pids


def alive(pid):
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
        return stat.rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_training_ends_when_its_time_is_up(registry, running, tmp_path):
    with trainer(running, registry.uri, tmp_path, train_seconds=1) as service:
        end = wait(service, start(service, LONG, **LONG_COLUMNS).json()["id"])

    assert end["state"] == "failed"
    assert end["lines"][-1] == "Stopped after 1 seconds, the limit."


def test_every_worker_process_knows_the_training(registry, running, tmp_path):
    with trainer(
        running, registry.uri, tmp_path, arguments=("--workers", "2")
    ) as service:
        service.wait_for(lambda: len(workers(service.process.pid)) >= 2)
        training_id = start(service, LONG, **LONG_COLUMNS).json()["id"]
        headers = {"Authorization": f"Bearer {ALICE}"}
        answers = [
            httpx.get(
                f"{service.url}/v1/training/{training_id}", headers=headers, timeout=60
            )
            for _ in range(12)  # each by a connection of its own
        ]
        refused = [start(service).status_code for _ in range(3)]
        service.client.delete(f"/v1/training/{training_id}")
        end = wait(service, training_id)

    assert {answer.json()["state"] for answer in answers} == {"running"}
    assert refused == [409] * 3
    assert end["state"] == "stopped"


def workers(pid):
    try:
        return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []


@pytest.fixture(scope="module")
def guarded(copy_registry, running, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trainer")
    with trainer(
        running, copy_registry(folder).uri, folder, train_bytes=50_000
    ) as service:
        yield service


@pytest.mark.parametrize(
    ("content", "query", "status", "kind", "text"),
    [
        (b"1" * 60_000, {}, 413, "body-too-large", "50,000 bytes"),
        (b"PK\x03\x04 xl/", {}, 422, "unreadable-data", "an Excel workbook"),
        (b"PAR1", {}, 422, "unreadable-data", "a Parquet file"),
        (SALES, {"name": "--set"}, 422, "request-error", "pattern"),
        (SALES, {"name": "../x"}, 422, "request-error", "pattern"),
        (SALES, {"file": "a/b.csv"}, 422, "request-error", "pattern"),
        (SALES, {"target": "a\0b"}, 422, "request-error", "pattern"),
        (SALES, {"set": "registry.promote=always"}, 422, "request-error", "unknown"),
        (SALES, {"horizon": 10**9}, 422, "request-error", "less than or equal"),
    ],
)
def test_a_file_or_an_option_that_is_refused_starts_nothing(
    guarded, content, query, status, kind, text, assert_problem
):
    response = start(guarded, content, **query)

    assert_problem(response, status, kind, text)
    assert guarded.client.get("/v1/training").json()["running"] is None


def test_a_job_file_is_read_as_a_csv_and_an_option_is_no_other(guarded):
    job = "name: x\ndata:\n  path: /etc/passwd\n"
    by_name = wait(guarded, start(guarded, job, file="job.yaml").json()["id"])
    option = wait(guarded, start(guarded, target="--set x=y").json()["id"])

    assert by_name["state"] == option["state"] == "failed"
    assert "passwd" not in json.dumps(by_name).replace("path: /etc/passwd", "")
    assert "no column '--set x=y'" in option["lines"][-1]


def test_a_key_without_the_permission_may_not_train_or_look(guarded, assert_problem):
    headers = {"Authorization": f"Bearer {BOB}"}
    path = "/v1/training/0123456789abcdef"
    ask = guarded.client.request
    responses = [
        ask("POST", "/v1/training", content=SALES, headers=headers),
        ask("GET", path, headers=headers),
        ask("GET", f"{path}/events", headers=headers),
        ask("DELETE", path, headers=headers),
    ]

    for response in responses:
        assert_problem(response, 403, "key-may-not", "The key 'bob'")
    listed = guarded.client.get("/v1/training", headers=headers).json()
    assert listed == {"can_train": False, "running": None}


@pytest.mark.parametrize(
    "training_id", ["0123456789abcdef", "..", "%2e%2e%2fx", "state", "0" * 500]
)
def test_an_unknown_training_is_not_found(guarded, training_id, assert_problem):
    response = guarded.client.get(f"/v1/training/{training_id}")

    assert response.status_code == 404


def test_by_default_a_service_trains_nothing(service, assert_problem):
    response = service.client.post("/v1/training", content=SALES)

    assert_problem(response, 403, "not-allowed", "SERVING_TRAIN=on")
    assert service.client.get("/v1/training").json() == {
        "can_train": False,
        "running": None,
    }


def test_without_keys_pages_from_elsewhere_may_not_train(
    registry, running, tmp_path, assert_problem
):
    with trainer(running, registry.uri, tmp_path, api_keys="") as service:
        headers = {"Origin": "https://evil.example", "Content-Type": "text/plain"}
        response = service.client.post("/v1/training", content=SALES, headers=headers)
        own = service.client.get("/v1/training", headers={"Origin": service.url})

    assert_problem(response, 403, "foreign-origin")
    assert own.json()["can_train"] is True
