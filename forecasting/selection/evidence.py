"""Errors of every rung from rolling origins: the evidence of the guard.

    origins      last_value, seasonal_naive, smoothing   linear         halfway, network
    validation   x                                       x              x
    older        x                                       x, fitted      -
                                                         before each

The networks are trained once, so that only the validation part is new to them. The
simple forecasts are measured from older origins too (Tashman 2000, "Out-of-sample tests
of forecasting accuracy"): they are one validation part apart, and the regression is
fitted again on the windows before each.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from forecasting.data.windows import Windows
from forecasting.datasets.validation import Rows, WindowBlock, to_array, validate
from forecasting.datasets.window_dataset import WindowDataset, min_history
from forecasting.models.ensemble import ensemble_forecast
from forecasting.models.network import RecurrentNetwork
from forecasting.models.window_ridge import PENALTIES, LinearPart, fit_linear_parts
from forecasting.selection.rungs import GuardInputs, halve, simple_forecasts
from forecasting.types import BoolArray, FloatArray, IntArray

MAX_WINDOWS = 20_000  # measured of each part
MAX_OLDER_PARTS = 4
MIN_SHARE = 0.5  # of the training windows, to fit the regression before an older part
ENOUGH = 400.0  # independent windows of validation that make older parts superfluous


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Errors of windows, a row each; NaN where a forecast was not measured.

    Attributes:
        errors: mean error over the horizon by forecast, ``(rows,)`` each. Regressions
            are named ``linear 0``, ``linear 1`` and so on, in the order of `PENALTIES`;
            means of the network and a simple forecast ``halfway smoothing`` and so on.
        owners: series of each row.
        horizon: neighbouring windows that share a target count as one.
        lowest: the forecast to use without any row.
    """

    errors: dict[str, FloatArray]
    owners: IntArray
    horizon: int
    lowest: str = "last_value"

    def count_independent(self, rows: BoolArray) -> float:
        """Return the number of windows without a common target among some rows."""
        counts = np.bincount(self.owners[rows])
        return float(np.maximum(counts[counts > 0] / self.horizon, 1).sum())


@torch.no_grad()
def gather_evidence(
    networks: list[RecurrentNetwork],
    linears: list[LinearPart],
    batches: WindowDataset,
    validation: WindowDataset,
    *,
    offsets: IntArray,
    ends: IntArray,
    squared: bool = False,
) -> Evidence:
    """Measure every forecast from rolling origins.

    Args:
        networks: the members, trained on ``batches``.
        linears: the regression on ``batches``, for each of `PENALTIES`.
        batches: windows of the training parts.
        validation: windows later than those; it may be empty.
        offsets: borders of the series, ``(series + 1,)``.
        ends: end of each training part, ``(series,)``.
        squared: whether to square the errors.
    """
    scales, horizon = _scales(batches, offsets), batches.windows.spec.horizon
    lowest = "last_value" if batches.states is None else "smoothing"
    parts = []
    for earlier, later in _rolling_parts(batches, validation, offsets, ends):
        if later is validation:
            part = _measure(later, linears, networks, scales, squared=squared)
        else:
            part = _measure(later, fit_linears(earlier), [], scales, squared=squared)
        parts.append(part)
    if not parts:
        owners = np.empty(0, np.int64)
        return Evidence(errors={}, owners=owners, horizon=horizon, lowest=lowest)
    names = dict.fromkeys(name for part in parts for name in part)
    absent = [np.full(len(part["series"]), np.nan) for part in parts]
    rows = {
        name: np.concatenate(
            [part.get(name, gap) for part, gap in zip(parts, absent, strict=True)]
        )
        for name in names
    }
    return Evidence(owners=rows.pop("series"), errors=rows, horizon=horizon)


def _rolling_parts(
    batches: WindowDataset,
    validation: WindowDataset,
    offsets: IntArray,
    ends: IntArray,
) -> Iterator[tuple[WindowDataset, WindowDataset]]:
    """Yield windows to fit and later ones to measure, the latest first."""
    spec, lengths = batches.windows.spec, np.diff(offsets)
    independent = 0.0
    if len(validation):
        yield batches, validation
        counts = validation.windows.counts().cpu().numpy()
        independent = np.maximum(counts[counts > 0] / spec.horizon, 1).sum()
    if independent >= ENOUGH:
        return
    every, device = replace(spec, stride=1), batches.values.device
    step = np.maximum(lengths - ends, spec.horizon)
    any_length = np.ones_like(ends) if batches.states is not None else None
    latest = ends
    for _ in range(MAX_OLDER_PARTS):
        oldest = np.maximum(latest - step, 0)
        least = min_history(oldest, spec) if batches.states is not None else None
        earlier = Windows(offsets, spec, stop=oldest, least=least).to(device)
        if len(earlier) < max(MIN_SHARE * len(batches), 2):
            return
        later = Windows(offsets, every, start=oldest, stop=latest, least=any_length)
        if len(later):
            measured = replace(batches, windows=later.to(device))
            yield replace(batches, windows=earlier), measured
        latest = oldest


def fit_linears(batches: WindowDataset) -> list[LinearPart]:
    """Fit the regression with each of `PENALTIES`."""
    steps = batches.windows.spec.horizon
    return fit_linear_parts(batches, steps, batches.design(steps), PENALTIES)


def _measure(
    dataset: WindowDataset,
    linears: list[LinearPart],
    networks: list[RecurrentNetwork],
    scales: FloatArray,
    *,
    squared: bool,
) -> Rows:
    """Return the errors of forecasts in each window, and its series."""

    def measure(block: WindowBlock) -> Rows:
        frame, targets = block.frame, block.targets
        forecasts = simple_forecasts(GuardInputs(block.inputs, frame), targets.shape[1])
        if dataset.states is None:
            del forecasts["smoothing"]
        for place, linear in enumerate(linears):
            forecasts[f"linear {place}"] = linear.forecast(block.inputs).to(targets)
        if networks:
            network = ensemble_forecast(networks, block.inputs)
            halves = {
                f"halfway {name}": halve(network, basis)
                for name, basis in forecasts.items()
            }
            forecasts |= halves | {"network": network}
        size = to_array(frame.size[:, 0]) if dataset.states is None else 1.0
        unit = scales[block.series] / size
        stacked = torch.stack([*forecasts.values()])
        errors = _errors(targets, stacked, unit, squared=squared)
        return {"series": block.series} | dict(zip(forecasts, errors, strict=True))

    return validate(dataset, measure, max_windows=MAX_WINDOWS)


def _errors(
    targets: Tensor, forecasts: Tensor, unit: FloatArray, *, squared: bool
) -> FloatArray:
    """Return the mean error of each window in its series' unit, ``(forecasts, n)``."""
    errors = to_array(targets - forecasts) / unit[:, None]
    return np.asarray((errors**2 if squared else np.abs(errors)).mean(-1))


def _scales(batches: WindowDataset, offsets: IntArray) -> FloatArray:
    """Return the mean change from step to step of each series u, ``(series,)``.

    It makes errors of series comparable, as in MASE (Hyndman and Koehler 2006). With
    smoothing, z is in such units already.
    """
    if batches.states is not None:
        return np.ones(len(offsets) - 1)
    values = to_array(batches.values)
    changes = np.abs(np.diff(values, append=values[-1:]))
    changes[offsets[1:] - 1] = 0  # not from one series to the next
    scales = np.add.reduceat(changes, offsets[:-1]) / np.diff(offsets)
    return np.where(scales > 0, scales, 1.0)
