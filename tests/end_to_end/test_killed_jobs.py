"""Jobs that SIGKILL ends go on to the bits, runs and version of an unbroken job."""

import mlflow
import pytest

from benchmarks.killing.chain import run_chain
from benchmarks.killing.jobs import run_job
from benchmarks.killing.moments import MOMENTS, Kill, find_function
from benchmarks.killing.store import describe_store, differences
from benchmarks.resume import make_jobs, new_store

CHAINS = {
    "compiled": [
        Kill("after a run is created"),
        Kill("in an epoch of the compiled loops", 3),
        Kill("in the write of a checkpoint", 2),
        Kill("before a file takes its name", 3),
        Kill("before the baselines", 2),
        Kill("after the model is logged"),
        Kill("after registration"),
        Kill("within the move of the alias"),
        Kill("before the work folder goes"),
    ],
    "torch": [
        Kill("in a step of torch", 5),
        Kill("after metrics are sent", 2),
        Kill("before registration"),
        Kill("after the run has ended"),
    ],
    "accurate": [
        Kill("in an epoch of the compiled loops", 9),
        Kill("before the model is logged"),
    ],
    "compared": [
        Kill("after a run is created", 3),
        Kill("in an epoch of the compiled loops", 9),
        Kill("before the alias moves"),
    ],
    "tuned": [
        Kill("in an epoch of the compiled loops", 9),
        Kill("after a run is created"),
        Kill("before the descriptions"),
    ],
}


@pytest.fixture(scope="module")
def empty_store(tmp_path_factory):
    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    mlflow.MlflowClient(f"sqlite:///{path}").search_experiments()
    return path


@pytest.mark.slow
@pytest.mark.parametrize("name", CHAINS)
def test_a_job_that_is_killed_again_and_again_ends_as_an_unbroken_one(
    tmp_path, empty_store, monkeypatch, name
):
    monkeypatch.setenv("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    [job] = [job for job in make_jobs(tmp_path) if job.name == name]
    alone = new_store(tmp_path / "alone", empty_store)
    run_job(job, alone, resume=False)
    expected = describe_store(alone, name)

    cut = new_store(tmp_path / "cut", empty_store)
    chain = run_chain(job, CHAINS[name], cut, expected)

    assert chain.kills == CHAINS[name]
    assert chain.differences == []
    assert [run["name"] for run in expected["finished"]]
    assert len(expected["versions"]) == 1
    assert expected["left"] == []


@pytest.mark.parametrize("moment", MOMENTS)
def test_each_moment_of_a_kill_is_a_function_of_the_jobs(moment):
    owner, name = find_function(moment)

    assert callable(getattr(owner, name))


def test_twenty_kills_are_planned():
    assert sum(map(len, CHAINS.values())) >= 20


def test_a_difference_is_found_and_named():
    found = {"versions": [{"number": 2}], "same": [1]}

    assert differences(found, {"versions": [{"number": 1}], "same": [1]}) == [
        "versions[0].number: 2 instead of 1"
    ]
    assert differences({"a": [1, 2]}, {"a": [1]}) == ["a: [1, 2] instead of [1]"]
