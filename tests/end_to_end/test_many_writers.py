"""Many processes that train into one store at once: SQLite and PostgreSQL."""

import json
import os
import subprocess
import sys
from pathlib import Path

import mlflow
import pytest
import sqlalchemy

from pipelines.tracking import stale_runs
from pipelines.tracking.locks import ask_database

# Every other process trains a model of a new experiment; the others train the same one.
WRITERS = """
import os, sys
from pathlib import Path
import mlflow.pyfunc
import mlflow.store.model_registry.sqlalchemy_store  # once, not in each process
import mlflow.store.tracking.sqlalchemy_store
from rich.console import Console
from pipelines.config.job import read_job
from pipelines.jobs.train import train

settings = {
    "windows.seq_len": 5, "windows.horizon": 2, "training.epochs": 1,
    "model.hidden_size": 4, "model.guard": False, "evaluation.folds": 3,
}
failed = 0
for number in range(int(sys.argv[1])):
    if os.fork() == 0:
        code = 1
        try:
            name = f"days-{number}" if number % 2 else "days"
            job = read_job(Path("days.csv"), settings | {"name": name})
            train(job, Console(quiet=True))
            code = 0
        finally:
            sys.stderr.flush()
            os._exit(code)
while True:
    try:
        failed += os.wait()[1] != 0
    except ChildProcessError:
        sys.exit(failed)
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request, tmp_path, servers):
    """Yield the URI of a new store, which no process has opened yet."""
    with (
        servers.backend_store(request.param, tmp_path) as (uri, variables),
        pytest.MonkeyPatch.context() as patch,
    ):
        for name, value in (variables | {"MLFLOW_TRACKING_URI": uri}).items():
            patch.setenv(name, value)
        patch.chdir(tmp_path)
        yield uri


@pytest.mark.slow
def test_processes_that_train_at_once_lose_nothing_in_a_new_store(store):
    processes = 8
    rows = [f"2024-01-{1 + day:02d},{20 + (day * 37) % 11}" for day in range(31)]
    Path("days.csv").write_text("\n".join(["day,sales", *rows]) + "\n")

    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", WRITERS, str(processes)],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=900,
    )

    assert result.returncode == 0, result.stderr
    assert "Traceback" not in result.stderr
    client = mlflow.MlflowClient()
    runs = mlflow.search_runs(search_all_experiments=True, output_format="list")
    assert [run.info.status for run in runs] == ["FINISHED"] * processes
    versions = client.search_model_versions("name = 'days'")
    numbers = [str(number) for number in range(1, processes // 2 + 1)]
    assert sorted(str(version.version) for version in versions) == numbers
    assert {version.run_id for version in versions} < {run.info.run_id for run in runs}
    for number in range(1, processes, 2):
        assert client.get_model_version_by_alias(f"days-{number}", "champion")
    model = client.get_registered_model("days")
    history = json.loads(model.tags["history.champion"])
    now_champion = [
        version.version
        for version in sorted(versions, key=lambda version: int(version.version))
        if "now champion" in version.description
    ]
    assert history == [str(version) for version in now_champion]
    assert str(model.aliases["champion"]) == history[-1]


def test_times_of_a_database_are_those_of_its_server(store):
    if store.startswith("sqlite"):
        assert stale_runs._clock_offset(store) == 0
        return

    now = ask_database(store, sqlalchemy.text("SELECT extract(epoch FROM now())"))

    assert stale_runs._database_time(store) == pytest.approx(float(now), abs=60)
