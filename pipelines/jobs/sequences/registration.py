"""The final model of a job of discrete series in MLflow: model, version, verdict."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import mlflow
import pandas as pd
from mlflow.entities import Run
from mlflow.models import Model, ModelSignature
from mlflow.types.schema import AnyType, ColSpec, ParamSchema, ParamSpec, Schema

from forecasting.sequences.answers.tables import predict_table
from forecasting.sequences.evaluation.measurement import Measurement
from forecasting.sequences.reading.columns import SequenceColumns
from forecasting.sequences.storage import SequenceModel, save_sequence_model
from forecasting.sequences.symbols.model import SymbolModel
from model_registry.locks import alias_lock
from pipelines.jobs.promotion import Verdict
from pipelines.jobs.sequences.card import SequenceCard
from pipelines.jobs.sequences.experiment import SequenceExperiment, begin_of, to_frame
from pipelines.jobs.sequences.promotion import TEST_TAG, judge
from pipelines.tracking.models import LOADER, log_saved, requirements
from pipelines.tracking.registry import (
    TASK_TAG,
    check_task,
    describe,
    find_alias_target,
    promote,
    register,
    tag_version,
)

EXAMPLE_SERIES, EXAMPLE_STEPS = 2, 100  # of the input example
TYPES = {"step": "long", "series_id": "string", "label": "string", "symbol": "string"}


@dataclass(frozen=True, slots=True)
class SequenceOutcome:
    """Result of a training job of discrete series.

    Attributes:
        name, version: the registered version.
        alias: the alias that the version competed for.
        task: of the model.
        verdict: decision on the promotion, with its reason.
        scores: the leaderboard, best first.
        label: name of the model in the leaderboard.
        test: the test part, in words.
        run_id: the MLflow run.
        device: type of the training device.
        seconds: duration of test and fit.
        notes: inferred columns, and other decisions.
        page: address of the run in MLflow's UI, and the command that opens it.
    """

    name: str
    version: str
    alias: str
    task: str
    verdict: Verdict
    scores: pd.DataFrame
    label: str
    test: str
    run_id: str
    device: str
    seconds: float
    notes: tuple[str, ...]
    page: str

    @property
    def evidence_text(self) -> str:
        """The evidence in words: the test part."""
        return self.test


def register_sequences(
    experiment: SequenceExperiment,
    model: SequenceModel,
    measurements: Mapping[str, Measurement],
    run: Run,
) -> tuple[str, Verdict]:
    """Log the final model to the open run, register a version, decide its promotion.

    Args:
        experiment: series and settings.
        model: trained on all series.
        measurements: of the tested model and of the baselines, by name.
        run: the open run.

    Returns:
        The number of the version, and the verdict of the gate.
    """
    job = experiment.job
    scores = experiment.leaderboard(measurements)
    classes = (
        model.alphabet_.symbols
        if isinstance(model, SymbolModel)
        else model.classes_.tolist()
    )
    card = SequenceCard(experiment, scores, job.cell, tuple(map(str, classes)))
    logged = log_saved(partial(_save, model, experiment))
    with alias_lock(job.name):
        check_task(job.name, job.task)
        verdict = judge(experiment, measurements, job.cell)
        tags = _version_tags(experiment, scores)
        version = register(job.name, logged, run.info.run_id, tags)
        if verdict.promote and job.registry.promote == "if_better":
            champion = find_alias_target(job.name, job.registry.alias)
            rivals = (verdict.rival, version)
            if champion is not None and str(champion.version) not in rivals:
                verdict = judge(experiment, measurements, job.cell)
        if verdict.promote:
            promote(job.name, version, job.registry.alias)
    _describe(card, version, verdict)
    return version, verdict


def _save(
    model: SequenceModel, experiment: SequenceExperiment, folder: Path, target: Model
) -> None:
    """Save a model as a pyfunc model in the subfolder ``model`` of a folder."""
    save_sequence_model(model, folder / "sequences", experiment.columns)
    example = begin_of(experiment.data, EXAMPLE_SERIES, EXAMPLE_STEPS)
    mlflow.pyfunc.save_model(
        folder / "model",
        mlflow_model=target,
        loader_module=LOADER,
        data_path=str(folder / "sequences"),
        signature=make_signature(
            model, experiment.columns, predict_table(model, example)
        ),
        input_example=to_frame(example, experiment.columns),
        metadata={"task": model.task},
        pip_requirements=requirements(),
    )


def make_signature(
    model: SequenceModel, columns: SequenceColumns, answers: pd.DataFrame
) -> ModelSignature:
    """Return the signature: named inputs of any type, and the types of the outputs.

    Args:
        model: the model.
        columns: that it reads.
        answers: a table of its predictions.
    """
    optional = [*columns.series_id, *columns.time]
    required = [*columns.channels, *([columns.symbol] if columns.symbol else [])]
    params = None
    if model.task == "next":
        params = ParamSchema(
            [
                ParamSpec("length", "long", 0),
                ParamSpec("temperature", "double", 1.0),
                ParamSpec("top_k", "long", 0),
                ParamSpec("stop", "string", ""),
                ParamSpec("seed", "long", -1),
            ]
        )
    return ModelSignature(
        inputs=Schema(
            [
                *(ColSpec(AnyType(), name, required=False) for name in optional),
                *(ColSpec(AnyType(), name) for name in required),
            ]
        ),
        outputs=Schema([ColSpec(TYPES.get(n, "double"), n) for n in map(str, answers)]),
        params=params,
    )


def _version_tags(
    experiment: SequenceExperiment, scores: pd.DataFrame
) -> dict[str, str]:
    job = experiment.job
    numbers = scores.loc[job.cell].to_dict()
    finite = {k: round(v, 6) for k, v in numbers.items() if math.isfinite(v)}
    return {
        TASK_TAG: job.task,
        "label": job.cell,
        "metrics": json.dumps(finite),
        "series": str(len(experiment.data)),
        "rows": str(experiment.rows),
        "evidence": experiment.split.description,
        TEST_TAG: experiment.digest_test(),
    }


def _describe(card: SequenceCard, version: str, verdict: Verdict) -> None:
    """Describe the run, the version and the registered model in MLflow's UI."""
    name, alias = card.experiment.job.name, card.experiment.job.registry.alias
    sentence = f"{'now' if verdict.promote else 'not'} {alias}: {verdict.reason}"
    text = card.to_markdown(version, sentence)
    mlflow.set_tags(
        {
            "registered_version": version,
            "verdict": verdict.reason,
            "mlflow.note.content": text,
        }
    )
    tag_version(name, version, "verdict", verdict.reason)
    describe(name, version, text, card.to_registered())
