"""From what lies before origins to forecasts: run the networks, feed back, unscale."""

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from torch import Tensor

from forecasting.ahead import CovariateWindows
from forecasting.devices import Precision, autocast, fitting_threads
from forecasting.ensemble import ensemble_forecast, ensemble_spread
from forecasting.errors import DataError, SettingError
from forecasting.features import beside_covariates
from forecasting.fitted import Fitted
from forecasting.forecasts import Intervals, check_levels
from forecasting.frames import Frame
from forecasting.guard import Inputs
from forecasting.histories import Rows
from forecasting.quantiles import from_scores
from forecasting.series import FloatArray

BLOCK = 8192  # windows in one forward pass: bounds the memory of a large request


def roll_out(
    fitted: Fitted,
    rows: Rows,
    steps: int,
    precision: Precision,
) -> FloatArray:
    """Return forecasts ``(origins, steps)``, original units.

    Beyond the trained horizon, forecasts are fed back as if they had been observed.

    Raises:
        SettingError: so far ahead, forecasts exceed every number.
        DataError: they do so from the first step on.
    """
    made = _run(fitted, rows, steps, precision)
    points = rows.unscale(made)
    finite = np.isfinite(points).all(0)
    if not finite.all():
        most = int(np.argmin(finite))
        if most == 0:
            raise DataError(
                "no finite forecast follows these observations: they are far beyond "
                "what the model was trained on. Check their unit."
            )
        raise SettingError("horizon", steps, f"at most {most}: forecasts explode")
    return points


def bound(
    fitted: Fitted,
    rows: Rows,
    points: FloatArray,
    levels: Iterable[float],
    precision: Precision,
) -> Intervals:
    """Return central intervals round forecasts, original units, by level in percent.

    Raises:
        SettingError: a level lies outside 1 to 99.
    """
    scaled, intervals = rows.scale(points), {}
    table, quantiles = fitted.intervals, fitted.networks[0].config.quantiles
    size = table.scaling.sizes(rows.volatility)
    spread = read_spread(fitted, rows, precision)

    def shift(offsets: FloatArray) -> FloatArray:
        errors = offsets * size
        if spread is not None:
            errors = from_scores(errors, spread, quantiles)
        return scaled + errors * rows.size

    for level in check_levels(levels):
        lower, upper = table.offsets(level, points.shape[1])
        intervals[level] = (  # rounding may put neither beyond the point
            np.minimum(rows.unscale(shift(lower)), points),
            np.maximum(rows.unscale(shift(upper)), points),
        )
    return intervals


@torch.no_grad()
def read_spread(fitted: Fitted, rows: Rows, precision: Precision) -> FloatArray | None:
    """Return quantile - median, in units of the window's size.

    ``(origins, horizon, quantiles)``; None if the networks forecast no quantiles.
    """
    size, blocks = fitted.networks[0].config.hidden_size, []
    if not fitted.networks[0].config.quantiles:
        return None
    with fitting_threads(fitted.device, size):
        for block in _blocks(rows):
            inputs = rows.frame.inputs[block, :, None]
            own = _ahead(fitted, rows.covariates, block, 0)
            if own is not None:
                inputs = beside_covariates(inputs, own)
            with autocast(fitted.device, precision, size):
                spread = ensemble_spread(fitted.networks, inputs.to(fitted.device))
            assert spread is not None
            blocks.append(spread.cpu())
    return torch.cat(blocks).double().numpy()


@torch.no_grad()
def _run(fitted: Fitted, rows: Rows, steps: int, precision: Precision) -> FloatArray:
    """Return u of forecasts, ``(origins, steps)``, by blocks."""
    blocks = []
    with fitting_threads(fitted.device, fitted.networks[0].config.hidden_size):
        for block in _blocks(rows):
            past, parts, made = rows.history.rows(block), [], 0
            choices = None if rows.choices is None else rows.choices[block]
            while made < steps:
                own = _ahead(fitted, rows.covariates, block, made)
                steps_made = next_steps(fitted, past.frame(), precision, own, choices)
                parts.append(steps_made.cpu())
                made += parts[-1].shape[1]
                if made < steps:
                    past = past.extend(parts[-1])
            blocks.append(torch.cat(parts, 1)[:, :steps])
    return torch.cat(blocks).double().numpy()


def _blocks(rows: Rows) -> Iterator[slice]:
    for begin in range(0, len(rows), BLOCK):
        yield slice(begin, begin + BLOCK)


def _ahead(
    fitted: Fitted, covariates: CovariateWindows | None, block: slice, first: int
) -> Tensor | None:
    """Return the covariates that one pass reads after ``first`` steps; None without."""
    if covariates is None:
        return None
    length = fitted.networks[0].seq_len + fitted.networks[0].horizon
    return covariates.take(block, first, first + length)


def next_steps(
    fitted: Fitted,
    frame: Frame,
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
    here = frame.to(fitted.device)
    inputs = here.inputs[..., None]
    if own is not None:
        inputs = beside_covariates(inputs, own.to(fitted.device))
    with autocast(fitted.device, precision, fitted.networks[0].config.hidden_size):
        forecast = ensemble_forecast(fitted.networks, inputs)
    if fitted.guard is not None and choices is not None:
        forecast = fitted.guard.apply(Inputs(inputs, here), forecast, choices)
    return here.restore(forecast)
