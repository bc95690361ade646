"""Guard: selects a simple forecast or the network for each series, by validation.

The rungs, from the simplest forecast up:

    last_value      the last observation, repeated
    seasonal_naive  the last season, repeated
    smoothing       exponential smoothing (with ``ets`` and ``log_ets``)
    linear          the ridge regression on the window
    halfway         the mean of the network and of its basis, smoothing or linear
    network         the network, its linear part included

For the data set, a higher rung is selected if it lowers the error on later windows by
more than one standard error (Breiman et al. 1984, section 3.4.3). Then each series with
enough such windows may step down again, by the same rule.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from forecasting.covariates.design import Design
from forecasting.covariates.layout import Layout
from forecasting.data.windows import WindowSpec
from forecasting.datasets.validation import Rows, WindowBlock, to_array, validate
from forecasting.datasets.window_dataset import WindowDataset
from forecasting.errors import ShapeError
from forecasting.models.ensemble import ensemble_forecast
from forecasting.models.network import RecurrentNetwork
from forecasting.models.window_ridge import LinearPart
from forecasting.scaling.window_scaling import ScaledWindows
from forecasting.types import BoolArray, FloatArray, IntArray

RUNGS = (
    "last_value",
    "seasonal_naive",
    "smoothing",
    "linear",
    "halfway",
    "network",
)

MAX_WINDOWS = 20_000  # compared at most
MIN_INDEPENDENT_WINDOWS = 4.0  # without a common target, for a rung of its own


class GuardInputs(NamedTuple):
    """Inputs of the rungs: windows, and their scaling."""

    inputs: Tensor
    frame: ScaledWindows


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """The rung selected for each series.

    Attributes:
        linear: the ridge regression.
        smoothed: whether a forecast z of zero is that of exponential smoothing.
        default: rung of series outside the training data, an index of `RUNGS`.
        by_series: rung of each training series, ``(series,)``.
    """

    linear: LinearPart
    smoothed: bool
    default: int
    by_series: IntArray

    def choices(self, places: IntArray) -> IntArray:
        """Return rungs of series at ``places``; -1 is an unknown series."""
        rungs = self.by_series[np.maximum(places, 0)]
        return np.where(places < 0, self.default, rungs)

    def simplify(
        self, choices: IntArray, is_short: BoolArray, has_season: BoolArray
    ) -> IntArray:
        """Return the rungs with simple ones for series that do not fill a window.

        Args:
            choices: rung of each series, ``(n,)``.
            is_short: whether a series is shorter than a window, ``(n,)``.
            has_season: whether it holds a season to repeat, ``(n,)``.
        """
        seasonal = RUNGS.index("seasonal_naive")
        simple = np.where((choices == seasonal) & has_season, seasonal, 0)
        return np.where(is_short, simple, choices)

    def needs_network(self, choices: Tensor) -> bool:
        """Return whether any chosen rung uses the network's forecast."""
        highest: int = max(choices.tolist())
        return highest >= RUNGS.index("halfway")

    def apply(self, windows: GuardInputs, network: Tensor, choices: Tensor) -> Tensor:
        """Return z of the chosen forecasts, ``(n, horizon)``.

        Args:
            windows: inputs of the rungs.
            network: the network's forecasts z; any values if `needs_network` is false.
            choices: rung of each window, ``(n,)``.
        """
        rungs = sorted(set(choices.tolist()))
        if len(rungs) == 1 and not network.requires_grad:
            return self._forecast(RUNGS[rungs[0]], windows, network)
        chosen = network
        for rung in rungs:
            on_rung = (choices == rung).to(network.device)[:, None]
            forecast = self._forecast(RUNGS[rung], windows, network)
            chosen = torch.where(on_rung, forecast, chosen)
        return chosen

    def forecasts(self, windows: GuardInputs, network: Tensor) -> dict[str, Tensor]:
        """Return the forecasts z of every rung, lowest first, ``(n, horizon)`` each."""
        absent = set() if self.smoothed else {"smoothing"}
        if windows.frame.recent.shape[1] == 1:
            absent.add("seasonal_naive")
        present = [name for name in RUNGS if name not in absent]
        return {name: self._forecast(name, windows, network) for name in present}

    def _forecast(self, name: str, windows: GuardInputs, network: Tensor) -> Tensor:
        """Return the forecasts z of one rung, ``(n, horizon)``."""
        if name == "network":
            return network
        if name == "halfway":
            basis = "smoothing" if self.smoothed else "linear"
            return (self._forecast(basis, windows, network) + network) / 2
        if name == "linear":
            return self.linear.forecast(windows.inputs).to(network)
        if name == "smoothing":
            return torch.zeros_like(network)
        recent = windows.frame.recent
        if name == "last_value":
            return windows.frame.measure(recent[:, -1:].expand_as(network))
        ahead = torch.arange(network.shape[1], device=network.device)
        return windows.frame.measure(recent[:, ahead % recent.shape[1]])


@torch.no_grad()
def fit_guard(
    networks: list[RecurrentNetwork],
    linear: LinearPart,
    validation: WindowDataset,
    *,
    series: int,
    squared: bool = False,
) -> Guard:
    """Choose the rung of every series on validation windows.

    Without such windows all series take the lowest rung: the last value, or exponential
    smoothing.

    Args:
        networks: the members.
        linear: their linear part.
        validation: windows later than the training windows.
        series: number of series.
        squared: whether to compare squared errors, as ``loss: mse`` does, or absolute
            ones.
    """
    smoothed = validation.states is not None
    top = RUNGS.index("network")
    guard = Guard(
        linear=linear, smoothed=smoothed, default=top, by_series=np.full(series, top)
    )
    if not len(validation):
        lowest = RUNGS.index("smoothing" if smoothed else "last_value")
        return replace(guard, default=lowest, by_series=np.full(series, lowest))

    def measure(block: WindowBlock) -> Rows:
        windows = GuardInputs(block.inputs, block.frame)
        forecasts = guard.forecasts(windows, ensemble_forecast(networks, block.inputs))
        errors = {name: block.targets - forecasts[name] for name in forecasts}
        return {"series": block.series} | {
            name: to_array((error.square() if squared else error.abs()).mean(1))
            for name, error in errors.items()
        }

    errors = dict(validate(validation, measure, max_windows=MAX_WINDOWS))
    owners = errors.pop("series")
    default, lower_rungs = _choose(errors, owners, linear.steps)
    by_series = np.full(series, default)
    for place, rung in lower_rungs.items():
        by_series[place] = rung
    return replace(guard, default=default, by_series=by_series)


def _choose(
    errors: dict[str, FloatArray], owners: IntArray, horizon: int
) -> tuple[int, dict[int, int]]:
    """Return the rung of the data set, and the rungs of series that step down.

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
    lower, lower_rungs = names[: names.index(chosen)], {}
    for place in np.flatnonzero(counts / horizon >= MIN_INDEPENDENT_WINDOWS):
        owned = owners == place
        for name in lower:
            gain = errors[chosen][owned] - errors[name][owned]
            if _gains(gain, counts[place] / horizon):
                lower_rungs[int(place)] = RUNGS.index(name)
                break
    return RUNGS.index(chosen), lower_rungs


def _gains(gain: FloatArray, independent: float) -> bool:
    """Return whether a gain is more than one standard error."""
    error = gain.std() / np.sqrt(independent)
    return bool(gain.mean() > error)


def pack_guard(guard: Guard | None) -> tuple[dict[str, int], dict[str, Tensor]]:
    """Return a guard as JSON settings and named tensors."""
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
    settings: dict[str, int],
    tensors: dict[str, Tensor],
    spec: WindowSpec,
    *,
    layout: Layout | None,
    season_length: int,
    smoothed: bool,
) -> Guard | None:
    """Rebuild a guard from the settings and tensors of `pack_guard`.

    Args:
        settings: of `pack_guard`; empty for no guard.
        tensors: of `pack_guard`, and those of the statistics.
        spec: shape of a window.
        layout: columns of windows with covariates; None without any.
        season_length: steps of a season; 1 for none.
        smoothed: whether the normalisation is exponential smoothing.

    Raises:
        LookupError, ValueError: a part is missing, or has a wrong shape.
    """
    if not settings:
        return None
    design = Design(layout, spec.seq_len, spec.horizon) if layout else None
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
    absent |= set() if season_length > 1 else {"seasonal_naive"}
    present = [rung for rung, name in enumerate(RUNGS) if name not in absent]
    if not np.isin([*by_series, settings["default"]], present).all():
        raise ValueError("guard.by_series names a forecast that this model lacks")
    _check_linear(linear, spec)
    return Guard(
        linear=linear,
        smoothed=smoothed,
        default=int(settings["default"]),
        by_series=by_series,
    )


def _check_linear(linear: LinearPart, spec: WindowSpec) -> None:
    window, ahead = spec.seq_len, 0
    if linear.design is not None:
        window, ahead = linear.design.sizes
    expected = {
        "guard.weights": (linear.weights, (window, spec.horizon)),
        "guard.bias": (linear.bias, (spec.horizon,)),
    }
    if linear.ahead is not None:
        expected["guard.ahead"] = (linear.ahead, (ahead,))
    for name, (tensor, shape) in expected.items():
        if tensor.shape != shape:
            raise ShapeError(name, tuple(tensor.shape), shape)
