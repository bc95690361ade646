"""The gate of discrete series: a new version against the champion on one test part.

A new version takes the alias if it is clearly better on the same test part, by
`forecasting.sequences.evaluation.significance`, and no worse than the best baseline.
The figures of the champion are those that its run recorded, of a model without the
test part; where its test part was another one, the champion itself answers: a
comparison in its favour where it was trained on these series.

The caller holds `model_registry.locks.alias_lock`.
"""

import tempfile
from collections.abc import Mapping

import mlflow
import numpy as np
import pandas as pd
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from forecasting.errors import ForecastingError
from forecasting.sequences.evaluation.measurement import Measurement, measure
from forecasting.sequences.evaluation.significance import (
    Difference,
    compare_labels,
    compare_steps,
)
from forecasting.sequences.reading.columns import Task
from model_registry.addresses import without_password
from pipelines.config.sequence_job import RANKING
from pipelines.errors import AccessDenied
from pipelines.jobs.promotion import FLOOR_ADVICE, Verdict
from pipelines.jobs.sequences.experiment import SequenceExperiment
from pipelines.tracking.models import load_sequences
from pipelines.tracking.registry import find_alias_target
from pipelines.tracking.runs import quiet_mlflow

TEST_ARTIFACT = "test.csv.gz"  # artifact with a row for each tested label or symbol
TEST_TAG = "test"  # of a version: checksum of its test part
TOLERANCE = 1e-9
Answers = tuple[np.ndarray, np.ndarray]  # log-probabilities, right


def judge(
    experiment: SequenceExperiment, measurements: Mapping[str, Measurement], label: str
) -> Verdict:
    """Compare a new model with the version that holds the alias.

    Args:
        experiment: series and settings of the new model.
        measurements: of the new model and of the baselines, by name.
        label: name of the new model.
    """
    job, registry = experiment.job, experiment.job.registry
    margin, best = _best_baseline(job.task, measurements, label)
    warning = None if margin > TOLERANCE else f"{label} does not beat {best}"
    if registry.promote != "if_better":
        always = registry.promote == "always"
        return Verdict(always, f"promote is set to {registry.promote}", warning)
    champion = find_alias_target(job.name, registry.alias)
    if champion is None:
        return Verdict(True, f"the first to be {registry.alias}", warning)
    rival = str(champion.version)
    name = f"{registry.alias} (version {rival})"
    try:
        better, reason = _compare(experiment, measurements[label], champion, name)
    except (ForecastingError, MlflowException, AccessDenied, OSError) as error:
        reason = f"{name} cannot be compared: {without_password(str(error))}"
        return Verdict(False, reason, warning, rival)
    if better and margin < -TOLERANCE:
        better, reason = False, f"{reason}, but {best} is better; {FLOOR_ADVICE}"
    return Verdict(better, reason, warning, rival)


def _compare(
    experiment: SequenceExperiment,
    measurement: Measurement,
    champion: ModelVersion,
    name: str,
) -> tuple[bool, str]:
    """Return whether the new version is clearly better, and the reason."""
    metric = RANKING[experiment.job.task]
    (log_probabilities, right), remark = _champion_answers(experiment, champion)
    is_symbols = metric == "cross_entropy"
    old = -log_probabilities.mean() if is_symbols else right.mean()
    noun = {"classify": "series", "label": "steps", "next": "symbols"}
    size = f"{len(right):,} {noun[experiment.job.task]} of the test part"
    reason = (
        f"{metric.replace('_', ' ')} {measurement.scores[metric]:.4g} against "
        f"{old:.4g} of {name} on {size}{remark}"
    )
    difference = _difference(experiment.job.task, measurement, log_probabilities, right)
    end = "" if difference.is_clear else "; no more than chance"
    if difference.gain <= 0:
        end = "; not better"
    return difference.is_clear, f"{reason} ({difference.reason}){end}"


def _difference(
    task: str,
    measurement: Measurement,
    log_probabilities: np.ndarray,
    right: np.ndarray,
) -> Difference:
    if task == "classify":
        return compare_labels(measurement.right, right)
    if task == "label":
        return compare_steps(measurement.right.astype(float), right.astype(float))
    return compare_steps(measurement.log_probabilities, log_probabilities)


def _champion_answers(
    experiment: SequenceExperiment, champion: ModelVersion
) -> tuple[Answers, str]:
    """Return the figures of the champion on the test part, and a remark on them."""
    if champion.tags.get(TEST_TAG) == experiment.digest_test() and champion.run_id:
        try:
            return _read_record(champion.run_id), ""
        except (MlflowException, OSError):
            pass
    answers = measure(load_sequences(champion), experiment.split.test)
    remark = (
        f", some of which {champion.name} {champion.version} may have been trained on"
    )
    return (answers.log_probabilities, answers.right), remark


def _read_record(run_id: str) -> Answers:
    with tempfile.TemporaryDirectory() as folder, quiet_mlflow():
        path = mlflow.artifacts.download_artifacts(
            run_id=run_id, artifact_path=TEST_ARTIFACT, dst_path=folder
        )
        table = pd.read_csv(path)
    return table["log_probability"].to_numpy(), table["right"].to_numpy() == 1


def record_table(measurement: Measurement) -> pd.DataFrame:
    """Return the figures of each tested label or symbol, for later comparisons."""
    return pd.DataFrame(
        {
            "log_probability": measurement.log_probabilities,
            "right": measurement.right.astype(int),
        }
    )


def _best_baseline(
    task: Task, measurements: Mapping[str, Measurement], label: str
) -> tuple[float, str]:
    """Return by how much the new model is better than the best baseline, and which."""
    metric = RANKING[task]
    sign = -1 if metric == "cross_entropy" else 1
    scores = {name: sign * m.scores[metric] for name, m in measurements.items()}
    score = scores.pop(label)
    best = max(scores, key=scores.__getitem__)
    value = f"{metric.replace('_', ' ')} {abs(scores[best]):.4g}"
    return score - scores[best], f"the baseline {best.replace('_', ' ')} ({value})"
