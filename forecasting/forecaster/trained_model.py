"""The state of a trained forecaster, and its conversion to plain data and back.

Numeric covariates of the last observations are stored unchanged; text is stored as
category codes, so that a category outside the training is read back as empty text,
which is unknown too.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from forecasting.covariates.encoding import Covariate, Covariates
from forecasting.data.covariates import Column, FutureValues
from forecasting.data.panel import Panel
from forecasting.data.windows import WindowSpec
from forecasting.errors import ForecastingError, ShapeError
from forecasting.forecaster.artifact import damaged_artifact
from forecasting.forecaster.history import least_history, required_memory
from forecasting.intervals.table import PROBABILITIES, IntervalTable
from forecasting.intervals.volatility import VolatilityScaling
from forecasting.models.config import RecurrentConfig
from forecasting.models.network import RecurrentNetwork
from forecasting.scaling.normalization import METHODS, Method, Normalizer
from forecasting.scaling.window_scaling import ETS_METHODS
from forecasting.selection.guard import Guard, pack_guard, unpack_guard
from forecasting.timestamps.calendar import Calendar
from forecasting.training import TrainingConfig
from forecasting.types import IntArray

NO_COVARIATES: dict[str, Any] = {
    "columns": [],
    "cycles": [],
}  # of a model without covariates


def pack_columns(covariates: Covariates, context: Panel) -> dict[str, Tensor]:
    """Pack the covariates of a panel, past and future values, into tensors."""
    tensors = {}
    for covariate in covariates.columns:
        observed = context.covariates[covariate.name]
        tensors[f"covariates.{covariate.name}"] = _pack(covariate, observed)
        if covariate.name in context.future:
            future_values = context.future[covariate.name]
            tensors[f"future.{covariate.name}"] = _pack(covariate, future_values.values)
            tensors[f"future_offsets.{covariate.name}"] = torch.from_numpy(
                future_values.offsets
            )
    return tensors


def unpack_columns(
    covariates: Covariates, tensors: dict[str, Tensor]
) -> dict[str, Any]:
    """Unpack the tensors of `pack_columns` into fields of a `Panel`.

    Raises:
        LookupError, ValueError: a tensor is missing, or has a wrong shape.
    """
    columns, future = {}, {}
    points = len(tensors["context.values"])
    for covariate in covariates.columns:
        columns[covariate.name] = _unpack(
            covariate, tensors[f"covariates.{covariate.name}"]
        )
        if columns[covariate.name].shape != (points,):
            name = f"covariates.{covariate.name}"
            raise ShapeError(name, columns[covariate.name].shape, (points,))
        if f"future.{covariate.name}" in tensors:
            values = _unpack(covariate, tensors[f"future.{covariate.name}"])
            offsets = tensors[f"future_offsets.{covariate.name}"].numpy()
            if len(offsets) != len(tensors["context.offsets"]):
                name = f"future_offsets.{covariate.name}"
                raise ShapeError(name, offsets.shape, ("series + 1",))
            if (np.diff(offsets, prepend=0, append=len(values)) < 0).any():
                raise ValueError(f"future_offsets.{covariate.name} do not ascend")
            future[covariate.name] = FutureValues(values, offsets)
    roles = {covariate.name: covariate.role for covariate in covariates.columns}
    return {"covariates": columns, "roles": roles, "future": future}


def _pack(covariate: Covariate, values: Column) -> Tensor:
    if covariate.categories is not None:
        return torch.from_numpy(covariate.encode(values).astype(np.int64))
    return torch.from_numpy(values)


def _unpack(covariate: Covariate, tensor: Tensor) -> Column:
    array = tensor.numpy()
    return array if covariate.categories is None else covariate.decode(array)


@dataclass(frozen=True, kw_only=True)
class TrainedModel:
    """The trained state of a forecaster: networks, statistics, intervals, context.

    Attributes:
        networks: one per member.
        normalizer: fitted statistics, one row per series of ``context``.
        intervals: spread of the errors, by probability and step, normalised.
        context: the last observations of every training series: seq_len, or more with
            exponential smoothing.
        non_negative: no observation seen in training was below zero.
        covariates: of the training, with their encoding.
        guard: selects the forecast of each series; None for the networks' forecast.
    """

    networks: list[RecurrentNetwork]
    normalizer: Normalizer
    intervals: IntervalTable
    context: Panel
    non_negative: bool
    covariates: Covariates
    guard: Guard | None = None

    @property
    def device(self) -> torch.device:
        """Device of the networks."""
        return self.networks[0].head.weight.device

    @property
    def min_history(self) -> int:
        """Minimum number of observations before a forecast origin."""
        return least_history(self.networks[0], self.normalizer.method)

    @property
    def memory(self) -> int:
        """Maximum number of observations that a forecast depends on."""
        return required_memory(self.networks[0], self.normalizer.method)

    def find_places(self, series_ids: Sequence[str]) -> IntArray:
        """Return the position of each series in ``context``, or -1, ``(series,)``.

        A model of a single series treats every series as that one.
        """
        if len(self.places) == 1:
            return np.zeros(len(series_ids), dtype=np.int64)
        places = [self.places.get(name, -1) for name in series_ids]
        return np.array(places, dtype=np.int64)

    @cached_property
    def places(self) -> dict[str, int]:
        """Position of each series in ``context``, by id."""
        return {name: place for place, name in enumerate(self.context.series_ids)}

    @cached_property
    def num_bytes(self) -> int:
        """Bytes of weights, tables and stored observations."""
        states = (network.state_dict().values() for network in self.networks)
        arrays = [tensor.numpy(force=True) for state in states for tensor in state]
        context, scaler = self.context, self.normalizer
        arrays += [scaler.center, scaler.scale, scaler.floor, scaler.shift]
        arrays += [self.intervals.quantiles, *context.covariates.values()]
        arrays += [context.values, context.offsets, context.timestamps]
        if self.guard is not None:
            arrays += [self.guard.by_series, self.guard.linear.weights.numpy()]
        numbers = sum(int(array.nbytes) for array in arrays)
        return numbers + sum(map(len, context.series_ids))


Parts = tuple[WindowSpec, RecurrentConfig, TrainingConfig, TrainedModel]


def pack(
    windows: WindowSpec,
    model: RecurrentConfig,
    training: TrainingConfig,
    fitted: TrainedModel,
) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Pack a forecaster into JSON-serialisable settings and named tensors."""
    context, calendar = fitted.context, fitted.context.calendar
    scaling = fitted.intervals.scaling
    config = {
        "windows": asdict(windows),
        "model": asdict(model),
        "training": asdict(training),
        "normalization": fitted.normalizer.method,
        "non_negative": fitted.non_negative,
        "target": context.target,
        "calendar": asdict(calendar),
        "series_ids": list(context.series_ids),
    }
    if fitted.covariates:
        config["covariates"] = fitted.covariates.to_plain()
    guard, guard_tensors = pack_guard(fitted.guard)
    if guard:
        config["guard"] = guard
    tensors = guard_tensors | {
        "scaler.center": torch.from_numpy(fitted.normalizer.center),
        "scaler.scale": torch.from_numpy(fitted.normalizer.scale),
        "scaler.floor": torch.from_numpy(fitted.normalizer.floor),
        "scaler.shift": torch.from_numpy(fitted.normalizer.shift),
        "intervals.quantiles": torch.from_numpy(fitted.intervals.quantiles),
        "intervals.scaling": torch.tensor([scaling.exponent, scaling.typical]).double(),
        "context.values": torch.from_numpy(context.values),
        "context.offsets": torch.from_numpy(context.offsets),
        "context.timestamps": torch.from_numpy(context.timestamps.astype(np.int64)),
    }
    tensors |= pack_columns(fitted.covariates, context)
    for member, network in enumerate(fitted.networks):
        for name, tensor in network.state_dict().items():
            tensors[f"members.{member}.{name}"] = tensor.cpu()
    return config, {name: tensor.contiguous() for name, tensor in tensors.items()}


def unpack(
    path: Path, config: dict[str, Any], tensors: dict[str, Tensor], device: torch.device
) -> Parts:
    """Unpack the result of `pack`, with networks on ``device``.

    Raises:
        ArtifactError: parts of the model at ``path`` are missing or inconsistent.
    """
    try:
        windows = WindowSpec(**config["windows"])
        model = RecurrentConfig(**config["model"])
        training = TrainingConfig(**config["training"])
        covariates = Covariates.from_plain(config.get("covariates") or NO_COVARIATES)
        context = replace(
            _unpack_context(config, tensors), **unpack_columns(covariates, tensors)
        )
        normalizer = Normalizer(
            config["normalization"],
            tensors["scaler.center"].numpy(),
            tensors["scaler.scale"].numpy(),
            tensors["scaler.floor"].numpy(),
            tensors["scaler.shift"].numpy(),
        )
        networks = [
            _unpack_network(
                member, windows, model, normalizer.method, tensors, covariates
            ).to(device)
            for member in range(model.members)
        ]
        fitted = TrainedModel(
            networks=networks,
            normalizer=normalizer,
            intervals=IntervalTable(
                tensors["intervals.quantiles"].numpy(),
                VolatilityScaling(*tensors["intervals.scaling"].tolist()),
            ),
            context=context,
            non_negative=bool(config["non_negative"]),
            covariates=covariates,
            guard=unpack_guard(
                config.get("guard", {}),
                tensors,
                networks[0],
                smoothed=normalizer.method in ETS_METHODS,
            ),
        )
        _check_shapes(windows, fitted)
    except (
        LookupError,
        TypeError,
        ValueError,
        RuntimeError,
        ForecastingError,
    ) as error:
        raise damaged_artifact(path, f"{type(error).__name__}: {error}") from error
    return windows, model, training, fitted


def _check_shapes(windows: WindowSpec, fitted: TrainedModel) -> None:
    context, normalizer = fitted.context, fitted.normalizer
    count, points = len(context), len(context.values)
    expected = {
        "scaler.center": (normalizer.center, (count,)),
        "scaler.scale": (normalizer.scale, (count,)),
        "scaler.floor": (normalizer.floor, (count,)),
        "scaler.shift": (normalizer.shift, (count,)),
        "intervals.quantiles": (
            fitted.intervals.quantiles,
            (len(PROBABILITIES), windows.horizon),
        ),
        "context.values": (context.values, (points,)),
        "context.timestamps": (context.timestamps, (points,)),
        "context.offsets": (context.offsets, (count + 1,)),
    }
    for name, (array, shape) in expected.items():
        if array.shape != shape:
            raise ShapeError(name, array.shape, shape)
    if not (np.diff(context.offsets, prepend=0, append=points) >= 0).all():
        raise ValueError("context.offsets do not ascend within context.values")
    if normalizer.method not in METHODS:
        raise ValueError(f"there is no normalization {normalizer.method!r}")


def _unpack_context(config: dict[str, Any], tensors: dict[str, Tensor]) -> Panel:
    plain = config["calendar"]
    calendar = Calendar(plain["freq"], tuple(plain["weekdays"]), plain["step"])
    timestamps = tensors["context.timestamps"].numpy()
    return Panel(
        series_ids=tuple(config["series_ids"]),
        values=tensors["context.values"].numpy(),
        offsets=tensors["context.offsets"].numpy(),
        timestamps=timestamps
        if calendar.freq is None
        else timestamps.view("datetime64[ns]"),
        calendar=calendar,
        target=config["target"],
    )


def _unpack_network(
    member: int,
    windows: WindowSpec,
    model: RecurrentConfig,
    method: Method,
    tensors: dict[str, Tensor],
    covariates: Covariates,
) -> RecurrentNetwork:
    with torch.device("meta"):  # shapes only: no memory, no random numbers
        network = RecurrentNetwork(
            model,
            seq_len=windows.seq_len,
            horizon=windows.horizon,
            level=method,
            layout=covariates.layout,
        )
    prefix = f"members.{member}."
    state = {
        name.removeprefix(prefix): tensor.float()
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }
    network.load_state_dict(state, assign=True)
    return network.eval()
