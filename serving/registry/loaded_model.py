"""Loader: from the folder of a version to a model in memory."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from forecasting.errors import ArtifactError
from forecasting.forecaster.forecaster import Forecaster
from forecasting.forecaster.predictor import Predictor
from serving.registry.description import describe
from serving.registry.load_failures import LoadError
from serving.schemas.forecast import ModelDetails


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A version in memory, with its description."""

    forecaster: Forecaster
    details: ModelDetails

    @property
    def predictor(self) -> Predictor:
        """The model, ready to forecast arrays."""
        return self.forecaster.predictor

    @property
    def name(self) -> str:
        """Name in the registry."""
        return self.details.name

    @property
    def num_bytes(self) -> int:
        """Bytes of the weights, tables and series."""
        return self.forecaster.trained.num_bytes

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
    except ArtifactError as error:
        reason = str(error).removeprefix(f"model {error.path}: ")
        raise LoadError(reason.replace(str(folder), "its folder")) from error
    return LoadedModel(forecaster, describe(name, version, forecaster, tags))
