"""Residuals and losses on held-out windows.

Residuals of windows outside the training are the basis of the intervals. The naive loss
makes validation losses comparable: a loss is in normalised units, which depend on the
normalisation and on seq_len. Its ratio to the loss of repeating the last value, in the
same units, compares models: below 1 is better than the naive forecast.
"""

import math

import numpy as np
import torch

from forecasting.data.panel import Panel
from forecasting.datasets.validation import Rows, WindowBlock, to_array, validate
from forecasting.datasets.window_dataset import WindowDataset
from forecasting.devices import autocast
from forecasting.forecaster.prepare import prepare
from forecasting.forecaster.trained_model import ForecasterConfig
from forecasting.intervals.scores import to_scores
from forecasting.intervals.volatility import window_volatility
from forecasting.models.ensemble import ensemble_forecast, ensemble_spread
from forecasting.models.network import RecurrentNetwork
from forecasting.selection.guard import Guard, GuardInputs
from forecasting.training.recipe.losses import make_loss
from forecasting.types import FloatArray

MAX_RESIDUAL_WINDOWS = 100_000  # more would hardly change the spread of the errors


@torch.no_grad()
def find_residuals(
    networks: list[RecurrentNetwork],
    dataset: WindowDataset,
    config: ForecasterConfig,
    guard: Guard | None = None,
) -> tuple[FloatArray, FloatArray]:
    """Return the forecast errors on windows, as quantile scores with a quantile head.

    Args:
        networks: the members.
        dataset: windows; at most `MAX_RESIDUAL_WINDOWS`, evenly spaced, are used.
        config: the forecaster's settings.
        guard: selects among forecasts; None for the networks' forecast.

    Returns:
        Actual minus forecast, normalised, ``(windows, horizon)``, and the windows'
        volatility, ``(windows,)``.
    """
    model, precision = config.model, config.training.precision

    def measure(block: WindowBlock) -> Rows:
        inputs = block.inputs
        with autocast(inputs.device, precision, model.hidden_size, model.cell):
            forecast = ensemble_forecast(networks, inputs)
            spread = ensemble_spread(networks, inputs) if model.quantiles else None
        if guard is not None:
            windows = GuardInputs(inputs, block.frame)
            rungs = torch.from_numpy(guard.choices(block.series))
            forecast = guard.apply(windows, forecast, rungs)
        errors = to_array(block.targets - forecast)
        if spread is not None:
            errors = to_scores(errors, to_array(spread), model.quantiles)
        volatility = window_volatility(block.observations())
        return {"errors": errors, "volatility": volatility}

    measured = validate(dataset, measure, max_windows=MAX_RESIDUAL_WINDOWS)
    return measured["errors"], measured["volatility"]


def naive_loss(panel: Panel, config: ForecasterConfig) -> float:
    """Return the validation loss of repeating the last value.

    Args:
        panel: the training series.
        config: the windows, the normalisation, the loss, and the share that validates.

    Returns:
        The loss in the units of that model's `EpochRecord.validation_loss`; NaN without
        validation windows.

    Raises:
        SeriesTooShort, SettingError, InvalidValues: as
            `forecasting.forecaster.prepare.prepare`.
    """
    validation, training = prepare(panel, config).validation, config.training
    if not len(validation):
        return math.nan
    loss_of = make_loss(
        training.loss, huber_delta=training.huber_delta, quantile=training.quantile
    )

    def measure(block: WindowBlock) -> Rows:
        frame, targets = block.frame, block.targets
        repeated = frame.measure(frame.recent[:, -1:].expand_as(targets))
        return {"loss": np.full(len(targets), float(loss_of(repeated, targets)))}

    return float(validate(validation, measure)["loss"].mean())
