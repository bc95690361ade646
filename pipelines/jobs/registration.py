"""Registration: final fit, model and description in MLflow, verdict of the gate."""

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
from mlflow.entities import Run

from forecasting.data.forecast import Forecast
from forecasting.errors import MissingCovariates
from forecasting.evaluation.skill import Evidence
from forecasting.explanation.explain import explain
from forecasting.forecaster.forecaster import Forecaster
from forecasting.timestamps.zones import format_moments
from pipelines.config.job import Job
from pipelines.jobs.experiment import BacktestResult, Experiment
from pipelines.jobs.fine_tuning import LINEAGE_TAG
from pipelines.jobs.promotion import BACKTEST_ARTIFACT, Verdict, judge
from pipelines.output import plots
from pipelines.output.evidence import describe_evidence, describe_methods
from pipelines.output.progress import Work, count_trainings
from pipelines.tracking.descriptions import ModelCard, describe_registered
from pipelines.tracking.links import describe_page
from pipelines.tracking.locks import alias_lock
from pipelines.tracking.metrics import log_metrics, log_plot
from pipelines.tracking.models import log_model
from pipelines.tracking.registry import describe, find_alias_target, promote, register


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
        evidence: size of the backtest, and the skill with its interval.
        page: address of the run in MLflow's UI, and the command that opens it.
        findings: sentences of a comparison.
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
    evidence: Evidence
    page: str
    findings: tuple[str, ...] = ()


def register_final_model(
    experiment: Experiment, job: Job, result: BacktestResult, run: Run, work: Work
) -> Outcome:
    """Fit on all observations, log and register the model, decide its promotion."""
    start_seconds = time.perf_counter()
    title = f"{job.name}: {job.model.cell} on all observations"
    with work.part(title, count_trainings(job)) as show:
        forecaster = experiment.fit_final_model(job, result, show)
    table = pd.concat([result.table, experiment.baselines], ignore_index=True)
    scores = experiment.scores(table)
    _log_forecast(experiment, job, forecaster, result, scores)
    _log_backtest(table)
    seconds = result.seconds + time.perf_counter() - start_seconds
    log_metrics({"timing/seconds": seconds})
    methods = forecaster.trained.method_counts
    evidence = experiment.evidence(table, result.label)
    card = ModelCard(
        name=job.name,
        answers=describe_methods(methods),
        scores=scores,
        label=result.label,
        metric=job.evaluation.metric,
        evidence=describe_evidence(evidence),
        panel=experiment.panel,
        source=job.data.path.name,
        settings=forecaster.config,
        normalization=forecaster.trained.method,
    )
    mlflow.log_params(
        {"model.normalization": card.normalization, "answers": card.answers}
    )
    device = str(forecaster.trained.device.type)
    mlflow.set_tags(
        {"device": device, "answers": card.answers, "evidence": card.evidence}
    )
    tags = _version_tags(forecaster, result.label, scores, evidence, card)
    tags |= experiment.summary.to_tag() | _lineage_tags(experiment)
    version, verdict = _compete(experiment, table, result.label, forecaster, run, tags)
    _describe(card, version, verdict, job.registry.alias)
    return Outcome(
        name=job.name,
        version=version,
        alias=job.registry.alias,
        verdict=verdict,
        scores=scores,
        run_id=run.info.run_id,
        device=device,
        seconds=seconds,
        methods=methods,
        notes=experiment.notes,
        evidence=evidence,
        page=describe_page(run.info.experiment_id, run.info.run_id),
    )


def _compete(
    experiment: Experiment,
    table: pd.DataFrame,
    label: str,
    forecaster: Forecaster,
    run: Run,
    tags: dict[str, str],
) -> tuple[str, Verdict]:
    """Register a version and move the alias to it if the gate says so.

    Processes of this machine compete one after the other. One of another machine may
    have moved the alias since the verdict, which is then given again.
    """
    job = experiment.job
    logged = log_model(forecaster, job.evaluation.levels)
    with alias_lock(job.name):
        verdict = judge(experiment, table, label)
        version = register(job.name, logged, run.info.run_id, tags)
        if verdict.promote and job.registry.promote == "if_better":
            champion = find_alias_target(job.name, job.registry.alias)
            if champion is not None and str(champion.version) != verdict.rival:
                verdict = judge(experiment, table, label)
        if verdict.promote:
            promote(job.name, version, job.registry.alias)
    return version, verdict


def _describe(card: ModelCard, version: str, verdict: Verdict, alias: str) -> None:
    """Describe the run, the version and the registered model in MLflow's UI."""
    sentence = f"{'now' if verdict.promote else 'not'} {alias}: {verdict.reason}"
    text = card.to_markdown(version, sentence)
    mlflow.set_tags(
        {
            "registered_version": version,
            "verdict": verdict.reason,
            "mlflow.note.content": text,
        }
    )
    describe(card.name, version, text, describe_registered(card, alias))


def _log_forecast(
    experiment: Experiment,
    job: Job,
    forecaster: Forecaster,
    result: BacktestResult,
    scores: pd.DataFrame,
) -> None:
    """Log plots of the forecast and of its explanation to the open run."""
    forecast = _forecast_future(forecaster, job.evaluation.levels)
    served = result.table[result.table["model"] == result.label]
    answers = describe_methods(forecaster.trained.method_counts)
    caption = experiment.caption(scores, result.label, answers)
    figure = plots.plot_forecast(experiment.panel, forecast, served, caption)
    log_plot(figure, "forecast")
    log_plot(
        plots.plot_explanation(explain(forecaster, experiment.panel)), "explanation"
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
    forecaster: Forecaster,
    label: str,
    scores: pd.DataFrame,
    evidence: Evidence,
    card: ModelCard,
) -> dict[str, str]:
    context = forecaster.trained.context
    numbers = scores.loc[[label]].iloc[0].to_dict() | {
        "folds": evidence.folds,
        "origins": evidence.origins,
    }
    finite = {k: round(v, 6) for k, v in numbers.items() if math.isfinite(v)}
    last = context.last_timestamps().max()
    [until] = format_moments(np.array([last]), context.calendar.zone)
    return {
        "label": label,
        "metrics": json.dumps(finite),
        "trained_until": until,
        "seq_len": str(forecaster.windows.seq_len),
        "horizon": str(forecaster.windows.horizon),
        "series": str(len(context)),
        "answers": card.answers,
        "evidence": card.evidence,
    }


def _lineage_tags(experiment: Experiment) -> dict[str, str]:
    pretrained = experiment.pretrained
    return {} if pretrained is None else {LINEAGE_TAG: pretrained.reference}
