"""Public description of a model version: settings, metrics, training data."""

import json
import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from forecasting.covariates.encoding import Covariates
from forecasting.data.covariates import ROLES
from forecasting.data.panel import Panel
from forecasting.forecaster.forecaster import Forecaster
from forecasting.sequences.reading.columns import SequenceColumns
from serving.schemas.forecast import DataColumn, History, ModelDetails, TrainingData
from serving.schemas.sequences import SequenceColumn, SequenceDetails
from serving.schemas.timestamps import format_timestamps

if TYPE_CHECKING:  # scikit-learn takes a second to import
    from forecasting.sequences.storage import SequenceModel

MAX_SERIES_IDS = 100
MAX_CATEGORIES = 100  # shown of a covariate
MAX_SYMBOLS = 1000  # shown
MAX_HISTORIES = 10  # series shown with the context that their forecast needs


def describe(
    name: str, version: str, forecaster: Forecaster, tags: Mapping[str, str]
) -> ModelDetails:
    """Describe a version; its aliases are left for the registry to fill in.

    Args:
        name: of the model.
        version: number.
        forecaster: the trained model.
        tags: of the version; the tag ``metrics`` is a JSON object.
    """
    context, covariates = forecaster.trained.context, forecaster.trained.covariates
    return ModelDetails(
        name=name,
        version=version,
        alias=None,
        aliases=[],
        latest=False,
        seq_len=forecaster.windows.seq_len,
        least_history=forecaster.trained.min_observations,
        horizon=forecaster.windows.horizon,
        freq=context.calendar.freq,
        target=context.target,
        covariates={role: list(covariates.names(role)) for role in ROLES},
        num_series=len(context),
        cell=forecaster.model.cell,
        methods=forecaster.trained.method_counts,
        metrics=_read_metrics(tags),
        trained_until=format_timestamps(
            np.asarray([context.timestamps.max()]), context.calendar.zone
        )[0],
        series_ids=list(context.series_ids[:MAX_SERIES_IDS]),
        context=[
            describe_context(context, row, covariates)
            for row in _shown_rows(context, forecaster.trained.min_history)
        ],
        data=_describe_data(context, covariates),
    )


def describe_sequences(
    name: str, version: str, model: "SequenceModel", tags: Mapping[str, str]
) -> SequenceDetails:
    """Describe a version of a model of discrete series, as `describe` does."""
    from forecasting.sequences.symbols.model import SymbolModel

    classes, symbols, unknown = [], [], None
    if isinstance(model, SymbolModel):
        symbols, unknown = list(model.alphabet_.symbols), model.alphabet_.unknown
    else:
        classes = model.classes_.tolist()
    columns = model.columns_
    return SequenceDetails(
        name=name,
        version=version,
        alias=None,
        aliases=[],
        latest=False,
        task=model.task,
        cell=model.cell,
        num_classes=len(classes),
        num_symbols=len(symbols),
        channels=list(columns.channels),
        is_text=isinstance(model, SymbolModel) and model.alphabet_.is_text,
        num_series=_read_count(tags, "series"),
        num_rows=_read_count(tags, "rows"),
        metrics=_read_metrics(tags),
        columns=_describe_columns(columns),
        classes=classes,
        symbols=symbols[:MAX_SYMBOLS],
        unknown=unknown,
    )


def _describe_columns(columns: SequenceColumns) -> list[SequenceColumn]:
    names = {
        "series_id": columns.series_id,
        "time": columns.time,
        "channel": columns.channels,
        "label": (columns.label,),
        "symbol": (columns.symbol,),
    }
    return [
        SequenceColumn.model_validate({"name": name, "role": role})
        for role, of_role in names.items()
        for name in of_role
        if name
    ]


def _read_count(tags: Mapping[str, str], key: str) -> int | None:
    """Return the whole number in a tag; None for anything else."""
    text = tags.get(key, "")
    return int(text) if re.fullmatch("[0-9]{1,15}", text) else None


def _shown_rows(context: Panel, length: int) -> list[int]:
    """Return the first series with enough observations for a request."""
    order = np.argsort(context.lengths < length, kind="stable")
    return sorted(order[:MAX_HISTORIES].tolist())


def _describe_data(context: Panel, covariates: Covariates) -> TrainingData:
    schema, calendar = context.schema, context.calendar
    columns = [
        DataColumn(name=name, role="time", kind="timestamp")
        for name in schema.time or ()
    ]
    columns += [
        DataColumn(name=name, role="series_id", kind="text")
        for name in schema.series_id or ()
    ]
    columns.append(
        DataColumn(name=schema.target or context.target, role="target", kind="number")
    )
    for covariate in covariates.columns:
        names = covariate.categories
        columns.append(
            DataColumn(
                name=covariate.name,
                role=covariate.role,
                kind="number" if names is None else "text",
                categories=None if names is None else list(names[:MAX_CATEGORIES]),
                num_categories=None if names is None else len(names),
            )
        )
    return TrainingData(
        columns=columns,
        freq=calendar.freq,
        zone=calendar.zone,
        time_format=schema.time_format,
        decimal=schema.decimal,
        missing=schema.missing,
        resample=schema.resample,
        aggregate=schema.aggregate,
    )


def describe_context(context: Panel, row: int, covariates: Covariates) -> History:
    """Return the last observations of a series, in the form of a request.

    Args:
        context: the last observations of all series.
        row: position of the series.
        covariates: columns of the model.
    """
    first, end = int(context.offsets[row]), int(context.offsets[row + 1])
    rows = slice(first, end)
    values_by_role: dict[str, dict[str, Any]] = {role: {} for role in ROLES}
    for column in covariates.columns:
        values = context.covariates[column.name][rows].tolist()
        is_static = column.role == "static"
        values_by_role[column.role][column.name] = values[-1] if is_static else values
    return History(
        id=context.series_ids[row],
        timestamps=format_timestamps(context.timestamps[rows], context.calendar.zone),
        values=context.values[rows].tolist(),
        past_covariates=values_by_role["past"],
        known_covariates=values_by_role["known"],
        static_covariates=values_by_role["static"],
    )


def _read_metrics(tags: Mapping[str, str]) -> dict[str, float]:
    """Return the finite numbers in the tag ``metrics``, a JSON object."""
    try:
        metrics = json.loads(tags.get("metrics", "{}"))
    except (ValueError, RecursionError):
        return {}
    if not isinstance(metrics, dict):
        return {}
    return {
        key: float(value) for key, value in metrics.items() if _is_shown(key, value)
    }


def _is_shown(key: str, value: object) -> bool:
    """Return whether a metric is a finite number with a name that encodes as UTF-8."""
    try:
        key.encode()
        return isinstance(value, int | float) and math.isfinite(value)
    except (UnicodeEncodeError, OverflowError):
        return False
