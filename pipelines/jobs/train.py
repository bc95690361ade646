"""Train job: backtest beside the baselines, final fit, registration, promotion."""

import json
import math
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from mlflow.entities import Run
from rich.console import Console

from forecasting.data.forecast import Forecast
from forecasting.errors import MissingCovariates
from forecasting.explanation.explain import explain
from forecasting.forecaster.forecaster import Forecaster
from forecasting.timestamps.zones import format_moments
from forecasting.training import EpochRecord
from pipelines.config.job import Job
from pipelines.jobs.experiment import BacktestResult, Experiment
from pipelines.jobs.fine_tuning import LINEAGE_TAG, load_pretrained
from pipelines.jobs.promotion import BACKTEST_ARTIFACT, Verdict, judge
from pipelines.output import plots
from pipelines.output.progress import training_progress
from pipelines.output.summary import show_series
from pipelines.tracking.metrics import EpochLog, log_metrics, log_scores
from pipelines.tracking.models import log_model
from pipelines.tracking.registry import promote, register
from pipelines.tracking.runs import connect, log_dataset, tracked_run


@dataclass(frozen=True, slots=True)
class Outcome:
    """Result of a training job.

    Attributes:
        name, version: the registered version.
        alias: the alias that the version competed for.
        verdict: decision on the promotion, with its reason.
        scores: the leaderboard, best first.
        run_id: the MLflow run.
        device: type of the training device.
        seconds: duration of backtest and fit.
        methods: number of series that each method forecasts, the most frequent first.
        notes: inferred columns, repaired data and choices of the preset.
    """

    name: str
    version: str
    alias: str
    verdict: Verdict
    scores: pd.DataFrame
    run_id: str
    device: str
    seconds: float
    methods: Mapping[str, int]
    notes: tuple[str, ...]


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
    with tracked_run(job, f"{job.name} {job.model.cell}") as run:
        if experiment.pretrained is not None:
            mlflow.set_tag(LINEAGE_TAG, experiment.pretrained.reference)
        log_dataset(experiment.panel, job)
        result = evaluate(experiment, job, run, console)
        return register_final_model(experiment, job, result, run, console)


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


def evaluate(
    experiment: Experiment, job: Job, run: Run, console: Console
) -> BacktestResult:
    """Backtest the job's model and log its scores beside those of the baselines."""
    epochs = EpochLog(run.info.run_id)
    title = f"{job.name}: backtest of {job.model.cell}"
    with training_progress(console, title) as show, epochs:

        def on_epoch(record: EpochRecord) -> None:
            show(record)
            epochs(record)

        result = experiment.evaluate(job, on_epoch)
    table = pd.concat([result.table, experiment.baselines], ignore_index=True)
    scores = experiment.scores(table)
    by_step, metric = experiment.scores_by_step(table), job.evaluation.metric
    log_scores(scores, by_step, result.label, metric)
    log_metrics({"backtest_seconds": result.seconds, "folds": len(experiment.folds)})
    mlflow.log_table(scores.reset_index(), "leaderboard.json")
    log_evaluation_plots(experiment, result, scores)
    return result


def log_evaluation_plots(
    experiment: Experiment, result: BacktestResult, scores: pd.DataFrame
) -> None:
    """Log plots of the residuals by step and of the loss by epoch to the open run."""
    served = result.table[result.table["model"] == result.label]
    answers = describe_methods(result.forecaster.trained.method_counts)
    caption = _make_caption(experiment, result, scores, answers)
    _log_plot(plots.plot_residuals(served, caption), "residuals")
    caption = plots.make_caption("loss of the network", answers, "")
    _log_plot(plots.plot_loss(result.forecaster.history, caption), "loss")


def _log_plot(figure: Figure, name: str) -> None:
    """Log a figure to the open run as ``plots/NAME.png``."""
    settings = plots.png_settings(figure)
    mlflow.log_figure(figure, f"plots/{name}.png", save_kwargs=settings)


def _make_caption(
    experiment: Experiment, result: BacktestResult, scores: pd.DataFrame, answers: str
) -> str:
    """Return the title of a plot: what answers, and its score with the evidence."""
    metric, folds = experiment.job.evaluation.metric, experiment.folds
    error = scores[metric].to_dict()[result.label]
    score = (
        f"{metric} {error:.4g} on {len(folds)} "
        f"fold{'s' * (len(folds) > 1)} of {len(folds[0])} series"
    )
    return plots.make_caption(result.label, answers, score)


def register_final_model(
    experiment: Experiment, job: Job, result: BacktestResult, run: Run, console: Console
) -> Outcome:
    """Fit on all observations, log and register the model, decide its promotion."""
    start_seconds = time.perf_counter()
    title = f"{job.name}: {job.model.cell} on all observations"
    with training_progress(console, title) as show:
        forecaster = experiment.fit_final_model(job, result, show)
    forecast = _forecast_future(forecaster, job.evaluation.levels)
    table = pd.concat([result.table, experiment.baselines], ignore_index=True)
    scores = experiment.scores(table)
    served = result.table[result.table["model"] == result.label]
    methods = forecaster.trained.method_counts
    answers = describe_methods(methods)
    caption = _make_caption(experiment, result, scores, answers)
    figure = plots.plot_forecast(experiment.panel, forecast, served, caption)
    _log_plot(figure, "forecast")
    explanation = explain(forecaster, experiment.panel)
    _log_plot(plots.plot_explanation(explanation), "explanation")
    _log_backtest(table)
    seconds = result.seconds + time.perf_counter() - start_seconds
    log_metrics({"seconds": seconds})
    mlflow.set_tags({"device": _device_type(forecaster), "answers": answers})
    mlflow.log_param("answers", answers)
    verdict = judge(experiment, table, result.label)
    version = register(
        job.name,
        log_model(forecaster, job.evaluation.levels),
        run.info.run_id,
        _version_tags(forecaster, result, scores)
        | experiment.summary.to_tag()
        | _lineage_tags(experiment),
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
        device=_device_type(forecaster),
        seconds=seconds,
        methods=methods,
        notes=experiment.notes,
    )


def _forecast_future(
    forecaster: Forecaster, levels: tuple[float, ...]
) -> Forecast | None:
    """Forecast the horizon after training; None if future covariates are missing."""
    try:
        return forecaster.predict(levels=levels)
    except MissingCovariates:
        return None


def _log_backtest(table: pd.DataFrame) -> None:
    """Log every forecast of the backtest, for the promotion gate of later jobs."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / BACKTEST_ARTIFACT
        table.to_csv(path, index=False)
        mlflow.log_artifact(str(path))


def _version_tags(
    forecaster: Forecaster, result: BacktestResult, scores: pd.DataFrame
) -> dict[str, str]:
    context = forecaster.trained.context
    row = scores.loc[[result.label]].iloc[0]
    finite = {k: round(v, 6) for k, v in row.items() if math.isfinite(v)}
    last = context.last_timestamps().max()
    [until] = format_moments(np.array([last]), context.calendar.zone)
    return {
        "label": result.label,
        "metrics": json.dumps(finite),
        "trained_until": until,
        "seq_len": str(forecaster.windows.seq_len),
        "horizon": str(forecaster.windows.horizon),
        "series": str(len(context)),
        "answers": describe_methods(forecaster.trained.method_counts),
    }


def describe_methods(methods: Mapping[str, int]) -> str:
    """Describe the methods that answer: ``seasonal naive for 3 of 5 series, ...``.

    Args:
        methods: number of series by method, the most frequent first.
    """
    total = sum(methods.values())
    if len(methods) == 1:
        return next(iter(methods)).replace("_", " ")
    return ", ".join(
        f"{name.replace('_', ' ')} for {count} of {total} series"
        for name, count in methods.items()
    )


def _lineage_tags(experiment: Experiment) -> dict[str, str]:
    pretrained = experiment.pretrained
    return {} if pretrained is None else {LINEAGE_TAG: pretrained.reference}


def _device_type(forecaster: Forecaster) -> str:
    return str(forecaster.trained.device.type)
