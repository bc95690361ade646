"""Slopes of a forecast: its derivatives with respect to observations and covariates.

Derivatives are exact, by back-propagation, except through exponential smoothing, whose
states are no tensors, and through zero-shot forecasts, which are fitted to each series:
with ``ets`` and ``log_ets``, and where the zero-shot forecast answers, they are central
differences of the forecast, made anew for each changed observation.

Letters in comments: B windows, H horizon, L seq_len, C observations, F features.
"""

from collections.abc import Callable, Sequence
from copy import deepcopy
from functools import partial

import numpy as np
import torch
from torch import Tensor

from forecasting.covariates.layout import join_inputs
from forecasting.forecaster.history import (
    MAX_BLOCK_POINTS,
    Histories,
    ScaledHistories,
    SmoothedHistory,
    WindowHistory,
)
from forecasting.forecaster.predictor import forecast_windows
from forecasting.forecaster.trained_model import GlobalModel
from forecasting.models.ensemble import ensemble_forecast
from forecasting.models.network import RecurrentNetwork
from forecasting.selection.zero_shot import forecast_zero_shot
from forecasting.types import FloatArray, IntArray
from forecasting.zeroshot import MAX_CONTEXT

CPU = torch.device("cpu")
STEP = 0.005  # of a central difference, in sizes of the window
ROUNDING = 4 * torch.finfo(torch.float32).eps  # relative, of a difference
RunNetworks = Callable[[Tensor, Tensor | None], Tensor]


def model_slopes(
    fitted: GlobalModel, rows: ScaledHistories, covariates: Tensor | None
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Differentiate the forecasts that answer, from u to u.

    Args:
        fitted: the model.
        rows: histories of the windows.
        covariates: encoded, of the windows and the steps ahead; None without any.

    Returns:
        The last observations u ``(B, C)``, and dy/dx of every step: ``(H, B, C)`` and
        ``(H, B, L + H, F - 1)``.
    """
    run, history = partial(_run, [_copy(n) for n in fitted.networks]), rows.history
    count = fitted.num_lags

    def forecast(*inputs: Tensor) -> Tensor:
        frame, encoded = rows.frame, inputs[-1] if covariates is not None else None
        if isinstance(history, WindowHistory):
            moved = WindowHistory(inputs[0], history.config, history.method)
            frame = moved.scaled_windows()
        return forecast_windows(fitted, frame, run, encoded, rows.choices)

    extra = [] if covariates is None else [covariates]
    if isinstance(history, WindowHistory):
        observed = history.observed[:, -count:]
        slopes, *others = differentiate(forecast, [observed, *extra])
    else:
        observed = torch.from_numpy(history.observed[:, -count:])
        slopes = _difference(fitted, rows, history, run, covariates, count)
        missing = (count - observed.shape[1], 0)
        observed = torch.nn.functional.pad(observed, missing)
        slopes = torch.nn.functional.pad(slopes, missing)
        others = differentiate(forecast, extra)
    return observed, slopes, others[0] if others else None


def zero_shot_slopes(
    fitted: GlobalModel, histories: Histories, rows: ScaledHistories, places: IntArray
) -> Tensor:
    """Return central differences of zero-shot forecasts, from u to u, ``(H, B, C)``.

    Args:
        fitted: the model.
        histories: observations in original units.
        rows: the same, scaled.
        places: rows to differentiate, ``(B,)``.
    """
    from forecasting.zeroshot.forecaster import DIGITS  # imports the compiled loops

    horizon, num_lags = fitted.horizon, fitted.num_lags
    slopes = np.zeros((horizon, len(places), num_lags))
    for window, place in enumerate(places.tolist()):
        is_one = len(rows.normalizer.center) == 1
        normalizer = rows.normalizer.select(np.array([0 if is_one else place]))
        end = histories.ends[place]
        begin = max(histories.begins[place], end - MAX_CONTEXT)
        observed = normalizer.scale_values(histories.values[None, begin:end])
        count, step = min(num_lags, end - begin), STEP * float(rows.size[place, 0])
        columns = np.arange(end - begin - count, end - begin)
        points = forecast_zero_shot(
            normalizer.unscale(_move(observed, columns, np.array([step]))).ravel(),
            np.arange(2 * count + 1) * (end - begin),
            season_length=fitted.season_length,
            horizon=horizon,
            steps=horizon,
        )
        up, down = normalizer.scale_values(points).reshape(2, count, horizon)
        change, rounding = up - down, 4 * 2.0**-DIGITS * np.abs(up).max(0)
        change[np.abs(change) < rounding] = 0
        slopes[:, window, num_lags - count :] = change.T / (2 * step)
    return torch.from_numpy(slopes)


def network_slopes(
    fitted: GlobalModel, inputs: Tensor, covariates: Tensor | None
) -> tuple[Tensor, Tensor | None]:
    """Differentiate the networks' forecasts without the linear part, from z to z.

    Returns:
        dy/dx of every step: ``(H, B, L)`` and ``(H, B, L + H, F - 1)``.
    """
    networks = [_copy(network) for network in fitted.networks]
    for network in networks:
        network.skip = None

    def forecast(windows: Tensor, encoded: Tensor | None = None) -> Tensor:
        return _run(networks, windows, encoded)

    extra = [] if covariates is None else [covariates]
    slopes, *others = differentiate(forecast, [inputs, *extra])
    return slopes, others[0] if others else None


def _run(
    networks: list[RecurrentNetwork], windows: Tensor, covariates: Tensor | None
) -> Tensor:
    return ensemble_forecast(networks, join_inputs(windows, covariates))


def _copy(network: RecurrentNetwork) -> RecurrentNetwork:
    """Return a frozen copy on the CPU: cuDNN supports gradients only in training."""
    return deepcopy(network).cpu().requires_grad_(False).eval()


def differentiate(
    forecast: Callable[..., Tensor], inputs: Sequence[Tensor]
) -> list[Tensor]:
    """Return dy/dx of every step with respect to each input, ``(H, *input)`` each.

    An input that no step depends on has zeros.
    """
    if not inputs:
        return []
    leaves = [part.clone().requires_grad_() for part in inputs]
    tied = sum((leaf.sum() * 0 for leaf in leaves), torch.zeros(()))  # no dead end
    slopes = [
        torch.autograd.grad(
            step.sum() + tied, leaves, retain_graph=True, materialize_grads=True
        )
        for step in forecast(*leaves).unbind(1)
    ]
    return [torch.stack(parts) for parts in zip(*slopes, strict=True)]


@torch.no_grad()
def _difference(
    fitted: GlobalModel,
    rows: ScaledHistories,
    history: SmoothedHistory,
    run: RunNetworks,
    covariates: Tensor | None,
    count: int,
) -> Tensor:
    """Return central differences of the smoothed forecasts, ``(H, B, C)``.

    C is ``count``, or the number of observations if that is lower.
    """
    length = history.observed.shape[1]
    columns = np.arange(max(length - count, 0), length)
    num_moved = 2 * len(rows) * length
    blocks = -(-len(columns) * num_moved // MAX_BLOCK_POINTS)
    slopes = []
    for block in np.array_split(columns, min(blocks, len(columns))):
        copies = 2 * len(block)
        steps = STEP * rows.size[:, 0]
        moved = SmoothedHistory(
            _move(history.observed, block, steps),
            np.tile(history.counts, copies),
            history.config,
        )
        forecast = forecast_windows(
            fitted,
            moved.scaled_windows(),
            run,
            None if covariates is None else covariates.repeat(copies, 1, 1),
            None if rows.choices is None else rows.choices.repeat(copies),
        )
        up, down = forecast.double().unflatten(0, (2, len(block), len(rows)))
        change, rounding = up - down, ROUNDING * up.abs().amax((0, 2))[:, None]
        change[change.abs() < rounding] = 0  # else every lag has a trace of influence
        slopes.append(change / torch.from_numpy(2 * steps)[:, None])
    return torch.cat(slopes).permute(2, 1, 0)


def _move(observed: FloatArray, columns: np.ndarray, steps: FloatArray) -> FloatArray:
    """Return copies ``(2 * columns * B, length)``, each with one column moved.

    The first half is moved up, the second down.
    """
    moved = np.tile(observed, (2, len(columns), 1, 1))  # (2, columns, B, length)
    for place, column in enumerate(columns):
        moved[0, place, :, column] += steps
        moved[1, place, :, column] -= steps
    return moved.reshape(-1, observed.shape[1])
