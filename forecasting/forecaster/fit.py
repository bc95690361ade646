"""Fit the networks of a forecaster: split, normalise, solve the linear part, train.

Everything is fitted on the earlier part of each series; the latest part validates.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch

from forecasting.covariates.encoding import Covariates
from forecasting.data.panel import Panel
from forecasting.data.windows import WindowSpec
from forecasting.datasets.window_dataset import WindowDataset
from forecasting.devices import check_precision, limit_threads, pick_device
from forecasting.errors import SettingError
from forecasting.forecaster.fine_tuning import PretrainedSource
from forecasting.forecaster.prepare import min_length, prepare, training_ends
from forecasting.forecaster.validation import find_residuals
from forecasting.models.config import RecurrentConfig
from forecasting.models.ensemble import start_spread
from forecasting.models.network import RecurrentNetwork
from forecasting.models.window_ridge import LinearPart, fit_linear
from forecasting.scaling.normalization import Normalizer
from forecasting.selection.guard import Guard, fit_guard
from forecasting.training import (
    EpochRecord,
    Member,
    TrainingConfig,
    start_member,
    train_members,
)
from forecasting.types import FloatArray, IntArray

MAX_TRIAL_MEMBERS = 2  # in the first training, if all members are refitted


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedNetworks:
    """Result of fitting: networks, statistics, residuals and guard.

    Attributes:
        normalizer: statistics of every series of the panel.
        covariates: their encoding as numbers.
        networks: one per member, on the device, in evaluation mode.
        history: one record per epoch and member.
        residuals: actual minus forecast on the validation windows (without any, on
            the training windows), normalised, ``(windows, horizon)``.
        volatility: of each of those windows, normalised, ``(windows,)``.
        penalty: of the linear part; None without one.
        guard: selects the forecast of each series; None without one.
    """

    normalizer: Normalizer
    covariates: Covariates
    networks: list[RecurrentNetwork]
    history: list[EpochRecord]
    residuals: FloatArray
    volatility: FloatArray
    penalty: float | None
    guard: Guard | None


def fit_networks(
    panel: Panel,
    spec: WindowSpec,
    model: RecurrentConfig,
    training: TrainingConfig,
    on_epoch: Callable[[EpochRecord], None] | None = None,
    start: PretrainedSource | None = None,
) -> FittedNetworks:
    """Train the members of a forecaster on a panel, or fine-tune them from ``start``.

    Raises:
        SeriesTooShort: no series has a window.
        SettingError: the settings contradict each other.
        TrainingDiverged: a loss became infinite.
    """
    check_precision(check_settings(model, training), training.precision, model.cell)
    if start is not None:
        start.check(spec, model, panel)
        model = replace(model, normalization=start.fitted.normalizer.method)
    min_observations = min_length(spec, model)
    ends = training_ends(panel, spec, training.validation, min_observations)
    will_refit = training.refit and bool((ends < panel.lengths).any())
    trial_model = (
        replace(model, members=min(model.members, MAX_TRIAL_MEMBERS))
        if will_refit
        else model
    )
    first = _fit(panel, ends, spec, trial_model, training, on_epoch, start)
    if not will_refit:
        return first
    model = replace(model, normalization=first.normalizer.method)
    training = _refit_settings(training, first.history)
    refit_history: list[EpochRecord] = []

    def on_refit_epoch(record: EpochRecord) -> None:
        refit_history.append(replace(record, refit=True))
        if on_epoch is not None:
            on_epoch(refit_history[-1])

    refitted = _fit(
        panel, panel.lengths, spec, model, training, on_refit_epoch, start, first
    )
    guard = first.guard
    if guard is not None and refitted.guard is not None:
        guard = replace(guard, linear=refitted.guard.linear)
    return replace(
        refitted,
        history=first.history + refit_history,
        residuals=first.residuals,
        volatility=first.volatility,
        guard=guard,
    )


def _fit(
    panel: Panel,
    ends: IntArray,
    spec: WindowSpec,
    model: RecurrentConfig,
    training: TrainingConfig,
    on_epoch: Callable[[EpochRecord], None] | None,
    start: PretrainedSource | None,
    first: FittedNetworks | None = None,
) -> FittedNetworks:
    """Train on the first ``ends[s]`` observations of each series, validate on the rest.

    In a refit, the penalty of the linear part is that of the ``first`` result.
    """
    prepared = prepare(panel, ends, spec, model, training, start)
    batches, validation = prepared.batches, prepared.validation
    held_out = validation if len(validation) else batches
    penalty = None if first is None else first.penalty
    linear, guard = None, None
    residuals, volatility = np.empty((0, spec.horizon)), np.empty(0)
    with limit_threads(batches.device, model.hidden_size):
        if model.linear_skip and start is None:
            steps = 1 if model.strategy == "recursive" else spec.horizon
            linear = _solve_linear(batches, validation, steps, penalty)
        members = [
            _make_member(
                training.seed + number,
                start.fitted.networks[number] if start else linear,
                spec,
                model,
                batches,
            )
            for number in range(model.members)
        ]
        history = train_members(
            members, batches, validation, training, on_epoch=on_epoch
        )
        networks = [member.network.eval() for member in members]
        if model.guard:
            guard_linear = linear
            if guard_linear is None or guard_linear.steps != spec.horizon:
                guard_linear = _solve_linear(batches, validation, spec.horizon, penalty)
            squared = training.loss == "mse"
            guard = fit_guard(
                networks, guard_linear, validation, series=len(panel), squared=squared
            )
        if first is None:
            residuals, volatility = find_residuals(
                networks, held_out, training.precision, guard
            )
    return FittedNetworks(
        normalizer=prepared.normalizer,
        covariates=prepared.covariates,
        networks=networks,
        history=history,
        residuals=residuals,
        volatility=volatility,
        penalty=None if linear is None else linear.penalty,
        guard=guard,
    )


def _refit_settings(
    training: TrainingConfig, history: list[EpochRecord]
) -> TrainingConfig:
    """Return the settings of the refit: no validation, the best number of epochs."""
    if training.steps is not None:
        return replace(training, validation=0.0)
    losses: dict[int, list[float]] = {}
    for record in history:
        losses.setdefault(record.member, []).append(record.validation_loss)
    best = [int(np.argmin(member)) for member in losses.values()]
    return replace(training, validation=0.0, epochs=round(float(np.mean(best))))


def check_settings(model: RecurrentConfig, training: TrainingConfig) -> torch.device:
    """Check that the settings are compatible; return the training device.

    Raises:
        SettingError: two of them contradict each other, or the device is missing.
    """
    reads_backward = model.bidirectional or model.strategy == "seq2seq"
    if training.truncate is not None and (reads_backward or model.loss_at == "step"):
        raise SettingError(
            "truncate",
            training.truncate,
            "null unless one direction reads the window and the loss is at its end",
        )
    return pick_device(training.device)


def _solve_linear(
    batches: WindowDataset,
    validation: WindowDataset,
    steps: int,
    penalty: float | None,
) -> LinearPart:
    design = batches.design(steps)
    return fit_linear(batches, validation, steps=steps, design=design, penalty=penalty)


def _make_member(
    seed: int,
    initial: LinearPart | RecurrentNetwork | None,
    spec: WindowSpec,
    model: RecurrentConfig,
    batches: WindowDataset,
) -> Member:
    """Create an untrained member from a linear part or a trained network."""

    def make() -> RecurrentNetwork:
        network = RecurrentNetwork(
            model,
            seq_len=spec.seq_len,
            horizon=spec.horizon,
            level=batches.method,
            layout=batches.layout,
        )
        if isinstance(initial, LinearPart):
            network.set_skip(initial.weights, initial.bias, initial.ahead)
        elif initial is not None:
            network.load_state_dict(initial.state_dict())
        network.to(batches.device)
        if network.spread is not None:
            start_spread(network.spread, network, batches)
        return network

    return start_member(seed, batches.device, make)
