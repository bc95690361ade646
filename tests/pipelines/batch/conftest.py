"""Fixtures: job files that train in a second, and tasks for them."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from pipelines.batch.plan import PlannedJob, read_plan
from pipelines.batch.tasks import Task
from pipelines.checkpoints.opening import WorkOptions

QUICK = {
    "preset": "classic",
    "windows": {"seq_len": 5, "horizon": 2},
    "model": {"hidden_size": 4},
    "training": {"epochs": 1},
    "evaluation": {"folds": 3},
}


@pytest.fixture(scope="session")
def write_job() -> Callable[..., Path]:
    """Write a quick job file; keywords replace its sections."""

    def write(path: Path, **sections: object) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        data = {"path": "../sales.csv"}
        content = {"name": path.stem, "data": data} | QUICK | sections
        path.write_text(yaml.safe_dump(content))
        return path

    return write


@pytest.fixture
def jobs(workplace: Path, daily_csv, write_job) -> Path:
    """A folder of two job files beside their series."""
    daily_csv("sales.csv", 60)
    for name in ("first", "second"):
        write_job(workplace / "jobs" / f"{name}.yaml")
    return workplace / "jobs"


@pytest.fixture
def make_tasks(tmp_path: Path) -> Callable[..., list[Task]]:
    def make(*sources: Path, **options: object) -> list[Task]:
        plan: list[PlannedJob] = read_plan(list(sources))
        return [
            Task(
                number=number,
                name=job.name,
                command=job.command,
                job=job.text,
                source=str(job.source),
                work=WorkOptions(),
                log=tmp_path / "logs" / f"{job.name}.log",
                **options,
            )
            for number, job in enumerate(plan)
        ]

    return make
