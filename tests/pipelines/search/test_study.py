"""Storage, resumption and pruning of a search's trials."""

import json
import sqlite3
from dataclasses import replace

import numpy as np
import pytest

from forecasting.data.panel import Panel
from forecasting.training import EpochRecord
from pipelines.config.job import Job
from pipelines.errors import StudyError
from pipelines.search.search_space import make_search_space
from pipelines.search.study import (
    PruningCallback,
    default_storage,
    ended_trials,
    name_study,
    open_study,
    run_trials,
)

PANEL = Panel.from_values({"a": np.arange(1.0, 100.0)})


def make_job(**sections):
    return Job.model_validate({"name": "a", "data": {"path": "a.csv"}, **sections})


def make_space(job):
    return make_search_space(job, PANEL, season_length=12, longest=80)


def epoch(number, loss):
    return EpochRecord(
        member=0, epoch=number, epochs=9, train_loss=1, validation_loss=loss, seconds=0
    )


def test_a_trial_behind_the_median_at_a_rung_is_pruned(tmp_path):
    space = make_space(make_job())

    def objective(trial):
        space.suggest(trial)
        prune = PruningCallback(trial, naive=2.0)
        loss = 9.0 if trial.number == 5 else 1.0
        for number in range(9):
            prune(epoch(number, loss))
        return loss

    with open_study(f"sqlite:///{tmp_path}/t.db", "s") as study:
        ran = list(run_trials(study, objective, space, trials=7, seed=0))

    states = [trial.state.name for trial in ran]
    assert states == ["COMPLETE"] * 5 + ["PRUNED", "COMPLETE"]
    assert ran[0].intermediate_values == {4: 0.5, 8: 0.5}
    assert ran[5].intermediate_values == {4: 4.5}


def test_a_training_again_on_everything_is_not_reported_twice(tmp_path):
    space = make_space(make_job())

    def objective(trial):
        space.suggest(trial)
        prune = PruningCallback(trial, naive=2.0)
        for number in range(9):
            prune(epoch(number, 1.0))
        for number in range(9):  # a second report of an epoch would warn
            prune(replace(epoch(number, 0.1), refit=True))
        return 1.0

    with open_study(f"sqlite:///{tmp_path}/t.db", "s") as study:
        [ran] = run_trials(study, objective, space, trials=1, seed=0)

    assert ran.intermediate_values == {4: 0.5, 8: 0.5}


def test_a_trial_whose_loss_nothing_validates_is_never_pruned(tmp_path):
    def objective(trial):
        for naive in (float("nan"), 0.0, 1.0):
            prune = PruningCallback(trial, naive)
            for number in range(9):
                prune(epoch(number, float("nan")))
        return 1.0

    with open_study(f"sqlite:///{tmp_path}/t.db", "s") as study:
        study.optimize(objective, n_trials=1)

        assert study.trials[0].intermediate_values == {}


def test_a_stopped_search_goes_on_as_if_it_had_not_been(tmp_path):
    space, stop_at = make_space(make_job()), [2]

    def objective(trial):
        settings = space.suggest(trial)
        if [trial.number] == stop_at:
            stop_at.clear()
            raise KeyboardInterrupt
        return settings["training.learning_rate"] * settings["model.hidden_size"]

    def search(file, trials):
        with open_study(f"sqlite:///{tmp_path}/{file}", "s") as study:
            for _ in run_trials(study, objective, space, trials=trials, seed=0):
                pass
            return [trial.params for trial in ended_trials(study)]

    search("stopped.db", 2)
    with pytest.raises(KeyboardInterrupt):
        search("stopped.db", 12)
    stopped = search("stopped.db", 12)
    straight = search("straight.db", 12)

    assert len(straight) == 12
    assert stopped == straight


def test_the_first_trial_is_the_job_as_it_stands(tmp_path):
    space = make_space(make_job(windows={"seq_len": 7}))

    with open_study(f"sqlite:///{tmp_path}/t.db", "s") as study:

        def objective(trial):
            space.suggest(trial)
            return 1.0

        [first] = run_trials(study, objective, space, trials=1, seed=0)

    assert first.params["windows.seq_len"] == 7
    assert first.params["model.cell"] == "lstm"
    assert first.params["training.learning_rate"] == 0.001


def test_other_data_settings_or_spaces_are_another_study():
    job, space = make_job(), make_space(make_job())
    other = Panel.from_values({"a": np.arange(2.0, 101.0)})
    wider = make_job(training={"epochs": 7})

    names = {
        name_study(job, PANEL, space),
        name_study(job, other, space),
        name_study(wider, PANEL, space),
        name_study(
            job, PANEL, make_search_space(job, PANEL, season_length=7, longest=80)
        ),
    }

    assert len(names) == 4
    assert all(name.startswith("a-") for name in names)
    assert name_study(job, PANEL, space) in names


def test_the_trials_are_kept_beside_the_store_of_mlflow():
    assert (
        default_storage("sqlite:////srv/x/mlflow.db")
        == "sqlite:////srv/x/recast-tune.db"
    )
    assert default_storage("sqlite:///mlflow.db") == "sqlite:///recast-tune.db"
    assert default_storage("http://mlflow:5000") == "sqlite:///recast-tune.db"


def test_the_database_of_another_program_is_refused_and_left_as_it_was(empty_store):
    def tables():
        with sqlite3.connect(empty_store) as connection:
            return connection.execute("SELECT name FROM sqlite_master").fetchall()

    before = json.dumps(tables())

    with (
        pytest.raises(StudyError, match=r"mlflow.db: another program's tables are"),
        open_study(f"sqlite:///{empty_store}", "s"),
    ):
        pass

    assert json.dumps(tables()) == before


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("nonsense", "cannot be kept in nonsense: Could not parse"),
        ("sqlite:////nowhere/t.db", "unable to open database file"),
        ("foo://me:secret@there/t", r"foo://me:\*\*\*@there/t: Can't load plugin"),
    ],
)
def test_a_database_that_cannot_be_used_is_named(url, reason):
    with pytest.raises(StudyError, match=reason), open_study(url, "s"):
        pass
