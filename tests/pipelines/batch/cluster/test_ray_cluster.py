"""Jobs on a real Ray cluster of two nodes, with workers and nodes that die."""

import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path

import mlflow
import psutil
import pytest
from rich.console import Console

from pipelines.batch.executor import Ended, Started
from pipelines.batch.processes import Processes
from pipelines.batch.tasks import Task, run_task
from pipelines.batch.trials import make_parallel
from pipelines.checkpoints.opening import WorkOptions
from pipelines.config.job import read_job
from pipelines.config.resources import Resources
from pipelines.errors import ClusterError
from pipelines.search.tune import tune

pytest.importorskip("ray", reason="Ray is not installed here: `make ray test-ray`")
from ray.cluster_utils import Cluster

from pipelines.batch.cluster.ray_cluster import RayCluster, open_cluster
from pipelines.batch.cluster.ray_node import (
    Driver,
    find_store_problem,
    run_on_node,
)

NODE = {"num_cpus": 2, "object_store_memory": 80 * 2**20, "include_dashboard": False}
LONG = {"epochs": 800, "patience": 800}  # seconds, so that it can be killed
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # of Ray's own sockets
]


@pytest.fixture(scope="module")
def cluster(shared_workplace):
    """Start a head and a second node as processes of Ray, and connect to them."""
    with tempfile.TemporaryDirectory(prefix="recast-", dir="/tmp") as folder:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        head = NODE | {"temp_dir": folder}
        nodes = Cluster(initialize_head=True, head_node_args=head)
        nodes.add_node(**NODE)
        nodes.wait_for_nodes()
        with open_cluster(nodes.address):
            yield nodes
        nodes.shutdown()


@pytest.fixture(scope="module")
def make_task(shared_workplace, daily_csv):
    """Describe a training of a short series as a task."""

    def make(number, *, name=None, seed=0, needs=None, data=None, **training):
        name = name or f"job-{number}"
        path = data or daily_csv(shared_workplace / f"{name}.csv")
        settings = {"epochs": 2, "seed": seed} | training
        lines = [
            f"name: {name}",
            f"data: {{path: {path}}}",
            "windows: {seq_len: 5, horizon: 2}",
            "model: {hidden_size: 4, guard: false}",
            f"training: {settings}".replace("'", ""),
        ]
        return Task(
            number=number,
            name=name,
            command="train",
            job="\n".join(lines),
            source=str(shared_workplace / f"{name}.yaml"),
            work=WorkOptions(folder=shared_workplace / "work" / f"{name}"),
            log=shared_workplace / "logs" / f"{name}.log",
            resources=needs or Resources(),
        )

    return make


def make_executor(**options):
    """Return an executor with the folder of a batch in the working folder."""
    folder = Path("batch").absolute()
    folder.mkdir(exist_ok=True)
    return RayCluster(folder, mlflow.get_tracking_uri(), **options)


def run(tasks, **options):
    """Run tasks on the open cluster; return their starts and results."""
    executor = make_executor(**options)
    news = list(executor.run(tasks))
    starts = [item for item in news if isinstance(item, Started)]
    ends = [item.result for item in news if isinstance(item, Ended)]
    return starts, sorted(ends, key=lambda result: result.number)


def weights(result):
    """Return a digest of the weights of a registered version."""
    folder = Path(
        mlflow.artifacts.download_artifacts(f"models:/{result.model}/{result.version}")
    )
    files = sorted(folder.rglob("*.safetensors"))
    assert files
    return [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]


def wait_for_run(name):
    """Return the pid of the process with an open run of a job."""
    for _ in range(600):
        runs = mlflow.search_runs(
            experiment_names=[name],
            filter_string="attributes.status = 'RUNNING'",
            output_format="list",
        )
        if runs and "recast.process" in runs[0].data.tags:
            return int(runs[0].data.tags["recast.process"].partition(":")[0])
        time.sleep(0.1)
    raise AssertionError(f"no run of {name} began")


def statuses(name):
    runs = mlflow.search_runs(experiment_names=[name], output_format="list")
    return sorted(run.info.status for run in runs)


def test_jobs_run_on_both_nodes_with_the_bits_of_a_run_in_this_process(
    cluster, make_task
):
    tasks = [make_task(number, seed=number) for number in range(4)]

    starts, results = run(tasks)

    assert [result.error for result in results] == [None] * 4
    assert len({start.place for start in starts}) == 2
    plain = run_task(make_task(4, seed=2, data=shared_data(tasks[2])))
    assert plain.error is None
    assert weights(results[2]) == weights(plain)
    assert weights(results[2]) != weights(results[1])
    assert results[2].score == plain.score


def shared_data(task):
    return task.job.partition("{path: ")[2].partition("}")[0]


def test_the_output_of_a_job_is_in_its_log(cluster, make_task):
    task = make_task(5)

    run([task])

    assert "time: 'day'" in task.log.read_text()
    assert not list(Path("batch").iterdir())


def test_a_job_that_fails_does_not_stop_the_others(cluster, make_task, tmp_path):
    missing = make_task(6, data=tmp_path / "none.csv")
    greedy = make_task(7, needs=Resources(gpus=1))
    good = make_task(8)

    _, results = run([missing, greedy, good])

    assert "none.csv: there is no such file" in results[0].error
    assert "no node has 1 cpus, 1 gpus" in results[1].error
    assert results[2].error is None


def test_a_job_whose_worker_is_killed_goes_on_from_its_checkpoint(
    cluster, make_task, capsys
):
    task = make_task(9, checkpoint="{every_seconds: 0.1}", **LONG)

    def kill():
        process = wait_for_run(task.name)
        while not list(task.work.folder.rglob("*.safetensors")):
            time.sleep(0.01)
        os.kill(process, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()

    starts, (result,) = run([task])

    killer.join()
    assert result.error is None
    assert result.attempts == 2
    assert [start.attempt for start in starts] == [1, 2]
    assert "resume: goes on from" in task.log.read_text()
    assert statuses(task.name) == ["FINISHED"]
    plain = run_task(make_task(10, data=shared_data(task), **LONG))
    assert weights(result) == weights(plain)
    assert result.score == plain.score
    assert capsys.readouterr().out == ""


def test_a_batch_that_is_closed_ends_its_runs_as_killed(cluster, make_task):
    task = make_task(11, **LONG)
    news = make_executor().run([task])
    assert isinstance(next(news), Started)
    wait_for_run(task.name)

    news.close()

    assert statuses(task.name) == ["KILLED"]


def test_no_more_jobs_run_at_once_than_workers_were_asked_for(cluster, make_task):
    tasks = [make_task(number) for number in (12, 13, 14)]

    executor = make_executor(workers=1)
    news = [type(item) for item in executor.run(tasks)]

    assert news == [Started, Ended] * 3


def test_a_job_whose_node_is_killed_is_done_on_another(cluster, make_task):
    tasks = [make_task(number, needs=Resources(cpus=2), **LONG) for number in (16, 17)]
    (second,) = cluster.worker_nodes
    (raylet,) = second.all_processes["raylet"]
    starts, ends = [], []

    for item in make_executor().run(tasks):
        if isinstance(item, Ended):
            ends.append(item.result)
            continue
        starts.append(item)
        if item.place.endswith(second.node_id[:8]):
            wait_for_run(tasks[item.number - 16].name)
            processes = psutil.Process(raylet.process.pid).children(recursive=True)
            raylet.process.kill()
            for process in processes:
                process.kill()

    assert [result.error for result in ends] == [None, None]
    assert sorted(result.attempts for result in ends) == [1, 2]
    assert [start.attempt for start in starts] == [1, 1, 2]
    assert not starts[-1].place.endswith(second.node_id[:8])


def test_trials_on_a_cluster_are_those_of_processes(cluster, daily_csv):
    job = read_job(
        daily_csv("tuned.csv"), {"training.epochs": 1, "evaluation.folds": 3}
    )
    tables = []

    for name in ("ray", "processes"):
        folder = Path(name).absolute()
        folder.mkdir()
        executor = make_executor() if name == "ray" else Processes(2, folder)
        result = tune(
            job,
            Console(quiet=True),
            trials=3,
            storage=f"sqlite:///{name}.db",
            parallel=make_parallel(executor, 2, folder, Resources()),
        )
        tables.append(result.trials.drop(columns=["run_id", "seconds"]))

    assert tables[0].equals(tables[1])


def test_a_command_with_a_cluster_of_its_own_runs_and_ends_it(
    shared_workplace, daily_csv
):
    daily_csv(shared_workplace / "sales.csv")
    words = "run sales.csv --epochs 1 --ray local --json"
    before = set(Path("/tmp").glob("recast-ray-*"))

    done = subprocess.run(
        [sys.executable, "-m", "pipelines", *words.split()],
        capture_output=True,
        text=True,
        env=os.environ | {"MLFLOW_TRACKING_PASSWORD": "not-to-be-seen"},
    )

    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert [job["status"] for job in report["jobs"]] == ["done"]
    assert "not-to-be-seen" not in done.stdout + done.stderr
    assert set(Path("/tmp").glob("recast-ray-*")) == before


def test_an_address_without_a_cluster_is_an_error():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]

    with (
        pytest.raises(ClusterError, match=rf"127.0.0.1:{port} does not answer"),
        open_cluster(f"127.0.0.1:{port}"),
    ):
        pass


def test_an_address_of_another_program_is_an_error_within_ten_seconds():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        start = time.monotonic()

        with (
            pytest.raises(ClusterError, match="no Ray cluster answered within 10 s"),
            open_cluster(f"127.0.0.1:{port}"),
        ):
            pass

    assert time.monotonic() - start < 15


@pytest.mark.parametrize("address", ["head", "head:", "ray://head:10001", ":6379"])
def test_an_address_that_is_none_is_an_error(address):
    with pytest.raises(ClusterError, match="does not answer"), open_cluster(address):
        pass


def test_a_node_of_another_machine_needs_a_server(tmp_path):
    uris = ("sqlite:///mlflow.db", "mlruns", "file:///mlruns")
    for uri in uris:
        assert "is another machine" in find_store_problem(uri, "b", True)
    database = "postgresql+psycopg2://recast:secret@db/mlflow"
    assert "does not share" in find_store_problem(database, "b", False)
    assert find_store_problem(database, "b", True) is None
    assert find_store_problem("http://user:secret@server:5000", "b", False) is None


def test_another_machine_receives_credentials_and_sends_its_log(
    make_task, shared_workplace, tmp_path, monkeypatch
):
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "hidden")
    monkeypatch.setenv("MLFLOW_RUN_ID", "of the driver")
    task = make_task(18, data=tmp_path / "none.csv")
    uri = "http://server:5000"
    driver = Driver.of_this_process(tmp_path / "unseen", uri)

    there = replace(driver, host="another")
    result, log = run_on_node(task, there)

    assert f"{tmp_path / 'none.csv'} is not on the node" in result.error
    assert result.is_final
    assert "is not on the node" in log
    assert driver.environment["MLFLOW_TRACKING_PASSWORD"] == "hidden"
    assert "MLFLOW_RUN_ID" not in driver.environment
    assert "hidden" not in repr(driver)
