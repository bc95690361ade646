"""Loader: from the folder of a version to a model in memory."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from forecasting.errors import ArtifactError
from forecasting.forecaster.forecaster import Forecaster
from forecasting.forecaster.local.predictor import AnyPredictor
from forecasting.track_record.record import TrackRecord
from forecasting.track_record.storage import read_record
from serving.registry.description import describe
from serving.registry.load_failures import LoadError
from serving.schemas.forecast import ModelDetails


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A version in memory, with its description.

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


def load_model(
    name: str, version: str, folder: Path, tags: Mapping[str, str]
) -> LoadedModel:
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
        forecaster = Forecaster.load(folder, device="cpu")
        record = read_record(folder)
    except ArtifactError as error:
        reason = str(error).removeprefix(f"model {error.path}: ")
        raise LoadError(reason.replace(str(folder), "its folder")) from error
    details = describe(name, version, forecaster, tags)
    return LoadedModel(forecaster, details, record)
