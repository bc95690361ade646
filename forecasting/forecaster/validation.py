"""Residuals and losses on held-out windows.

Residuals of windows outside the training are the basis of the intervals. The naive loss
makes validation losses comparable: a loss is in normalised units, which depend on the
normalisation and on seq_len. Its ratio to the loss of repeating the last value, in the
same units, compares models: below 1 is better than the naive forecast.
"""

import math

import numpy as np
import torch

from forecasting.covariates.encoding import Covariates
from forecasting.data.panel import Panel
from forecasting.data.windows import WindowSpec
from forecasting.datasets.window_dataset import (
    EVALUATION_BATCH,
    WindowDataset,
    split_windows,
)
from forecasting.devices import Precision, autocast
from forecasting.forecaster.prepare import min_length, resolve_method, training_ends
from forecasting.intervals.scores import to_scores
from forecasting.intervals.volatility import window_volatility
from forecasting.models.config import RecurrentConfig
from forecasting.models.ensemble import ensemble_forecast, ensemble_spread
from forecasting.models.network import RecurrentNetwork
from forecasting.scaling.normalization import Normalizer
from forecasting.selection.guard import Guard, GuardInputs
from forecasting.training import TrainingConfig
from forecasting.training.recipe.losses import make_loss
from forecasting.types import FloatArray

MAX_RESIDUAL_WINDOWS = 100_000  # more would hardly change the spread of the errors


@torch.no_grad()
def find_residuals(
    networks: list[RecurrentNetwork],
    dataset: WindowDataset,
    precision: Precision,
    guard: Guard | None = None,
) -> tuple[FloatArray, FloatArray]:
    """Return the forecast errors on windows, as quantile scores with a quantile head.

    Args:
        networks: the members.
        dataset: windows; at most `MAX_RESIDUAL_WINDOWS`, evenly spaced, are used.
        precision: of the networks' arithmetic.
        guard: selects among forecasts; None for the networks' forecast.

    Returns:
        Actual minus forecast, normalised, ``(windows, horizon)``, and the windows'
        volatility, ``(windows,)``.
    """
    config, parts, volatility = networks[0].config, [], []
    for index in dataset.windows.sample_evenly(MAX_RESIDUAL_WINDOWS).split(
        EVALUATION_BATCH
    ):
        inputs, targets = dataset.take(index)
        with autocast(inputs.device, precision, config.hidden_size, config.cell):
            forecast = ensemble_forecast(networks, inputs)
            spread = ensemble_spread(networks, inputs) if config.quantiles else None
        if guard is not None:
            owners = dataset.windows.locate(index)[0].cpu().numpy()
            windows = GuardInputs(inputs, dataset.frame(index))
            forecast = guard.apply(windows, forecast, guard.choices(owners))
        errors = (targets - forecast).cpu().double().numpy()
        if spread is not None:
            errors = to_scores(errors, spread.cpu().double().numpy(), config.quantiles)
        parts.append(errors)
        window = inputs[:, : networks[0].seq_len, 0].cpu().double().numpy()
        volatility.append(window_volatility(window))
    return np.concatenate(parts), np.concatenate(volatility)


def naive_loss(
    panel: Panel, spec: WindowSpec, model: RecurrentConfig, training: TrainingConfig
) -> float:
    """Return the validation loss of repeating the last value.

    Args:
        panel: the training series.
        spec: the windows.
        model: the normalisation.
        training: the loss, and the share that validates.

    Returns:
        The loss in the units of that model's `EpochRecord.validation_loss`; NaN without
        validation windows.
    """
    ends = training_ends(panel, spec, training.validation, min_length(spec, model))
    covariates = Covariates.fit(panel, ends, seasons=model.calendar_features)
    encoded = covariates.encode_panel(panel)
    method = resolve_method(panel, spec, model, ends, encoded)
    normalizer = Normalizer.fit(panel, method, seq_len=spec.seq_len, ends=ends)
    _, validation = split_windows(
        panel, spec, normalizer, ends, None, torch.device("cpu"),
        season_length=model.season_length,
    )  # fmt: skip
    if not len(validation):
        return math.nan
    loss_of = make_loss(
        training.loss, huber_delta=training.huber_delta, quantile=training.quantile
    )
    total = 0.0
    for index in torch.arange(len(validation)).split(EVALUATION_BATCH):
        _, targets = validation.take(index)
        window = validation.windows.gather(validation.values, index)
        last = window[:, spec.seq_len - 1, None].expand_as(targets)
        repeated = validation.frame(index).measure(last)
        total += float(loss_of(repeated, targets)) * len(targets)
    return total / len(validation)
