"""Errors and losses on held-out windows.

Errors of windows outside the training are the basis of the intervals. The naive loss
makes validation losses comparable: a loss is in normalised units, which depend on the
normalisation and on seq_len. Its ratio to the loss of repeating the last value, in the
same units, compares models: below 1 is better than the naive forecast.
"""

import math
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from torch import Tensor

from forecasting.data.panel import Panel
from forecasting.data.windows import Windows
from forecasting.datasets.validation import Rows, WindowBlock, to_array, validate
from forecasting.datasets.window_dataset import WindowDataset
from forecasting.devices import autocast
from forecasting.forecaster.prepare import PreparedData, prepare
from forecasting.forecaster.trained_model import ForecasterConfig
from forecasting.intervals.errors import ForecastErrors
from forecasting.intervals.scores import to_scores
from forecasting.intervals.volatility import window_volatility
from forecasting.models.ensemble import ensemble_forecast, ensemble_spread
from forecasting.models.network import RecurrentNetwork
from forecasting.scaling.normalization import Normalizer
from forecasting.selection.guard import Guard, GuardInputs
from forecasting.training.recipe.losses import make_loss

MAX_RESIDUAL_WINDOWS = 100_000  # more would hardly change the spread of the errors
MIN_ORIGINS = 6  # of a series, without a common target
MAX_ENLARGEMENT = 2.0  # of errors on targets that were fitted to


@torch.no_grad()
def find_errors(
    networks: list[RecurrentNetwork],
    dataset: WindowDataset,
    config: ForecasterConfig,
    normalizer: Normalizer | None = None,
    guard: Guard | None = None,
) -> ForecastErrors:
    """Return the forecast errors on windows, as quantile scores with a quantile head.

    Args:
        networks: the members.
        dataset: windows; at most `MAX_RESIDUAL_WINDOWS`, evenly spaced, are used.
        config: the forecaster's settings.
        normalizer: statistics of every series; only needed with logarithms.
        guard: selects among forecasts; None for the networks' forecast.
    """
    return _to_errors(
        _measure(networks, dataset, config, normalizer, guard), config, normalizer
    )


@torch.no_grad()
def calibration_errors(
    networks: list[RecurrentNetwork],
    data: PreparedData,
    config: ForecasterConfig,
    guard: Guard | None = None,
) -> ForecastErrors:
    """Return errors on held-out windows, and on earlier ones if those are few.

    Errors of many series at one time have a cause in common, so that they say little
    about another time. Up to `MIN_ORIGINS` origins of a series are therefore taken, a
    horizon apart, in the later half of its training part. What was fitted to their
    targets errs too little there: errors at these origins are enlarged so that they
    relate to those of a simple forecast as the held-out ones do; if that takes more
    than `MAX_ENLARGEMENT`, they are left out.

    Args:
        networks: the members.
        data: held-out windows and training windows.
        config: the forecaster's settings.
        guard: selects among forecasts; None for the networks' forecast.
    """
    measure = partial(
        _measure, networks, config=config, normalizer=data.normalizer, guard=guard
    )
    latest = measure(data.held_out)
    errors = _to_errors(latest, config, data.normalizer)
    missing = MIN_ORIGINS - _count_origins(data.validation, config.windows.horizon)
    if config.model.quantiles or not len(data.validation) or missing < 1:
        return errors
    windows = _earlier_windows(data, missing)
    if not len(windows):
        return errors
    earlier = measure(windows)
    with np.errstate(divide="ignore", invalid="ignore"):
        enlargement = _relative_size(latest) / _relative_size(earlier)
    if not enlargement <= MAX_ENLARGEMENT:
        return errors
    return errors.join(
        ForecastErrors(
            residuals=earlier["errors"] * max(enlargement, 1.0),
            volatility=earlier["volatility"],
            log_units=None if errors.log_units is None else earlier["units"],
            overlap=1.0,
        )
    )


def _to_errors(
    measured: Rows, config: ForecasterConfig, normalizer: Normalizer | None
) -> ForecastErrors:
    """Return measured errors with the number of windows that share a target."""
    counts = np.bincount(measured["series"])
    independent = np.maximum(counts[counts > 0] / config.windows.horizon, 1).sum()
    is_logarithmic = normalizer is not None and normalizer.scaling.is_logarithmic
    has_units = is_logarithmic and not config.model.quantiles
    return ForecastErrors(
        residuals=measured["errors"],
        volatility=measured["volatility"],
        log_units=measured["units"] if has_units else None,
        overlap=len(measured["series"]) / max(float(independent), 1.0),
    )


def _measure(
    networks: list[RecurrentNetwork],
    dataset: WindowDataset,
    config: ForecasterConfig,
    normalizer: Normalizer | None,
    guard: Guard | None,
) -> Rows:
    """Return errors, simple errors, volatility, units and series of windows."""
    model, precision = config.model, config.training.precision

    def measure(block: WindowBlock) -> Rows:
        inputs, frame = block.inputs, block.frame
        with autocast(inputs.device, precision, model.hidden_size, model.cell):
            forecast = ensemble_forecast(networks, inputs)
            spread = ensemble_spread(networks, inputs) if model.quantiles else None
        if guard is not None:
            windows = GuardInputs(inputs, frame)
            rungs = torch.from_numpy(guard.choices(block.series))
            forecast = guard.apply(windows, forecast, rungs)
        errors = to_array(block.targets - forecast)
        if spread is not None:
            errors = to_scores(errors, to_array(spread), model.quantiles)
        scale = 1.0 if normalizer is None else normalizer.scale[block.series]
        return {
            "errors": errors,
            "simple": to_array(block.targets - _simple_forecast(block)),
            "volatility": window_volatility(block.observations()),
            "units": to_array(frame.size)[:, 0] * scale,
            "series": block.series,
        }

    return validate(dataset, measure, max_windows=MAX_RESIDUAL_WINDOWS)


def _simple_forecast(block: WindowBlock) -> Tensor:
    """Return z of a forecast that nothing was fitted for, ``(n, horizon)``.

    Exponential smoothing, or the last season (the last value) repeated.
    """
    if block.dataset.states is not None:
        return torch.zeros_like(block.targets)
    frame, steps = block.frame, torch.arange(block.targets.shape[1])
    recent = frame.recent
    return frame.measure(recent[:, (steps % recent.shape[1]).to(recent.device)])


def _relative_size(measured: Rows) -> np.float64:
    """Return the median error over the median error of the simple forecast.

    Infinite or NaN where the simple forecast does not err.
    """
    errors, simple = (
        np.median(np.abs(measured[name]).mean(1)) for name in ("errors", "simple")
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.float64(errors / simple)


def _count_origins(dataset: WindowDataset, horizon: int) -> int:
    """Return the mean number of a series' windows without a common target."""
    counts = dataset.windows.counts().cpu().numpy()
    counts = counts[counts > 0]
    return int(np.maximum(counts / horizon, 1).mean()) if len(counts) else 0


def _earlier_windows(data: PreparedData, count: int) -> WindowDataset:
    """Return windows a horizon apart, the last ``count`` of each training part."""
    batches = data.batches
    windows = batches.windows
    spec = replace(windows.spec, stride=windows.spec.horizon)
    ends, horizon = data.ends, spec.horizon
    count_by_series = np.clip((ends - ends // 2) // horizon, 0, count)
    least = np.full_like(ends, 2) if batches.states is not None else None
    earlier = Windows(
        data.offsets,
        spec,
        start=ends - count_by_series * horizon,
        stop=ends,
        least=least,
    )
    return replace(batches, windows=earlier.to(batches.values.device))


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
