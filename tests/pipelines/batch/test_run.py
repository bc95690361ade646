"""`recast run`: exit codes, report, resume, --if-changed, interruptions."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import mlflow
import psutil
import pytest

PATIENCE = 120  # seconds


def read_report(path="report.json"):
    report = json.loads(Path(path).read_text())
    return report, {job["name"]: job for job in report["jobs"]}


def versions():
    return Counter(v.name for v in mlflow.MlflowClient().search_model_versions())


def runs(status):
    client = mlflow.MlflowClient()
    experiments = [e.experiment_id for e in client.search_experiments()]
    return client.search_runs(experiments, f"attributes.status = '{status}'")


@pytest.fixture
def driver(workplace):
    """Start `recast run` as a process of its own, and kill it at the end."""
    processes = []

    def start(*arguments):
        command = [sys.executable, "-m", "pipelines", "run", *map(str, arguments)]
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()


def wait_for(condition, process=None):
    until = time.monotonic() + PATIENCE
    while not condition():
        if process is not None and process.poll() is not None:
            pytest.fail(f"ended early: {process.stdout.read()}")
        assert time.monotonic() < until
        time.sleep(0.05)


def count_done_jobs():
    journals = Path("recast-work").glob("batch-*/journal.jsonl")
    return sum(path.read_text().count("\n") - 1 for path in journals)


def family(process):
    parent = psutil.Process(process.pid)
    return [parent, *parent.children(recursive=True)]


def test_good_jobs_are_registered_beside_bad_ones_and_a_second_command_goes_on(
    jobs, write_job, recast, daily_csv
):
    cells = {"model.cell": ["rnn", "gru"]}
    write_job(jobs / "grid.yaml", matrix=cells)
    write_job(jobs / "bad.yaml", data={"path": "../bad.csv"})
    Path("bad.csv").write_text("day,sales\n2024-01-01,closed\n2024-01-02,2\n")
    command = ("run", "jobs", "--workers", 2, "--report", "report.json")

    result = recast(*command)

    assert result.code == 1, result
    assert "5 jobs: 4 done, 1 failed" in result.out
    report, entries = read_report()
    assert report["format_version"] == 1
    assert (report["status"], report["workers"]) == ("failed", 2)
    assert report["counts"] == {
        **{"jobs": 5, "waiting": 0, "running": 0, "done": 4, "unchanged": 0},
        "failed": 1,
    }
    bad = entries.pop("bad")
    assert (bad["status"], bad["attempts"]) == ("failed", 1)
    assert "not a number" in bad["error"]
    assert bad["error"] in Path(bad["log"]).read_text()
    assert bad["error"] in result.out
    for name, entry in entries.items():
        finished = mlflow.get_run(entry["run_id"])
        assert finished.info.status == "FINISHED"
        assert finished.data.tags["registered_version"] == entry["version"]
        assert (entry["model"], entry["version"], entry["promoted"]) == (
            name,
            "1",
            True,
        )
        assert entry["score"] == entry["metrics"]["mase"]
    names = ("first", "second", "grid-rnn", "grid-gru")
    assert versions() == dict.fromkeys(names, 1)

    daily_csv("bad.csv", 60)
    result = recast(*command, "--resume")

    assert result.code == 0, result
    assert read_report()[1]["bad"]["status"] == "done"
    assert versions() == dict.fromkeys((*names, "bad"), 1)


def test_unchanged_jobs_are_left_out_and_changed_ones_trained(jobs, write_job, recast):
    first = jobs / "first.yaml"
    assert recast("train", first).code == 0

    trained = recast("train", first, "--if-changed")
    assert "unchanged: version 1 has the same job, data and code" in trained.out
    as_json = json.loads(recast("train", first, "--if-changed", "--json").out)
    assert (as_json["status"], as_json["version"]) == ("unchanged", "1")
    result = recast("run", "jobs", "--if-changed", "--json")

    assert result.code == 0, result
    statuses = {j["name"]: j["status"] for j in json.loads(result.out)["jobs"]}
    assert statuses == {"first": "unchanged", "second": "done"}
    assert versions() == {"first": 1, "second": 1}

    mlflow.MlflowClient().delete_model_version("second", "1")
    write_job(first, training={"epochs": 2})
    result = recast("run", "jobs", "--if-changed", "--json")

    entries = {job["name"]: job for job in json.loads(result.out)["jobs"]}
    assert {n: e["status"] for n, e in entries.items()} == {
        "first": "done",
        "second": "done",
    }
    assert entries["first"]["version"] == "2"


def test_a_batch_goes_on_after_its_driver_was_killed(jobs, write_job, driver, recast):
    write_job(jobs / "third.yaml")
    process = driver(jobs, "--workers", 1)
    wait_for(lambda: count_done_jobs() > 0, process)
    everyone = family(process)

    process.kill()
    wait_for(lambda: not any(map(_is_alive, everyone)))
    done_before = versions()
    result = recast("run", jobs, "--resume", "--report", "report.json")

    assert result.code == 0, result
    assert done_before["first"] == 1
    assert versions() == {"first": 1, "second": 1, "third": 1}
    assert len(runs("FINISHED")) == 3
    assert runs("RUNNING") == []
    entries = read_report()[1]
    assert {entry["status"] for entry in entries.values()} == {"done"}
    log = Path(entries["first"]["log"]).read_text()
    assert log.count("note: target") == 1  # it was not trained again


def test_ctrl_c_ends_the_runs_and_leaves_nothing_running(jobs, write_job, driver):
    long = {"epochs": 100_000, "patience": 100_000, "engine": "torch"}
    for name in ("first", "second"):
        write_job(jobs / f"{name}.yaml", training=long)
    process = driver(jobs, "--workers", 2, "--report", "report.json")
    wait_for(lambda: len(runs("RUNNING")) == 2, process)
    everyone = family(process)

    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: the workers get it, too
    output, _ = process.communicate(timeout=PATIENCE)

    assert process.returncode == 130, output
    assert "Traceback" not in output
    assert "Interrupted" in output
    assert len(runs("KILLED")) == 2
    assert read_report()[0]["status"] == "interrupted"
    wait_for(lambda: not any(map(_is_alive, everyone)))


def _is_alive(process):
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_bad_jobs_are_refused_before_any_starts(jobs, write_job, recast):
    write_job(jobs / "bad.yaml", model={"cell": "transformer"})
    write_job(jobs / "worse.yaml", name="first")

    result = recast("run", jobs, "--report", "report.json")

    assert (result.code, result.out) == (2, "")
    assert "2 problems, so that no job was started" in result.err
    assert "model.cell" in result.err
    assert "2 jobs have the name 'first'" in result.err
    assert sorted(os.listdir()) == ["jobs", "mlflow.db", "sales.csv"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--report", "report.txt"], "its name ends in none of .json"),
        (["--report", "no/report.json"], "there is no folder no"),
        (["--work-dir", "sales.csv"], "--work-dir"),
        (["--command", "forecast"], "command must be one of train, compare, tune"),
        (["--workers", "0"], "--workers"),
        (["--set", "model.cel=gru"], "did you mean 'model.cell'?"),
    ],
)
def test_wrong_options_are_refused(jobs, recast, arguments, message):
    result = recast("run", jobs, *arguments)

    assert (result.code, result.out) == (2, "")
    assert message in result.err
