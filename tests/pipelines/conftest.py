"""Fixtures: a folder with a separate MLflow store, and the command line."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from pipelines.__main__ import main
from pipelines.config.job import read_job
from pipelines.jobs.train import Outcome, train


@dataclass(frozen=True)
class CommandResult:
    code: object
    out: str
    err: str


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Create an MLflow store to copy; creating one for each test would take seconds."""
    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    mlflow.MlflowClient(f"sqlite:///{path}").search_experiments()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return path


@pytest.fixture
def workplace(
    tmp_path: Path, empty_store: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    set_up_workplace(tmp_path, empty_store, monkeypatch)
    return tmp_path


@pytest.fixture(scope="module")
def shared_workplace(
    tmp_path_factory: pytest.TempPathFactory, empty_store: Path
) -> Iterator[Path]:
    """Create a workplace shared by the tests of a module, which only read it."""
    folder = tmp_path_factory.mktemp("workplace")
    with pytest.MonkeyPatch.context() as patch:
        set_up_workplace(folder, empty_store, patch)
        yield folder


def set_up_workplace(folder: Path, store: Path, patch: pytest.MonkeyPatch) -> None:
    shutil.copy(store, folder / "mlflow.db")
    patch.chdir(folder)
    patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/mlflow.db")
    patch.setenv("COLUMNS", "200")
    patch.setenv("MLFLOW_EXPERIMENT_ID", "")  # MLflow sets it for child processes:
    patch.delenv("MLFLOW_EXPERIMENT_ID")  # so that it is gone again after the test


@pytest.fixture
def recast(capsys: pytest.CaptureFixture[str]) -> Callable[..., CommandResult]:
    """Run a command in this process; return its exit code and output."""

    def run(*arguments: object) -> CommandResult:
        capsys.readouterr()
        with pytest.raises(SystemExit) as done:
            main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return CommandResult(done.value.code or 0, out, err)

    return run


@pytest.fixture(scope="session")
def train_job() -> Callable[..., Outcome]:
    """Run a training job in this process, by default a quick one without guard.

    The guard would put a simple forecast where a test needs a bad network's.
    """

    def run(source: str | Path, **settings: object) -> Outcome:
        quick = {"training.epochs": 1, "model.hidden_size": 4, "evaluation.folds": 4}
        quick["model.guard"] = False
        if Path(source).suffix == ".csv":  # a job file has these windows by itself
            quick |= {"windows.seq_len": 5, "windows.horizon": 2}
        overrides = {key.replace("__", "."): value for key, value in settings.items()}
        return train(read_job(Path(source), quick | overrides), Console(quiet=True))

    return run


@pytest.fixture(scope="session")
def daily_csv() -> Callable[..., Path]:
    """Write series of days, one or many by name, and return the path."""

    def write(path: str | Path, days: int | dict[str, int] = 80, noise=0.3) -> Path:
        lengths = days if isinstance(days, dict) else {"": days}
        frames = []
        for number, (name, length) in enumerate(lengths.items()):
            steps, rng = np.arange(length), np.random.default_rng(number)
            wave = 20 + 3 * np.sin(0.4 * steps + number) + rng.normal(0, noise, length)
            stamps = pd.date_range("2024-01-01", periods=length).strftime("%Y-%m-%d")
            frames.append(pd.DataFrame({"shop": name, "day": stamps, "sales": wave}))
        table = pd.concat(frames)
        if not isinstance(days, dict):
            table = table.drop(columns="shop")
        table.to_csv(path, index=False)
        return Path(path)

    return write
