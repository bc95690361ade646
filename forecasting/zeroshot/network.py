"""Recurrent networks of the package, each for series with one season length.

`forecasting.pretraining` trains them on synthetic series alone. They read the windows
that exponential smoothing has scaled, and add to its forecast.
"""

import json
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load_file

from forecasting.types import FloatArray, IntArray
from forecasting.zeroshot.smoothing import SmoothedTracks

WEIGHTS = Path(__file__).parents[1] / "weights"
BLOCK = 32  # windows computed together
ORDER = (  # of the weights, as the compiled loops expect them
    "encoder.layers.0.forward_cell.weight_ih_l0",
    "encoder.layers.0.forward_cell.weight_hh_l0",
    "encoder.layers.0.forward_cell.bias_ih_l0",
    "encoder.layers.0.forward_cell.bias_hh_l0",
    "head.weight",
    "head.bias",
    "skip.weight",
    "skip.bias",
)


@dataclass(frozen=True, slots=True)
class SeasonNetwork:
    """A pretrained network, ready for the compiled loops.

    Attributes:
        shape: of the network, `forecasting.kernels.recurrent.Shape`.
        weights: all weights, ``(weights,)``.
        seq_len: values in a window.
        horizon: steps ahead that it was trained for.
        season_length: steps of a season.
    """

    shape: Any
    weights: npt.NDArray[np.float32]
    seq_len: int
    horizon: int
    season_length: int

    def forecast(self, smoothed: SmoothedTracks, borders: IntArray) -> FloatArray:
        """Forecast tracks from their origins, ``(origins, steps)``.

        Args:
            smoothed: the tracks, with windows of ``seq_len`` values and forecasts for
                at most ``horizon`` steps.
            borders: of the series in the origins, ``(series + 1,)``.
        """
        from forecasting.kernels import recurrent  # takes a third of a second

        base, windows, sizes = smoothed
        changes = np.empty((len(windows), self.horizon), np.float32)
        recurrent.forecast_groups(
            self.shape, self.weights, windows, borders, changes, BLOCK
        )
        return np.asarray(base + changes[:, : base.shape[1]] * sizes[:, None])


def network_for(season_length: int, steps: int) -> SeasonNetwork | None:
    """Return the network of a season, or None where there is none that fits.

    Args:
        season_length: steps of a season; 1 for none.
        steps: steps ahead.
    """
    if season_length not in season_lengths():
        return None
    network = read_network(season_length)
    return network if steps <= network.horizon else None


@cache
def season_lengths(folder: Path = WEIGHTS) -> tuple[int, ...]:
    """Return the season lengths that have a network, ascending."""
    names = [path.name.removeprefix("season_") for path in folder.glob("season_*")]
    return tuple(sorted(int(name) for name in names if name.isdecimal()))


@cache
def read_network(season_length: int, folder: Path = WEIGHTS) -> SeasonNetwork:
    """Read the network of a season length.

    Args:
        season_length: one of `season_lengths`.
        folder: of the networks.
    """
    from forecasting.kernels import recurrent

    path = folder / f"season_{season_length}"
    config = json.loads((path / "config.json").read_text("utf-8"))
    tensors = load_file(path / "model.safetensors")
    windows, model = config["windows"], config["model"]
    shape = recurrent.Shape(
        cell=recurrent.GRU,
        layers=1,
        inputs=model["patch_len"],
        hidden=model["hidden_size"],
        steps=windows["seq_len"] // model["patch_len"],
        horizon=windows["horizon"],
        skip=True,
        train_skip=True,
    )
    return SeasonNetwork(
        shape=shape,
        weights=np.concatenate(
            [tensors[f"members.0.{name}"].ravel() for name in ORDER]
        ),
        seq_len=windows["seq_len"],
        horizon=windows["horizon"],
        season_length=season_length,
    )


def networks_digest(folder: Path = WEIGHTS) -> str:
    """Return the SHA-256 of the digests of all networks' weights."""
    digest = sha256()
    for season_length in season_lengths(folder):
        recipe = json.loads(
            (folder / f"season_{season_length}" / "recipe.json").read_text("utf-8")
        )
        digest.update(f"{season_length} {recipe['weights']}\n".encode())
    return digest.hexdigest()
