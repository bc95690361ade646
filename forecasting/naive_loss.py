"""The yardstick that makes the validation losses of different models comparable.

A loss is in normalised units, and those depend on the normalisation and on seq_len.
Divided by what repeating the last value loses in the same units it is a number that
models can be compared by: below 1 is better than the naive forecast.
"""

import math

import torch

from forecasting.batches import EVALUATION_BATCH, split_windows
from forecasting.configuration import RecurrentConfig
from forecasting.covariates import Covariates
from forecasting.losses import make_loss
from forecasting.normalization import Normalizer
from forecasting.preparing import least_length, resolve_method, training_ends
from forecasting.series import Panel
from forecasting.training import TrainingConfig
from forecasting.windows import WindowSpec


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
