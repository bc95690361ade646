"""RNN, LSTM and GRU under one budget: a parent run, a nested run each, one winner."""

from dataclasses import replace

import mlflow
import pandas as pd
from rich.console import Console

from forecasting.devices import check_precision, pick_device
from forecasting.models.cells import Cell
from pipelines.config.job import Job
from pipelines.jobs.experiment import Experiment, Measured
from pipelines.jobs.train import Outcome, finish, log_pictures, measure
from pipelines.tracking.metrics import log_scores
from pipelines.tracking.runs import connect, log_dataset, tracked_run

CELLS: tuple[Cell, ...] = ("rnn", "lstm", "gru")


def compare(job: Job, console: Console) -> Outcome:
    """Measure the cells on the same folds and register the best.

    Everything but the cell is the same: data, windows, epochs, batch size, learning
    rate, seed. The returned leaderboard holds every cell and the baselines.

    Raises:
        DataError: the series cannot be used; nothing has been written.
        SettingError: nor can the settings, with one of the cells.
        TrackingError: MLflow does not answer; nothing has been written.
    """
    experiment = Experiment(job)
    job = experiment.job
    for cell in CELLS:  # before a run is open
        check_precision(pick_device(job.training.device), job.training.precision, cell)
    connect()
    with tracked_run(job, f"{job.name} compare") as parent:
        log_dataset(experiment.panel, job)
        contests = []
        for cell in CELLS:
            candidate = with_cell(job, cell)
            with tracked_run(candidate, f"{job.name} {cell}", nested=True) as run:
                measured = measure(experiment, candidate, run, console)
                contests.append((candidate, measured))
        winner, measured, scores = choose(experiment, contests)
        mlflow.log_table(scores.reset_index(), "leaderboard.json")
        log_pictures(measured)
        outcome = finish(experiment, winner, measured, parent, console)
        log_scores(scores, scores.iloc[:0], measured.label, job.evaluation.metric)
        mlflow.set_tag("winner", measured.label)
        return replace(outcome, scores=scores)


def follow(job: Job) -> None:
    """Take part in the trainings of `compare`, which another process runs."""
    experiment = Experiment(job)
    candidates = [with_cell(experiment.job, cell) for cell in CELLS]
    contests = [(own, experiment.measure(own)) for own in candidates]
    winner, measured, _ = choose(experiment, contests)
    experiment.finish(winner, measured)


def choose(
    experiment: Experiment, contests: list[tuple[Job, Measured]]
) -> tuple[Job, Measured, pd.DataFrame]:
    """Return the best of the cells, how it did, and all scores."""
    tables = [measured.table for _, measured in contests]
    scores = experiment.scores(
        pd.concat([*tables, experiment.baselines], ignore_index=True)
    )
    best = next(str(model) for model in scores.index if model in CELLS)
    winner, measured = next(pair for pair in contests if pair[1].label == best)
    return winner, measured, scores


def with_cell(job: Job, cell: Cell) -> Job:
    """Return the job with another cell and nothing else changed."""
    return job.model_copy(update={"model": replace(job.model, cell=cell)})
