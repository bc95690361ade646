"""Gradients of a forecast with respect to its inputs, by back-propagation.

Letters in comments: B windows, H horizon, L seq_len, F features.
"""

from collections.abc import Callable
from copy import deepcopy
from functools import partial

import torch
from torch import Tensor

from forecasting.covariates.layout import join_inputs
from forecasting.forecaster.history import ScaledHistories, WindowHistory
from forecasting.forecaster.predictor import forecast_windows
from forecasting.forecaster.trained_model import TrainedModel
from forecasting.models.ensemble import ensemble_forecast
from forecasting.models.network import RecurrentNetwork

Forecast = Callable[[Tensor, Tensor | None], Tensor]
CPU = torch.device("cpu")


def model_function(
    fitted: TrainedModel, rows: ScaledHistories
) -> tuple[Forecast, Tensor]:
    """Return the forecast as a function of windows and covariates, and the windows.

    Windows are u, or z with ``ets`` and ``log_ets``: level and scale stay constant.
    """
    frozen = [_copy(network) for network in fitted.networks]
    run, choices = partial(_run, frozen), rows.choices
    history, frame = rows.history, rows.frame

    def forecast_window(window: Tensor, covariates: Tensor | None) -> Tensor:
        assert isinstance(history, WindowHistory)
        scaled = history.scale_windows(window)
        return forecast_windows(fitted, scaled, run, covariates, choices)

    def forecast_scaled(inputs: Tensor, covariates: Tensor | None) -> Tensor:
        scaled = frame._replace(inputs=inputs)
        return frame.measure(forecast_windows(fitted, scaled, run, covariates, choices))

    if isinstance(history, WindowHistory):
        return forecast_window, history.windows
    return forecast_scaled, frame.inputs


def network_function(fitted: TrainedModel) -> Forecast:
    """Return the networks' forecast without the linear part, from z to z."""
    networks = [_copy(network) for network in fitted.networks]
    for network in networks:
        network.skip = None
    return partial(_run, networks)


def _run(
    networks: list[RecurrentNetwork], windows: Tensor, covariates: Tensor | None
) -> Tensor:
    return ensemble_forecast(networks, join_inputs(windows, covariates))


def _copy(network: RecurrentNetwork) -> RecurrentNetwork:
    """Return a frozen copy on the CPU: cuDNN supports gradients only in training."""
    return deepcopy(network).cpu().requires_grad_(False).eval()


def gradients(
    forecast: Forecast, inputs: Tensor, covariates: Tensor | None
) -> tuple[Tensor, Tensor | None]:
    """Return dy/dx of every step: ``(H, B, L)`` and ``(H, B, L + H, F - 1)``."""
    arguments = [inputs] if covariates is None else [inputs, covariates]
    leaves = [part.clone().requires_grad_() for part in arguments]
    steps = forecast(leaves[0], None if covariates is None else leaves[1]).unbind(1)
    slopes = [
        torch.autograd.grad(step.sum(), leaves, retain_graph=True) for step in steps
    ]
    jacobians = [torch.stack(parts) for parts in zip(*slopes, strict=True)]
    return jacobians[0], None if covariates is None else jacobians[1]
