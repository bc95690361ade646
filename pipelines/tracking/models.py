"""Forecasters as MLflow models: logged with a run, loaded from the registry."""

import tempfile
from importlib.metadata import version as package_version
from pathlib import Path

import mlflow
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.models.model import ModelInfo
from mlflow.types.schema import AnyType, ColSpec, ParamSchema, ParamSpec, Schema

from forecasting.data.forecast import check_levels
from forecasting.errors import ArtifactError
from forecasting.forecaster.forecaster import LEVELS, Forecaster
from forecasting.pyfunc import example_frame
from pipelines.tracking.access import check_access, first_line
from pipelines.tracking.registry import find_version
from pipelines.tracking.runs import connect, quiet_mlflow

LOADER = "forecasting.pyfunc"
REQUIREMENTS = (
    *("torch", "numpy", "pandas", "scikit-learn", "safetensors"),
    *("numba", "scipy", "joblib", "threadpoolctl"),
)  # of the library
EXAMPLE_SERIES = 2  # series in the input example


def log_model(forecaster: Forecaster, levels: tuple[float, ...]) -> ModelInfo:
    """Log a forecaster to the open run as a pyfunc model; return its URI and id.

    Args:
        forecaster: trained model.
        levels: interval levels in percent, for the signature.
    """
    example = example_frame(forecaster, EXAMPLE_SERIES)
    with tempfile.TemporaryDirectory() as folder, quiet_mlflow():
        path = Path(folder) / "forecaster"
        forecaster.save(path)
        return mlflow.pyfunc.log_model(
            name="model",
            loader_module=LOADER,
            data_path=str(path),
            signature=_signature(forecaster, levels),
            input_example=example,
            metadata={"schema": forecaster.trained.context.schema.to_plain()},
            pip_requirements=_requirements(),
        )


def _requirements() -> list[str]:
    """Return the packages that a model runs with, as PyPI has them.

    A build for one device (``2.13.0+cpu``) is not on PyPI. Recast is left out: no
    package of that name is there, and whoever took the name would run on each server.
    """
    return [
        f"{name}=={package_version(name).partition('+')[0]}" for name in REQUIREMENTS
    ]


def open_model(reference: str) -> tuple[Forecaster, ModelVersion | None]:
    """Load a model from the registry or from a folder.

    Args:
        reference: ``name``, ``name@alias``, ``name/version`` or a model folder.

    Returns:
        The model, and its version; None for a folder.

    Raises:
        UnknownModel: the model is not in the registry.
        ArtifactError: the model is damaged.
        TrackingError: MLflow does not answer.
    """
    if Path(reference).is_dir():
        return Forecaster.load(reference), None
    connect()
    version = find_version(reference)
    return load_forecaster(version), version


def load_forecaster(version: ModelVersion) -> Forecaster:
    """Download a version and load it.

    Raises:
        ArtifactError: the stored files are damaged or missing.
        AccessDenied: the server refuses the user.
    """
    name = f"{version.name} version {version.version}"
    with tempfile.TemporaryDirectory() as folder, quiet_mlflow():
        try:
            path = mlflow.artifacts.download_artifacts(
                f"models:/{version.name}/{version.version}", dst_path=folder
            )
            return Forecaster.load(path)
        except ArtifactError as error:
            raise ArtifactError(name, error.problem, error.advice) from error
        except (MlflowException, OSError) as error:
            check_access(error)
            reason = f"its files did not arrive ({first_line(error)})"
            advice = "Look for them in the artifact store, or take another version."
            raise ArtifactError(name, reason, advice) from error


def _signature(forecaster: Forecaster, levels: tuple[float, ...]) -> ModelSignature:
    """Return the signature: named inputs of any type, and the types of the outputs.

    MLflow converts no integers, dates or categories to a type of a signature; the model
    itself reads and checks them.
    """
    covariates = forecaster.trained.covariates.columns
    is_dated = forecaster.trained.context.calendar.freq is not None
    bounds = [
        f"{side}_{level:g}"
        for level in check_levels(levels)
        for side in ("lower", "upper")
    ]
    return ModelSignature(
        inputs=Schema(
            [
                ColSpec(AnyType(), "series_id", required=False),
                ColSpec(AnyType(), "timestamp", required=False),
                ColSpec(AnyType(), "target"),
                *(ColSpec(AnyType(), covariate.name) for covariate in covariates),
            ]
        ),
        outputs=Schema(
            [
                ColSpec("string", "series_id"),
                ColSpec("long", "step"),
                ColSpec("datetime" if is_dated else "long", "timestamp"),
                ColSpec("double", "point"),
                *(ColSpec("double", name) for name in bounds),
            ]
        ),
        params=ParamSchema(
            [
                ParamSpec("horizon", "long", 0),
                ParamSpec("levels", "double", list(LEVELS), shape=(-1,)),
                ParamSpec("method", "boolean", False),
            ]
        ),
    )
