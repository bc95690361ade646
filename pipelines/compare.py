"""RNN, LSTM and GRU under one budget: a parent run, a nested run each, one winner."""

from dataclasses import replace

import mlflow
import pandas as pd
from rich.console import Console

from forecasting.cells import Cell
from pipelines.experiment import Experiment
from pipelines.job import Job
from pipelines.metrics import log_scores
from pipelines.tracking import connect, log_dataset, tracked_run
from pipelines.train import Outcome, finish, log_pictures, measure

CELLS: tuple[Cell, ...] = ("rnn", "lstm", "gru")


def compare(job: Job, console: Console) -> Outcome:
    """Measure the cells on the same folds and register the best.

    Everything but the cell is the same: data, windows, epochs, batch size, learning
    rate, seed. The returned leaderboard holds every cell and the baselines.

    Raises:
        DataError: the series cannot be used; nothing has been written.
        TrackingError: MLflow does not answer; nothing has been written.
    """
    experiment = Experiment(job)
    job = experiment.job
    connect()
    with tracked_run(job, f"{job.name} compare") as parent:
        log_dataset(experiment.panel, job)
        contests = []
        for cell in CELLS:
            candidate = with_cell(job, cell)
            with tracked_run(candidate, f"{job.name} {cell}", nested=True) as run:
                measured = measure(experiment, candidate, run, console)
                contests.append((candidate, measured))
        tables = [measured.table for _, measured in contests]
        scores = experiment.scores(
            pd.concat([*tables, experiment.baselines], ignore_index=True)
        )
        mlflow.log_table(scores.reset_index(), "leaderboard.json")
        best = next(str(model) for model in scores.index if model in CELLS)
        winner, measured = next(pair for pair in contests if pair[1].label == best)
        log_pictures(measured)
        outcome = finish(experiment, winner, measured, parent, console)
        log_scores(scores, scores.iloc[:0], best, job.evaluation.metric)
        mlflow.set_tag("winner", best)
        return replace(outcome, scores=scores)


def with_cell(job: Job, cell: Cell) -> Job:
    """Return the job with another cell and nothing else changed."""
    return job.model_copy(update={"model": replace(job.model, cell=cell)})
