"""Decoding of MLflow's tables, JSON in four formats or CSV, to a data frame."""

import io
import math
from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, Any

import pandas as pd
from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    WithJsonSchema,
    model_validator,
)

from forecasting.forecaster.forecaster import LEVELS
from serving.errors import Loc, RequestError, RequestTooLarge
from serving.forecasts.panels import MAX_STEP
from serving.http.shapes import check_invocation
from serving.http.validation import read_body
from serving.registry.loaded_model import LoadedModel
from serving.schemas.forecast import LEVELS_FIELD, Level
from serving.schemas.series import MAX_ID_LENGTH
from serving.settings import Settings

CSV = "text/csv"
MAX_COLUMNS = 1000  # of a CSV: a header of millions would keep a thread busy
EXAMPLE: list[Any] = [112.0, 118.0, 132.0, 129.0, 121.0, 135.0]
FORMATS = ("dataframe_split", "dataframe_records", "inputs", "instances")
TYPES = ("null", "number", "string")

# `_check_cells` checks whole columns: one message per column is enough.
Cell = Annotated[
    Any, WithJsonSchema({"anyOf": [{"type": name} for name in TYPES], "title": "Cell"})
]

Row = dict[str, Cell]
Rows = Annotated[list[Row], Field(fail_fast=True)]
Columns = dict[str, list[Cell]]


def _table_kind(table: object) -> str:
    """Return the kind of a table, which is part of the location of its flaws."""
    return "columns" if isinstance(table, dict) else "rows"


Table = Annotated[
    Annotated[Columns, Tag("columns")] | Annotated[Rows, Tag("rows")],
    Discriminator(_table_kind),
]


class Split(BaseModel):
    """A table in the format of ``DataFrame.to_dict(orient="split")``."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    columns: Annotated[list[str], Field(fail_fast=True)]
    """Names: series_id, timestamp, target and the model's covariates."""
    data: Annotated[list[list[Cell]], Field(fail_fast=True)]
    """Rows, oldest first within a series; empty continues the series of training."""


class Params(BaseModel):
    """Parameters of a forecast."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    horizon: Annotated[int, Field(strict=True, ge=0)] = 0
    """Steps ahead; 0 for the trained horizon."""
    levels: Annotated[list[Level], LEVELS_FIELD] = list(LEVELS)
    """Central intervals in percent."""


class Invocation(BaseModel):
    """A table in one of four formats, and parameters."""

    model_config = ConfigDict(
        use_attribute_docstrings=True,
        json_schema_extra={
            "examples": [
                {
                    "dataframe_split": {
                        "columns": ["series_id", "target"],
                        "data": [["a", v] for v in EXAMPLE],
                    },
                    "params": {"horizon": 2, "levels": [80]},
                },
                {"dataframe_records": [{"target": v} for v in EXAMPLE]},
                {"inputs": {"target": EXAMPLE}},
            ]
        },
    )

    dataframe_split: Split | None = None
    dataframe_records: Rows | None = None
    """Rows as objects."""
    inputs: Table | None = None
    """Columns by name, or rows as objects."""
    instances: Table | None = None
    """Columns by name, or rows as objects; equivalent to `inputs`."""
    params: Params | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> "Invocation":
        if sum(getattr(self, name) is not None for name in FORMATS) != 1:
            raise ValueError(f"give exactly one of {', '.join(FORMATS)}")
        return self


def read_table(
    body: bytes, media_type: str, model: LoadedModel, settings: Settings
) -> tuple[pd.DataFrame, Params]:
    """Decode the parameters and the table of a request, with the model's columns only.

    Args:
        body: CSV, or JSON of an `Invocation`.
        media_type: media type of the body.
        model: model of the request.
        settings: the limits.

    Raises:
        RequestError: the table cannot be read.
        RequestTooLarge: the table has more rows than the limits allow.
    """
    names, params = _names(model), Params()
    if media_type == CSV:
        frame = _read_csv(body, names, settings.max_points)
    else:
        invocation = read_body(Invocation, body, settings, check_invocation)
        frame = _to_frame(_columns(invocation, names))
        params = invocation.params or params
    _check_ids(frame)
    return frame, params


def _names(model: LoadedModel) -> dict[str, bool]:
    """Return the columns of a model's input, and whether each is text."""
    fitted = model.forecaster.trained
    covariates = {
        column.name: column.categories is not None
        for column in fitted.covariates.columns
    }
    is_dated = fitted.context.calendar.freq is not None  # else steps: numbers
    return {"series_id": True, "timestamp": is_dated, "target": False} | covariates


def _read_csv(body: bytes, names: Mapping[str, bool], max_rows: int) -> pd.DataFrame:
    if body.partition(b"\n")[0].count(b",") >= MAX_COLUMNS:
        raise RequestError([(("body",), f"at most {MAX_COLUMNS:,} columns")])
    rows = body.rstrip().count(b"\n") or body.rstrip().count(b"\r")
    if rows > max_rows:
        raise RequestTooLarge("observations", rows, max_rows, ("body",))
    text = {name: str for name, is_text in names.items() if is_text}
    try:
        first = pd.read_csv(io.BytesIO(body), header=None, nrows=1, dtype=str)
        _check_once(first.iloc[0].tolist(), names, ("body",))
        frame = pd.read_csv(io.BytesIO(body), dtype=text)
    except ValueError as error:  # not UTF-8, empty, or ragged rows
        reason = str(error).strip()
        raise RequestError([(("body",), f"no readable CSV: {reason}")]) from error
    # pandas makes an index of surplus values.
    if not isinstance(frame.index, pd.RangeIndex):
        message = "rows have more values than there are columns in the first line"
        raise RequestError([(("body",), f"no readable CSV: {message}")])
    return frame[_select_columns(list(frame.columns), names)]


def _check_once(columns: Sequence[str], names: Mapping[str, bool], loc: Loc) -> None:
    """Refuse repeated columns of the model."""
    for name in names:
        count = columns.count(name)
        if count > 1:
            message = f"the column {name!r} is there {count} times; send it once"
            raise RequestError([(loc, message)])


def _select_columns(present: Collection[str], names: Mapping[str, bool]) -> list[str]:
    """Return the model's columns in a table; others are ignored, as MLflow does."""
    if present and "target" not in present:
        message = f"there is no such column; the model takes {', '.join(names)}"
        raise RequestError([(("body", "target"), message)])
    return [name for name in names if name in present]


def _columns(invocation: Invocation, names: Mapping[str, bool]) -> Columns:
    if invocation.dataframe_split is not None:
        return _split_columns(invocation.dataframe_split, names)
    formats = (invocation.dataframe_records, invocation.inputs, invocation.instances)
    table = next(table for table in formats if table is not None)
    if isinstance(table, dict):
        return {name: table[name] for name in _select_columns(table, names)}
    present: set[str] = set().union(*table)
    return {
        name: [row.get(name) for row in table]
        for name in _select_columns(present, names)
    }


def _split_columns(table: Split, names: Mapping[str, bool]) -> Columns:
    width = len(table.columns)
    for number, row in enumerate(table.data):
        if len(row) != width:
            message = f"{len(row)} values; there are {width} columns"
            raise RequestError([(("body", "dataframe_split", "data", number), message)])
    _check_once(table.columns, names, ("body", "dataframe_split", "columns"))
    places = {name: place for place, name in enumerate(table.columns)}
    return {
        name: [row[places[name]] for row in table.data]
        for name in _select_columns(places, names)
    }


def _to_frame(columns: Columns) -> pd.DataFrame:
    lengths = {len(column) for column in columns.values()}
    if len(lengths) > 1:
        message = f"columns have one length; found {sorted(lengths)}"
        raise RequestError([(("body",), message)])
    for name, column in columns.items():
        _check_cells(name, column)
    if "series_id" in columns:
        ids = [None if cell is None else str(cell) for cell in columns["series_id"]]
        columns["series_id"] = ids
    return pd.DataFrame(columns)


def _check_ids(frame: pd.DataFrame) -> None:
    if "series_id" in frame:
        length = max(map(len, frame["series_id"].dropna()), default=0)
        if length > MAX_ID_LENGTH:
            message = f"at most {MAX_ID_LENGTH} letters; found {length:,}"
            raise RequestError([(("body", "series_id"), message)])


def _check_cells(name: str, column: list[Cell]) -> None:
    """Refuse other cells than numbers, text and null, and columns of mixed kinds."""
    kinds = set(map(type, column)) - {type(None)}
    numbers = kinds <= {int, float}
    if not numbers and kinds != {str}:
        raise RequestError([(("body", name), "numbers, or texts; null where missing")])
    if numbers and not all(
        math.isfinite(cell) if type(cell) is float else abs(cell) <= MAX_STEP
        for cell in column
        if cell is not None
    ):
        message = f"numbers must be finite, and whole ones at most {MAX_STEP:,}"
        raise RequestError([(("body", name), message)])
