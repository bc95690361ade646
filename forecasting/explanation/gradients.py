"""How a forecast changes with what goes in: back-propagation through all of it.

Letters in comments: B windows, H horizon, L seq_len, F features.
"""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace

import torch
from torch import Tensor

from forecasting.covariates.layout import append_covariates
from forecasting.forecaster.history import PredictionBatch, WindowHistory
from forecasting.forecaster.predict import next_steps
from forecasting.forecaster.trained_model import TrainedModel
from forecasting.models.ensemble import ensemble_forecast
from forecasting.models.network import RecurrentNetwork

Forecast = Callable[[Tensor, Tensor | None], Tensor]


CPU = torch.device("cpu")


def whole_model(fitted: TrainedModel, rows: PredictionBatch) -> tuple[Forecast, Tensor]:
    """Return the forecast as a function of windows and covariates, and the windows.

    They are u, or z where smoothing says level and size: these then stay as they are.
    """
    here = replace(fitted, networks=[_copy(network) for network in fitted.networks])
    history, frame = rows.history, rows.frame

    def of_window(window: Tensor, own: Tensor | None) -> Tensor:
        assert isinstance(history, WindowHistory)
        framed = history.frame_of(window)
        return next_steps(here, framed, "float32", own, rows.choices)

    def of_frame(inputs: Tensor, own: Tensor | None) -> Tensor:
        framed = frame._replace(inputs=inputs)
        return frame.measure(next_steps(here, framed, "float32", own, rows.choices))

    if isinstance(history, WindowHistory):
        return of_window, history.observed[:, -history.network.seq_len :]
    return of_frame, frame.inputs


def network_alone(fitted: TrainedModel) -> Forecast:
    """Return what the networks add to the linear part, z to z."""
    networks = [_copy(network) for network in fitted.networks]
    for network in networks:
        network.skip = None

    def forecast(window: Tensor, own: Tensor | None) -> Tensor:
        inputs = window[..., None]
        if own is not None:
            inputs = append_covariates(inputs, own)
        return ensemble_forecast(networks, inputs)

    return forecast


def _copy(network: RecurrentNetwork) -> RecurrentNetwork:
    """Return a frozen copy on the CPU: cuDNN has gradients in training only."""
    return deepcopy(network).cpu().requires_grad_(False).eval()


def gradients(
    forecast: Forecast, inputs: Tensor, own: Tensor | None
) -> tuple[Tensor, Tensor | None]:
    """Return dy/dx of every step: ``(H, B, L)``, and ``(H, B, L + H, F - 1)``."""
    given = [inputs] if own is None else [inputs, own]
    leaves = [part.clone().requires_grad_() for part in given]
    steps = forecast(leaves[0], None if own is None else leaves[1]).unbind(1)
    slopes = [
        torch.autograd.grad(step.sum(), leaves, retain_graph=True) for step in steps
    ]
    found = [torch.stack(parts) for parts in zip(*slopes, strict=True)]
    return found[0], None if own is None else found[1]
