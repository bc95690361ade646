"""A track record on disk: two files in the folder of its model, no executable code.

    track_record.json           figures over all series, names, methods, facts
    track_record.safetensors    figures of each series, history, past forecasts

A model without them has no record. Text covariates are stored as codes.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from forecasting.data.covariates import Column, FutureValues
from forecasting.data.panel import Panel
from forecasting.errors import ArtifactError, ShapeError
from forecasting.forecaster.storage.artifact import (
    check_characters,
    damaged_artifact,
    locate_artifact,
)
from forecasting.timestamps.calendar import Calendar
from forecasting.track_record.bounds import FIGURE_BYTES, HISTORY_BYTES
from forecasting.track_record.facts import TrainingFacts
from forecasting.track_record.record import (
    Evaluation,
    PastForecasts,
    SeriesFigures,
    TrackRecord,
)

FORMAT_VERSION = 1
RECORD, RECORD_TENSORS = "track_record.json", "track_record.safetensors"
# Of a file: all that fits into a record, and the settings and notes of its facts.
MAX_FILE_BYTES = FIGURE_BYTES + HISTORY_BYTES + 8_000_000
WHOLE_NUMBERS = (
    *("figures.methods", "figures.observations", "figures.first", "figures.last"),
    *("history.offsets", "history.timestamps", "backtest.series", "backtest.ends"),
)
Arrays = dict[str, npt.NDArray[Any]]


def write_record(folder: Path, record: TrackRecord) -> None:
    """Write a track record into the folder of its model.

    Raises:
        ArtifactError: the folder cannot be written.
    """
    plain, arrays = _pack(record)
    text = json.dumps(_without_nan(plain), allow_nan=False)
    try:
        save_file(arrays, folder / RECORD_TENSORS)
        (folder / RECORD_TENSORS).chmod(0o644)
        (folder / RECORD).write_text(text + "\n", encoding="utf-8")
    except (OSError, SafetensorError) as error:
        raise ArtifactError(
            folder, f"its track record cannot be written ({error})", "Free some space."
        ) from error


def read_record(path: Path) -> TrackRecord | None:
    """Read the track record of a model; None for a model without one.

    Args:
        path: the folder of the model, or an MLflow model that holds it.

    Raises:
        ArtifactError: the record is damaged, too large, or of a later format.
    """
    folder = locate_artifact(path)
    if not (folder / RECORD).is_file():
        return None
    try:
        _check_sizes(folder)
        text = (folder / RECORD).read_text(encoding="utf-8")
        plain = json.loads(text)
        check_characters(plain, text)
        version = plain["format_version"]
        if version == FORMAT_VERSION:
            return _unpack(plain, load_file(folder / RECORD_TENSORS))
    except (
        *(OSError, LookupError, TypeError, ValueError, AttributeError),
        *(RecursionError, OverflowError, SafetensorError),
    ) as error:
        reason = f"{RECORD}: {type(error).__name__}: {error}"
        raise damaged_artifact(path, reason) from error
    raise ArtifactError(
        path,
        f"{RECORD} has format {version!r}, this version of Recast reads "
        f"{FORMAT_VERSION}",
        "Update Recast.",
    )


def _check_sizes(folder: Path) -> None:
    """Check the bytes of both files before they are read.

    Raises:
        ValueError: a file is too large.
        OSError: a file is missing.
    """
    for name in (RECORD, RECORD_TENSORS):
        size = (folder / name).stat().st_size
        if size > MAX_FILE_BYTES:
            raise ValueError(
                f"{name} has {size:,} bytes; at most {MAX_FILE_BYTES:,} are read"
            )


def _pack(record: TrackRecord) -> tuple[dict[str, Any], Arrays]:
    """Return a record as JSON-serialisable values and arrays by name."""
    figures, history, past = record.figures, record.history, record.backtest
    codes, methods = pd.factorize(np.asarray(figures.methods, dtype=object))
    arrays: Arrays = {
        "figures.methods": codes.astype(np.int64),
        "figures.observations": figures.observations,
        "figures.first": figures.first.astype(np.int64),
        "figures.last": figures.last.astype(np.int64),
        "figures.mae": figures.mae,
        "figures.baseline_mae": figures.baseline_mae,
        "figures.coverage": figures.coverage,
        "history.values": history.values,
        "history.offsets": history.offsets,
        "history.timestamps": history.timestamps.astype(np.int64),
        "backtest.series": past.series,
        "backtest.ends": past.ends,
        "backtest.points": past.points,
        "backtest.baseline": past.baseline,
        "backtest.bounds": past.bounds,
    }
    categories = {}
    for name in history.covariates:
        packed, texts = _pack_covariate(history, name)
        arrays |= packed
        if texts is not None:
            categories[name] = texts
    plain = {
        "format_version": FORMAT_VERSION,
        "evaluation": asdict(record.evaluation),
        "num_series": record.num_series,
        "series_ids": figures.series_ids,
        "methods": methods.tolist(),
        "target": history.target,
        "calendar": asdict(history.calendar),
        "known": list(history.covariates),
        "categories": categories,
        "facts": record.facts.to_plain(),
    }
    return plain, {name: np.ascontiguousarray(a) for name, a in arrays.items()}


def _pack_covariate(history: Panel, name: str) -> tuple[Arrays, list[str] | None]:
    """Return the arrays of a known covariate, and its texts; None for a number."""
    column, ahead = history.covariates[name], history.future.get(name)
    parts = [column] if ahead is None else [column, ahead.values]
    joined, texts = np.concatenate(parts), None
    if column.dtype == object:
        joined, distinct = pd.factorize(joined)
        texts = [str(text) for text in distinct]
    arrays = {f"known.{name}": joined[: len(column)]}
    if ahead is not None:
        arrays[f"future.{name}"] = joined[len(column) :]
        arrays[f"future_offsets.{name}"] = ahead.offsets
    return arrays, texts


def _unpack(plain: dict[str, Any], arrays: Arrays) -> TrackRecord:
    """Return the record of the results of `_pack`.

    Raises:
        LookupError, TypeError, ValueError: a part is missing or has a wrong shape.
    """
    for name in WHOLE_NUMBERS:
        if arrays[name].dtype != np.int64:
            raise ValueError(f"{name} must be int64; found {arrays[name].dtype}")
    evaluation = _unpack_evaluation(plain["evaluation"])
    calendar = plain["calendar"]
    calendar = Calendar(**{**calendar, "weekdays": tuple(calendar["weekdays"])})
    figures = _unpack_figures(plain, arrays, calendar)
    record = TrackRecord(
        evaluation=evaluation,
        figures=figures,
        history=_unpack_history(plain, arrays, calendar),
        backtest=PastForecasts(
            series=arrays["backtest.series"],
            ends=arrays["backtest.ends"],
            points=arrays["backtest.points"],
            baseline=arrays["backtest.baseline"],
            bounds=arrays["backtest.bounds"],
        ),
        num_series=int(plain["num_series"]),
        facts=TrainingFacts.from_plain(plain["facts"]),
    )
    _check_shapes(record)
    return record


def _unpack_evaluation(plain: Mapping[str, Any]) -> Evaluation:
    leaderboard = {
        str(model): {metric: _number(value) for metric, value in scores.items()}
        for model, scores in plain["leaderboard"].items()
    }
    by_step = {
        str(model): tuple(_number(value) for value in errors)
        for model, errors in plain["by_step"].items()
    }
    changed = {"leaderboard": leaderboard, "by_step": by_step}
    levels = tuple(float(level) for level in plain["levels"])
    evaluation = Evaluation(**{**plain, **changed, "levels": levels})
    for name in (evaluation.label, evaluation.baseline):
        leaderboard[name], by_step[name]  # a LookupError is a damaged record
    return evaluation


def _unpack_figures(
    plain: Mapping[str, Any], arrays: Arrays, calendar: Calendar
) -> SeriesFigures:
    names = np.asarray([str(name) for name in plain["methods"]], dtype=object)
    return SeriesFigures(
        series_ids=tuple(str(name) for name in plain["series_ids"]),
        methods=tuple(names[arrays["figures.methods"]].tolist()),
        observations=arrays["figures.observations"],
        first=_moments(arrays["figures.first"], calendar),
        last=_moments(arrays["figures.last"], calendar),
        mae=arrays["figures.mae"],
        baseline_mae=arrays["figures.baseline_mae"],
        coverage=arrays["figures.coverage"],
    )


def _unpack_history(
    plain: Mapping[str, Any], arrays: Arrays, calendar: Calendar
) -> Panel:
    columns: dict[str, Column] = {}
    future: dict[str, FutureValues] = {}
    offsets = arrays["history.offsets"]
    points = len(arrays["history.values"])
    for name in map(str, plain["known"]):
        texts = plain["categories"].get(name)
        columns[name] = _texts(arrays[f"known.{name}"], texts)
        _check_shape(f"known.{name}", columns[name], (points,))
        if f"future.{name}" in arrays:
            values = _texts(arrays[f"future.{name}"], texts)
            borders = arrays[f"future_offsets.{name}"]
            _check_shape(f"future_offsets.{name}", borders, offsets.shape)
            _check_borders(f"future_offsets.{name}", borders, len(values))
            future[name] = FutureValues(values, borders)
    return Panel(
        series_ids=tuple(str(name) for name in plain["series_ids"][: len(offsets) - 1]),
        values=arrays["history.values"],
        offsets=offsets,
        timestamps=_moments(arrays["history.timestamps"], calendar),
        calendar=calendar,
        target=str(plain["target"]),
        covariates=columns,
        roles=dict.fromkeys(columns, "known"),
        future=future,
    )


def _check_shapes(record: TrackRecord) -> None:
    """Check that all arrays fit each other.

    Raises:
        ShapeError, ValueError: they do not.
    """
    figures, history, past = record.figures, record.history, record.backtest
    evaluation, points = record.evaluation, len(history.values)
    series, levels = len(figures), len(evaluation.levels)
    forecasts = len(past.series), evaluation.folds, evaluation.horizon
    for name, array, shape in (
        ("observations", figures.observations, (series,)),
        ("first", figures.first, (series,)),
        ("last", figures.last, (series,)),
        ("methods", np.asarray(figures.methods), (series,)),
        ("mae", figures.mae, (series,)),
        ("baseline_mae", figures.baseline_mae, (series,)),
        ("coverage", figures.coverage, (series, levels)),
        ("timestamps", history.timestamps, (points,)),
        ("offsets", history.offsets, (len(history.series_ids) + 1,)),
        ("ends", past.ends, forecasts[:2]),
        ("points", past.points, forecasts),
        ("baseline", past.baseline, forecasts),
        ("bounds", past.bounds, (2 * levels, *forecasts)),
    ):
        _check_shape(name, array, shape)
    _check_borders("offsets", history.offsets, points)
    if any(len(errors) != evaluation.horizon for errors in evaluation.by_step.values()):
        raise ValueError("by_step has not one error for each step")
    last = past.ends + evaluation.horizon
    if len(past.series):
        is_outside = past.series.min() < 0 or past.series.max() >= len(history)
        if is_outside or past.ends.min() < 1:
            raise ValueError("a past forecast belongs to no series")
        if (last > history.lengths[past.series][:, None]).any():
            raise ValueError("a past forecast ends after its series")


def _check_shape(name: str, array: npt.NDArray[Any], shape: tuple[int, ...]) -> None:
    if array.shape != shape:
        raise ShapeError(name, array.shape, shape)


def _check_borders(name: str, borders: npt.NDArray[Any], end: int) -> None:
    if len(borders) < 1 or borders[0] != 0 or borders[-1] != end:
        raise ValueError(f"{name} do not span the values")
    if (np.diff(borders) < 0).any():
        raise ValueError(f"{name} do not ascend")


def _moments(stamps: npt.NDArray[Any], calendar: Calendar) -> npt.NDArray[Any]:
    return stamps if calendar.freq is None else stamps.view("datetime64[ns]")


def _texts(values: npt.NDArray[Any], texts: list[str] | None) -> Column:
    """Return numbers as they are, and codes as the texts that they stand for."""
    if texts is None:
        return values
    names = np.asarray([str(text) for text in texts], dtype=object)
    return np.asarray(names[values], dtype=object)


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)


def _without_nan(plain: Any) -> Any:
    """Return values with None in place of numbers that JSON does not have."""
    if isinstance(plain, float):
        return plain if math.isfinite(plain) else None
    if isinstance(plain, Mapping):
        return {str(key): _without_nan(value) for key, value in plain.items()}
    if isinstance(plain, list | tuple):
        return [_without_nan(value) for value in plain]
    return plain
