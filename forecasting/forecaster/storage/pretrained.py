"""Pretrained networks: models of the package, trained on synthetic series alone.

They lie in `forecasting/weights`, an artifact for each season length, written by
`python -m forecasting.pretraining`.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from forecasting.data.forecast import check_horizon
from forecasting.data.schema import Schema
from forecasting.errors import SettingError
from forecasting.forecaster.storage.artifact import read_artifact, unpack
from forecasting.forecaster.trained_model import GlobalModel

WEIGHTS = Path(__file__).parents[2] / "weights"
PREFIX = "season_"
BY_STEP = (".head.weight", ".head.bias", ".skip.weight", ".skip.bias")


def pretrained_season_lengths(folder: Path = WEIGHTS) -> tuple[int, ...]:
    """Return the season lengths of the pretrained networks, ascending."""
    names = [path.name.removeprefix(PREFIX) for path in folder.glob(f"{PREFIX}*")]
    return tuple(sorted(int(name) for name in names if name.isdecimal()))


def read_pretrained(
    season_length: int, horizon: int, device: torch.device, folder: Path = WEIGHTS
) -> GlobalModel:
    """Read the pretrained model of a season length, cut to the steps asked for.

    Args:
        season_length: steps of a season; 1 for none.
        horizon: steps ahead; more than the network was trained for are cut to those.
        device: of the networks.
        folder: of the models.

    Raises:
        SettingError: no network was trained for this season.
        ArtifactError: the model's files are damaged.
    """
    available = pretrained_season_lengths(folder)
    if season_length not in available:
        expected = f"one of {', '.join(map(str, available))}, which have networks"
        raise SettingError("season_length", season_length, expected)
    path = folder / f"{PREFIX}{season_length}"
    config, tensors = read_artifact(path)
    steps = min(check_horizon(horizon), int(config["windows"]["horizon"]))
    model = unpack(path, *_cut(config, tensors, steps), device)
    # Frames are read by their own columns, not by those of synthetic series.
    return replace(model, context=replace(model.context, schema=Schema()))


def _cut(
    config: dict[str, Any], tensors: dict[str, Tensor], steps: int
) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Return settings and tensors of the first steps ahead."""
    config = {**config, "windows": {**config["windows"], "horizon": steps}}
    cut = {
        name: tensor[:steps] if name.endswith(BY_STEP) else tensor
        for name, tensor in tensors.items()
    }
    cut["intervals.quantiles"] = tensors["intervals.quantiles"][:, :steps]
    return config, {name: tensor.contiguous() for name, tensor in cut.items()}
