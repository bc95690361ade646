"""Stale runs: heartbeats of open runs, and the end of runs without a process."""

import json
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import mlflow
import pytest

from pipelines.tracking import stale_runs
from pipelines.tracking.runs import connect
from pipelines.tracking.stale_runs import (
    DEATH_TAG,
    HEARTBEAT_TAG,
    PROCESS_TAG,
    describe_death,
    describe_process,
    heartbeat,
    life_tags,
    sweep_stale_runs,
)

ELSEWHERE = "7:1234@another-boot-4026531836"
HOUR = 3600.0


def ago(seconds):
    return stale_runs._format_time(time.time() - seconds)


def open_run(experiment="days", started=0.0, **tags):
    """Create a run as a job does, with other tags; return its id."""
    client = mlflow.MlflowClient()
    present = client.get_experiment_by_name(experiment)
    number = present.experiment_id if present else client.create_experiment(experiment)
    start = int((time.time() - started) * 1000)
    plain = {f"recast.{name}": value for name, value in tags.items() if value}
    return client.create_run(number, start_time=start, tags=plain).info.run_id


def read_run(run_id):
    return mlflow.MlflowClient().get_run(run_id)


def status(run_id):
    return read_run(run_id).info.status


def sweep():
    stale_runs._last_sweeps.clear()
    sweep_stale_runs()


def dead_process():
    """Return the tag of a process that has ended."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=-1) as process:
        tag = describe_process(process.pid)
    return tag


def test_runs_of_a_dead_process_end_in_every_experiment_and_say_when(workplace):
    process, beat = dead_process(), ago(30)
    runs = [
        open_run(name, host="box", process=process, heartbeat=beat, nested=nested)
        for name, nested in (("days", ""), ("days", "yes"), ("weeks", ""))
    ]

    sweep()

    for run in map(read_run, runs):
        assert run.info.status == "KILLED"
        reason = run.data.tags[DEATH_TAG]
        pid = process.partition(":")[0]
        assert reason == (
            f"process {pid} of host box has ended; last sign of life {beat}"
        )
        assert stale_runs._format_time(run.info.end_time / 1000) == beat


@pytest.mark.parametrize(
    ("process", "beat", "started", "dead"),
    [
        (ELSEWHERE, 9 * 60, HOUR, False),
        (ELSEWHERE, 11 * 60, HOUR, True),
        (ELSEWHERE, -HOUR, HOUR, False),
        (ELSEWHERE, "unreadable", 2 * HOUR, True),
        ("7:1700000000", None, 23 * HOUR, False),
        ("7:1700000000", None, 25 * HOUR, True),
        ("", None, 1000 * HOUR, False),
    ],
    ids=(
        *("recent", "silent", "clock ahead", "unreadable"),
        *("earlier version", "old earlier version", "other program"),
    ),
)
def test_a_run_of_another_host_ends_when_its_heartbeat_is_old(
    workplace, process, beat, started, dead
):
    stamp = ago(beat) if isinstance(beat, int | float) else beat
    run_id = open_run(started=started, process=process, heartbeat=stamp)

    sweep()

    assert status(run_id) == ("KILLED" if dead else "RUNNING")


def test_a_live_process_keeps_its_run_without_any_heartbeat(workplace):
    run_id = open_run(process=describe_process(), heartbeat=ago(9 * HOUR))

    sweep()

    assert status(run_id) == "RUNNING"


def test_a_process_that_has_got_the_pid_of_another_is_told_from_it(workplace):
    pid, _, rest = describe_process().partition(":")
    start, _, namespace = rest.partition("@")
    earlier = f"{pid}:{int(start) - 1}@{namespace}"
    other_container = f"{pid}:{start}@{namespace}0"
    dead = open_run(process=earlier, heartbeat=ago(1))
    live = open_run(process=other_container, heartbeat=ago(1))

    sweep()

    assert (status(dead), status(live)) == ("KILLED", "RUNNING")


def test_a_killed_process_that_nobody_has_waited_for_is_dead(workplace):
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=-1) as process:
        run_id = open_run(process=describe_process(process.pid), heartbeat=ago(1))
        process.kill()
        end = time.monotonic() + 60
        while status(run_id) == "RUNNING":
            assert time.monotonic() < end
            sweep()

        assert process.returncode is None


@pytest.mark.skipif(sys.platform != "linux", reason="PID namespaces are of Linux")
def test_a_live_run_of_a_container_with_the_same_name_is_left_alone(workplace):
    code = (
        "from pipelines.tracking.stale_runs import life_tags; import json\n"
        "print(json.dumps(life_tags()), flush=True); input()"
    )
    unshare = ["unshare", "--pid", "--fork", "--mount-proc"]
    if subprocess.run([*unshare, "true"], capture_output=True).returncode:
        pytest.skip("this user may not create PID namespaces")
    with subprocess.Popen(
        [*unshare, sys.executable, "-c", code], stdin=-1, stdout=-1, text=True
    ) as container:
        tags = json.loads(container.stdout.readline())
        run_id = open_run(**{k.removeprefix("recast."): v for k, v in tags.items()})

        sweep()

        assert tags["recast.host"] == life_tags()["recast.host"]
        assert tags[PROCESS_TAG].startswith("1:")  # the first of its namespace
        assert status(run_id) == "RUNNING"
        container.communicate("\n")
    mlflow.MlflowClient().set_tag(run_id, HEARTBEAT_TAG, ago(11 * 60))

    sweep()

    assert status(run_id) == "KILLED"


def test_a_run_that_goes_on_in_another_process_is_not_ended(workplace):
    run_id = open_run(process=dead_process(), heartbeat=ago(HOUR))
    client = mlflow.MlflowClient()
    for tag, value in life_tags().items():
        client.set_tag(run_id, tag, value)

    stale_runs._end(client, run_id)

    assert status(run_id) == "RUNNING"
    assert DEATH_TAG not in read_run(run_id).data.tags


def test_a_process_that_runs_many_jobs_sweeps_once_a_minute(workplace):
    sweep()
    run_id = open_run(process=dead_process(), heartbeat=ago(1))

    sweep_stale_runs()
    before = status(run_id)
    sweep()

    assert (before, status(run_id)) == ("RUNNING", "KILLED")


def wait_until(condition):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_heartbeats_follow_each_other_until_the_block_ends(workplace):
    run_id = open_run(process=describe_process(), heartbeat=ago(HOUR))
    before = set(threading.enumerate())

    with heartbeat(run_id, seconds=0.01):
        [thread] = set(threading.enumerate()) - before
        wait_until(lambda: read_run(run_id).data.tags[HEARTBEAT_TAG] > ago(60))

    thread.join(60)
    assert not thread.is_alive()


def test_a_run_that_was_taken_for_dead_is_running_again_at_its_next_heartbeat(
    workplace,
):
    run_id = open_run(process=ELSEWHERE, heartbeat=ago(HOUR))
    sweep()
    assert status(run_id) == "KILLED"

    with heartbeat(run_id, seconds=0.01):
        wait_until(lambda: status(run_id) == "RUNNING")
        wait_until(lambda: DEATH_TAG not in read_run(run_id).data.tags)


def test_a_store_that_is_gone_neither_stops_nor_delays_a_job(
    workplace, monkeypatch, capfd
):
    connect()
    run_id = open_run(process=describe_process())
    before = set(threading.enumerate())
    (workplace / "mlflow.db").rename(workplace / "moved.db")
    (workplace / "mlflow.db").write_bytes(b"no database" * 1000)

    with heartbeat(run_id, seconds=0.01):
        [thread] = set(threading.enumerate()) - before
        time.sleep(0.5)
        assert thread.is_alive()
    sweep()

    assert capfd.readouterr().err == ""


@contextmanager
def server_of_another_clock(seconds):
    """Run an HTTP server with a clock some seconds ahead; yield its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"OK")

        def date_time_string(self, timestamp=None):
            return super().date_time_string(time.time() + seconds)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_times_are_those_of_the_server(workplace, monkeypatch):
    run_id = open_run(process=ELSEWHERE, heartbeat=ago(9 * 60))
    run = read_run(run_id)
    with server_of_another_clock(2 * HOUR) as uri:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        ahead = life_tags()[HEARTBEAT_TAG]
        death = describe_death(run)

    assert ago(-2 * HOUR - 10) > ahead > ago(-2 * HOUR + 10)
    assert death.startswith("host  has been silent for 129 minutes; ")
