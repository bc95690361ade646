"""All jobs of a batch are read, and all problems named, before any job starts."""

from pathlib import Path

import pytest

from pipelines.batch import plan
from pipelines.batch.plan import read_plan
from pipelines.config.job import WINDOWS, parse_job, read_job
from pipelines.errors import BatchError, JobError


def test_a_folder_gives_its_job_files_sorted_by_name(jobs, write_job):
    write_job(jobs / "deeper" / "third.yaml")
    write_job(jobs / ".hidden.yaml")
    (jobs / "notes.txt").write_text("no job")
    (jobs / "shop.csv").write_text("no job where there are job files")

    assert [job.name for job in read_plan([jobs])] == ["first", "second"]


def test_a_folder_without_job_files_gives_its_csv_files(workplace, daily_csv):
    for name in ("b", "a"):
        daily_csv(f"{name}.csv", 60)

    planned = read_plan([workplace], {"windows.horizon": 3})

    assert [job.name for job in planned] == ["a", "b"]
    job = parse_job(planned[0].text, planned[0].source)
    assert (job.windows.horizon, job.open_windows) == (3, {"windows.seq_len"})


def test_a_job_survives_the_way_to_its_worker(jobs, write_job):
    source = write_job(jobs / "third.yaml", resources={"cpus": 2}, model={"members": 2})
    job = read_job(source, {"training.checkpoint.every_seconds": 5})

    parsed = parse_job(job.explicit_yaml(), source)

    assert parsed.explicit == {
        path for path in job.explicit if not path.startswith("resources.")
    }
    assert parsed.open_windows == job.open_windows
    same = {"data", "resources"}
    assert parsed.model_dump(exclude=same) == job.model_dump(exclude=same)
    assert parsed.data.path == job.data.path.resolve()


def test_the_job_of_a_csv_leaves_its_windows_open(workplace, daily_csv):
    job = read_job(daily_csv("sales.csv", 60))

    assert parse_job(job.explicit_yaml(), Path("sales.csv")).open_windows == WINDOWS


def test_the_command_is_that_of_the_option_or_of_the_file(jobs, write_job):
    write_job(jobs / "first.yaml", command="compare")

    assert [job.command for job in read_plan([jobs])] == ["compare", "train"]
    assert [job.command for job in read_plan([jobs], command="tune")] == ["tune"] * 2


def test_resources_are_the_needs_of_a_task_and_no_part_of_the_job(jobs, write_job):
    before = read_plan([jobs / "first.yaml"])[0]
    write_job(jobs / "first.yaml", resources={"cpus": 2, "gpus": 0.5, "memory": "2GB"})

    after = read_plan([jobs / "first.yaml"])[0]

    assert after.resources.cpus == 2
    assert after.resources.gpus == 0.5
    assert after.resources.memory == 2_000_000_000
    assert after.digest() == before.digest()


def test_the_digest_depends_on_job_and_data(jobs, write_job, daily_csv):
    def digest(**options):
        return read_plan([jobs / "first.yaml"])[0].digest(**options)

    before = digest()
    assert digest(trials=3) == before  # it is not tuned
    daily_csv("sales.csv", 61)
    with_other_data = digest()
    write_job(jobs / "first.yaml", training={"epochs": 2})

    assert len({before, with_other_data, digest()}) == 3


def test_all_problems_are_reported_at_once(jobs, write_job, tmp_path):
    write_job(jobs / "bad.yaml", modelx={"epochs": 1})
    write_job(jobs / "broken.yaml").write_text("{name: [")
    write_job(jobs / "lost.yaml", data={"path": "lost.csv"})
    write_job(jobs / "again.yaml", name="first")
    write_job(jobs / "grid.yaml", matrix={"model.cel": ["rnn"]})
    write_job(jobs / "wrong.yaml", command="forecast")
    write_job(jobs / "needs.yaml", resources={"cpus": 0})
    (tmp_path / "empty").mkdir()

    with pytest.raises(BatchError) as refusal:
        read_plan([jobs, Path("absent.yaml"), Path("empty")])

    text = str(refusal.value)
    for problem in (
        "9 problems, so that no job was started",
        "bad.yaml: modelx: unknown key; did you mean 'model'?",
        "broken.yaml: is no YAML",
        "lost.yaml: data.path: there is no file",
        "again.yaml, jobs/first.yaml: 2 jobs have the name 'first'",
        "grid.yaml: matrix: model.cel: unknown key; did you mean 'model.cell'?",
        "wrong.yaml: command must be one of train, compare, tune; found 'forecast'",
        "needs.yaml: resources.cpus: Input should be greater than 0",
        "absent.yaml: there is no such file or folder",
        "empty: the folder holds no job file",
    ):
        assert problem.replace("jobs/first", f"{jobs}/first") in text


def test_a_wrong_value_of_a_matrix_is_reported_once(jobs, write_job):
    source = write_job(
        jobs / "grid.yaml",
        matrix={"model.cell": ["rnn", "gpu"], "training.seed": [1, 2, 3]},
    )

    with pytest.raises(BatchError) as refusal:
        read_plan([source])

    assert len(refusal.value.problems) == 1
    assert "model.cell" in refusal.value.problems[0]


def test_too_many_jobs_are_refused_before_they_are_made(jobs, write_job, monkeypatch):
    monkeypatch.setattr(plan, "MAX_JOBS", 10)
    source = write_job(jobs / "grid.yaml", matrix={"training.seed": list(range(11))})

    with pytest.raises(BatchError, match="at most 10 jobs; these are 11"):
        read_plan([source])


def test_train_refers_a_matrix_to_run(jobs, write_job):
    source = write_job(jobs / "grid.yaml", matrix={"training.seed": [1]})

    with pytest.raises(JobError, match=f"matrix: only `recast run` .* run {source}"):
        read_job(source)
