"""Train job: backtest beside the baselines, final fit, registration, promotion."""

from pathlib import Path

import mlflow
import pandas as pd
from mlflow.entities import Run
from rich.console import Console

from forecasting.display.wording import describe_methods, make_caption
from forecasting.errors import SettingError
from forecasting.training import EpochRecord
from pipelines.checkpoints.identity import digest_folder
from pipelines.checkpoints.opening import WorkOptions, folder_opener
from pipelines.checkpoints.resumed_run import resumed_run
from pipelines.config.job import Job
from pipelines.jobs.experiment import BacktestResult, Experiment
from pipelines.jobs.fine_tuning import LINEAGE_TAG, load_pretrained
from pipelines.jobs.local_experiment import LocalExperiment, summarise_trainings
from pipelines.jobs.registration import Outcome, register_final_model
from pipelines.output import plots
from pipelines.output.progress import Work, count_trainings, show_work
from pipelines.output.summary import show_notes, show_series
from pipelines.tracking.metrics import (
    EpochLog,
    log_metrics,
    log_plot,
    log_scores,
    log_table,
)
from pipelines.tracking.registry import FORECAST, check_task
from pipelines.tracking.runs import (
    connect,
    log_dataset,
    make_dataset,
    name_run,
)


def train(
    job: Job,
    console: Console,
    *,
    start: str | None = None,
    work: WorkOptions | None = None,
) -> Outcome:
    """Run one training job.

    Args:
        job: data, model, training and evaluation.
        console: output of the progress.
        start: the model to fine-tune: ``name``, ``name@alias``, ``name/version`` or a
            folder. Windows and layers that the job leaves open are taken from it.
        work: whether to go on from the unfinished work of the same job; default: not.

    Raises:
        DataError: the series cannot be used; nothing has been written.
        SettingError: the settings do not fit the series, the machine or ``start``;
            nothing has been written.
        UnknownModel, ArtifactError: the model to start from is missing, or damaged.
        TrackingError: MLflow does not answer; nothing has been written.
        CheckpointError: the unfinished work is damaged.
    """
    experiment = _prepare(job, start, work or WorkOptions())
    job, folder = experiment.job, experiment.folder
    show_series(console, experiment.panel, job)
    show_notes(console, folder.notes)
    with folder.released_on_error():
        connect()
        check_task(job.name, FORECAST)
    name = name_run(job.name, job.model.cell)
    with (
        folder,
        resumed_run(folder, job, name, settings=experiment.settings) as run,
        show_work(console, parts=2) as progress,
    ):
        if experiment.pretrained is not None:
            mlflow.set_tag(LINEAGE_TAG, experiment.pretrained.reference)
        log_dataset(make_dataset(experiment.panel, job))
        result = evaluate(experiment, job, run, progress)
        return register_final_model(experiment, job, result, run, progress)


def follow(
    job: Job, *, start: str | None = None, work: WorkOptions | None = None
) -> None:
    """Take part in the trainings of `train` as a follower of the leading process."""
    experiment = _prepare(job, start, work or WorkOptions(), is_follower=True)
    experiment.fit_final_model(experiment.job, experiment.evaluate(experiment.job))


def _prepare(
    job: Job, start: str | None, work: WorkOptions, *, is_follower: bool = False
) -> Experiment:
    """Load the model to fine-tune, if any, and read and check the series."""
    if start is not None:
        job.check_for_each("--from")
        if job.preset == "zero_shot":
            expected = "classic, guarded or accurate with --from"
            raise SettingError("preset", job.preset, expected)
    pretrained = None if start is None else load_pretrained(start)
    command = "train"
    if pretrained is not None:
        job, command = pretrained.complete(job), f"train --from {pretrained.reference}"
        if Path(pretrained.reference).is_dir():
            command += f" {digest_folder(Path(pretrained.reference))}"
    open_folder = folder_opener(work, command, is_follower=is_follower)
    if job.for_each is not None:
        return LocalExperiment(job, open_folder=open_folder)
    return Experiment(job, pretrained=pretrained, open_folder=open_folder)


def evaluate(experiment: Experiment, job: Job, run: Run, work: Work) -> BacktestResult:
    """Backtest the job's model and log its scores beside those of the baselines."""
    result = _backtest(experiment, job, run, work)
    table = pd.concat([result.table, experiment.baselines], ignore_index=True)
    scores = experiment.comparison.scores(table)
    by_step, metric = experiment.comparison.scores_by_step(table), job.evaluation.metric
    log_scores(scores, by_step, result.label, metric)
    log_metrics(
        {
            "timing/backtest_seconds": result.seconds,
            "backtest/folds": len(experiment.folds),
            "backtest/origins": len(experiment.comparison.origins),
            "backtest/series": len(experiment.folds[0]),
        }
    )
    mlflow.log_param("model.normalization", result.normalization)
    log_table(scores.reset_index(), "leaderboard.json")
    log_evaluation_plots(experiment, result, scores)
    return result


def _backtest(experiment: Experiment, job: Job, run: Run, work: Work) -> BacktestResult:
    """Backtest the job's model or models, and show the progress."""
    title = f"{job.name}: backtest of {job.model.cell}"
    if isinstance(experiment, LocalExperiment):
        with work.series(title, len(experiment.folds[0])) as show_count:
            result = experiment.evaluate_each(show_count)
        log_metrics(summarise_trainings(result))
        return result
    epochs = EpochLog(run.info.run_id)
    trainings = count_trainings(job, len(experiment.folds))
    with work.part(title, trainings) as show, epochs:

        def on_epoch(record: EpochRecord) -> None:
            show(record)
            epochs(record)

        return experiment.evaluate(job, on_epoch)


def log_evaluation_plots(
    experiment: Experiment, result: BacktestResult, scores: pd.DataFrame
) -> None:
    """Log plots of the residuals by step and of the loss by epoch to the open run."""
    served = result.table[result.table["model"] == result.label]
    answers = describe_methods(result.methods)
    caption = experiment.caption(scores, result.label, answers)
    log_plot(plots.plot_residuals(served, caption), "residuals")
    if result.forecaster is not None:
        caption = make_caption("loss of the network", answers, "")
        log_plot(plots.plot_loss(result.forecaster.history, caption), "loss")
