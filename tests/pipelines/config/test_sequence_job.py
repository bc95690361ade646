"""Job files of discrete series: keys by task, refusals, defaults of the estimators."""

from pathlib import Path

import pytest

from forecasting import LSTMClassifier, SequenceLabeler, SymbolModel
from pipelines.config.job import Job, make_job
from pipelines.config.sequence_job import SequenceJob, all_keys, read_any_job
from pipelines.errors import JobError


def write(folder, text):
    (folder / "job.yaml").write_text(text)
    return folder / "job.yaml"


def test_a_job_file_has_the_settings_of_its_estimator(tmp_path):
    text = """
    name: gestures
    task: classify
    data: {path: g.csv, test: t.csv, series_id: id, label: kind, channels: [x, y]}
    model: {cell: lstm, hidden_size: 8, bidirectional: true, merge: sum}
    training: {epochs: 3, clip_norm: null, class_weight: balanced, seed: 5}
    """

    job = read_any_job(write(tmp_path, text))

    assert isinstance(job, SequenceJob)
    assert job.data.path == tmp_path / "g.csv"
    assert job.data.test == tmp_path / "t.csv"
    model = job.make_estimator()
    assert isinstance(model, LSTMClassifier)
    chosen = {"hidden_size": 8, "bidirectional": True, "merge": "sum", "epochs": 3}
    chosen |= {"clip_norm": None, "class_weight": "balanced", "random_state": 5}
    defaults = LSTMClassifier().get_params() | chosen
    assert model.get_params() == defaults


@pytest.mark.parametrize(
    ("task", "estimator"), [("label", SequenceLabeler), ("next", SymbolModel)]
)
def test_a_file_with_series_has_the_defaults_of_its_task(task, estimator):
    job = read_any_job(Path("a.csv"), {"task": task})

    expected = estimator(random_state=0).get_params()
    assert job.make_estimator().get_params() == expected


@pytest.mark.parametrize(
    ("task", "settings"),
    [
        ("classify", {"model.features": "convolutions"}),
        ("label", {"model.members": 5}),
        ("next", {"model.hidden_size": 256, "training.epochs": 40}),
    ],
)
def test_the_preset_accurate_fills_in_what_is_open(task, settings):
    job = read_any_job(Path("a.csv"), {"task": task, "preset": "accurate"})
    small = {"task": task, "preset": "accurate", "model.hidden_size": 4}
    fixed = read_any_job(Path("a.csv"), small)

    for path, value in settings.items():
        section, key = path.split(".")
        assert getattr(job, section)[key] == value
    assert fixed.model["hidden_size"] == 4


def test_a_logged_job_file_gives_the_same_job(tmp_path):
    overrides = {"task": "next", "data.symbol": "event", "data.time": ()}
    job = read_any_job(tmp_path / "a.csv", overrides)

    again = read_any_job(write(tmp_path, job.to_yaml()))

    assert again == job


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"task": "classify", "windows.horizon": 3},
            "windows.horizon: only for the task forecast; leave it out with task cl",
        ),
        ({"task": "classify", "evaluation.levels": [80]}, "evaluation.levels: only"),
        ({"task": "label", "data.known_covariates": ["p"]}, "data.known_covariates: o"),
        ({"task": "next", "model.guard": True}, "model.guard: only for the task fore"),
        ({"task": "next", "for_each": "series"}, "for_each: only for the task forecas"),
        ({"task": "next", "model.features": "x"}, "features: only for the task classi"),
        (
            {"task": "label", "training.truncate": 8},
            "truncate: only for the tasks fore",
        ),
        (
            {"task": "classify", "model.embedding": 8},
            "embedding: only for the task nex",
        ),
        ({"data.label": "kind"}, "data.label: only for the tasks classify and label"),
        (
            {"task": "classify", "preset": "zero_shot"},
            "preset: Input should be 'classi",
        ),
        ({"task": "sort"}, "task must be one of forecast, classify, label, next"),
        (
            {"task": "classify", "model.hiddensize": 3},
            "did you mean 'model.hidden_size'",
        ),
        (
            {"task": "classify", "model.cell": "mlp"},
            "model.cell: Input should be 'rnn'",
        ),
        ({"task": "classify", "training.epochs": "many"}, r"epochs: .*found 'many'"),
        ({"task": "next", "training.seed": -1}, r"training.seed: .*found -1"),
        (
            {"task": "classify", "matrix": {"name": ["a"]}},
            "matrix: only `recast run` reads this",
        ),
        ({"task": "classify", "model": 3}, "model: a section holds keys"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused_by_name(settings, message):
    with pytest.raises(JobError, match=message):
        read_any_job(Path("a.csv"), settings)


def test_a_job_without_a_task_is_a_forecast():
    assert isinstance(read_any_job(Path("a.csv")), Job)
    assert isinstance(read_any_job(Path("a.csv"), {"task": "forecast"}), Job)


def test_a_job_of_another_task_is_no_forecast():
    with pytest.raises(JobError, match=r"task: expected forecast here .found 'next'"):
        make_job({"name": "a", "task": "next", "data": {"path": "a.csv"}}, Path("a"))


def test_keys_of_all_tasks_are_listed_once():
    keys = all_keys()

    assert len(keys) == len(set(keys))
    expected = {"task", "windows.horizon", "data.symbol", "model.features"}
    assert expected <= set(keys)
