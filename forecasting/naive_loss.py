"""The yardstick that makes the validation losses of different models comparable.

A loss is in normalised units, and those depend on the normalisation and on seq_len.
Divided by what repeating the last value loses in the same units it is a number that
models can be compared by: below 1 is better than the naive forecast.
"""

import math
from dataclasses import replace

from forecasting.batches import WindowBatches
from forecasting.configuration import RecurrentConfig
from forecasting.fitting import resolve_method, training_ends
from forecasting.losses import make_loss
from forecasting.normalization import Normalizer
from forecasting.series import Panel
from forecasting.training import TrainingConfig
from forecasting.windows import Windows, WindowSpec


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
    ends = training_ends(panel, spec, training.validation)
    method = resolve_method(panel, spec, model, ends)
    normalizer = Normalizer.fit(panel, method, seq_len=spec.seq_len, ends=ends)
    later = Windows(panel.offsets, replace(spec, stride=1), start=ends)
    validation = WindowBatches(normalizer.scale_series(panel), later, method)
    if not len(validation):
        return math.nan
    loss_of = make_loss(
        training.loss, huber_delta=training.huber_delta, quantile=training.quantile
    )
    total = 0.0
    for inputs, targets in validation.in_order():
        repeated = inputs[:, -1:, 0].expand_as(targets)
        total += float(loss_of(repeated, targets)) * len(inputs)
    return total / len(validation)
