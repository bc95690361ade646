"""Fit a forecaster: prepare, linear part, members, guard, errors.

Everything is fitted on the earlier part of each series; the latest part validates. A
refit repeats this on all data, with the choices that validation has made.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from forecasting.covariates.encoding import Covariates
from forecasting.data.panel import Panel
from forecasting.datasets.window_dataset import BatchSource
from forecasting.devices import check_precision, limit_threads, pick_device
from forecasting.forecaster.fine_tuning import check_start
from forecasting.forecaster.predict import measure_errors, read_histories
from forecasting.forecaster.predictor import Predictor
from forecasting.forecaster.prepare import PreparedData, prepare, training_ends
from forecasting.forecaster.storage.finished_fit import FinishedFit
from forecasting.forecaster.storage.pretrained import read_pretrained
from forecasting.forecaster.trained_model import ForecasterConfig, GlobalModel
from forecasting.forecaster.validation import calibration_errors
from forecasting.intervals.calibration import Calibration
from forecasting.intervals.errors import ForecastErrors
from forecasting.intervals.shown import ShownRange
from forecasting.models.ensemble import start_spread
from forecasting.models.network import RecurrentNetwork
from forecasting.models.window_ridge import LinearPart, fit_linear
from forecasting.scaling.normalization import Normalizer
from forecasting.selection.guard import Guard, Rungs, fit_guard
from forecasting.selection.zero_shot import (
    MIN_ORIGINS,
    forecast_origins,
    measure_gain,
    recent_origins,
)
from forecasting.training import (
    Checkpoints,
    EpochRecord,
    TrainingConfig,
    start_member,
    train_members,
)

MAX_TRIAL_MEMBERS = 2  # in the first training, if all members are refitted
OnEpoch = Callable[[EpochRecord], None]
InitialState = LinearPart | RecurrentNetwork | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedNetworks:
    """Result of fitting: networks, statistics, residuals and guard.

    Attributes:
        normalizer: statistics of every series of the panel.
        covariates: their encoding as numbers.
        networks: one per member, on the device, in evaluation mode.
        history: one record per epoch and member.
        errors: actual minus forecast on the validation windows, and on earlier ones
            if those are few (without any, on the training windows), normalised.
        penalty: of the linear part; None without one.
        guard: selects the forecast of each series; None without one.
    """

    normalizer: Normalizer
    covariates: Covariates
    networks: list[RecurrentNetwork]
    history: list[EpochRecord]
    errors: ForecastErrors
    penalty: float | None
    guard: Guard | None


def fit_model(
    panel: Panel,
    config: ForecasterConfig,
    *,
    start: GlobalModel | None = None,
    rungs: Rungs | None = None,
    on_epoch: OnEpoch | None = None,
    checkpoints: Checkpoints | None = None,
) -> FinishedFit:
    """Fit a forecaster to a panel: its model, its calibration and its history.

    A fit that a checkpoint holds already is taken from there.

    Args:
        panel: series without missing values.
        config: windows, model and training.
        start, rungs, on_epoch, checkpoints: as `fit_networks`.

    Raises:
        SeriesTooShort, SettingError, TrainingDiverged: as `fit_networks`.
        CheckpointError: a checkpoint cannot be used.
    """
    finished = None if checkpoints is None else checkpoints.open("fitted")
    fit = FinishedFit.load(finished, pick_device(config.training.device), on_epoch)
    if fit is not None:
        return fit
    result = fit_networks(
        panel,
        config,
        start=start,
        rungs=rungs,
        on_epoch=on_epoch,
        checkpoints=checkpoints,
    )
    calibration = Calibration.start(result.errors, config.model.intervals)
    trained = _to_model(panel, config, result, calibration)
    fit = FinishedFit(trained, calibration, result.history)
    if finished is not None:
        finished.finish(fit.to_state())
    return fit


def _to_model(
    panel: Panel,
    config: ForecasterConfig,
    fitted: FittedNetworks,
    calibration: Calibration,
) -> GlobalModel:
    """Return the trained model of a fit, with the last observations of its series."""
    model = GlobalModel(
        config=config,
        networks=fitted.networks,
        normalizer=fitted.normalizer,
        intervals=calibration.table,
        context=panel,
        non_negative=bool(panel.values.min() >= 0),
        covariates=fitted.covariates,
        guard=fitted.guard,
        shown=ShownRange.from_panel(panel),
    )
    context = panel.tail(model.memory)
    return replace(model, context=replace(context, schema=context.complete_schema()))


def fit_networks(
    panel: Panel,
    config: ForecasterConfig,
    *,
    start: GlobalModel | None = None,
    rungs: Rungs | None = None,
    on_epoch: OnEpoch | None = None,
    checkpoints: Checkpoints | None = None,
) -> FittedNetworks:
    """Train the members of a forecaster on a panel, or fine-tune them from ``start``.

    With ``start: pretrained`` in its settings, it starts from the package's network.

    The guard takes over ``rungs`` of the series; without them it chooses.

    Raises:
        SeriesTooShort: no series has a window.
        SettingError: the settings contradict each other.
        TrainingDiverged: a loss became infinite.
    """
    device, training = config.check(), config.training
    check_precision(device, training.precision, config.model.cell)
    if start is None and training.start == "pretrained":
        season, horizon = config.model.season_length, config.windows.horizon
        start = read_pretrained(season, horizon, device)
    if start is not None:
        check_start(start, config, panel)
        config = config.replace_model(normalization=start.method)
    is_validated = bool((training_ends(panel, config) < panel.lengths).any())
    if not (training.refit and is_validated):
        fitted = _fit(
            panel, config, start, on_epoch, rungs=rungs, checkpoints=checkpoints
        )
        return _consider_zero_shot(panel, config, fitted, rungs)
    num_trials = min(config.model.members, MAX_TRIAL_MEMBERS)
    trial_config = config.replace_model(members=num_trials)
    trial = _fit(
        panel,
        trial_config,
        start,
        on_epoch,
        rungs=rungs,
        checkpoints=checkpoints and checkpoints.under("trial"),
    )
    trial = _consider_zero_shot(panel, trial_config, trial, rungs)
    final_config = replace(
        config.replace_model(normalization=trial.normalizer.method),
        training=_refit_settings(training, trial.history),
    )
    final = _fit(
        panel,
        final_config,
        start,
        _mark_refit(on_epoch),
        trial,
        checkpoints=checkpoints and checkpoints.under("refit"),
    )
    history = [replace(record, refit=True) for record in final.history]
    return replace(final, history=trial.history + history)


def _fit(
    panel: Panel,
    config: ForecasterConfig,
    start: GlobalModel | None,
    on_epoch: OnEpoch | None,
    trial: FittedNetworks | None = None,
    rungs: Rungs | None = None,
    checkpoints: Checkpoints | None = None,
) -> FittedNetworks:
    """Train on the earlier part of each series, validate on the rest.

    With a ``trial``, nothing is left to validate: penalty, guard and errors are those
    of the trial.
    """
    data, members = prepare(panel, config, start), range(config.model.members)
    penalty = None if trial is None else trial.penalty
    with limit_threads(data.device, config.model.hidden_size):
        linear = None
        if config.model.linear_skip and start is None:
            linear = _fit_linear(data, config.steps_out, penalty)
        networks, history = train_networks(
            partial(config.make_network, data.batches.method, data.batches.layout),
            [linear if start is None else start.networks[m] for m in members],
            [config.training.seed + member for member in members],
            data.batches,
            data.validation,
            config.training,
            on_epoch,
            checkpoints,
        )
        guard = None
        if config.model.guard:
            guard = _fit_guard(networks, linear, data, config, trial)
            if rungs is not None:
                guard = guard.with_rungs(rungs)
        errors = (
            calibration_errors(networks, data, config, guard)
            if trial is None
            else trial.errors
        )
    return FittedNetworks(
        normalizer=data.normalizer,
        covariates=data.covariates,
        networks=networks,
        history=history,
        errors=errors,
        penalty=None if linear is None else linear.penalty,
        guard=guard,
    )


def _consider_zero_shot(
    panel: Panel, config: ForecasterConfig, fitted: FittedNetworks, rungs: Rungs | None
) -> FittedNetworks:
    """Return a fit with the zero-shot forecast as its answer, if that is better.

    Or if ``rungs`` say so, which were chosen earlier. The intervals are those of its
    errors. It reads no covariates, and has no quantiles of the networks.
    """
    guard = fitted.guard
    if guard is None or fitted.covariates or config.model.quantiles:
        return fitted
    if rungs is not None and not guard.uses_zero_shot:
        return fitted
    horizon, season_length = config.windows.horizon, config.model.season_length
    calibration = Calibration.start(fitted.errors, config.model.intervals)
    predictor = Predictor(_to_model(panel, config, fitted, calibration))
    if rungs is None:
        origins = recent_origins(panel, training_ends(panel, config), horizon)
        if len(origins) < MIN_ORIGINS:
            return fitted
        histories = read_histories(predictor, panel, origins, horizon)
        gain = measure_gain(
            panel,
            origins,
            others=predictor.forecast(histories, steps=horizon)[0],
            horizon=horizon,
            season_length=season_length,
            squared=config.training.loss == "mse",
        )
        if gain is None:
            return fitted
        guard = guard.with_zero_shot(gain)
    origins = recent_origins(panel, panel.lengths // 2, horizon)
    if not len(origins):
        return replace(fitted, guard=guard)
    points = forecast_origins(
        panel, origins, season_length=season_length, horizon=horizon
    )
    errors = replace(measure_errors(predictor, panel, origins, points), overlap=1.0)
    return replace(fitted, guard=guard, errors=errors)


def train_networks(
    make: Callable[[], RecurrentNetwork],
    initial: Sequence[InitialState],
    seeds: Sequence[int],
    batches: BatchSource,
    validation: BatchSource,
    training: TrainingConfig,
    on_epoch: OnEpoch | None = None,
    checkpoints: Checkpoints | None = None,
) -> tuple[list[RecurrentNetwork], list[EpochRecord]]:
    """Create the members of an ensemble and train them.

    Args:
        make: creates a network with random weights, on the CPU.
        initial: of each member: the linear part that it starts from, or the network
            whose weights it takes over; None for random weights alone.
        seeds: of each member.
        batches, validation, training, on_epoch, checkpoints: see
            `forecasting.training.train_members`.

    Returns:
        The networks in evaluation mode, and one record per epoch and member.
    """
    members = [
        start_member(seed, batches.device, partial(_start, make, state, batches))
        for seed, state in zip(seeds, initial, strict=True)
    ]
    history = train_members(
        members,
        batches,
        validation,
        training,
        on_epoch=on_epoch,
        checkpoints=checkpoints,
    )
    return [member.network.eval() for member in members], history


def _start(
    make: Callable[[], RecurrentNetwork], initial: InitialState, batches: BatchSource
) -> RecurrentNetwork:
    """Create an untrained network on the device of the windows."""
    network = make()
    if isinstance(initial, LinearPart):
        network.set_skip(initial.weights, initial.bias, initial.ahead)
    elif initial is not None:
        network.load_state_dict(initial.state_dict())
    network.to(batches.device)
    if network.spread is not None:
        start_spread(network.spread, network, batches)
    return network


def _fit_linear(data: PreparedData, steps: int, penalty: float | None) -> LinearPart:
    return fit_linear(
        data.batches,
        data.validation,
        steps=steps,
        design=data.batches.design(steps),
        penalty=penalty,
    )


def _fit_guard(
    networks: list[RecurrentNetwork],
    linear: LinearPart | None,
    data: PreparedData,
    config: ForecasterConfig,
    trial: FittedNetworks | None,
) -> Guard:
    """Choose the rung of each series, or take over the rungs of the trial."""
    if trial is None or trial.guard is None:
        return fit_guard(
            networks,
            data.batches,
            data.validation,
            offsets=data.offsets,
            ends=data.ends,
            squared=config.training.loss == "mse",
        )
    steps, penalty = config.windows.horizon, trial.guard.linear.penalty
    if linear is None or (linear.steps, linear.penalty) != (steps, penalty):
        linear = _fit_linear(data, steps, penalty)
    return replace(trial.guard, linear=linear)


def _mark_refit(on_epoch: OnEpoch | None) -> OnEpoch | None:
    """Return a callback that reports records as those of a refit."""
    if on_epoch is None:
        return None
    return lambda record: on_epoch(replace(record, refit=True))


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
