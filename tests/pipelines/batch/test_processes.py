"""Worker processes run tasks; the death of one costs an attempt of one task."""

import os
import signal
from pathlib import Path

import pytest

from pipelines.batch.executor import Ended, Started
from pipelines.batch.processes import Processes
from pipelines.batch.tasks import fail, next_attempt


def place_of(event: Started) -> int:
    return int(event.place.removeprefix("process "))


@pytest.fixture
def events_of(tmp_path):
    def run(tasks, workers=1, on_start=lambda event: None):
        events = []
        for event in Processes(workers, tmp_path).run(tasks):
            events.append(event)
            if isinstance(event, Started):
                on_start(event)
        return events

    return run


def results(events):
    ended = [event.result for event in events if isinstance(event, Ended)]
    return {result.name: result for result in ended}


def test_a_killed_worker_costs_an_attempt_of_its_task_only(
    jobs, make_tasks, events_of, write_job
):
    write_job(jobs / "third.yaml", data={"path": "../empty.csv"})
    Path("empty.csv").write_text("day,sales\n")

    def kill_the_first_attempt_of_the_first_task(event):
        if (event.number, event.attempt) == (0, 1):
            os.kill(place_of(event), signal.SIGKILL)

    events = events_of(
        make_tasks(jobs), on_start=kill_the_first_attempt_of_the_first_task
    )

    ended = results(events)
    starts = [event for event in events if isinstance(event, Started)]
    assert [(start.number, start.attempt) for start in starts] == [
        *((0, 1), (0, 2), (1, 1), (2, 1))
    ]
    assert {name: (r.status, r.attempts) for name, r in ended.items()} == {
        "first": ("done", 2),
        "second": ("done", 1),
        "third": ("failed", 1),  # it would fail the same way
    }
    assert "a header and no rows" in ended["third"].error
    assert ended["third"].error in Path(ended["third"].log).read_text()
    # One process has imported everything once, and does the rest.
    assert len({place_of(start) for start in starts}) == 2


def test_a_task_whose_worker_always_dies_fails_and_says_why(
    jobs, make_tasks, events_of
):
    events = events_of(
        make_tasks(jobs / "first.yaml"),
        on_start=lambda event: os.kill(place_of(event), signal.SIGKILL),
    )

    [result] = results(events).values()
    assert (result.status, result.attempts) == ("failed", 2)
    assert "killed by SIGKILL" in result.error
    assert "--workers" in result.error


def test_a_failure_is_tried_again_once_from_its_checkpoints(jobs, make_tasks):
    [task] = make_tasks(jobs / "first.yaml")

    again = next_attempt(task, fail(task, "killed"))

    assert again.attempt == 2
    assert again.work.resume
    assert next_attempt(again, fail(again, "killed")) is None
