"""From a panel to trained networks: split, choose, solve the linear part, train.

Everything is fitted on each series' earlier part; its latest part validates. Nothing
here sees beyond the panel it is given.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from forecasting.batches import WindowBatches
from forecasting.configuration import RecurrentConfig
from forecasting.devices import autocast, fitting_threads, pick_device
from forecasting.errors import SeriesTooShort, SettingError
from forecasting.linear import LinearPart, fit_linear
from forecasting.metrics import naive_scale
from forecasting.networks import RecurrentNetwork
from forecasting.normalization import Method, Normalizer, candidates, window_level
from forecasting.series import FloatArray, IntArray, Panel
from forecasting.training import EpochRecord, TrainingConfig, train
from forecasting.windows import Windows, WindowSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedNetworks:
    """What fitting gives.

    Attributes:
        normalizer: statistics of every series of the panel.
        networks: one a member, on the device, ready to forecast.
        history: the epochs of every member.
        residuals: actual minus forecast on the validation windows (on the training
            windows when there are none), normalised, ``(windows, horizon)``.
    """

    normalizer: Normalizer
    networks: list[RecurrentNetwork]
    history: list[EpochRecord]
    residuals: FloatArray


def fit_networks(
    panel: Panel,
    spec: WindowSpec,
    model: RecurrentConfig,
    training: TrainingConfig,
    on_epoch: Callable[[EpochRecord], None] | None = None,
) -> FittedNetworks:
    """Train the members of a forecaster on a panel.

    Raises:
        SeriesTooShort: no series has a window; the shortest are named.
        SettingError: the settings contradict each other.
        TrainingDiverged: a loss became infinite.
    """
    device = check_settings(model, training)
    ends = training_ends(panel, spec, training.validation)
    method = (
        _choose_method(panel, spec, ends)
        if model.normalization == "auto"
        else model.normalization
    )
    normalizer = Normalizer.fit(panel, method, seq_len=spec.seq_len, ends=ends)
    batches, validation = _make_batches(panel, spec, normalizer, ends, device)
    if not len(batches):
        raise too_short(panel, spec)
    networks, history = [], []
    with fitting_threads(device, model.hidden_size):
        linear = _solve_linear(model, batches, validation, spec)
        for member in range(model.members):
            network, records = _train_member(
                member, linear, spec, model, training, batches, validation, on_epoch
            )
            networks.append(network)
            history.extend(records)
        checked = validation if len(validation) else batches
        residuals = _residuals(networks, checked, training)
    return FittedNetworks(
        normalizer=normalizer, networks=networks, history=history, residuals=residuals
    )


def training_ends(panel: Panel, spec: WindowSpec, share: float) -> IntArray:
    """Return where each series' training part ends, ``(series,)``.

    The validation part is the latest ``share``, at least one horizon. A series that
    would be left without a training window has no validation part.
    """
    lengths = panel.lengths
    if share == 0:
        return lengths
    ends = lengths - np.maximum(spec.horizon, (lengths * share).astype(np.int64))
    return np.where(ends < spec.length, lengths, ends)


def too_short(panel: Panel, spec: WindowSpec) -> SeriesTooShort:
    """Return the error that names the series without a single window."""
    short = [
        (name, int(length))
        for name, length in zip(panel.series_ids, panel.lengths, strict=True)
        if length < spec.length
    ]
    return SeriesTooShort(
        short, spec.length, f"seq_len {spec.seq_len} + horizon {spec.horizon}"
    )


def ensemble_forecast(networks: list[RecurrentNetwork], inputs: Tensor) -> Tensor:
    """Return the members' median, ``(batch, horizon)``, for ``(batch, seq_len, 1)``."""
    members = torch.stack([network(inputs).float() for network in networks])
    if len(networks) == 1:
        return members[0]
    return members.quantile(0.5, dim=0)  # the mean of the two middle ones when even


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


def _make_batches(
    panel: Panel,
    spec: WindowSpec,
    normalizer: Normalizer,
    ends: IntArray,
    device: torch.device,
) -> tuple[WindowBatches, WindowBatches]:
    values = normalizer.scale_series(panel).to(device)
    every = replace(spec, stride=1)
    earlier = Windows(panel.offsets, spec, stop=ends).to(device)
    later = Windows(panel.offsets, every, start=ends).to(device)
    return (
        WindowBatches(values, earlier, normalizer.method),
        WindowBatches(values, later, normalizer.method),
    )


def _choose_method(panel: Panel, spec: WindowSpec, ends: IntArray) -> Method:
    """Return the normalisation whose linear forecast validates best.

    Errors are absolute, in units of each series' naive error, so that methods and
    series can be compared.
    """
    methods = candidates(panel)
    cpu = torch.device("cpu")
    scales = np.array(
        [
            naive_scale(values[:end], 1) or 1.0
            for values, end in zip(
                np.split(panel.values, panel.offsets[1:-1]), ends, strict=True
            )
        ]
    )
    errors = []
    for method in methods:
        normalizer = Normalizer.fit(panel, method, seq_len=spec.seq_len, ends=ends)
        batches, validation = _make_batches(panel, spec, normalizer, ends, cpu)
        if not len(batches) or not len(validation):
            return methods[0]
        linear = fit_linear(batches, validation, steps=spec.horizon)
        errors.append(_scaled_error(panel, linear, validation, normalizer, scales))
    return methods[int(np.argmin(errors))]


def _scaled_error(
    panel: Panel,
    linear: LinearPart,
    validation: WindowBatches,
    normalizer: Normalizer,
    scales: FloatArray,
) -> float:
    index = validation.windows.evenly(20_000)
    located, first = validation.windows.locate(index)
    series, seq_len = located.numpy(), validation.windows.spec.seq_len
    inputs, _ = validation.take(index)
    scaled = validation.values[first[:, None] + torch.arange(seq_len)]
    level, size = window_level(scaled, normalizer.method)
    forecast = linear.forecast(inputs) * size.double() + level.double()
    points = normalizer.unscale(forecast.numpy(), series)
    reach = np.arange(seq_len, validation.windows.spec.length)
    actual = panel.values[first.numpy()[:, None] + reach]
    return float((np.abs(points - actual) / scales[series][:, None]).mean())


def _solve_linear(
    model: RecurrentConfig,
    batches: WindowBatches,
    validation: WindowBatches,
    spec: WindowSpec,
) -> LinearPart | None:
    if not model.linear_skip:
        return None
    steps = 1 if model.strategy == "recursive" else spec.horizon
    return fit_linear(batches, validation, steps=steps)


def _train_member(
    member: int,
    linear: LinearPart | None,
    spec: WindowSpec,
    model: RecurrentConfig,
    training: TrainingConfig,
    batches: WindowBatches,
    validation: WindowBatches,
    on_epoch: Callable[[EpochRecord], None] | None,
) -> tuple[RecurrentNetwork, list[EpochRecord]]:
    device = batches.device
    forked = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(forked):  # leave the caller's random numbers alone
        torch.manual_seed(training.seed + member)
        network = RecurrentNetwork(
            model, seq_len=spec.seq_len, horizon=spec.horizon, level=batches.method
        )
        if linear is not None:
            network.set_skip(linear.weights, linear.bias)
        network.to(device)
        records = train(
            network, batches, validation, training, member=member, on_epoch=on_epoch
        )
    return network.eval(), records


@torch.no_grad()
def _residuals(
    networks: list[RecurrentNetwork], checked: WindowBatches, training: TrainingConfig
) -> FloatArray:
    parts = []
    for inputs, targets in checked.in_order():
        with autocast(
            inputs.device, training.precision, networks[0].config.hidden_size
        ):
            forecast = ensemble_forecast(networks, inputs)
        parts.append((targets - forecast).cpu().double().numpy())
    return np.concatenate(parts)
