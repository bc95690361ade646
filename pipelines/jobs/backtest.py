"""Backtest job: rolling-origin evaluation without tracking or registration."""

from dataclasses import replace

import pandas as pd
from rich.console import Console

from pipelines.config.job import Job
from pipelines.jobs.experiment import Experiment
from pipelines.jobs.local_experiment import LocalExperiment
from pipelines.output.progress import count_trainings, show_work
from pipelines.output.summary import show_series


def run_backtest(
    job: Job, console: Console, *, refit: bool = False
) -> tuple[Experiment, pd.DataFrame, pd.DataFrame]:
    """Backtest the job's model beside the baselines.

    Args:
        job: the model and its evaluation.
        console: output of the progress.
        refit: train again at every cutoff; overrides the job's setting.

    Returns:
        The experiment, every forecast with its cutoff, and the leaderboard.

    Raises:
        DataError: the series cannot be used.
    """
    if refit:
        evaluation = replace(job.evaluation, refit=True)
        job = job.model_copy(update={"evaluation": evaluation})
    is_local = job.for_each is not None
    experiment = LocalExperiment(job) if is_local else Experiment(job)
    job = experiment.job
    show_series(console, experiment.panel, job)
    title = f"{job.name}: backtest of {job.model.cell}"
    trainings = count_trainings(job, len(experiment.folds))
    with show_work(console, parts=1) as work:
        if isinstance(experiment, LocalExperiment):
            with work.series(title, len(experiment.folds[0])) as show_count:
                result = experiment.evaluate_each(show_count)
        else:
            with work.part(title, trainings) as show:
                result = experiment.evaluate(job, show)
    table = pd.concat([result.table, experiment.baselines], ignore_index=True)
    return experiment, table, experiment.comparison.scores(table)
