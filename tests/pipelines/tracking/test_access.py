"""Failures of an MLflow server or store: messages, and nothing left behind."""

import errno
import math
import os
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace

import mlflow
import pytest
from mlflow.exceptions import MlflowException

from forecasting.training import EpochRecord
from model_registry.addresses import without_password
from pipelines.tracking import locks
from pipelines.tracking import runs as tracking
from pipelines.tracking.access import find_user_error
from pipelines.tracking.metrics import EpochLog
from pipelines.tracking.registry import register
from pipelines.tracking.runs import connect

NOWHERE = SimpleNamespace(model_uri="models:/m-nowhere", model_id="m-nowhere")


class DroppingHandler(BaseHTTPRequestHandler):
    """Answers the first request of a job, and drops the connection of every other."""

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.answer()

    def do_GET(self):
        self.answer()

    def answer(self):
        if "experiments/search" not in self.path:
            self.close_connection = True
            return
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        pass


@pytest.fixture
def dropping_server():
    with HTTPServer(("127.0.0.1", 0), DroppingHandler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_server_that_dies_during_a_job_is_one_message_without_the_password(
    workplace, recast, monkeypatch, dropping_server
):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://me:s3cret@{dropping_server}")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")

    result = recast("models")

    assert (result.code, result.out) == (2, "")
    start = f"Error: MLflow at http://me:***@{dropping_server} does not answer: "
    assert result.err.startswith(start)
    assert len(result.err.splitlines()) == 1
    assert "s3cret" not in result.err


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://me:secret@host/x", "https://me:***@host/x"),
        ("postgresql+psycopg2://me:se/cr@et@db/x", "postgresql+psycopg2://me:***@db/x"),
        ("to http://a:b@c/d failed, and http://e/f", "to http://a:***@c/d failed, and http://e/f"),
        ("http://127.0.0.1:5000/api", "http://127.0.0.1:5000/api"),
        ("models:/rain@champion is gone", "models:/rain@champion is gone"),
    ],
)  # fmt: skip
def test_a_password_is_hidden_wherever_a_text_holds_it(text, shown):
    assert without_password(text) == shown


def test_a_mistake_in_the_program_is_a_traceback_without_the_password(
    workplace, recast, monkeypatch
):
    def fail(_name):
        raise RuntimeError("sent to http://me:s3cret@host/api")

    monkeypatch.setattr("pipelines.tracking.registry.list_versions", fail)

    result = recast("models")

    assert result.code == 1
    assert "Traceback" in result.err
    assert "RuntimeError: sent to http://me:***@host/api" in result.err
    assert "s3cret" not in result.err


def test_a_version_that_cannot_be_made_leaves_no_empty_model(workplace):
    with mlflow.start_run(experiment_id="0") as run, pytest.raises(MlflowException):
        register("rain", NOWHERE, run.info.run_id, {})

    assert not mlflow.MlflowClient().search_registered_models()


def test_a_version_that_cannot_be_made_leaves_a_model_that_was_there(workplace):
    mlflow.MlflowClient().create_registered_model("rain")

    with mlflow.start_run(experiment_id="0") as run, pytest.raises(MlflowException):
        register("rain", NOWHERE, run.info.run_id, {})

    [model] = mlflow.MlflowClient().search_registered_models()
    assert model.name == "rain"


def test_jobs_that_begin_at_once_set_up_a_new_file_once(tmp_path):
    environment = os.environ | {"MLFLOW_TRACKING_URI": "sqlite:///mlflow.db"}
    code = "from pipelines.tracking.runs import connect; input(); connect()"
    jobs = [
        subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=tmp_path, env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )
        for _ in range(3)
    ]  # fmt: skip

    for job in jobs:
        job.stdin.write("\n")
        job.stdin.flush()
    result = [job.communicate(timeout=120)[0] for job in jobs]

    assert [job.returncode for job in jobs] == [0, 0, 0], result


def test_no_deadline_holds_for_setting_up_a_file(tmp_path, monkeypatch):
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.setattr(tracking, "MAX_ANSWER_SECONDS", 0)

    assert tracking.connect() == uri

    assert (tmp_path / "mlflow.db").is_file()


def test_a_store_that_another_program_has_locked_is_one_message(
    workplace, recast, monkeypatch
):
    monkeypatch.setattr(locks, "SQLITE_WAIT_SECONDS", 0)
    connect()
    with closing(sqlite3.connect("mlflow.db")) as other:
        other.execute("BEGIN EXCLUSIVE")

        result = recast("models")

    assert (result.code, result.out) == (2, "")
    assert result.err == (
        f"Error: MLflow at sqlite:///{workplace}/mlflow.db cannot be used: database is "
        "locked. Look for room on its disk and for the right to write there, or set "
        "MLFLOW_TRACKING_URI to another place (sqlite:////FOLDER/mlflow.db).\n"
    )


def test_a_full_disk_is_one_message_that_names_the_file():
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/data/plot.png")

    message = str(find_user_error(full))

    assert message.startswith("/data/plot.png cannot be written: No space left on")
    assert find_user_error(OSError(errno.ENOENT, "no such file", "x")) is None


def test_losses_wait_for_a_store_that_does_not_answer(workplace, monkeypatch, caplog):
    monkeypatch.setattr(locks, "SQLITE_WAIT_SECONDS", 0)
    connect()
    client = mlflow.MlflowClient()
    run_id = client.create_run(client.create_experiment("days")).info.run_id
    with EpochLog(run_id) as epochs, closing(sqlite3.connect("mlflow.db")) as other:
        other.execute("BEGIN EXCLUSIVE")
        for epoch in (1, 2):
            epochs(
                EpochRecord(
                    member=0,
                    epoch=epoch,
                    epochs=2,
                    train_loss=float(epoch),
                    validation_loss=math.nan,
                    seconds=0.1,
                )
            )

    history = client.get_metric_history(run_id, "training/loss")
    assert [(point.step, point.value) for point in history] == [(1, 1), (2, 2)]
    assert caplog.text.count("the losses are sent later") == 1
