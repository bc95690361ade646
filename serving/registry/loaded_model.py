"""Loader: from the folder of a version to a model in memory."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from forecasting.errors import ArtifactError
from forecasting.forecaster.forecaster import Forecaster
from forecasting.forecaster.local.predictor import AnyPredictor
from forecasting.forecaster.storage.artifact import FORECAST, read_task
from forecasting.sequences.reading.columns import Task
from forecasting.track_record.record import TrackRecord
from forecasting.track_record.storage import read_record
from serving.errors import OtherTask
from serving.registry.description import describe, describe_sequences
from serving.registry.load_failures import LoadError
from serving.schemas.forecast import ModelDetails
from serving.schemas.sequences import SequenceDetails

if TYPE_CHECKING:  # scikit-learn takes a second to import
    from forecasting.sequences.answers.evaluator import ClassEvaluator
    from forecasting.sequences.storage import SequenceModel

VERBS: dict[str, tuple[str, ...]] = {  # addresses that answer for each task
    "forecast": ("forecast",),
    "classify": ("classify",),
    "label": ("label",),
    "next": ("next", "generate"),
}


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A version of a forecaster in memory, with its description.

    Attributes:
        forecaster: the model.
        details: its description.
        record: its history and backtest; None for a version registered without them.
    """

    forecaster: Forecaster
    details: ModelDetails
    record: TrackRecord | None = None

    @property
    def predictor(self) -> AnyPredictor:
        """The model, ready to forecast arrays."""
        return self.forecaster.predictor

    @property
    def name(self) -> str:
        """Name in the registry."""
        return self.details.name

    @property
    def num_bytes(self) -> int:
        """Bytes of the weights, tables, series and of the track record."""
        record = 0 if self.record is None else self.record.num_bytes
        return self.forecaster.trained.num_bytes + record

    @property
    def version(self) -> str:
        """Number in the registry."""
        return self.details.version


@dataclass(frozen=True, slots=True)
class LoadedSequences:
    """A version of a model of discrete series in memory, with its description.

    Attributes:
        model: the model.
        details: its description.
        evaluator: probabilities of a classifier; None for the other tasks.
        num_bytes: of the weights.
    """

    model: "SequenceModel"
    details: SequenceDetails
    evaluator: "ClassEvaluator | None"
    num_bytes: int

    @property
    def name(self) -> str:
        """Name in the registry."""
        return self.details.name

    @property
    def version(self) -> str:
        """Number in the registry."""
        return self.details.version

    @property
    def task(self) -> Task:
        """Which requests it answers."""
        return self.details.task


AnyModel = LoadedModel | LoadedSequences


def require_forecaster(model: AnyModel) -> LoadedModel:
    """Return a forecaster.

    Raises:
        OtherTask: it is a model of discrete series.
    """
    if isinstance(model, LoadedSequences):
        raise OtherTask(model.name, model.task, VERBS[model.task])
    return model


def require_task(model: AnyModel, task: Task) -> LoadedSequences:
    """Return a model of discrete series of a task.

    Raises:
        OtherTask: it is of another task, or a forecaster.
    """
    if isinstance(model, LoadedModel) or model.task != task:
        own_task = model.details.task
        raise OtherTask(model.name, own_task, VERBS[own_task])
    return model


def load_model(
    name: str, version: str, folder: Path, tags: Mapping[str, str]
) -> AnyModel:
    """Load a version from its folder onto the CPU.

    Args:
        name: of the model.
        version: number.
        folder: its files.
        tags: of the version, for the description.

    Raises:
        LoadError: a file is damaged, missing or of a newer format.
    """
    try:
        if read_task(folder) != FORECAST:
            return _load_sequences(name, version, folder, tags)
        forecaster = Forecaster.load(folder, device="cpu")
        record = read_record(folder)
    except ArtifactError as error:
        reason = str(error).removeprefix(f"model {error.path}: ")
        raise LoadError(reason.replace(str(folder), "its folder")) from error
    details = describe(name, version, forecaster, tags)
    return LoadedModel(forecaster, details, record)


def _load_sequences(
    name: str, version: str, folder: Path, tags: Mapping[str, str]
) -> LoadedSequences:
    from forecasting.sequences.answers.evaluator import ClassEvaluator
    from forecasting.sequences.classifier import SequenceClassifier
    from forecasting.sequences.storage import count_bytes, load_sequence_model

    model = load_sequence_model(folder)
    is_classifier = isinstance(model, SequenceClassifier)
    return LoadedSequences(
        model,
        describe_sequences(name, version, model, tags),
        ClassEvaluator(model) if is_classifier else None,
        count_bytes(model),
    )
