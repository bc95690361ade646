"""Compare job: an RNN, an LSTM and a GRU under one budget; registers the best.

Each cell has a nested run in MLflow, below a parent run.
"""

from collections.abc import Mapping
from dataclasses import replace

import mlflow
import pandas as pd
from rich.console import Console

from forecasting.devices import check_precision, pick_device
from forecasting.display.wording import count, join_words
from forecasting.errors import SettingError
from forecasting.evaluation.evidence import describe_skill
from forecasting.evaluation.skill import PairedErrors
from forecasting.models.cells import Cell
from pipelines.checkpoints.opening import WorkOptions, folder_opener
from pipelines.checkpoints.resumed_run import resumed_run
from pipelines.config.job import Job
from pipelines.jobs.experiment import BacktestResult, Experiment
from pipelines.jobs.registration import Outcome, register_final_model
from pipelines.jobs.train import evaluate, log_evaluation_plots
from pipelines.output.progress import show_work
from pipelines.output.summary import show_notes, show_series
from pipelines.tracking.metrics import log_scores, log_table
from pipelines.tracking.registry import FORECAST, check_task
from pipelines.tracking.runs import (
    connect,
    log_dataset,
    make_dataset,
    name_run,
)

COMMAND = "compare"  # in a job's identity
CELLS: tuple[Cell, ...] = ("rnn", "lstm", "gru")


def compare(job: Job, console: Console, *, work: WorkOptions | None = None) -> Outcome:
    """Backtest the cells on the same folds and register the best.

    Everything but the cell is the same: data, windows, epochs, batch size, learning
    rate, seed. The networks are judged by themselves, without their guards. The
    returned leaderboard holds every cell and the baselines.

    Raises:
        DataError: the series cannot be used; nothing has been written.
        SettingError: the settings do not fit one of the cells; nothing is written.
        TrackingError: MLflow does not answer; nothing has been written.
        CheckpointError: the unfinished work is damaged.
    """
    if job.preset == "zero_shot":
        expected = "classic, guarded or accurate: compare trains an RNN, LSTM and GRU"
        raise SettingError("preset", job.preset, expected)
    job.check_for_each("compare")
    open_folder = folder_opener(work or WorkOptions(), COMMAND)
    experiment = Experiment(job, open_folder=open_folder)
    job, folder = experiment.job, experiment.folder
    show_series(console, experiment.panel, job)
    show_notes(console, folder.notes)
    for cell in CELLS:  # fail before a run is opened
        check_precision(pick_device(job.training.device), job.training.precision, cell)
    with folder.released_on_error():
        connect()
        check_task(job.name, FORECAST)
    dataset = make_dataset(experiment.panel, job)
    name = name_run(job.name, "compare")
    with (
        folder,
        resumed_run(folder, job, name, settings=experiment.settings) as parent,
        show_work(console, parts=len(CELLS) + 1) as progress,
    ):
        log_dataset(dataset)
        candidates = []
        for cell in CELLS:
            candidate, settings = with_cell(job, cell), experiment.settings
            name = name_run(job.name, "compare", cell)
            part = folder.under(cell)
            with resumed_run(
                part, candidate, name, settings=settings, nested=True
            ) as run:
                log_dataset(dataset)
                result = evaluate(experiment, candidate, run, progress)
                candidates.append((candidate, result))
        winner, result, table = choose_winner(experiment, candidates)
        scores = experiment.comparison.scores(table)
        log_table(scores.reset_index(), "leaderboard.json")
        log_evaluation_plots(experiment, result, scores)
        outcome = register_final_model(experiment, winner, result, parent, progress)
        log_scores(scores, scores.iloc[:0], result.label, job.evaluation.metric)
        findings = compare_networks(experiment, table, outcome.methods)
        mlflow.set_tags({"winner": winner.model.cell, "findings": "; ".join(findings)})
        return replace(outcome, scores=scores, findings=findings)


def follow(job: Job, *, work: WorkOptions | None = None) -> None:
    """Take part in the trainings of `compare` as a follower of the leading process."""
    open_folder = folder_opener(work or WorkOptions(), COMMAND, is_follower=True)
    experiment = Experiment(job, open_folder=open_folder)
    jobs = [with_cell(experiment.job, cell) for cell in CELLS]
    candidates = [(job, experiment.evaluate(job)) for job in jobs]
    winner, result, _ = choose_winner(experiment, candidates)
    experiment.fit_final_model(winner, result)


def choose_winner(
    experiment: Experiment, candidates: list[tuple[Job, BacktestResult]]
) -> tuple[Job, BacktestResult, pd.DataFrame]:
    """Return the job and backtest of the best network, and all backtests."""
    tables = [result.table for _, result in candidates]
    table = pd.concat([*tables, experiment.baselines], ignore_index=True)
    best = rank_networks(experiment.comparison.paired_errors(table))[0]
    winner, result = next(pair for pair in candidates if pair[0].model.cell == best)
    return winner, result, table


def rank_networks(errors: PairedErrors) -> list[str]:
    """Return the cells by the error of the network by itself, the lowest first."""
    return sorted(CELLS, key=lambda cell: errors.errors[cell])


def compare_networks(
    experiment: Experiment, table: pd.DataFrame, methods: Mapping[str, int]
) -> tuple[str, ...]:
    """Describe in words which networks differ, and whether they beat a simple forecast.

    Args:
        experiment: series and folds.
        table: backtests of the networks by themselves and of the baselines.
        methods: number of series that each method of the registered model forecasts.
    """
    errors = experiment.comparison.paired_errors(table)
    best, *others = rank_networks(errors)
    baseline = experiment.comparison.best_baseline(errors)
    evidence = _describe_cutoffs(experiment, errors.skill(best, baseline).cutoffs)
    tied = [cell for cell in others if not errors.skill(best, cell).is_clear]
    return (
        _describe_ties(best, others, tied, evidence),
        _describe_best(errors, best, baseline, methods),
    )


def _describe_cutoffs(experiment: Experiment, cutoffs: int) -> str:
    """Return the sample size of a test: that of a single series is its origins."""
    return count(cutoffs, "origin" if len(experiment.folds[0]) == 1 else "cutoff")


def _describe_ties(best: str, others: list[str], tied: list[str], evidence: str) -> str:
    if tied:
        names = [cell for cell in CELLS if cell in (best, *tied)]
        return (
            f"{join_words(names)} tie (no difference beyond one standard error over "
            f"{evidence}); the {best} has the lowest error and is registered"
        )
    return (
        f"the {best} is better than {join_words(others)} by more than one standard "
        f"error over {evidence}"
    )


def _describe_best(
    errors: PairedErrors, best: str, baseline: str, methods: Mapping[str, int]
) -> str:
    """Compare the best network by itself with the best simple forecast in words."""
    name, gain = baseline.replace("_", " "), errors.skill(best, baseline)
    if errors.skill(baseline, best).is_clear:
        answers = ", which is what answers" if [*methods] == [baseline] else ""
        return f"all lose to {name}{answers}"
    if not gain.is_clear:
        return f"none is clearly better than {name}, the best simple forecast"
    return (
        f"the {best} is better than {name}, the best simple forecast, by more than one "
        f"standard error: {describe_skill(gain)}"
    )


def with_cell(job: Job, cell: Cell) -> Job:
    """Return a copy of the job with another cell."""
    return job.model_copy(update={"model": replace(job.model, cell=cell)})
