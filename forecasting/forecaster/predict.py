"""Point forecasts and intervals: run the networks, feed forecasts back, unscale.

Origins are processed in blocks, so that memory is bounded by the size of the result.
"""

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor

from forecasting.covariates.layout import append_covariates
from forecasting.covariates.windows import CovariateWindows
from forecasting.data.forecast import Intervals, check_levels
from forecasting.data.panel import Panel
from forecasting.data.splits import Origins
from forecasting.devices import Precision, autocast, limit_threads
from forecasting.errors import DataError, SettingError
from forecasting.forecaster.history import PredictionBatch, read_blocks
from forecasting.forecaster.trained_model import TrainedModel
from forecasting.intervals.scores import from_scores
from forecasting.models.ensemble import ensemble_forecast, ensemble_spread
from forecasting.scaling.window_scaling import ScaledWindows
from forecasting.selection.guard import GuardInputs
from forecasting.types import FloatArray


def forecast(
    fitted: TrainedModel,
    panel: Panel,
    origins: Origins,
    steps: int,
    levels: Iterable[float],
    precision: Precision,
) -> tuple[FloatArray, Intervals]:
    """Return forecasts ``(origins, steps)`` and their intervals, original units.

    Beyond the trained horizon, forecasts are fed back as if they had been observed.

    Raises:
        SettingError: forecasts are not finite before the last step; or a level lies
            outside 1 to 99.
        DataError: forecasts are not finite at the first step.
        SeriesTooShort, InvalidValues, MissingCovariates: as `read_rows`.
    """
    sorted_levels, num_finite = check_levels(levels), steps
    points = np.empty((len(origins), steps))
    bounds = np.empty((2 * len(sorted_levels), len(origins), steps))
    for block, rows in read_blocks(fitted, panel, origins, steps):
        points[block] = forecasts = _roll_out(fitted, rows, steps, precision)
        num_finite = min(num_finite, _count_finite(forecasts))
        if sorted_levels and num_finite == steps:
            bounds[:, block] = _compute_bounds(
                fitted, rows, forecasts, sorted_levels, precision
            )
    if num_finite == 0:
        raise DataError(
            "no finite forecast follows these observations: they are far beyond "
            "what the model was trained on. Check their unit."
        )
    if num_finite < steps:
        raise SettingError("horizon", steps, f"at most {num_finite}: forecasts explode")
    return points, _by_level(sorted_levels, bounds)


def compute_intervals(
    fitted: TrainedModel,
    panel: Panel,
    origins: Origins,
    points: FloatArray,
    levels: Iterable[float],
    precision: Precision,
) -> Intervals:
    """Return central intervals around forecasts, original units, by level in percent.

    Raises:
        SettingError: a level lies outside 1 to 99.
        SeriesTooShort, InvalidValues, MissingCovariates: as `read_rows`.
    """
    sorted_levels = check_levels(levels)
    bounds = np.empty((2 * len(sorted_levels), *points.shape))
    for block, rows in read_blocks(fitted, panel, origins, points.shape[1]):
        if sorted_levels:
            bounds[:, block] = _compute_bounds(
                fitted, rows, points[block], sorted_levels, precision
            )
    return _by_level(sorted_levels, bounds)


def _by_level(levels: tuple[float, ...], bounds: FloatArray) -> Intervals:
    halves = bounds[: len(levels)], bounds[len(levels) :]
    return dict(zip(levels, zip(*halves, strict=True), strict=True))


def _compute_bounds(
    fitted: TrainedModel,
    rows: PredictionBatch,
    points: FloatArray,
    levels: tuple[float, ...],
    precision: Precision,
) -> FloatArray:
    """Return the lower bounds of every level, then the upper bounds.

    The shape is ``(2 * levels, origins, steps)``.
    """
    table, quantiles = fitted.intervals, fitted.quantiles
    errors = table.bounds(levels, points.shape[1])[:, None]
    if table.scaling.exponent:
        errors = errors * table.scaling.sizes(rows.volatility)
    if quantiles:
        spread = read_spread(fitted, rows, precision)
        assert spread is not None
        errors = np.broadcast_to(errors, (len(errors), *points.shape))
        errors = np.stack([from_scores(row, spread, quantiles) for row in errors])
    bounds = rows.unscale(rows.scale(points) + errors * rows.size)
    count = len(levels)  # rounding must not move a bound past the point
    np.minimum(bounds[:count], points, out=bounds[:count])
    np.maximum(bounds[count:], points, out=bounds[count:])
    return bounds


@torch.no_grad()
def read_spread(
    fitted: TrainedModel, rows: PredictionBatch, precision: Precision
) -> FloatArray | None:
    """Return the differences of quantiles to the median, in units of the window size.

    The shape is ``(origins, horizon, quantiles)``; None without a quantile head.
    """
    config = fitted.config.model
    if not config.quantiles:
        return None
    inputs, covariates = (
        rows.frame.inputs[..., None],
        _take_covariates(fitted, rows.covariates, 0),
    )
    if covariates is not None:
        inputs = append_covariates(inputs, covariates)
    with (
        limit_threads(fitted.device, config.hidden_size),
        autocast(fitted.device, precision, config.hidden_size, config.cell),
    ):
        spread = ensemble_spread(fitted.networks, inputs.to(fitted.device))
    assert spread is not None
    return spread.cpu().double().numpy()


@torch.no_grad()
def _roll_out(
    fitted: TrainedModel, rows: PredictionBatch, steps: int, precision: Precision
) -> FloatArray:
    """Return forecasts ``(origins, steps)``, original units, possibly not finite."""
    history, frame, parts, num_steps = rows.history, rows.frame, [], 0
    with limit_threads(fitted.device, fitted.config.model.hidden_size):
        while True:
            covariates = _take_covariates(fitted, rows.covariates, num_steps)
            parts.append(
                next_steps(fitted, frame, precision, covariates, rows.choices).cpu()
            )
            num_steps += parts[-1].shape[1]
            if num_steps >= steps:
                break
            history = history.extend(parts[-1])
            frame = history.scaled_windows()
    joined = parts[0] if len(parts) == 1 else torch.cat(parts, 1)
    return rows.unscale(joined.numpy()[:, :steps].astype(np.float64))


def _count_finite(points: FloatArray) -> int:
    """Return the number of steps before the first forecast that is not finite."""
    finite = np.isfinite(points)
    return points.shape[1] if finite.all() else int(np.argmin(finite.all(0)))


def _take_covariates(
    fitted: TrainedModel, covariates: CovariateWindows | None, first: int
) -> Tensor | None:
    """Return the covariates of the pass that starts after ``first`` steps."""
    if covariates is None:
        return None
    length = fitted.seq_len + fitted.horizon
    return covariates.take(slice(None), first, first + length)


def next_steps(
    fitted: TrainedModel,
    frame: ScaledWindows,
    precision: Precision,
    covariates: Tensor | None = None,
    choices: Tensor | None = None,
) -> Tensor:
    """Run one pass of the model; return u, ``(B, horizon)``.

    It is differentiable with respect to the windows if gradients are enabled.

    Args:
        fitted: the model.
        frame: the scaled windows.
        precision: of the networks' arithmetic.
        covariates: of the windows and of the steps ahead.
        choices: the guard's rung of each window.
    """
    device = fitted.device
    windows = frame.to(device)
    inputs = windows.inputs[..., None]
    if covariates is not None:
        inputs = append_covariates(inputs, covariates.to(device))
    guard = fitted.guard
    if guard is None or choices is None:
        return windows.restore(_run_networks(fitted, inputs, precision))
    if torch.is_grad_enabled() or guard.needs_network(choices):
        network_forecast = _run_networks(fitted, inputs, precision)
    else:
        network_forecast = windows.inputs.new_zeros(len(inputs), fitted.horizon)
    return windows.restore(
        guard.apply(GuardInputs(inputs, windows), network_forecast, choices)
    )


def _run_networks(fitted: TrainedModel, inputs: Tensor, precision: Precision) -> Tensor:
    config = fitted.config.model
    with autocast(inputs.device, precision, config.hidden_size, config.cell):
        return ensemble_forecast(fitted.networks, inputs)
