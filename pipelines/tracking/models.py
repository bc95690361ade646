"""Models as MLflow models: logged with a run, loaded from the registry."""

import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from importlib.metadata import version as package_version
from pathlib import Path
from typing import TypeVar

import mlflow
from mlflow.entities import LoggedModel, LoggedModelOutput, Metric, Run
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.models import Model, ModelSignature
from mlflow.types.schema import AnyType, ColSpec, ParamSchema, ParamSpec, Schema

from forecasting.data.forecast import check_levels
from forecasting.errors import ArtifactError
from forecasting.forecaster.forecaster import LEVELS, Forecaster
from forecasting.forecaster.storage.artifact import FORECAST, read_task
from forecasting.pyfunc import example_frame
from forecasting.sequences.storage import (
    SequenceModel,
    load_sequence_model,
)
from forecasting.track_record.record import TrackRecord
from forecasting.track_record.storage import read_record, write_record
from pipelines.tracking.access import check_access, first_line
from pipelines.tracking.metrics import MAX_BATCH_METRICS
from pipelines.tracking.registry import find_version
from pipelines.tracking.runs import connect, quiet_mlflow

LOADER = "forecasting.pyfunc"
REQUIREMENTS = (
    *("torch", "numpy", "pandas", "scikit-learn", "safetensors"),
    *("numba", "scipy", "joblib", "threadpoolctl"),
)  # of the library
EXAMPLE_SERIES = 2  # series in the input example
T = TypeVar("T")


def log_model(
    forecaster: Forecaster,
    levels: tuple[float, ...],
    record: TrackRecord | None = None,
    *,
    is_resumed: bool = False,
) -> LoggedModel:
    """Log a forecaster to the open run as a pyfunc model.

    Args:
        forecaster: trained model.
        levels: interval levels in percent, for the signature.
        record: history and backtest of the model, stored in its folder; None for none.
        is_resumed: whether the run may have such a model, perhaps in part, from a
            process that was cut; the model takes its place.
    """
    save = partial(_save, forecaster, levels, record)
    return log_saved(save, is_resumed=is_resumed)


def log_saved(
    save: Callable[[Path, Model], None], *, is_resumed: bool = False
) -> LoggedModel:
    """Log a model to the open run as a pyfunc model.

    Args:
        save: writes the pyfunc model to the subfolder ``model`` of a folder.
        is_resumed: as in `log_model`.
    """
    active = mlflow.active_run()
    assert active is not None
    client, run_id = mlflow.MlflowClient(), active.info.run_id
    with tempfile.TemporaryDirectory() as folder, quiet_mlflow():
        run = client.get_run(run_id)  # the open run lacks later parameters
        logged = _find_logged(client, run) if is_resumed else None
        if logged is None:
            logged = mlflow.initialize_logged_model("model", params=run.data.params)
        model = Model(
            artifact_path=logged.artifact_location,
            model_uuid=logged.model_id,
            run_id=run_id,
            model_id=logged.model_id,
        )
        try:
            path = Path(folder)
            save(path, model)
            client.log_model_artifacts(logged.model_id, str(path / "model"))
            _link(client, run, logged)
        except Exception:
            with suppress(MlflowException):
                client.finalize_logged_model(logged.model_id, "FAILED")
            raise
        return client.finalize_logged_model(logged.model_id, "READY")


def _save(
    forecaster: Forecaster,
    levels: tuple[float, ...],
    record: TrackRecord | None,
    folder: Path,
    model: Model,
) -> None:
    """Save a forecaster as a pyfunc model in the subfolder ``model`` of a folder."""
    forecaster.save(folder / "forecaster")
    if record is not None:
        write_record(folder / "forecaster", record)
    mlflow.pyfunc.save_model(
        folder / "model",
        mlflow_model=model,
        loader_module=LOADER,
        data_path=str(folder / "forecaster"),
        signature=_signature(forecaster, levels),
        input_example=example_frame(forecaster, EXAMPLE_SERIES),
        metadata={"schema": forecaster.trained.context.schema.to_plain()},
        pip_requirements=requirements(),
    )


def _find_logged(client: mlflow.MlflowClient, run: Run) -> LoggedModel | None:
    """Return the model that a run has logged, perhaps in part; None without one."""
    models = client.search_logged_models(
        [run.info.experiment_id], filter_string=f"source_run_id = '{run.info.run_id}'"
    )
    return next(iter(models), None)


def _link(client: mlflow.MlflowClient, run: Run, logged: LoggedModel) -> None:
    """Show a logged model as the output of its run, with the metrics of the run.

    Metrics by step or by epoch are left out. `mlflow.pyfunc.log_model` would ask for
    the history of each metric to tell them: a hundred requests.
    """
    model_id, run_id = logged.model_id, run.info.run_id
    now, present = int(time.time() * 1000), {m.key for m in logged.metrics or ()}
    overall = [
        Metric(name, value, now, 0, model_id=model_id, run_id=run_id)
        for name, value in run.data.metrics.items()
        if "step/" not in name
        and not name.startswith("training/")
        and name not in present
    ]
    for start in range(0, len(overall), MAX_BATCH_METRICS):
        client.log_batch(run_id, metrics=overall[start : start + MAX_BATCH_METRICS])
    outputs = run.outputs.model_outputs if run.outputs else []
    if model_id not in {output.model_id for output in outputs}:
        client.log_outputs(run_id, [LoggedModelOutput(model_id, step=0)])


def requirements() -> list[str]:
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
    return _open(reference, Forecaster.load)


def open_sequence_model(
    reference: str,
) -> tuple[SequenceModel, ModelVersion | None]:
    """Load a model of discrete series, as `open_model`.

    Raises:
        ArtifactError: the model is damaged, or a forecaster.
    """
    return _open(reference, load_sequence_model)


def open_any_model(
    reference: str,
) -> tuple[Forecaster | SequenceModel, ModelVersion | None]:
    """Load a forecaster or a model of discrete series, as `open_model`."""

    def load(path: Path) -> Forecaster | SequenceModel:
        is_forecaster = read_task(path) == FORECAST
        return Forecaster.load(path) if is_forecaster else load_sequence_model(path)

    return _open(reference, load)


def open_with_record(
    reference: str,
) -> tuple[Forecaster, TrackRecord | None, ModelVersion | None]:
    """Load a model and its track record, None without one, as `open_model`."""

    def load(path: Path) -> tuple[Forecaster, TrackRecord | None]:
        return Forecaster.load(path), read_record(path)

    (forecaster, record), version = _open(reference, load)
    return forecaster, record, version


def _open(reference: str, load: Callable[[Path], T]) -> tuple[T, ModelVersion | None]:
    if Path(reference).is_dir():
        return load(Path(reference)), None
    connect()
    version = find_version(reference)
    return _download(version, load), version


def load_forecaster(version: ModelVersion) -> Forecaster:
    """Download a version and load it.

    Raises:
        ArtifactError: the stored files are damaged or missing.
        AccessDenied: the server refuses the user.
    """
    return _download(version, Forecaster.load)


def load_sequences(version: ModelVersion) -> SequenceModel:
    """Download a version of a model of discrete series and load it.

    Raises: as `load_forecaster`.
    """
    return _download(version, load_sequence_model)


def _download(version: ModelVersion, load: Callable[[Path], T]) -> T:
    """Download the files of a version, and load them; see `load_forecaster`."""
    name = f"{version.name} version {version.version}"
    with tempfile.TemporaryDirectory() as folder, quiet_mlflow():
        try:
            path = mlflow.artifacts.download_artifacts(
                f"models:/{version.name}/{version.version}", dst_path=folder
            )
            return load(Path(path))
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
