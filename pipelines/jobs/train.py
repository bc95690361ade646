"""Train job: backtest beside the baselines, final fit, registration, promotion."""

import mlflow
import pandas as pd
from mlflow.entities import Run
from rich.console import Console

from forecasting.training import EpochRecord
from pipelines.config.job import Job
from pipelines.jobs.experiment import BacktestResult, Experiment
from pipelines.jobs.fine_tuning import LINEAGE_TAG, load_pretrained
from pipelines.jobs.registration import Outcome, register_final_model
from pipelines.output import plots
from pipelines.output.evidence import describe_methods, make_caption
from pipelines.output.progress import Work, count_trainings, show_work
from pipelines.output.summary import show_series
from pipelines.tracking.metrics import EpochLog, log_metrics, log_plot, log_scores
from pipelines.tracking.runs import (
    connect,
    log_dataset,
    make_dataset,
    name_run,
    tracked_run,
)


def train(job: Job, console: Console, *, start: str | None = None) -> Outcome:
    """Run one training job.

    Args:
        job: data, model, training and evaluation.
        console: output of the progress.
        start: the model to fine-tune: ``name``, ``name@alias``, ``name/version`` or a
            folder. Windows and layers that the job leaves open are taken from it.

    Raises:
        DataError: the series cannot be used; nothing has been written.
        SettingError: the settings do not fit the series, the machine or ``start``;
            nothing has been written.
        UnknownModel, ArtifactError: the model to start from is missing, or damaged.
        TrackingError: MLflow does not answer; nothing has been written.
    """
    experiment = _prepare(job, start)
    job = experiment.job
    show_series(console, experiment.panel, job)
    connect()
    name = name_run(job.name, job.model.cell)
    with (
        tracked_run(job, name, settings=experiment.settings) as run,
        show_work(console, parts=2) as work,
    ):
        if experiment.pretrained is not None:
            mlflow.set_tag(LINEAGE_TAG, experiment.pretrained.reference)
        log_dataset(make_dataset(experiment.panel, job))
        result = evaluate(experiment, job, run, work)
        return register_final_model(experiment, job, result, run, work)


def follow(job: Job, *, start: str | None = None) -> None:
    """Take part in the trainings of `train` as a follower of the leading process."""
    experiment = _prepare(job, start)
    experiment.fit_final_model(experiment.job, experiment.evaluate(experiment.job))


def _prepare(job: Job, start: str | None) -> Experiment:
    """Load the model to fine-tune, if any, and read and check the series."""
    if start is None:
        return Experiment(job)
    pretrained = load_pretrained(start)
    return Experiment(pretrained.complete(job), pretrained=pretrained)


def evaluate(experiment: Experiment, job: Job, run: Run, work: Work) -> BacktestResult:
    """Backtest the job's model and log its scores beside those of the baselines."""
    epochs = EpochLog(run.info.run_id)
    title = f"{job.name}: backtest of {job.model.cell}"
    trainings = count_trainings(job, len(experiment.folds))
    with work.part(title, trainings) as show, epochs:

        def on_epoch(record: EpochRecord) -> None:
            show(record)
            epochs(record)

        result = experiment.evaluate(job, on_epoch)
    table = pd.concat([result.table, experiment.baselines], ignore_index=True)
    scores = experiment.scores(table)
    by_step, metric = experiment.scores_by_step(table), job.evaluation.metric
    log_scores(scores, by_step, result.label, metric)
    log_metrics(
        {
            "timing/backtest_seconds": result.seconds,
            "backtest/folds": len(experiment.folds),
            "backtest/origins": len(experiment.origins),
            "backtest/series": len(experiment.folds[0]),
        }
    )
    mlflow.log_param("model.normalization", result.forecaster.trained.method)
    mlflow.log_table(scores.reset_index(), "leaderboard.json")
    log_evaluation_plots(experiment, result, scores)
    return result


def log_evaluation_plots(
    experiment: Experiment, result: BacktestResult, scores: pd.DataFrame
) -> None:
    """Log plots of the residuals by step and of the loss by epoch to the open run."""
    served = result.table[result.table["model"] == result.label]
    answers = describe_methods(result.forecaster.trained.method_counts)
    caption = experiment.caption(scores, result.label, answers)
    log_plot(plots.plot_residuals(served, caption), "residuals")
    caption = make_caption("loss of the network", answers, "")
    log_plot(plots.plot_loss(result.forecaster.history, caption), "loss")
