"""A saved model on disk: a folder with JSON and tensors, no executable code.

    config.json         settings and metadata, with a ``format_version``
    model.safetensors   weights, statistics, interval table, last observations

A folder appears complete or not at all: it is written next to its final path and then
renamed. Numeric covariates of the last observations are stored unchanged; text is
stored as category codes, so that a category outside the training is read back as empty
text, which is unknown too.
"""

import json
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, astuple, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from forecasting.covariates.encoding import Covariate, Covariates
from forecasting.data.covariates import Column, FutureValues
from forecasting.data.panel import Panel
from forecasting.data.schema import Schema
from forecasting.data.windows import WindowSpec
from forecasting.errors import ArtifactError, ForecastingError, ShapeError
from forecasting.forecaster.trained_model import ForecasterConfig, GlobalModel
from forecasting.intervals.shown import ShownRange
from forecasting.intervals.table import PROBABILITIES, IntervalTable
from forecasting.intervals.volatility import VolatilityScaling
from forecasting.models.config import RecurrentConfig
from forecasting.models.network import RecurrentNetwork
from forecasting.scaling.methods import METHODS, Method
from forecasting.scaling.normalization import Normalizer
from forecasting.selection.guard import pack_guard, unpack_guard
from forecasting.timestamps.calendar import Calendar
from forecasting.training import TrainingConfig

# 1 had no schema, and calendars without day and zone; 2 no range of the series and no
# relative intervals; 4 holds a model a series, see `forecasting.forecaster.local`; 5 is
# one of 3 or 4 in which the zero-shot forecast answers, which earlier versions lack
FORMAT_VERSION, LATEST_FORMAT = 3, 5
ZERO_SHOT_FORMAT = 5
CONFIG, TENSORS = "config.json", "model.safetensors"
FORECAST = "forecast"  # task of forecasters, whose artifacts name none
SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")  # of half a surrogate pair, in JSON
NO_COVARIATES: dict[str, Any] = {
    "columns": [],
    "cycles": [],
}  # of a model without covariates


def write_artifact(
    path: Path, config: Mapping[str, Any], tensors: Mapping[str, Tensor]
) -> None:
    """Write a model folder, replacing an older one at ``path`` completely.

    Args:
        path: the folder.
        config: JSON-serialisable settings.
        tensors: by name.

    Raises:
        ArtifactError: the path cannot be written, or holds something else than a model.
    """
    if path.exists() and not (path / CONFIG).is_file():
        raise ArtifactError(path, "something else is there", "Choose another place.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        save_file(dict(tensors), draft / TENSORS)
        text = json.dumps({"format_version": FORMAT_VERSION, **config}, indent=2)
        (draft / CONFIG).write_text(text + "\n", encoding="utf-8")
        (draft / TENSORS).chmod(0o644)
        draft.chmod(0o755)
        _replace_folder(draft, path)
    except (OSError, SafetensorError) as error:
        raise _unwritable(path, error) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def locate_artifact(path: Path) -> Path:
    """Return the model folder: ``path``, or the one within an MLflow model."""
    nested = sorted(path.glob(f"data/*/{CONFIG}"))
    return path if (path / CONFIG).is_file() or not nested else nested[0].parent


def read_task(path: Path) -> str:
    """Return the task of a saved model, ``forecast`` where none can be read."""
    try:
        config = json.loads((locate_artifact(path) / CONFIG).read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return FORECAST
    return str(config.get("task", FORECAST)) if isinstance(config, dict) else FORECAST


def read_artifact(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Read config and tensors of a model folder, tensors on the CPU.

    Raises:
        ArtifactError: the folder is missing, damaged or of a later format.
    """
    for name in (CONFIG, TENSORS):
        if not (path / name).is_file():
            raise ArtifactError(
                path, f"there is no file {name}", "Give the folder of a saved model."
            )
    try:
        text = (path / CONFIG).read_text(encoding="utf-8")
        config = json.loads(text)
        check_characters(config, text)
        tensors = load_file(path / TENSORS)
    except (OSError, ValueError, RecursionError, SafetensorError) as error:
        raise damaged_artifact(path, str(error)) from error
    version = config.get("format_version") if isinstance(config, dict) else None
    if not isinstance(version, int) or version < 1:
        raise damaged_artifact(path, f"{CONFIG} has no format_version")
    if version > LATEST_FORMAT:
        raise ArtifactError(
            path,
            f"its format is {version}, this version of Recast reads up to "
            f"{LATEST_FORMAT}",
            "Update Recast.",
        )
    return config, tensors


def damaged_artifact(path: Path, reason: str) -> ArtifactError:
    """Return the error for inconsistent or unreadable model files."""
    return ArtifactError(
        path, f"it is damaged ({reason})", "Train it again, or take another version."
    )


def check_characters(config: Any, text: str) -> None:
    """Refuse text that cannot be encoded in files, responses or logs.

    Raises:
        UnicodeEncodeError: a lone surrogate.
    """
    if SURROGATE_ESCAPE.search(text):
        json.dumps(config, ensure_ascii=False).encode()


def _replace_folder(draft: Path, path: Path) -> None:
    if not path.exists():
        draft.rename(path)
        return
    trash = Path(tempfile.mkdtemp(prefix=f".{path.name}.old.", dir=path.parent))
    os.replace(path, trash / path.name)
    draft.rename(path)
    shutil.rmtree(trash)


def _unwritable(path: Path, error: Exception) -> ArtifactError:
    reason = error.strerror if isinstance(error, OSError) else error
    return ArtifactError(
        path, f"it cannot be written ({reason})", "Choose another place."
    )


def pack(fitted: GlobalModel) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Pack a forecaster into JSON-serialisable settings and named tensors."""
    context, calendar = fitted.context, fitted.context.calendar
    scaling = fitted.intervals.scaling
    config = {
        **asdict(fitted.config),
        "normalization": fitted.normalizer.method,
        "non_negative": fitted.non_negative,
        "relative_intervals": fitted.intervals.relative,
        "target": context.target,
        "calendar": asdict(calendar),
        "schema": context.schema.to_plain(),
        "series_ids": list(context.series_ids),
    }
    if fitted.covariates:
        config["covariates"] = fitted.covariates.to_plain()
    guard, guard_tensors = pack_guard(fitted.guard)
    if guard:
        config["guard"] = guard
    if fitted.guard is not None and fitted.guard.uses_zero_shot:
        config["format_version"] = ZERO_SHOT_FORMAT
    tensors = guard_tensors | {
        "scaler.center": torch.from_numpy(fitted.normalizer.center),
        "scaler.scale": torch.from_numpy(fitted.normalizer.scale),
        "scaler.floor": torch.from_numpy(fitted.normalizer.floor),
        "scaler.shift": torch.from_numpy(fitted.normalizer.shift),
        "intervals.quantiles": torch.from_numpy(fitted.intervals.quantiles),
        "intervals.scaling": torch.tensor(
            [scaling.exponent, scaling.typical], dtype=torch.float64
        ),
        "context.values": torch.from_numpy(context.values),
        "context.offsets": torch.from_numpy(context.offsets),
        "context.timestamps": torch.from_numpy(context.timestamps.astype(np.int64)),
    }
    if fitted.shown is not None:
        tensors["shown"] = torch.from_numpy(np.array(astuple(fitted.shown)))
    tensors |= pack_columns(fitted.covariates, context)
    for member, network in enumerate(fitted.networks):
        for name, tensor in network.state_dict().items():
            tensors[f"members.{member}.{name}"] = tensor.cpu()
    return config, {name: tensor.contiguous() for name, tensor in tensors.items()}


def unpack(
    path: Path, config: dict[str, Any], tensors: dict[str, Tensor], device: torch.device
) -> GlobalModel:
    """Unpack the result of `pack`, with networks on ``device``.

    Raises:
        ArtifactError: parts of the model at ``path`` are missing or inconsistent.
    """
    try:
        if config["normalization"] not in METHODS:
            raise ValueError(f"there is no normalization {config['normalization']!r}")
        settings = ForecasterConfig(
            windows=WindowSpec(**config["windows"]),
            model=RecurrentConfig(**config["model"]),
            training=TrainingConfig(**config["training"]),
        )
        covariates = Covariates.from_plain(config.get("covariates") or NO_COVARIATES)
        context = replace(
            unpack_context(config, tensors), **unpack_columns(covariates, tensors)
        )
        context = replace(context, schema=context.complete_schema())
        normalizer = Normalizer(
            config["normalization"],
            tensors["scaler.center"].numpy(),
            tensors["scaler.scale"].numpy(),
            tensors["scaler.floor"].numpy(),
            tensors["scaler.shift"].numpy(),
        )
        networks = [
            _unpack_network(
                member, settings, normalizer.method, tensors, covariates
            ).to(device)
            for member in range(settings.model.members)
        ]
        fitted = GlobalModel(
            config=settings,
            networks=networks,
            normalizer=normalizer,
            intervals=IntervalTable(
                tensors["intervals.quantiles"].numpy(),
                VolatilityScaling(*tensors["intervals.scaling"].tolist()),
                relative=bool(config.get("relative_intervals", False)),
            ).check(),
            context=context,
            non_negative=bool(config["non_negative"]),
            covariates=covariates,
            guard=unpack_guard(
                config.get("guard", {}),
                tensors,
                settings.windows,
                layout=covariates.layout,
                season_length=settings.model.season_length,
                smoothed=normalizer.scaling.is_smoothed,
            ),
            shown=ShownRange(*tensors["shown"].numpy()) if "shown" in tensors else None,
        )
        _check_shapes(fitted)
    except (
        LookupError,
        TypeError,
        ValueError,
        RuntimeError,
        ForecastingError,
    ) as error:
        raise damaged_artifact(path, f"{type(error).__name__}: {error}") from error
    return fitted


def _check_shapes(fitted: GlobalModel) -> None:
    context, normalizer = fitted.context, fitted.normalizer
    count, points = len(context), len(context.values)
    expected = {
        "scaler.center": (normalizer.center, (count,)),
        "scaler.scale": (normalizer.scale, (count,)),
        "scaler.floor": (normalizer.floor, (count,)),
        "scaler.shift": (normalizer.shift, (count,)),
        "intervals.quantiles": (
            fitted.intervals.quantiles,
            (len(PROBABILITIES), fitted.horizon),
        ),
        "context.values": (context.values, (points,)),
        "context.timestamps": (context.timestamps, (points,)),
        "context.offsets": (context.offsets, (count + 1,)),
    }
    for name, (array, shape) in expected.items():
        if array.shape != shape:
            raise ShapeError(name, array.shape, shape)
    if fitted.shown is not None:
        fitted.shown.check(count)
    if not (np.diff(context.offsets, prepend=0, append=points) >= 0).all():
        raise ValueError("context.offsets do not ascend within context.values")


def unpack_context(config: dict[str, Any], tensors: dict[str, Tensor]) -> Panel:
    """Unpack the observations, without covariates."""
    plain = config["calendar"]
    calendar = Calendar(**{**plain, "weekdays": tuple(plain["weekdays"])})
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
        schema=Schema.from_plain(config.get("schema", {})),
    )


def _unpack_network(
    member: int,
    settings: ForecasterConfig,
    method: Method,
    tensors: dict[str, Tensor],
    covariates: Covariates,
) -> RecurrentNetwork:
    with torch.device("meta"):  # shapes only: no memory, no random numbers
        network = settings.make_network(method, covariates.layout)
    prefix = f"members.{member}."
    state = {
        name.removeprefix(prefix): tensor.float()
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }
    network.load_state_dict(state, assign=True)
    return network.eval()


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
