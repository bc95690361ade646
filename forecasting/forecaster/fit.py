"""From a panel to trained networks: split, choose, solve the linear part, train.

Everything is fitted on each series' earlier part; its latest part validates. Nothing
here sees beyond the panel it is given.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch

from forecasting.covariates.encoding import Covariates
from forecasting.data.panel import Panel
from forecasting.data.windows import WindowSpec
from forecasting.datasets.window_dataset import WindowDataset
from forecasting.devices import check_precision, fitting_threads, pick_device
from forecasting.errors import SettingError
from forecasting.forecaster.fine_tuning import PretrainedSource
from forecasting.forecaster.prepare import least_length, prepare, training_ends
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

TRIED = 2  # members that are enough to choose by, where all are trained again


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedNetworks:
    """What fitting gives.

    Attributes:
        normalizer: statistics of every series of the panel.
        covariates: how they become numbers.
        networks: one a member, on the device, ready to forecast.
        history: the epochs of every member.
        residuals: actual minus forecast on the validation windows (on the training
            windows when there are none), normalised, ``(windows, horizon)``.
        volatility: of each of those windows, normalised, ``(windows,)``.
        penalty: of the linear part; None without one.
        guard: which forecast each series gets; None without one.
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
    """Train the members of a forecaster on a panel, from a start where there is one.

    Raises:
        SeriesTooShort: no series has a window; the shortest are named.
        SettingError: the settings contradict each other.
        TrainingDiverged: a loss became infinite.
    """
    check_precision(check_settings(model, training), training.precision, model.cell)
    if start is not None:
        start.check(spec, model, panel)
        model = replace(model, normalization=start.fitted.normalizer.method)
    least = least_length(spec, model)
    ends = training_ends(panel, spec, training.validation, least)
    again_later = training.refit and bool((ends < panel.lengths).any())
    few = replace(model, members=min(model.members, TRIED)) if again_later else model
    found = _fit(panel, ends, spec, few, training, on_epoch, start)
    if not again_later:
        return found
    model = replace(model, normalization=found.normalizer.method)
    training = _as_found(training, found.history)
    second: list[EpochRecord] = []

    def on_epoch_again(record: EpochRecord) -> None:
        second.append(replace(record, refit=True))
        if on_epoch is not None:
            on_epoch(second[-1])

    again = _fit(
        panel, panel.lengths, spec, model, training, on_epoch_again, start, found
    )
    guard = found.guard
    if guard is not None and again.guard is not None:
        guard = replace(guard, linear=again.guard.linear)
    return replace(
        again,
        history=found.history + second,
        residuals=found.residuals,
        volatility=found.volatility,
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
    found: FittedNetworks | None = None,
) -> FittedNetworks:
    """Train on the first ``ends[s]`` observations of each series, validate on the rest.

    What was ``found`` before says how large the linear part's penalty is.
    """
    ready = prepare(panel, ends, spec, model, training, start)
    batches, validation = ready.batches, ready.validation
    checked = validation if len(validation) else batches
    penalty = None if found is None else found.penalty
    linear, guard = None, None
    residuals, volatility = np.empty((0, spec.horizon)), np.empty(0)
    with fitting_threads(batches.device, model.hidden_size):
        if model.linear_skip and start is None:
            steps = 1 if model.strategy == "recursive" else spec.horizon
            linear = _solve_linear(batches, validation, steps, penalty)
        members = [
            _start(
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
            basis = linear
            if basis is None or basis.steps != spec.horizon:
                basis = _solve_linear(batches, validation, spec.horizon, penalty)
            squared = training.loss == "mse"
            guard = fit_guard(
                networks, basis, validation, series=len(panel), squared=squared
            )
        if found is None:
            residuals, volatility = find_residuals(
                networks, checked, training.precision, guard
            )
    return FittedNetworks(
        normalizer=ready.normalizer,
        covariates=ready.covariates,
        networks=networks,
        history=history,
        residuals=residuals,
        volatility=volatility,
        penalty=None if linear is None else linear.penalty,
        guard=guard,
    )


def _as_found(training: TrainingConfig, history: list[EpochRecord]) -> TrainingConfig:
    """Return how to train again, without validation, as long as was best before."""
    if training.steps is not None:
        return replace(training, validation=0.0)
    losses: dict[int, list[float]] = {}
    for record in history:
        losses.setdefault(record.member, []).append(record.validation_loss)
    best = [int(np.argmin(member)) for member in losses.values()]
    return replace(training, validation=0.0, epochs=round(float(np.mean(best))))


def check_settings(model: RecurrentConfig, training: TrainingConfig) -> torch.device:
    """Return the device to train on, if the settings go together.

    Raises:
        SettingError: two of them contradict each other, or the device is not there.
    """
    whole = model.bidirectional or model.strategy == "seq2seq"
    if training.truncate is not None and (whole or model.loss_at == "step"):
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


def _start(
    seed: int,
    begin: LinearPart | RecurrentNetwork | None,
    spec: WindowSpec,
    model: RecurrentConfig,
    batches: WindowDataset,
) -> Member:
    """Return a network before training, from a linear part or another network."""

    def make() -> RecurrentNetwork:
        network = RecurrentNetwork(
            model,
            seq_len=spec.seq_len,
            horizon=spec.horizon,
            level=batches.method,
            layout=batches.layout,
        )
        if isinstance(begin, LinearPart):
            network.set_skip(begin.weights, begin.bias, begin.ahead)
        elif begin is not None:
            network.load_state_dict(begin.state_dict())
        network.to(batches.device)
        if network.spread is not None:
            start_spread(network.spread, network, batches)
        return network

    return start_member(seed, batches.device, make)
