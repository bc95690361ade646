"""From what lies before origins to forecasts: run the networks, feed back, unscale.

Origins are taken by blocks, so that the memory of many series is that of their answer.
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
from forecasting.devices import Precision, autocast, fitting_threads
from forecasting.errors import DataError, SettingError
from forecasting.forecaster.history import PredictionBatch, read_blocks
from forecasting.forecaster.trained_model import TrainedModel
from forecasting.intervals.scores import from_scores
from forecasting.models.ensemble import ensemble_forecast, ensemble_spread
from forecasting.scaling.window_scaling import ScaledWindows
from forecasting.selection.guard import Inputs
from forecasting.types import FloatArray


def forecast(
    fitted: TrainedModel,
    panel: Panel,
    origins: Origins,
    steps: int,
    levels: Iterable[float],
    precision: Precision,
) -> tuple[FloatArray, Intervals]:
    """Return forecasts ``(origins, steps)`` and intervals round them, original units.

    Beyond the trained horizon, forecasts are fed back as if they had been observed.

    Raises:
        SettingError: so far ahead, forecasts exceed every number; or a level lies
            outside 1 to 99.
        DataError: they do so from the first step on.
        SeriesTooShort, InvalidValues, MissingCovariates: as `read_rows`.
    """
    checked, reach = check_levels(levels), steps
    points = np.empty((len(origins), steps))
    bounds = np.empty((2 * len(checked), len(origins), steps))
    for block, rows in read_blocks(fitted, panel, origins, steps):
        points[block] = made = _roll_out(fitted, rows, steps, precision)
        reach = min(reach, _count_finite(made))
        if checked and reach == steps:
            bounds[:, block] = _bound(fitted, rows, made, checked, precision)
    if reach == 0:
        raise DataError(
            "no finite forecast follows these observations: they are far beyond "
            "what the model was trained on. Check their unit."
        )
    if reach < steps:
        raise SettingError("horizon", steps, f"at most {reach}: forecasts explode")
    return points, _by_level(checked, bounds)


def bound(
    fitted: TrainedModel,
    panel: Panel,
    origins: Origins,
    points: FloatArray,
    levels: Iterable[float],
    precision: Precision,
) -> Intervals:
    """Return central intervals round forecasts, original units, by level in percent.

    Raises:
        SettingError: a level lies outside 1 to 99.
        SeriesTooShort, InvalidValues, MissingCovariates: as `read_rows`.
    """
    checked = check_levels(levels)
    bounds = np.empty((2 * len(checked), *points.shape))
    for block, rows in read_blocks(fitted, panel, origins, points.shape[1]):
        if checked:
            bounds[:, block] = _bound(fitted, rows, points[block], checked, precision)
    return _by_level(checked, bounds)


def _by_level(levels: tuple[float, ...], bounds: FloatArray) -> Intervals:
    halves = bounds[: len(levels)], bounds[len(levels) :]
    return dict(zip(levels, zip(*halves, strict=True), strict=True))


def _bound(
    fitted: TrainedModel,
    rows: PredictionBatch,
    points: FloatArray,
    levels: tuple[float, ...],
    precision: Precision,
) -> FloatArray:
    """Return the lower bounds of every level, then the upper ones.

    ``(2 * levels, origins, steps)``.
    """
    table, quantiles = fitted.intervals, fitted.networks[0].config.quantiles
    errors = table.bounds(levels, points.shape[1])[:, None]
    if table.scaling.exponent:
        errors = errors * table.scaling.sizes(rows.volatility)
    if quantiles:
        spread = read_spread(fitted, rows, precision)
        assert spread is not None
        errors = np.broadcast_to(errors, (len(errors), *points.shape))
        errors = np.stack([from_scores(each, spread, quantiles) for each in errors])
    found = rows.unscale(rows.scale(points) + errors * rows.size)
    count = len(levels)  # rounding may put neither beyond the point
    np.minimum(found[:count], points, out=found[:count])
    np.maximum(found[count:], points, out=found[count:])
    return found


@torch.no_grad()
def read_spread(
    fitted: TrainedModel, rows: PredictionBatch, precision: Precision
) -> FloatArray | None:
    """Return quantile - median, in units of the window's size.

    ``(origins, horizon, quantiles)``; None if the networks forecast no quantiles.
    """
    config = fitted.networks[0].config
    if not config.quantiles:
        return None
    inputs, own = rows.frame.inputs[..., None], _ahead(fitted, rows.covariates, 0)
    if own is not None:
        inputs = append_covariates(inputs, own)
    with (
        fitting_threads(fitted.device, config.hidden_size),
        autocast(fitted.device, precision, config.hidden_size, config.cell),
    ):
        spread = ensemble_spread(fitted.networks, inputs.to(fitted.device))
    assert spread is not None
    return spread.cpu().double().numpy()


@torch.no_grad()
def _roll_out(
    fitted: TrainedModel, rows: PredictionBatch, steps: int, precision: Precision
) -> FloatArray:
    """Return forecasts ``(origins, steps)``, original units, finite or not."""
    history, frame, parts, made = rows.history, rows.frame, [], 0
    with fitting_threads(fitted.device, fitted.networks[0].config.hidden_size):
        while True:
            own = _ahead(fitted, rows.covariates, made)
            parts.append(next_steps(fitted, frame, precision, own, rows.choices).cpu())
            made += parts[-1].shape[1]
            if made >= steps:
                break
            history = history.extend(parts[-1])
            frame = history.frame()
    joined = parts[0] if len(parts) == 1 else torch.cat(parts, 1)
    return rows.unscale(joined.numpy()[:, :steps].astype(np.float64))


def _count_finite(points: FloatArray) -> int:
    """Return after how many steps the first forecast is no finite number."""
    finite = np.isfinite(points)
    return points.shape[1] if finite.all() else int(np.argmin(finite.all(0)))


def _ahead(
    fitted: TrainedModel, covariates: CovariateWindows | None, first: int
) -> Tensor | None:
    """Return the covariates that one pass reads after ``first`` steps; None without."""
    if covariates is None:
        return None
    length = fitted.networks[0].seq_len + fitted.networks[0].horizon
    return covariates.take(slice(None), first, first + length)


def next_steps(
    fitted: TrainedModel,
    frame: ScaledWindows,
    precision: Precision,
    own: Tensor | None = None,
    choices: Tensor | None = None,
) -> Tensor:
    """Return what the model gives in one pass: u, ``(B, horizon)``.

    Differentiable in the frame, where gradients are enabled.

    Args:
        fitted: the model.
        frame: of the windows.
        precision: of the networks' arithmetic.
        own: covariates of the windows and of the steps ahead.
        choices: the guard's rung of each window.
    """
    device = fitted.device
    here = frame.to(device)
    inputs = here.inputs[..., None]
    if own is not None:
        inputs = append_covariates(inputs, own.to(device))
    guard, network = fitted.guard, fitted.networks[0]
    if guard is None or choices is None:
        return here.restore(_ask_networks(fitted, inputs, precision))
    if torch.is_grad_enabled() or guard.asks_network(choices):
        given = _ask_networks(fitted, inputs, precision)
    else:
        given = here.inputs.new_zeros(len(inputs), network.horizon)
    return here.restore(guard.apply(Inputs(inputs, here), given, choices))


def _ask_networks(fitted: TrainedModel, inputs: Tensor, precision: Precision) -> Tensor:
    config = fitted.networks[0].config
    with autocast(inputs.device, precision, config.hidden_size, config.cell):
        return ensemble_forecast(fitted.networks, inputs)
