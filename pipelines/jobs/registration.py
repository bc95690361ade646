"""Registration: final fit, model and description in MLflow, verdict of the gate."""

import json
import math
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
from mlflow.entities import Run

from forecasting.data.forecast import Forecast
from forecasting.data.panel import Panel
from forecasting.data.plotting import MAX_SERIES, plot_series
from forecasting.display.wording import describe_methods
from forecasting.errors import MissingCovariates
from forecasting.evaluation.evidence import describe_evidence
from forecasting.evaluation.skill import Evidence
from forecasting.explanation.explain import Explanation, explain
from forecasting.forecaster.cards import describe_gain
from forecasting.forecaster.forecaster import Forecaster
from forecasting.report.content import Registered
from forecasting.timestamps.zones import format_moments
from forecasting.track_record.record import TrackRecord
from model_registry.locks import alias_lock
from pipelines.config.job import Job
from pipelines.jobs.experiment import BacktestResult, Experiment
from pipelines.jobs.fine_tuning import LINEAGE_TAG
from pipelines.jobs.local_experiment import LocalExperiment
from pipelines.jobs.promotion import BACKTEST_ARTIFACT, Verdict, judge
from pipelines.jobs.record import make_record
from pipelines.output.progress import Work, count_trainings
from pipelines.tracking.descriptions import ModelCard, describe_registered
from pipelines.tracking.links import describe_page
from pipelines.tracking.metrics import log_metrics, log_plot
from pipelines.tracking.models import log_model
from pipelines.tracking.registry import (
    describe,
    find_alias_target,
    find_run_version,
    promote,
    register,
    tag_version,
)
from pipelines.tracking.reports import log_report

VERDICT = "verdict"  # key of the journal

SERIES_ARTIFACT = "series.csv.gz"  # artifact with a row a series


@dataclass(frozen=True, slots=True)
class Outcome:
    """Result of a training job.

    Attributes:
        name, version: the registered version.
        alias: the alias that the version competed for.
        verdict: decision on the promotion, with its reason.
        scores: the leaderboard, best first.
        label: name of the model in the leaderboard.
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
    label: str
    run_id: str
    device: str
    seconds: float
    methods: Mapping[str, int]
    notes: tuple[str, ...]
    evidence: Evidence
    page: str
    findings: tuple[str, ...] = ()

    @property
    def evidence_text(self) -> str:
        """The evidence in words."""
        return describe_evidence(self.evidence)


def register_final_model(
    experiment: Experiment, job: Job, result: BacktestResult, run: Run, work: Work
) -> Outcome:
    """Fit on all observations, log and register the model, decide its promotion."""
    start_seconds = time.perf_counter()
    forecaster = _fit(experiment, job, result, work)
    if gain := describe_gain(forecaster.trained):
        experiment.notes += (gain,)
    table = pd.concat([result.table, experiment.baselines], ignore_index=True)
    scores = experiment.comparison.scores(table)
    explanation = _explain(experiment, forecaster)
    _log_forecast(experiment, job, forecaster, result, scores)
    log_plot(explanation.plot(), "explanation")
    _log_frame(table, BACKTEST_ARTIFACT)
    if isinstance(experiment, LocalExperiment):
        _log_frame(experiment.score_series(result), SERIES_ARTIFACT)
    seconds = result.seconds + time.perf_counter() - start_seconds
    log_metrics({"timing/seconds": seconds})
    methods = forecaster.trained.method_counts
    evidence = experiment.comparison.evidence(table, result.label)
    record = make_record(
        experiment, result, forecaster, table, scores, evidence, explanation
    )
    card = ModelCard(
        name=job.name,
        record=record,
        answers=describe_methods(methods),
        scores=scores,
        label=result.label,
        metric=job.evaluation.metric,
        evidence=describe_evidence(evidence),
        panel=experiment.panel,
        source=job.data.path.name,
        settings=forecaster.config,
        normalization=forecaster.trained.normalization,
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
    version, verdict = _compete(experiment, table, record, forecaster, run, tags)
    _describe(card, version, verdict, job.registry.alias)
    registered = Registered(
        name=job.name,
        version=version,
        aliases=[job.registry.alias] if verdict.promote else [],
        verdict=verdict.reason,
    )
    log_report(forecaster, record, registered)
    return Outcome(
        name=job.name,
        version=version,
        alias=job.registry.alias,
        verdict=verdict,
        scores=scores,
        label=result.label,
        run_id=run.info.run_id,
        device=device,
        seconds=seconds,
        methods=methods,
        notes=experiment.notes,
        evidence=evidence,
        page=describe_page(run.info.experiment_id, run.info.run_id),
    )


def _fit(
    experiment: Experiment, job: Job, result: BacktestResult, work: Work
) -> Forecaster:
    """Fit the job's model or models on all observations, and show the progress."""
    title = f"{job.name}: {job.model.cell} on all observations"
    if isinstance(experiment, LocalExperiment):
        with work.series(title, experiment.num_models) as show_count:
            return experiment.fit_each(result, show_count)
    with work.part(title, count_trainings(job)) as show:
        return experiment.fit_final_model(job, result, show)


def _compete(
    experiment: Experiment,
    table: pd.DataFrame,
    record: TrackRecord,
    forecaster: Forecaster,
    run: Run,
    tags: dict[str, str],
) -> tuple[str, Verdict]:
    """Register a version and move the alias to it if the gate says so.

    Processes of this machine compete one after the other. One of another machine may
    have moved the alias since the verdict, which is then given again. A process that
    goes on after a cut takes over the verdict and the version of the one before.
    """
    job, label = experiment.job, record.evaluation.label
    registered = find_run_version(job.name, run.info.run_id)
    if registered is None:
        is_resumed = experiment.folder.is_resumed
        levels = job.evaluation.levels
        logged = log_model(forecaster, levels, record, is_resumed=is_resumed)
    with alias_lock(job.name):
        earlier = experiment.folder.journal.get(VERDICT, {})
        if earlier.get("run") == run.info.run_id:  # of the process that was cut
            verdict = Verdict(**earlier["verdict"])
        else:
            verdict = judge(experiment, table, label)
            plain = {"run": run.info.run_id, "verdict": asdict(verdict)}
            experiment.folder.note(VERDICT, plain)
        if registered is None:
            version = register(job.name, logged, run.info.run_id, tags)
        else:
            version = str(registered.version)
        if verdict.promote and job.registry.promote == "if_better":
            champion = find_alias_target(job.name, job.registry.alias)
            rivals = (verdict.rival, version)
            if champion is not None and str(champion.version) not in rivals:
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
    tag_version(card.name, version, "verdict", verdict.reason)
    describe(card.name, version, text, describe_registered(card, alias))


def _log_forecast(
    experiment: Experiment,
    job: Job,
    forecaster: Forecaster,
    result: BacktestResult,
    scores: pd.DataFrame,
) -> None:
    """Log a plot of the forecast to the open run."""
    panel, shown = experiment.panel, forecaster.trained.context
    if isinstance(experiment, LocalExperiment):
        panel = panel.select(experiment.trained)
        shown = shown.select(np.arange(min(len(shown), MAX_SERIES)))
    forecast = _forecast_future(forecaster, shown, job.evaluation.levels)
    served = result.table[result.table["model"] == result.label]
    answers = describe_methods(forecaster.trained.method_counts)
    caption = experiment.caption(scores, result.label, answers)
    figure = plot_series(panel, forecast, served, caption=caption)
    log_plot(figure, "forecast")


def _explain(experiment: Experiment, forecaster: Forecaster) -> Explanation:
    """Return the explanation of the model on its training series."""
    panel = experiment.panel
    if isinstance(experiment, LocalExperiment):
        panel = panel.select(experiment.trained)
    return explain(forecaster, panel)


def _forecast_future(
    forecaster: Forecaster, panel: Panel, levels: tuple[float, ...]
) -> Forecast | None:
    """Forecast the horizon after training; None if future covariates are missing.

    Args:
        forecaster: the model.
        panel: the ends of all series, or of those that are shown of thousands.
        levels: of the intervals, in percent.
    """
    try:
        return forecaster.predict(panel, levels=levels)
    except MissingCovariates:
        return None


def _log_frame(table: pd.DataFrame, name: str) -> None:
    """Log a table to the open run: every forecast of the backtest, for the gate."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
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
        "rows": str(len(card.panel.values)),
        "answers": card.answers,
        "evidence": card.evidence,
    }


def _lineage_tags(experiment: Experiment) -> dict[str, str]:
    pretrained = experiment.pretrained
    return {} if pretrained is None else {LINEAGE_TAG: pretrained.reference}
