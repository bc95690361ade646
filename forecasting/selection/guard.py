"""The guard: a forecast steps up from simple to learnt only where validation says so.

    last_value      the last observation again and again
    seasonal_naive  the last season again and again
    smoothing       what exponential smoothing says (with ``ets`` and ``log_ets``)
    linear          the ridge regression on the window
    halfway         the mean of the network and of what it is built on
    network         the network, its linear part included

For a data set as a whole, each rung is taken if later windows gain more by it than one
standard error (Breiman et al. 1984, section 3.4.3). Then each series that has enough
such windows of its own may step down again, by the same rule.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from forecasting.covariates.design import Design
from forecasting.datasets.window_dataset import WindowDataset
from forecasting.errors import ShapeError
from forecasting.models.ensemble import ensemble_forecast
from forecasting.models.network import RecurrentNetwork
from forecasting.models.window_ridge import LinearPart
from forecasting.scaling.window_scaling import ScaledWindows
from forecasting.types import FloatArray, IntArray

RUNGS = (
    "last_value",
    "seasonal_naive",
    "smoothing",
    "linear",
    "halfway",
    "network",
)


MOST_WINDOWS = 20_000  # that the choice is made by


ENOUGH = 4.0  # windows without a common target, for a series to choose by itself


BLOCK = 4096


class Inputs(NamedTuple):
    """What the rungs forecast from: windows, and how they were framed."""

    inputs: Tensor
    frame: ScaledWindows


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """Which rung each series stands on.

    Attributes:
        linear: the ridge regression.
        smoothed: whether a forecast of zero is exponential smoothing's.
        default: rung of series that the model does not know, an index of `RUNGS`.
        by_series: rung of each series seen in training, ``(series,)``.
    """

    linear: LinearPart
    smoothed: bool
    default: int
    by_series: IntArray

    def choices(self, places: IntArray) -> Tensor:
        """Return rungs of series at ``places``; -1 is a series never seen."""
        known = self.by_series[np.maximum(places, 0)]
        return torch.from_numpy(np.where(places < 0, self.default, known))

    def asks_network(self, choices: Tensor) -> bool:
        """Return whether a forecast of the network is part of any that is chosen."""
        highest: int = max(choices.tolist())
        return highest >= RUNGS.index("halfway")

    def apply(self, given: Inputs, network: Tensor, choices: Tensor) -> Tensor:
        """Return z of the chosen forecasts, ``(n, horizon)``.

        Args:
            given: windows.
            network: the network's forecasts z; anything where `asks_network` says no.
            choices: a rung a window, ``(n,)``.
        """
        wanted = sorted(set(choices.tolist()))
        if len(wanted) == 1 and not network.requires_grad:
            return self._forecast(RUNGS[wanted[0]], given, network)
        chosen = network
        for rung in wanted:
            here = (choices == rung).to(network.device)[:, None]
            forecast = self._forecast(RUNGS[rung], given, network)
            chosen = torch.where(here, forecast, chosen)
        return chosen

    def forecasts(self, given: Inputs, network: Tensor) -> dict[str, Tensor]:
        """Return the forecasts z of every rung, lowest first, ``(n, horizon)`` each."""
        absent = set() if self.smoothed else {"smoothing"}
        if given.frame.recent.shape[1] == 1:
            absent.add("seasonal_naive")
        present = [name for name in RUNGS if name not in absent]
        return {name: self._forecast(name, given, network) for name in present}

    def _forecast(self, name: str, given: Inputs, network: Tensor) -> Tensor:
        """Return the forecasts z of one rung, ``(n, horizon)``."""
        if name == "network":
            return network
        if name == "halfway":
            basis = "smoothing" if self.smoothed else "linear"
            return (self._forecast(basis, given, network) + network) / 2
        if name == "linear":
            return self.linear.forecast(given.inputs).to(network)
        if name == "smoothing":
            return torch.zeros_like(network)
        recent = given.frame.recent
        if name == "last_value":
            return given.frame.measure(recent[:, -1:].expand_as(network))
        ahead = torch.arange(network.shape[1], device=network.device)
        return given.frame.measure(recent[:, ahead % recent.shape[1]])


@torch.no_grad()
def fit_guard(
    networks: list[RecurrentNetwork],
    linear: LinearPart,
    validation: WindowDataset,
    *,
    series: int,
    squared: bool = False,
) -> Guard:
    """Choose every series' rung by windows that nothing was fitted to.

    Without any there is no evidence, and all stand on the lowest: the last value, or
    what exponential smoothing says.

    Args:
        networks: the members.
        linear: what they are built on.
        validation: later windows.
        series: how many there are.
        squared: whether squared errors are compared, as ``loss: mse`` does, or
            absolute ones.
    """
    smoothed = validation.states is not None
    top = RUNGS.index("network")
    guard = Guard(
        linear=linear, smoothed=smoothed, default=top, by_series=np.full(series, top)
    )
    if not len(validation):
        lowest = RUNGS.index("smoothing" if smoothed else "last_value")
        return replace(guard, default=lowest, by_series=np.full(series, lowest))
    index = validation.windows.evenly(MOST_WINDOWS)
    owners = validation.windows.locate(index)[0].cpu().numpy()
    found: dict[str, list[FloatArray]] = {}
    for block in index.split(BLOCK):
        inputs, targets = validation.take(block)
        given = Inputs(inputs, validation.frame(block))
        forecasts = guard.forecasts(given, ensemble_forecast(networks, inputs))
        for name, forecast in forecasts.items():
            error = targets - forecast
            error = (error.square() if squared else error.abs()).mean(1)
            found.setdefault(name, []).append(error.cpu().double().numpy())
    errors = {name: np.concatenate(parts) for name, parts in found.items()}
    default, own = _choose(errors, owners, networks[0].horizon)
    by_series = np.full(series, default)
    for place, rung in own.items():
        by_series[place] = rung
    return replace(guard, default=default, by_series=by_series)


def _choose(
    errors: dict[str, FloatArray], owners: IntArray, horizon: int
) -> tuple[int, dict[int, int]]:
    """Return the rung of all series, and those of series that step down.

    Args:
        errors: mean absolute error of each window by rung, ``(windows,)`` each.
        owners: series of each window.
        horizon: neighbouring windows that share a target count as one.
    """
    counts = np.bincount(owners)
    independent = float(np.maximum(counts[counts > 0] / horizon, 1).sum())
    names = list(errors)
    chosen = names[0]
    for name in names[1:]:
        if _gains(errors[chosen] - errors[name], independent):
            chosen = name
    lower, own = names[: names.index(chosen)], {}
    for place in np.flatnonzero(counts / horizon >= ENOUGH):
        here = owners == place
        for name in lower:
            gain = errors[chosen][here] - errors[name][here]
            if _gains(gain, counts[place] / horizon):
                own[int(place)] = RUNGS.index(name)
                break
    return RUNGS.index(chosen), own


def _gains(gain: FloatArray, independent: float) -> bool:
    """Return whether a gain is more than one standard error."""
    error = gain.std() / np.sqrt(independent)
    return bool(gain.mean() > error)


def pack_guard(guard: Guard | None) -> tuple[dict[str, int], dict[str, Tensor]]:
    """Return a guard as settings that JSON can hold and named tensors."""
    if guard is None:
        return {}, {}
    linear = guard.linear
    tensors = {
        "guard.weights": linear.weights,
        "guard.bias": linear.bias,
        "guard.by_series": torch.from_numpy(guard.by_series),
    }
    if linear.ahead is not None:
        tensors["guard.ahead"] = linear.ahead
    return {"default": guard.default}, tensors


def unpack_guard(
    plain: dict[str, int], tensors: dict[str, Tensor], network: RecurrentNetwork,
    *, smoothed: bool,
) -> Guard | None:  # fmt: skip
    """Return what `pack_guard` packed.

    Raises:
        LookupError, ValueError: a part is missing, or does not fit.
    """
    if not plain:
        return None
    layout = network.reader.layout if network.reader is not None else None
    design = Design(layout, network.seq_len, network.horizon) if layout else None
    linear = LinearPart(
        tensors["guard.weights"],
        tensors["guard.bias"],
        penalty=float("nan"),
        ahead=tensors.get("guard.ahead"),
        design=design,
    )
    by_series = tensors["guard.by_series"].numpy()
    if by_series.shape != (len(tensors["scaler.center"]),):
        raise ValueError("guard.by_series has another number of series")
    absent = set() if smoothed else {"smoothing"}
    absent |= set() if network.config.season_length > 1 else {"seasonal_naive"}
    present = [rung for rung, name in enumerate(RUNGS) if name not in absent]
    if not np.isin([*by_series, plain["default"]], present).all():
        raise ValueError("guard.by_series names a forecast that there is not")
    _check_linear(linear, network)
    return Guard(
        linear=linear,
        smoothed=smoothed,
        default=int(plain["default"]),
        by_series=by_series,
    )


def _check_linear(linear: LinearPart, network: RecurrentNetwork) -> None:
    window, ahead = network.seq_len, 0
    if linear.design is not None:
        window, ahead = linear.design.sizes
    expected = {
        "guard.weights": (linear.weights, (window, network.horizon)),
        "guard.bias": (linear.bias, (network.horizon,)),
    }
    if linear.ahead is not None:
        expected["guard.ahead"] = (linear.ahead, (ahead,))
    for name, (tensor, shape) in expected.items():
        if tensor.shape != shape:
            raise ShapeError(name, tuple(tensor.shape), shape)
