"""Rungs of the guard: the forecasts that it selects from, simple ones first.

last_value      the last observation, repeated
seasonal_naive  the last season, repeated
smoothing       exponential smoothing (with ``ets`` and ``log_ets``)
linear          the ridge regression on the window
halfway         the mean of the network and of a simple forecast, its basis
network         the network, its linear part included
zero_shot       the forecast without training, of all series or of none
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from forecasting.scaling.window_scaling import ScaledWindows
from forecasting.types import BoolArray, IntArray
from forecasting.zeroshot import MIN_HISTORY

RUNGS = (
    "last_value",
    "seasonal_naive",
    "smoothing",
    "linear",
    "halfway",
    "network",
    "zero_shot",
)
BASES = RUNGS[:4]  # of halfway
TRAINED = ("halfway", "network")  # forecasts that read the network's
ZERO_SHOT = RUNGS.index("zero_shot")


class GuardInputs(NamedTuple):
    """Inputs of the rungs: windows, and their scaling."""

    inputs: Tensor
    frame: ScaledWindows


def find_short(rungs: IntArray, lengths: IntArray, min_history: IntArray) -> BoolArray:
    """Return whether a series is too short for its rung, ``(n,)``.

    Args:
        rungs: of each series, ``(n,)``.
        lengths: number of observations of each, ``(n,)``.
        min_history: observations before a forecast of the networks, of each or of all.
    """
    return np.asarray(lengths < np.where(rungs == ZERO_SHOT, MIN_HISTORY, min_history))


def simple_forecasts(windows: GuardInputs, horizon: int) -> dict[str, Tensor]:
    """Return the forecasts z that need no fit, ``(n, horizon)`` each, by rung.

    Without a season there is no ``seasonal_naive``; ``smoothing`` is meant for windows
    that are scaled by it.
    """
    names = ["last_value", "seasonal_naive", "smoothing"]
    if windows.frame.recent.shape[1] == 1:
        names.remove("seasonal_naive")
    return {name: simple_forecast(name, windows, horizon) for name in names}


def simple_forecast(name: str, windows: GuardInputs, horizon: int) -> Tensor:
    """Return the forecasts z of a rung that needs no fit, ``(n, horizon)``."""
    frame = windows.frame
    recent = frame.recent
    if name == "smoothing":
        return recent.new_zeros(len(recent), horizon)
    if name == "last_value":
        return frame.measure(recent[:, -1:].expand(-1, horizon))
    ahead = torch.arange(horizon, device=recent.device)
    return frame.measure(recent[:, ahead % recent.shape[1]])


def halve(network: Tensor, basis: Tensor) -> Tensor:
    """Return the mean of two forecasts (Bates and Granger 1969, equal weights)."""
    return (basis + network) / 2
