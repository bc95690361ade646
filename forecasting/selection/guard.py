"""Guard: selects a simple forecast or the network for each series, by validation.

`forecasting.selection.rungs` lists the forecasts, `forecasting.selection.evidence`
measures them from rolling origins, `forecasting.selection.choice` selects among them.
The zero-shot forecast is chosen for all series or for none, after these:
`forecasting.selection.zero_shot`.
"""

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from forecasting.covariates.design import Design
from forecasting.covariates.layout import Layout
from forecasting.data.windows import WindowSpec
from forecasting.datasets.window_dataset import WindowDataset
from forecasting.errors import ShapeError
from forecasting.models.network import RecurrentNetwork
from forecasting.models.window_ridge import LinearPart
from forecasting.selection.choice import choose
from forecasting.selection.evidence import fit_linears, gather_evidence
from forecasting.selection.rungs import (
    BASES,
    TRAINED,
    ZERO_SHOT,
    halve,
    simple_forecast,
)
from forecasting.selection.rungs import RUNGS as RUNGS
from forecasting.selection.rungs import GuardInputs as GuardInputs
from forecasting.selection.zero_shot import ZeroShotGain
from forecasting.types import BoolArray, IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Rungs:
    """The rungs selected for series, without the regression.

    Attributes:
        default, by_series, basis, gain: see `Guard`.
    """

    default: int
    by_series: IntArray
    basis: str
    gain: ZeroShotGain | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """The rung selected for each series.

    Attributes:
        linear: the ridge regression.
        smoothed: whether a forecast z of zero is that of exponential smoothing.
        default: rung of series outside the training data, an index of `RUNGS`.
        by_series: rung of each training series, ``(series,)``.
        basis: the simple forecast that ``halfway`` averages with the network.
        gain: errors for which the zero-shot forecast answers; None if it does not.
    """

    linear: LinearPart
    smoothed: bool
    default: int
    by_series: IntArray
    basis: str = "linear"
    gain: ZeroShotGain | None = None

    @property
    def uses_zero_shot(self) -> bool:
        """Whether the zero-shot forecast answers for any series."""
        return self.default == ZERO_SHOT or bool((self.by_series == ZERO_SHOT).any())

    def with_zero_shot(self, gain: ZeroShotGain) -> "Guard":
        """Return a guard with the zero-shot forecast as the answer for every series."""
        by_series = np.full_like(self.by_series, ZERO_SHOT)
        return replace(self, default=ZERO_SHOT, by_series=by_series, gain=gain)

    def choices(self, places: IntArray) -> IntArray:
        """Return rungs of series at ``places``; -1 is an unknown series."""
        rungs = self.by_series[np.maximum(places, 0)]
        return np.where(places < 0, self.default, rungs)

    def rungs_of(self, places: IntArray) -> Rungs:
        """Return the rungs of series at ``places``; -1 is an unknown series."""
        return Rungs(
            default=self.default,
            by_series=self.choices(places),
            basis=self.basis,
            gain=self.gain,
        )

    def with_rungs(self, rungs: Rungs) -> "Guard":
        """Return a guard with other rungs and the same regression."""
        return replace(
            self,
            default=rungs.default,
            by_series=rungs.by_series,
            basis=rungs.basis,
            gain=rungs.gain,
        )

    @staticmethod
    def simplify(
        choices: IntArray, is_short: BoolArray, has_season: BoolArray
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
        return any(RUNGS[rung] in TRAINED for rung in set(choices.tolist()))

    def apply(self, windows: GuardInputs, network: Tensor, choices: Tensor) -> Tensor:
        """Return z of the chosen forecasts, ``(n, horizon)``.

        Args:
            windows: inputs of the rungs.
            network: the network's forecasts z; any values if `needs_network` is false.
            choices: rung of each window, ``(n,)``; the zero-shot forecast reads more
                than a window, so that its rows hold the network's forecast instead.
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
        """Return the forecasts z of windows, lowest first, ``(n, horizon)`` each."""
        absent = {"zero_shot"} if self.smoothed else {"smoothing", "zero_shot"}
        if windows.frame.recent.shape[1] == 1:
            absent.add("seasonal_naive")
        present = [name for name in RUNGS if name not in absent]
        return {name: self._forecast(name, windows, network) for name in present}

    def _forecast(self, name: str, windows: GuardInputs, network: Tensor) -> Tensor:
        """Return the forecasts z of one rung, ``(n, horizon)``."""
        if name in ("network", "zero_shot"):
            return network
        if name == "halfway":
            return halve(network, self._forecast(self.basis, windows, network))
        if name == "linear":
            return self.linear.forecast(windows.inputs).to(network)
        return simple_forecast(name, windows, network.shape[1])


def fit_guard(
    networks: list[RecurrentNetwork],
    batches: WindowDataset,
    validation: WindowDataset,
    *,
    offsets: IntArray,
    ends: IntArray,
    squared: bool = False,
) -> Guard:
    """Choose the rung of every series by errors from rolling origins.

    Series too short for any evidence take the lowest rung: the last value, or
    exponential smoothing.

    Args:
        networks: the members.
        batches: windows that they were trained on.
        validation: windows later than the training windows; it may be empty.
        offsets: borders of the series, ``(series + 1,)``.
        ends: end of the training part of each, ``(series,)``.
        squared: whether to compare squared errors, as ``loss: mse`` does, or absolute
            ones.
    """
    linears = fit_linears(batches)
    evidence = gather_evidence(
        networks,
        linears,
        batches,
        validation,
        offsets=offsets,
        ends=ends,
        squared=squared,
    )
    choice = choose(evidence)
    default = RUNGS.index(choice.default)
    by_series = np.full(len(ends), default)
    for place, rung in choice.by_series.items():
        by_series[place] = RUNGS.index(rung)
    return Guard(
        linear=linears[choice.penalty],
        smoothed=batches.states is not None,
        default=default,
        by_series=by_series,
        basis=choice.basis,
    )


def pack_guard(guard: Guard | None) -> tuple[dict[str, Any], dict[str, Tensor]]:
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
    settings = {"default": guard.default, "basis": guard.basis}
    if guard.gain is not None:
        settings["gain"] = asdict(guard.gain)
    return settings, tensors


def unpack_guard(
    settings: dict[str, Any],
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
    absent |= {"zero_shot"} if layout else set()
    present = [rung for rung, name in enumerate(RUNGS) if name not in absent]
    if not np.isin([*by_series, settings["default"]], present).all():
        raise ValueError("guard.by_series names a forecast that this model lacks")
    _check_linear(linear, spec)
    # Older models have no basis.
    basis = settings.get("basis", "smoothing" if smoothed else "linear")
    if basis not in BASES or basis in absent:
        raise ValueError("guard.basis names a forecast that this model lacks")
    return Guard(
        linear=linear,
        smoothed=smoothed,
        default=int(settings["default"]),
        by_series=by_series,
        basis=basis,
        gain=ZeroShotGain(**settings["gain"]) if "gain" in settings else None,
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
