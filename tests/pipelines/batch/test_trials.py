"""Trials of a search several at once, in worker processes."""

from pathlib import Path

import mlflow
import pytest
from rich.console import Console

from pipelines.batch.trials import open_trials
from pipelines.checkpoints.opening import WorkOptions
from pipelines.config.job import read_job
from pipelines.config.resources import Resources
from pipelines.errors import InputError
from pipelines.search.rounds import Parallel, TrialEnd
from pipelines.search.tune import tune

QUICK = {
    "training.epochs": 1,
    "evaluation.folds": 3,
    "model.guard": False,
    "model.normalization": "standard",
}


def search(source, count, *, storage, trials=3, **settings):
    """Search with ``count`` trials at once; None for one after another, here."""
    job = read_job(Path(source), QUICK | settings)
    work = WorkOptions()
    with open_trials(None, count, work, Resources()) as parallel:
        return tune(
            job,
            Console(quiet=True),
            trials=trials,
            storage=f"sqlite:///{storage}.db",
            work=work,
            parallel=parallel,
        )


def rows(tuned):
    """Return the trials as text, without their times."""
    return tuned.trials.drop(columns=["run_id", "seconds"]).to_csv()


@pytest.fixture(scope="module")
def searched(shared_workplace, daily_csv):
    """Search in rounds of two."""
    return search(daily_csv("days.csv"), 2, storage="first")


def test_rounds_of_two_give_the_same_trials_every_time(searched):
    again = search("days.csv", 2, storage="second")

    assert rows(again) == rows(searched)


def test_a_round_of_one_is_the_search_of_one_after_another(searched):
    alone = search("days.csv", None, storage="alone", trials=2)
    rounds = search("days.csv", 1, storage="rounds", trials=2)

    assert rows(rounds) == rows(alone)
    assert rounds.outcome.scores.equals(alone.outcome.scores)


def test_every_trial_is_a_nested_run_of_the_search(searched):
    parent = searched.outcome.run_id
    runs = mlflow.search_runs(
        experiment_names=["days"],
        filter_string=f"tags.mlflow.parentRunId = '{parent}'",
        output_format="list",
    )

    assert sorted(run.info.run_id for run in runs) == sorted(searched.trials["run_id"])
    assert {run.info.status for run in runs} == {"FINISHED"}
    assert not Path("recast-work").exists()


def test_a_round_that_was_cut_goes_on_with_its_trials(searched):
    job = read_job(Path("days.csv"), QUICK)
    options = {"trials": 3, "storage": "sqlite:///cut.db"}

    with open_trials(None, 2, WorkOptions(), Resources()) as parallel:

        def cut(plans):
            yield from parallel.run(plans[:1])
            raise KeyboardInterrupt

        quiet = Console(quiet=True)
        with pytest.raises(KeyboardInterrupt):
            tune(job, quiet, work=WorkOptions(), parallel=Parallel(2, cut), **options)
        resumed = tune(
            job, quiet, work=WorkOptions(resume=True), parallel=parallel, **options
        )

    assert rows(resumed) == rows(searched)


def test_a_trial_that_fails_ends_the_search_with_its_reason(searched):
    job = read_job(Path("days.csv"), QUICK)

    def fail(plans):
        yield TrialEnd(plans[0].number, failure="the node died")

    with pytest.raises(InputError, match="trial 0 failed: the node died"):
        tune(
            job,
            Console(quiet=True),
            storage="sqlite:///failed.db",
            parallel=Parallel(2, fail),
        )
