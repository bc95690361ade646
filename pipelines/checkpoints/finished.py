"""Finished runs by the identity of their job: work that need not be done again."""

import json
from dataclasses import dataclass

import mlflow
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from pipelines.checkpoints.identity import IDENTITY_TAG, Identity
from pipelines.config.job import Job
from pipelines.config.sequence_job import SequenceJob

MAX_RUNS = 10  # of one identity, the latest


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """A finished run with a registered version that still exists.

    Attributes:
        run_id: MLflow run.
        name, version: the registered version.
        aliases: of the version.
        metrics: figures of the backtest by name.
        evidence: size of the backtest and interval of the skill, in words.
    """

    run_id: str
    name: str
    version: str
    aliases: tuple[str, ...]
    metrics: dict[str, float]
    evidence: str | None

    def describe(self) -> str:
        """Describe in words why a job need not be done again."""
        return (
            f"unchanged: version {self.version} has the same job, data and code "
            f"(run {self.run_id})"
        )


def find_finished(
    job: Job | SequenceJob, command: str, *, since: float | None = None
) -> FinishedRun | None:
    """Return the latest finished run of the same job, data and code; None without one.

    Args:
        job: as it was read; its series are read for their digest.
        command: as in `Identity.command`.
        since: seconds since 1970 after which the run ended; None for any time.

    Raises:
        DataError: the series cannot be used.
    """
    if isinstance(job, SequenceJob):
        identity = Identity.of_files(command, job)
    else:
        identity = Identity.of(command, job, job.read_panel())
    conditions = [
        "attributes.status = 'FINISHED'",
        f"tags.`{IDENTITY_TAG}` = '{identity.to_tag()}'",
    ]
    if since is not None:
        conditions.append(f"attributes.end_time >= {int(since * 1000)}")
    runs = mlflow.search_runs(
        experiment_names=[job.name],
        filter_string=" and ".join(conditions),
        order_by=["attributes.start_time DESC"],
        max_results=MAX_RUNS,
        output_format="list",
    )
    for run in runs:
        version = _find_version(job.name, run.data.tags.get("registered_version"))
        if version is not None:
            return FinishedRun(
                run_id=run.info.run_id,
                name=job.name,
                version=str(version.version),
                aliases=tuple(version.aliases),
                metrics=json.loads(version.tags.get("metrics", "{}")),
                evidence=version.tags.get("evidence"),
            )
    return None


def _find_version(name: str, number: str | None) -> ModelVersion | None:
    """Return a version with its aliases; None if there is none any more."""
    if number is None:
        return None
    try:
        return mlflow.MlflowClient().get_model_version(name, number)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return None
