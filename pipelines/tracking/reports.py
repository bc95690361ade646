"""Reports of models: of a new version, logged with its run, and of registered ones."""

from contextlib import suppress
from pathlib import Path

import mlflow
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from forecasting.forecaster.forecaster import Forecaster
from forecasting.report.content import Registered, make_report
from forecasting.report.page import render_report
from forecasting.track_record.record import TrackRecord
from pipelines.tracking.models import open_with_record
from pipelines.tracking.registry import find_aliases

REPORT_ARTIFACT = "report.html"
VERDICT_TAG = "verdict"  # of a run


def log_report(
    forecaster: Forecaster, record: TrackRecord, registered: Registered
) -> None:
    """Log the report of a new version to the open run."""
    report = make_report(forecaster, record, registered)
    mlflow.log_text(render_report(report), REPORT_ARTIFACT)


def report_model(reference: str) -> tuple[str, str]:
    """Return the report of a model as HTML, and the name of the model.

    Args:
        reference: ``name``, ``name@alias``, ``name/version`` or a model folder.

    Raises:
        UnknownModel: the model is not in the registry.
        ArtifactError: the model is damaged.
        TrackingError: MLflow does not answer.
    """
    forecaster, record, version = open_with_record(reference)
    if version is None:
        registered = Registered(name=Path(reference).resolve().name)
    else:
        registered = Registered(
            name=version.name,
            version=str(version.version),
            aliases=find_aliases(version),
            verdict=_find_verdict(version),
        )
    text = render_report(make_report(forecaster, record, registered))
    return text, registered.name


def _find_verdict(version: ModelVersion) -> str:
    """Return the decision on the promotion; empty if its run is gone."""
    with suppress(MlflowException):
        tags = mlflow.MlflowClient().get_run(version.run_id).data.tags
        return str(tags.get(VERDICT_TAG, ""))
    return ""
