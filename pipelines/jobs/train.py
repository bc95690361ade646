"""The training job: read, backtest beside the baselines, fit, register, gate."""

import json
import math
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import mlflow
import pandas as pd
from mlflow.entities import Run
from rich.console import Console

from forecasting.data.forecast import Forecast
from forecasting.errors import MissingCovariates
from forecasting.explanation.explain import explain
from forecasting.forecaster.forecaster import Forecaster
from forecasting.training import EpochRecord
from pipelines.config.job import Job
from pipelines.jobs.experiment import Experiment, Measured
from pipelines.jobs.fine_tuning import LINEAGE, load_start
from pipelines.jobs.promotion import RECORD, Verdict, judge
from pipelines.output import plots
from pipelines.output.progress import training_progress
from pipelines.tracking.metrics import EpochLog, log_metrics, log_scores
from pipelines.tracking.models import log_model
from pipelines.tracking.registry import promote, register
from pipelines.tracking.runs import connect, log_dataset, tracked_run


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a training job left behind.

    Attributes:
        name, version: the registered version.
        alias: what it was a candidate for.
        verdict: whether it has the alias now, and why.
        scores: the leaderboard, best first.
        run_id: the MLflow run.
        device: where it was trained.
        seconds: that fitting and testing took.
        notes: what was guessed or mended while reading.
    """

    name: str
    version: str
    alias: str
    verdict: Verdict
    scores: pd.DataFrame
    run_id: str
    device: str
    seconds: float
    notes: tuple[str, ...]


def train(job: Job, console: Console, *, start: str | None = None) -> Outcome:
    """Run one training job.

    Args:
        job: what to train.
        console: where progress is shown.
        start: the model to start from: ``name``, ``name@alias``, ``name/version`` or a
            folder. What the job leaves open of windows and layers is taken from it.

    Raises:
        DataError: the series cannot be used; nothing has been written.
        SettingError: nor can the settings, with this start.
        UnknownModel, ArtifactError: the start is not there, or damaged.
        TrackingError: MLflow does not answer; nothing has been written.
    """
    experiment = _begin(job, start)
    job = experiment.job
    connect()
    with tracked_run(job, f"{job.name} {job.model.cell}") as run:
        if experiment.start is not None:
            mlflow.set_tag(LINEAGE, experiment.start.reference)
        log_dataset(experiment.panel, job)
        measured = measure(experiment, job, run, console)
        return finish(experiment, job, measured, run, console)


def follow(job: Job, *, start: str | None = None) -> None:
    """Take part in the trainings of `train`, which another process runs."""
    experiment = _begin(job, start)
    experiment.finish(experiment.job, experiment.measure(experiment.job))


def _begin(job: Job, start: str | None) -> Experiment:
    """Read and check all that a training needs."""
    if start is None:
        return Experiment(job)
    begin = load_start(start)
    return Experiment(begin.complete(job), start=begin)


def measure(experiment: Experiment, job: Job, run: Run, console: Console) -> Measured:
    """Backtest the job's model and log how it did, beside the baselines."""
    epochs = EpochLog(run.info.run_id)
    title = f"{job.name}: backtest of {job.model.cell}"
    with training_progress(console, title) as show, epochs:

        def on_epoch(record: EpochRecord) -> None:
            show(record)
            epochs(record)

        measured = experiment.measure(job, on_epoch)
    table = pd.concat([measured.table, experiment.baselines], ignore_index=True)
    scores = experiment.scores(table)
    by_step, metric = experiment.scores_by_step(table), job.evaluation.metric
    log_scores(scores, by_step, measured.label, metric)
    log_metrics({"backtest_seconds": measured.seconds, "folds": len(experiment.folds)})
    mlflow.log_table(scores.reset_index(), "leaderboard.json")
    log_pictures(measured)
    return measured


def log_pictures(measured: Measured) -> None:
    """Log how the errors spread by step, and how the loss fell, to the open run."""
    mlflow.log_figure(plots.plot_residuals(measured.table), "plots/residuals.png")
    mlflow.log_figure(plots.plot_loss(measured.forecaster.history), "plots/loss.png")


def finish(
    experiment: Experiment, job: Job, measured: Measured, run: Run, console: Console
) -> Outcome:
    """Fit on everything, log the model, register it and judge it."""
    began = time.perf_counter()
    title = f"{job.name}: {job.model.cell} on all observations"
    with training_progress(console, title) as show:
        forecaster = experiment.finish(job, measured, show)
    forecast = _look_ahead(forecaster, job.evaluation.levels)
    table = pd.concat([measured.table, experiment.baselines], ignore_index=True)
    scores = experiment.scores(table)
    figure = plots.plot_forecast(experiment.panel, forecast, measured.table)
    mlflow.log_figure(figure, "plots/forecast.png")
    figure = plots.plot_explanation(explain(forecaster, experiment.panel))
    mlflow.log_figure(figure, "plots/explanation.png")
    _log_table(table)
    seconds = measured.seconds + time.perf_counter() - began
    log_metrics({"seconds": seconds})
    mlflow.set_tag("device", _device(forecaster))
    verdict = judge(experiment, table, measured.label)
    version = register(
        job.name,
        log_model(forecaster, job.evaluation.levels),
        run.info.run_id,
        _version_tags(forecaster, measured, scores) | _lineage(experiment),
    )
    if verdict.promote:
        promote(job.name, version, job.registry.alias)
    mlflow.set_tags({"registered_version": version, "verdict": verdict.reason})
    return Outcome(
        name=job.name,
        version=version,
        alias=job.registry.alias,
        verdict=verdict,
        scores=scores,
        run_id=run.info.run_id,
        device=_device(forecaster),
        seconds=seconds,
        notes=experiment.notes,
    )


def _look_ahead(forecaster: Forecaster, levels: tuple[float, ...]) -> Forecast | None:
    """Forecast the future, unless a known covariate is not known there."""
    try:
        return forecaster.predict(levels=levels)
    except MissingCovariates:
        return None


def _log_table(table: pd.DataFrame) -> None:
    """Log every forecast of the backtest; the gate of a later job reads it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / RECORD
        table.to_csv(path, index=False)
        mlflow.log_artifact(str(path))


def _version_tags(
    forecaster: Forecaster, measured: Measured, scores: pd.DataFrame
) -> dict[str, str]:
    assert forecaster.fitted is not None
    context = forecaster.fitted.context
    row = scores.loc[[measured.label]].iloc[0]
    finite = {k: round(v, 6) for k, v in row.items() if math.isfinite(v)}
    last = context.last_timestamps().max()
    dated = context.calendar.freq is not None
    return {
        "label": measured.label,
        "metrics": json.dumps(finite),
        "trained_until": pd.Timestamp(last).isoformat() if dated else str(last),
        "seq_len": str(forecaster.windows.seq_len),
        "horizon": str(forecaster.windows.horizon),
        "series": str(len(context)),
    }


def _lineage(experiment: Experiment) -> dict[str, str]:
    return {} if experiment.start is None else {LINEAGE: experiment.start.reference}


def _device(forecaster: Forecaster) -> str:
    assert forecaster.fitted is not None
    return str(forecaster.fitted.device.type)
