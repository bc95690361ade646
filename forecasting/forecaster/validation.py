"""Where a model errs on windows it was not fitted to: the evidence for intervals."""

# MERGED """The yardstick that makes the validation losses of different models comparable.
# MERGED
# MERGED A loss is in normalised units, and those depend on the normalisation and on seq_len.
# MERGED Divided by what repeating the last value loses in the same units it is a number that
# MERGED models can be compared by: below 1 is better than the naive forecast.
# MERGED """
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
from forecasting.forecaster.prepare import least_length, resolve_method, training_ends
from forecasting.intervals.scores import to_scores
from forecasting.intervals.volatility import window_volatility
from forecasting.models.config import RecurrentConfig
from forecasting.models.ensemble import ensemble_forecast, ensemble_spread
from forecasting.models.network import RecurrentNetwork
from forecasting.scaling.normalization import Normalizer
from forecasting.selection.guard import Guard, Inputs
from forecasting.training import TrainingConfig
from forecasting.training.recipe.losses import make_loss
from forecasting.types import FloatArray

MOST = 100_000  # windows: more say no more about the spread of errors


@torch.no_grad()
def find_residuals(
    networks: list[RecurrentNetwork],
    checked: WindowDataset,
    precision: Precision,
    guard: Guard | None = None,
) -> tuple[FloatArray, FloatArray]:
    """Return the errors on windows, as scores of quantiles if there are any.

    Args:
        networks: the members.
        checked: the windows; of more than `MOST`, so many evenly spread ones count.
        precision: of the networks' arithmetic.
        guard: whose choice among forecasts counts; None for the networks'.

    Returns:
        Actual minus forecast, normalised, ``(windows, horizon)``, and the windows'
        volatility, ``(windows,)``.
    """
    config, parts, volatility = networks[0].config, [], []
    for index in checked.windows.evenly(MOST).split(EVALUATION_BATCH):
        inputs, targets = checked.take(index)
        with autocast(inputs.device, precision, config.hidden_size, config.cell):
            forecast = ensemble_forecast(networks, inputs)
            spread = ensemble_spread(networks, inputs)
        if guard is not None:
            owners = checked.windows.locate(index)[0].cpu().numpy()
            given = Inputs(inputs, checked.frame(index))
            forecast = guard.apply(given, forecast, guard.choices(owners))
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
        panel: what a model with these settings is going to be fitted to.
        spec: its windows.
        model: its normalisation.
        training: its loss, and the share that validates.

    Returns:
        The loss in the units of that model's `EpochRecord.validation_loss`; NaN where
        nothing validates.
    """
    ends = training_ends(panel, spec, training.validation, least_length(spec, model))
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
