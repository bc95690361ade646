"""A trained model on disk, be it one of all series or one a series."""

from pathlib import Path

import torch

from forecasting.errors import ArtifactError
from forecasting.forecaster.local.models import LocalModels
from forecasting.forecaster.local.packing import PackedModels
from forecasting.forecaster.storage.artifact import (
    locate_artifact,
    pack,
    read_artifact,
    unpack,
    write_artifact,
)
from forecasting.forecaster.trained_model import TrainedModel


def write_model(path: Path, trained: TrainedModel) -> None:
    """Write a model to a folder, atomically.

    Raises:
        ArtifactError: the folder cannot be written.
    """
    if isinstance(trained, LocalModels):
        write_artifact(path, *trained.packed.to_artifact())
    else:
        write_artifact(path, *pack(trained.as_global()))


def read_model(path: Path, device: torch.device) -> TrainedModel:
    """Read a model that `write_model` wrote.

    Args:
        path: its folder, or an MLflow model that holds it.
        device: of the networks.

    Raises:
        ArtifactError: the folder is missing, damaged or of a later format.
    """
    folder = locate_artifact(path)
    config, tensors = read_artifact(folder)
    if "task" in config:
        problem = f"it is a model of the task {config['task']}, not a forecaster"
        advice = "Use recast predict, or forecasting.load_sequence_model."
        raise ArtifactError(folder, problem, advice)
    if "local" in config:
        packed = PackedModels.from_artifact(folder, config, tensors)
        return LocalModels(packed, folder, device)
    return unpack(folder, config, tensors, device)
