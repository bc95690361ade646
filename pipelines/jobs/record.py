"""Track record of a training job: its history and backtest, stored with the version."""

import json
import platform
import shlex
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from forecasting.data.forecast import check_levels
from forecasting.data.panel import Panel
from forecasting.evaluation.evidence import describe_evidence
from forecasting.evaluation.skill import Evidence
from forecasting.explanation.explain import Explanation
from forecasting.forecaster.forecaster import Forecaster
from forecasting.report.influence import rank_inputs
from forecasting.track_record.build import build_record
from forecasting.track_record.facts import TrainingFacts
from forecasting.track_record.record import Evaluation, TrackRecord
from pipelines.checkpoints.identity import digest_panel
from pipelines.config.job import Job
from pipelines.jobs.experiment import BacktestResult, Experiment

PACKAGES = ("recast-forecasting", "torch", "numpy", "pandas")
TOP_LEVEL = ("preset", "for_each")  # keys of a job that are options


def make_record(
    experiment: Experiment,
    result: BacktestResult,
    forecaster: Forecaster,
    table: pd.DataFrame,
    scores: pd.DataFrame,
    evidence: Evidence,
    explanation: Explanation,
) -> TrackRecord:
    """Return the track record of a model that is about to be registered.

    Args:
        experiment: series and folds of the job.
        result: backtest of the model.
        forecaster: the model, fitted on all observations.
        table: backtest of the model and of the baselines.
        scores: the leaderboard, best first.
        evidence: size of the backtest, and the skill.
        explanation: of the model.
    """
    by_step = experiment.comparison.scores_by_step(table)["mae"].unstack("step")
    errors = experiment.comparison.paired_errors(table)
    evaluation = Evaluation(
        label=result.label,
        baseline=experiment.comparison.best_baseline(errors),
        metric=experiment.job.evaluation.metric,
        season_length=experiment.season_length,
        levels=check_levels(experiment.job.evaluation.levels),
        horizon=experiment.horizon,
        folds=len(experiment.folds),
        origins=len(experiment.comparison.origins),
        evidence=describe_evidence(evidence),
        leaderboard=_plain_rows(scores),
        by_step={
            str(model): tuple(map(float, by_step.loc[model])) for model in scores.index
        },
        methods=forecaster.trained.method_counts,
    )
    panel = experiment.panel
    return build_record(
        evaluation,
        panel,
        experiment.folds,
        table,
        _answering_methods(forecaster, panel),
        _training_facts(experiment, explanation),
    )


def _training_facts(experiment: Experiment, explanation: Explanation) -> TrainingFacts:
    """Return the origin of the model: file, notes, settings, versions, command."""
    job, pretrained = experiment.job, experiment.pretrained
    start = "" if pretrained is None else pretrained.reference
    if Path(start).is_absolute():  # a folder: the path is of this machine
        start = Path(start).name
    versions = {name: version(name) for name in PACKAGES}
    return TrainingFacts(
        source=job.data.path.name,
        digest=digest_panel(experiment.panel),
        start=start,
        notes=experiment.notes,
        settings=_settings(job),
        versions=versions | {"python": platform.python_version()},
        command=describe_command(job, start),
        influence=rank_inputs(explanation, experiment.panel.calendar.freq),
    )


def _settings(job: Job) -> str:
    """Return the job file with the name of the data alone: no path of a machine."""
    plain = yaml.safe_load(job.to_yaml())
    plain["data"]["path"] = job.data.path.name
    return yaml.safe_dump(plain, sort_keys=False, allow_unicode=True)


def describe_command(job: Job, start: str = "") -> str:
    """Return the shell command that repeats a training, for a copy of its data.

    Args:
        job: its explicit settings become options.
        start: model that it was fine-tuned from; empty for none.
    """
    words = ["recast", "train", job.data.path.name, "--name", job.name]
    plain = job.model_dump(mode="json", exclude={"resources"})
    for path in sorted(job.explicit - {"name", "data.path"}):
        value = _find(plain, path)
        if path in TOP_LEVEL and value is not None:
            words += [f"--{path.replace('_', '-')}", str(value)]
        elif "." in path and value is not None:
            words += ["--set", f"{path}={json.dumps(value, ensure_ascii=False)}"]
    words += ["--from", start] if start else []
    return shlex.join(words)


def _find(plain: Any, path: str) -> Any:
    """Return a value by its dotted path; None where there is none."""
    for key in path.split("."):
        plain = plain.get(key) if isinstance(plain, dict) else None
    return plain


def _plain_rows(scores: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Return the scores by model, in the order of the leaderboard."""
    rows = scores.to_dict("index")
    return {
        str(model): {str(k): float(v) for k, v in row.items()}
        for model, row in rows.items()
    }


def _answering_methods(forecaster: Forecaster, panel: Panel) -> list[str]:
    """Return the method that forecasts each series; empty where none does."""
    trained = forecaster.trained
    methods = dict(
        zip(
            trained.context.series_ids,
            trained.answering_methods(
                trained.find_places(trained.context.series_ids),
                trained.context.lengths,
            ),
            strict=True,
        )
    )
    return [methods.get(name, "") for name in panel.series_ids]
