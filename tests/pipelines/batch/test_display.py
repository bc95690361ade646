"""The table of a batch on a terminal, its lines elsewhere, its summary and report."""

import json
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from pipelines.batch.display import print_summary, show_batch
from pipelines.batch.executor import Ended, Started
from pipelines.batch.plan import PlannedJob
from pipelines.batch.report import ReportFile, to_plain
from pipelines.batch.state import BatchState
from pipelines.batch.tasks import TaskResult
from pipelines.config.resources import Resources


def plan(name):
    paths = (Path(f"{name}.yaml"), Path(f"{name}.csv"))
    return PlannedJob(name, "train", "{}", *paths, Resources(), "cpu")


def result(number, name, status="done", **values):
    return TaskResult(number=number, name=name, status=status, log="x.log", **values)


@pytest.fixture
def state():
    """Four jobs: one done, one failed, one that runs again, one that waits."""
    state = BatchState.of([plan(name) for name in "abcd"], 2, started=0.0)
    state.update(Started(0, "process 1"))
    state.update(Started(1, "process 2"))
    done = {"version": "3", "alias": "champion", "promoted": True, "seconds": 2.0}
    state.update(Ended(result(0, "a", metric="mase", score=0.51234, **done)))
    state.update(Ended(result(1, "b", "failed", error="[no] data", attempts=2)))
    state.update(Started(2, "process 1", 2))
    return state


def print_ends(state, *, is_terminal):
    console = Console(file=StringIO(), force_terminal=is_terminal, width=90)
    with show_batch(console, state) as show_end:
        for job in state.jobs[:2]:
            show_end(job)
    print_summary(console, state)
    return console.file.getvalue()


def test_each_end_is_a_line_with_the_rest_of_the_work(state):
    lines = print_ends(state, is_terminal=False).splitlines()

    done = "[2 of 4] a: done: version 3, now champion, mase 0.5123, 2 s; 1 failed, "
    assert lines[0].startswith(f"{done}1 running")
    assert "[2 of 4] b: failed, attempt 2: [no] data (log: x.log)" in lines[1]
    assert lines[-1].startswith("4 jobs: 1 done, 1 failed, 1 running, 1 waiting; ")


def test_a_terminal_shows_the_jobs_that_run_and_a_bar(state):
    text = print_ends(state, is_terminal=True)

    assert "process 1" in text
    assert "2 of 4 ended, 1 failed, 1 running" in text


def test_the_time_left_follows_from_the_jobs_of_this_process(state):
    fresh = BatchState.of([plan("a"), plan("b")], 1, started=0.0)
    fresh.take_over(0, result(0, "a"))

    assert fresh.ended == 1
    assert fresh.seconds_left() is None  # the job ended in an earlier process
    fresh.update(Ended(result(1, "b")))
    assert fresh.seconds_left() == 0
    assert state.seconds_left() == pytest.approx(state.seconds, abs=0.1)


def test_the_report_has_each_job_and_is_replaced_as_a_whole(state, tmp_path):
    path = tmp_path / "report.json"
    report = ReportFile(path)

    report.update(state)
    first = path.read_text()
    report.update(state)  # too early to write again

    assert path.read_text() == first
    report.write(state, "failed")
    content = json.loads(path.read_text())
    assert content["status"] == "failed"
    assert content["started"] == "1970-01-01T00:00:00+00:00"
    assert [job["status"] for job in content["jobs"]] == [
        *("done", "failed", "running", "waiting")
    ]
    assert content["jobs"][0]["score"] == 0.51234
    assert content["jobs"][3] == {
        **{"name": "d", "command": "train", "source": "d.yaml", "data": "d.csv"},
        **{"status": "waiting", "attempts": 0},
    }
    assert list(tmp_path.iterdir()) == [path]


def test_the_counts_of_a_report_add_up(state):
    counts = to_plain(state, "running")["counts"]

    assert counts.pop("jobs") == sum(counts.values()) == 4


def test_a_report_that_cannot_be_written_stops_no_batch(state, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    report = ReportFile(folder / "report.json")
    folder.rmdir()

    report.write(state, "running")

    assert "there is no folder" in report.warning
