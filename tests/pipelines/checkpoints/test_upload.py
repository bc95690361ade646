"""Copies of unfinished work among the artifacts: another machine goes on from them."""

import shutil

import mlflow
import pytest
from mlflow.artifacts import list_artifacts
from rich.console import Console

from pipelines.checkpoints.opening import WorkOptions
from pipelines.checkpoints.upload import ARTIFACTS
from pipelines.config.job import read_job
from pipelines.jobs import train as train_module
from pipelines.jobs.train import train

QUICK = {
    "training.epochs": 3,
    "model.hidden_size": 4,
    "windows.seq_len": 5,
    "windows.horizon": 2,
    "evaluation.folds": 2,
    "training.checkpoint.every_seconds": 0,
    "training.checkpoint.upload": True,
}


class MachineGone(BaseException):
    """Raised where a machine goes, after its last files were copied."""


@pytest.fixture
def quiet():
    return Console(quiet=True)


@pytest.fixture
def cut_job(workplace, daily_csv, monkeypatch, quiet):
    """Return a job that was cut before its registration, on a machine that is gone."""
    job = read_job(daily_csv(workplace / "sales.csv"), QUICK)

    def go(*_):
        raise MachineGone

    monkeypatch.setattr(train_module, "register_final_model", go)
    with pytest.raises(MachineGone):
        train(job, quiet)
    monkeypatch.undo()
    monkeypatch.chdir(workplace)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{workplace}/mlflow.db")
    shutil.rmtree(workplace / "recast-work")
    return job


def test_a_job_goes_on_from_the_artifacts_where_its_folder_is_gone(
    cut_job, quiet, monkeypatch
):
    [run] = mlflow.search_runs(experiment_names=["sales"], output_format="list")
    assert run.info.status == "FAILED"
    names = [file.path for file in list_artifacts(run_id=run.info.run_id)]
    assert ARTIFACTS in names

    trained = []
    original = train_module.Experiment.evaluate

    def evaluate(experiment, job, on_epoch, *rest):
        assert (experiment.folder.path / "journal.json").is_file()
        result = original(experiment, job, trained.append, *rest)
        assert sorted(experiment.folder.path.rglob("fitted.safetensors"))
        return result

    monkeypatch.setattr(train_module.Experiment, "evaluate", evaluate)
    outcome = train(cut_job, quiet, work=WorkOptions(resume=True))

    assert outcome.run_id == run.info.run_id
    assert outcome.version == "1"
    names = [file.path for file in list_artifacts(run_id=run.info.run_id)]
    assert ARTIFACTS not in names
