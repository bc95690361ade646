"""The job file: every key is checked, and errors name its path."""

import os
from pathlib import Path

import pytest
import yaml

from forecasting.errors import SettingError
from pipelines.config.job import MAX_JOB_BYTES, read_job
from pipelines.config.sequence_job import read_any_job
from pipelines.errors import JobError

MINIMAL = "name: rain\ndata: {path: rain.csv}\n"


def write(folder, text, name="job.yaml"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_name_and_a_path_are_enough(tmp_path):
    job = read_job(write(tmp_path, MINIMAL))

    assert job.name == "rain"
    assert (job.windows.seq_len, job.windows.horizon) == (5, 2)
    assert (job.model.cell, job.model.linear_skip) == ("lstm", True)
    assert (job.training.epochs, job.training.loss) == (100, "mae")
    assert (job.evaluation.folds, job.evaluation.levels) == ("auto", (80, 95))
    assert (job.registry.alias, job.registry.promote) == ("champion", "if_better")


def test_a_path_starts_from_the_folder_of_the_job_file(tmp_path, monkeypatch):
    (tmp_path / "jobs").mkdir()
    path = write(tmp_path, "name: a\ndata: {path: ../data/a.csv}", "jobs/a.yaml")
    monkeypatch.chdir(tmp_path.parent)

    path = read_job(path.relative_to(tmp_path.parent)).data.path

    assert os.path.abspath(path) == str(tmp_path / "data" / "a.csv")


def test_an_absolute_path_is_kept(tmp_path):
    job = read_job(write(tmp_path, "name: a\ndata: {path: /data/a.csv}"))

    assert job.data.path == Path("/data/a.csv")


def test_options_win_over_the_file(tmp_path):
    path = write(tmp_path, MINIMAL + "windows: {seq_len: 7, horizon: 3}\n")

    job = read_job(path, {"windows.horizon": 9, "model.cell": "gru", "name": "wet"})

    assert (job.name, job.model.cell) == ("wet", "gru")
    assert (job.windows.seq_len, job.windows.horizon) == (7, 9)


def test_a_job_is_its_own_yaml_again_wherever_that_lies(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = MINIMAL + "model: {cell: rnn}\nevaluation: {levels: [50, 90.5], folds: 3}\n"
    job = read_job(Path(write(tmp_path, text).name))
    (tmp_path / "elsewhere").mkdir()

    again = read_job(write(tmp_path, job.to_yaml(), "elsewhere/job.yaml"))

    assert again.data.path == tmp_path / "rain.csv"
    without_path = {"data": {"path"}}
    assert again.model_dump(exclude=without_path) == job.model_dump(
        exclude=without_path
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "horizn: 2",
            r"horizn: unknown key. The keys here are name, task, preset, for_each",
        ),
        ("window: {}", r"window: unknown key; did you mean 'windows'\?"),
        ("data: {path: a, tme: x}", r"data\.tme: unknown key; did you mean 'time'\?"),
        ("windows: {seqlen: 3}", r"windows\.seqlen: .*did you mean 'seq_len'\?"),
        ("model: {hiden_size: 3}", r"model\.hiden_size: .*mean 'hidden_size'\?"),
        ("training: {epoch: 3}", r"training\.epoch: .*did you mean 'epochs'\?"),
        ("evaluation: {fold: 3}", r"evaluation\.fold: .*did you mean 'folds'\?"),
        ("registry: {aliaz: x}", r"registry\.aliaz: .*did you mean 'alias'\?"),
        ("windows: {zzz: 3}", r"windows\.zzz: unknown key. The keys here are seq_len"),
    ],
)
def test_an_unknown_key_is_named_with_what_may_be_meant(tmp_path, text, message):
    key = text.split(":")[0]
    required = "".join(
        f"{line}\n" for line in MINIMAL.split("\n") if key + ":" not in line
    )

    with pytest.raises(JobError, match=message):
        read_job(write(tmp_path, required + text))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("windows: {seq_len: many}", r"windows\.seq_len: .*integer.*\(found 'many'\)"),
        ("windows: {seq_len: 0}", r"windows: seq_len must be a whole number.*found 0"),
        ("windows: {seq_len: 5.5}", r"windows\.seq_len: .*integer"),
        ("windows: {seq_len: null}", r"windows\.seq_len: .*found None"),
        ("windows: 5", r"windows: .*found 5"),
        ("windows: [5, 2]", r"windows: .*found \[5, 2\]"),
        ("model: {cell: transformer}", r"model\.cell: .*'rnn', 'lstm', 'gru'"),
        ("model: {dropout: 1.5}", r"model: dropout must be"),
        ("training: {device: tpu}", r"training\.device: .*'cpu', 'cuda'"),
        ("evaluation: {levels: [80, 120]}", r"evaluation: level must be .*found 120"),
        ("evaluation: {levels: 80}", r"evaluation\.levels: .*found 80"),
        ("evaluation: {metric: r2}", r"evaluation\.metric: .*'mase'"),
        ("evaluation: {folds: few}", r"evaluation\.folds"),
        ("registry: {promote: maybe}", r"registry\.promote: .*'if_better'"),
        ("registry: {alias: latest}", r"registry\.alias: alias must be a word"),
        ("registry: {alias: V2}", r"registry\.alias: alias must be a word"),
        ("registry: {alias: a.b}", r"registry\.alias: alias must be a word"),
        ("data: 5", r"data: .*found 5"),
        ("data: {path: a, missing: drop}", r"data\.missing: .*'interpolate'"),
        ("data: {time: a}", r"data\.path is missing"),
        ("data: {path: 5}", r"data\.path: .*found 5"),
        ("name: 5", r"name: .*string.*found 5"),
        ("name: a/b", r"name: name must be up to 100 letters.*found 'a/b'"),
        ("name: ''", r"name: name must be"),
        ("name: null", r"name: .*found None"),
    ],
)
def test_a_wrong_value_is_named_by_its_path(tmp_path, text, message):
    key = text.split(":")[0]
    required = "".join(
        f"{line}\n" for line in MINIMAL.split("\n") if key + ":" not in line
    )

    with pytest.raises(JobError, match=message):
        read_job(write(tmp_path, required + text))


def test_every_problem_of_a_file_is_said_at_once(tmp_path):
    path = write(tmp_path, "data: {}\nwindows: {seq_len: x, stepp: 1}\n")

    with pytest.raises(JobError) as caught:
        read_job(path)

    assert len(caught.value.problems) == 4
    assert str(caught.value).startswith(
        f"{path}: name is missing; data.path is missing"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: [", "is no YAML"),
        ("a: b: c", "is no YAML"),
        ("- name: a", "a job file holds keys"),
        ("just words", "a job file holds keys"),
        ("", "a job file holds keys"),
        ("!!python/object/apply:os.getcwd []", "is no YAML"),
        ("#" * (MAX_JOB_BYTES + 1), "a job file has at most 1000000 bytes"),
    ],
)
def test_what_is_no_job_file_is_said(tmp_path, text, message):
    with pytest.raises(JobError, match=message):
        read_job(write(tmp_path, text))


def test_a_job_file_that_is_no_text_is_said(tmp_path):
    path = tmp_path / "job.yml"
    path.write_bytes(b"\xff\xfe\x00\x80")

    with pytest.raises(JobError, match="is no YAML"):
        read_job(path)


def test_a_job_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(JobError, match=r"none\.yaml: cannot be read \(No such file"):
        read_job(tmp_path / "none.yaml")


def test_numbers_in_quotes_are_numbers(tmp_path):
    text = MINIMAL + "windows: {seq_len: '8'}\ntraining: {learning_rate: '1e-2'}\n"

    job = read_job(write(tmp_path, text))

    assert (job.windows.seq_len, job.training.learning_rate) == (8, 0.01)


def test_null_stands_for_what_is_guessed_or_unbounded(tmp_path):
    text = "name: a\ndata: {path: a.csv, time: null}\ntraining: {clip_norm: null}\n"

    job = read_job(write(tmp_path, text))

    assert job.data.time is None
    assert job.training.clip_norm is None


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("sales.csv", "sales"),
        ("sales.csv.gz", "sales"),
        ("a: b/c.csv", "c"),
        ("Umsatz (2024)!.csv", "Umsatz -2024"),
        ("köln.csv", "köln"),
        ("....csv", "model"),
        ("data", "data"),
    ],
)
def test_a_csv_is_a_job_named_after_it(file, name):
    job = read_job(Path(file))

    assert job.name == name
    assert job.data.path == Path(file)


@pytest.mark.parametrize("job", sorted(Path("jobs").resolve().glob("*.yaml")), ids=str)
def test_the_bundled_jobs_are_jobs(job):
    assert set(yaml.safe_load(job.read_text())) <= set(read_any_job(job).model_dump())


def test_a_job_knows_which_settings_it_was_given(tmp_path):
    path = tmp_path / "job.yaml"
    path.write_text("name: a\ndata: {path: a.csv}\nmodel: {cell: lstm}\n")

    job = read_job(path, {"windows.horizon": 3})

    assert job.explicit == {"name", "data.path", "model.cell", "windows.horizon"}


def test_settings_are_replaced_by_their_path_and_checked(tmp_path):
    job = read_job(tmp_path / "a.csv")

    other = job.replace({"model.cell": "gru", "windows.seq_len": 9})

    assert (other.model.cell, other.windows.seq_len) == ("gru", 9)
    assert (job.model.cell, job.windows.seq_len) == ("lstm", 5)
    with pytest.raises(SettingError, match="seq_len must be a whole number of at"):
        job.replace({"windows.seq_len": 0})
