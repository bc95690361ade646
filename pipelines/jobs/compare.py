"""Compare job: an RNN, an LSTM and a GRU under one budget; registers the best.

Each cell has a nested run in MLflow, below a parent run.
"""

from dataclasses import replace

import mlflow
import pandas as pd
from rich.console import Console

from forecasting.devices import check_precision, pick_device
from forecasting.models.cells import Cell
from pipelines.config.job import Job
from pipelines.jobs.experiment import BacktestResult, Experiment
from pipelines.jobs.train import (
    Outcome,
    evaluate,
    log_evaluation_plots,
    register_final_model,
)
from pipelines.output.summary import show_series
from pipelines.tracking.metrics import log_scores
from pipelines.tracking.runs import connect, log_dataset, tracked_run

CELLS: tuple[Cell, ...] = ("rnn", "lstm", "gru")


def compare(job: Job, console: Console) -> Outcome:
    """Backtest the cells on the same folds and register the best.

    Everything but the cell is the same: data, windows, epochs, batch size, learning
    rate, seed. The returned leaderboard holds every cell and the baselines.

    Raises:
        DataError: the series cannot be used; nothing has been written.
        SettingError: the settings do not fit one of the cells; nothing is written.
        TrackingError: MLflow does not answer; nothing has been written.
    """
    experiment = Experiment(job)
    job = experiment.job
    show_series(console, experiment.panel, job)
    for cell in CELLS:  # fail before a run is opened
        check_precision(pick_device(job.training.device), job.training.precision, cell)
    connect()
    with tracked_run(job, f"{job.name} compare") as parent:
        log_dataset(experiment.panel, job)
        candidates = []
        for cell in CELLS:
            candidate = with_cell(job, cell)
            with tracked_run(candidate, f"{job.name} {cell}", nested=True) as run:
                result = evaluate(experiment, candidate, run, console)
                candidates.append((candidate, result))
        winner, result, scores = choose_winner(experiment, candidates)
        mlflow.log_table(scores.reset_index(), "leaderboard.json")
        log_evaluation_plots(experiment, result, scores)
        outcome = register_final_model(experiment, winner, result, parent, console)
        log_scores(scores, scores.iloc[:0], result.label, job.evaluation.metric)
        mlflow.set_tag("winner", winner.model.cell)
        return replace(outcome, scores=scores)


def follow(job: Job) -> None:
    """Take part in the trainings of `compare` as a follower of the leading process."""
    experiment = Experiment(job)
    jobs = [with_cell(experiment.job, cell) for cell in CELLS]
    candidates = [(job, experiment.evaluate(job)) for job in jobs]
    winner, result, _ = choose_winner(experiment, candidates)
    experiment.fit_final_model(winner, result)


def choose_winner(
    experiment: Experiment, candidates: list[tuple[Job, BacktestResult]]
) -> tuple[Job, BacktestResult, pd.DataFrame]:
    """Return the best candidate's job and backtest, and the scores of all models."""
    tables = [result.table for _, result in candidates]
    scores = experiment.scores(
        pd.concat([*tables, experiment.baselines], ignore_index=True)
    )
    best = next(str(model) for model in scores.index if model in CELLS)
    winner, result = next(pair for pair in candidates if pair[0].model.cell == best)
    return winner, result, scores


def with_cell(job: Job, cell: Cell) -> Job:
    """Return a copy of the job with another cell."""
    return job.model_copy(update={"model": replace(job.model, cell=cell)})
