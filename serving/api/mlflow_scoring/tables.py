"""Decoding of MLflow's tables, JSON in four formats or CSV, to a data frame."""

import io
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias

import pandas as pd
from msgspec import Meta, Raw, Struct, field
from pydantic_core import to_json

from forecasting.io.sources.layout import MISSING_MARKERS
from serving.errors import Loc, RequestError, RequestTooLarge
from serving.forecasts.panels import MAX_STEP
from serving.http.decoding import BodyDecoder
from serving.registry.loaded_model import AnyModel, LoadedModel, LoadedSequences
from serving.schemas.request import MAX_ID_LENGTH, Levels, default_levels
from serving.schemas.sequence_requests import MAX_SEED
from serving.settings import Settings

CSV = "text/csv"
MAX_COLUMNS = 1000  # of a CSV: a header of millions would keep a thread busy
MAX_EPOCH = 2**63 - 1  # nanoseconds
EXAMPLE: list[Any] = [112.0, 118.0, 132.0, 129.0, 121.0, 135.0]
FORMATS = ("dataframe_split", "dataframe_records", "inputs", "instances")

Cell: TypeAlias = int | float | str | None
CELLS = BodyDecoder[list[Cell]](list[Cell])
Columns = dict[str, list[Cell]]
Rows = list[dict[str, Cell]]
CELL_SCHEMA = {"type": ["null", "number", "string"]}
RawColumns = dict[  # columns that are not the model's stay undecoded
    str,
    Annotated[Raw, Meta(extra_json_schema={"type": "array", "items": CELL_SCHEMA})],
]


class Split(Struct):
    """A table in the format of ``DataFrame.to_dict(orient="split")``."""

    columns: Annotated[
        list[str],
        Meta(
            description="Names: series_id, timestamp, target and the model's "
            "covariates."
        ),
    ]
    data: Annotated[
        list[list[Cell]],
        Meta(
            description="Rows, oldest first within a series; empty continues the "
            "series of training."
        ),
    ]


class Params(Struct, forbid_unknown_fields=True):
    """Parameters of a forecast."""

    horizon: Annotated[
        int, Meta(ge=0, description="Steps ahead; 0 for the trained horizon.")
    ] = 0
    levels: Annotated[Levels, Meta(description="Central intervals in percent.")] = (
        field(default_factory=default_levels)
    )
    method: Annotated[
        bool, Meta(description="Whether a column names the method of each series.")
    ] = False


class SequenceParams(Struct, forbid_unknown_fields=True):
    """Parameters of a generation by a model of symbols."""

    length: Annotated[
        int, Meta(ge=0, description="Symbols to generate; 0 for the next one alone.")
    ] = 0
    temperature: Annotated[float, Meta(description="As at /generate.")] = 1.0
    top_k: Annotated[int, Meta(ge=0, description="0 for all symbols.")] = 0
    stop: Annotated[str, Meta(description="Empty for none.")] = ""
    seed: Annotated[
        int, Meta(ge=-1, le=MAX_SEED, description="Of the draws; -1 for another one.")
    ] = -1


class SentTable(Struct):
    """A table in one of four formats."""

    dataframe_split: Split | None = None
    dataframe_records: Annotated[Rows | None, Meta(description="Rows as objects.")] = (
        None
    )
    inputs: Annotated[
        RawColumns | Rows | None,
        Meta(description="Columns by name, or rows as objects."),
    ] = None
    instances: Annotated[
        RawColumns | Rows | None,
        Meta(
            description="Columns by name, or rows as objects; equivalent to `inputs`."
        ),
    ] = None


class Invocation(SentTable):
    """A table in one of four formats, and parameters of a forecast."""

    params: Params | None = None


class SequenceInvocation(SentTable):
    """A table in one of four formats, for a model of discrete series."""

    params: SequenceParams | None = None


EXAMPLES: list[dict[str, Any]] = [
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


SEQUENCE_EXAMPLES: list[dict[str, Any]] = [
    {"dataframe_records": [{"series_id": "a", "value": v} for v in EXAMPLE]},
    {"inputs": {"series_id": ["a"] * 3, "symbol": ["h", "e", "l"]}},
]


@dataclass(frozen=True, slots=True)
class InputColumns:
    """Columns of a model's input.

    Attributes:
        is_text: whether each column is text, by name.
        markers: texts that stand for a missing value, by name.
        target: column that every table has; None for a model without one.
    """

    is_text: Mapping[str, bool]
    markers: Mapping[str, list[str]]
    target: str | None = None


def locate_infinite(invocation: SentTable) -> Loc | None:
    """Return the location of the first infinite number in the columns, or None."""
    for form in ("inputs", "instances"):
        table = getattr(invocation, form)
        columns = table if isinstance(table, dict) else {}
        for name, column in columns.items():
            try:
                CELLS.decode(column, ("body", form, name))
            except RequestError as error:
                return tuple(error.flaws[0].loc)
    return None


INVOCATION = BodyDecoder[Invocation](Invocation, locate_infinite)
SEQUENCE_INVOCATION = BodyDecoder[SequenceInvocation](
    SequenceInvocation, locate_infinite
)


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
    columns, params = _forecaster_columns(model), None
    if media_type == CSV:
        frame = _read_csv(body, columns, settings.max_points)
    else:
        invocation = INVOCATION.decode(body)
        frame = _to_frame(invocation, columns, settings.max_points)
        params = invocation.params
    _check_ids(frame)
    return frame, params or Params()


def read_sequence_table(
    body: bytes, media_type: str, model: LoadedSequences, settings: Settings
) -> tuple[pd.DataFrame, SequenceParams]:
    """Decode a request to a model of discrete series, as `read_table` does."""
    columns, params = _sequence_columns(model), None
    if media_type == CSV:
        frame = _read_csv(body, columns, settings.max_points)
    else:
        invocation = SEQUENCE_INVOCATION.decode(body)
        frame = _to_frame(invocation, columns, settings.max_points)
        params = invocation.params
    return frame, params or SequenceParams()


def encode_table(model: AnyModel, alias: str | None, table: pd.DataFrame) -> bytes:
    """Return the body of a response as JSON: a table, and the version that made it.

    Args:
        model: the version.
        alias: alias in the request; None where it named a version.
        table: a row for each prediction.
    """
    answering = {"name": model.name, "version": model.version, "alias": alias}
    content = {"predictions": table.to_dict(orient="records"), "model": answering}
    return to_json(content, inf_nan_mode="null")


def _forecaster_columns(model: LoadedModel) -> InputColumns:
    """Return the columns of a forecaster's input.

    A series may be named NA, and a category None.
    """
    fitted = model.forecaster.trained
    categories = {
        column.name: column.categories for column in fitted.covariates.columns
    }
    is_dated = fitted.context.calendar.freq is not None  # else steps: numbers
    is_text = {"series_id": True, "timestamp": is_dated, "target": False}
    is_text |= {name: texts is not None for name, texts in categories.items()}
    markers = {
        name: [m for m in MISSING_MARKERS if m not in (categories.get(name) or ())]
        for name in is_text
    }
    return InputColumns(is_text, markers | {"series_id": [""]}, "target")


def _sequence_columns(model: LoadedSequences) -> InputColumns:
    """Return the columns of the input of a model of discrete series.

    A series or a symbol may be named NA.
    """
    columns = model.model.columns_
    symbol = (columns.symbol,) if columns.symbol else ()
    is_text = dict.fromkeys((*columns.series_id, *columns.time, *symbol), True)
    markers = {name: [""] for name in is_text}
    markers |= {name: list(MISSING_MARKERS) for name in columns.channels}
    return InputColumns(is_text | dict.fromkeys(columns.channels, False), markers)


def _read_csv(body: bytes, columns: InputColumns, max_rows: int) -> pd.DataFrame:
    if body.partition(b"\n")[0].count(b",") >= MAX_COLUMNS:
        raise RequestError([(("body",), f"at most {MAX_COLUMNS:,} columns")])
    rows = body.rstrip().count(b"\n") or body.rstrip().count(b"\r")
    if rows > max_rows:
        raise RequestTooLarge("observations", rows, max_rows, ("body",))
    text = {name: str for name, is_text in columns.is_text.items() if is_text}
    try:
        first = pd.read_csv(io.BytesIO(body), header=None, nrows=1, dtype=str)
        _check_once(first.iloc[0].tolist(), columns, ("body",))
        frame = pd.read_csv(
            io.BytesIO(body),
            dtype=text,
            keep_default_na=False,
            na_values=columns.markers,
        )
    except ValueError as error:  # not UTF-8, empty, or ragged rows
        reason = str(error).strip()
        raise RequestError([(("body",), f"no readable CSV: {reason}")]) from error
    # pandas makes an index of surplus values.
    if not isinstance(frame.index, pd.RangeIndex):
        message = "rows have more values than there are columns in the first line"
        raise RequestError([(("body",), f"no readable CSV: {message}")])
    return frame[_select_columns(list(frame.columns), columns)]


def _check_once(present: Sequence[str], columns: InputColumns, loc: Loc) -> None:
    """Refuse repeated columns of the model."""
    for name in columns.is_text:
        count = present.count(name)
        if count > 1:
            message = f"the column {name!r} is there {count} times; send it once"
            raise RequestError([(loc, message)])


def _select_columns(present: Collection[str], columns: InputColumns) -> list[str]:
    """Return the model's columns in a table; others are ignored, as MLflow does."""
    names, target = columns.is_text, columns.target
    if present and target is not None and target not in present:
        message = f"there is no such column; the model takes {', '.join(names)}"
        raise RequestError([(("body", target), message)])
    return [name for name in names if name in present]


def _cells(invocation: SentTable, columns: InputColumns, max_rows: int) -> Columns:
    forms = [form for form in FORMATS if getattr(invocation, form) is not None]
    if len(forms) != 1:
        message = f"give exactly one of {', '.join(FORMATS)}"
        raise RequestError([(("body",), message)])
    loc: Loc = ("body", forms[0])
    table: Split | RawColumns | Rows = getattr(invocation, forms[0])
    if isinstance(table, dict):
        chosen = _select_columns(table, columns)
        return {name: CELLS.decode(table[name], (*loc, name)) for name in chosen}
    rows = table.data if isinstance(table, Split) else table
    if len(rows) > max_rows:
        raise RequestTooLarge("observations", len(rows), max_rows, loc)
    if isinstance(table, Split):
        return _split_columns(table, columns)
    present: set[str] = set().union(*table)
    return {
        name: [row.get(name) for row in table]
        for name in _select_columns(present, columns)
    }


def _split_columns(table: Split, columns: InputColumns) -> Columns:
    width = len(table.columns)
    for number, row in enumerate(table.data):
        if len(row) != width:
            message = f"{len(row)} values; there are {width} columns"
            raise RequestError([(("body", "dataframe_split", "data", number), message)])
    _check_once(table.columns, columns, ("body", "dataframe_split", "columns"))
    places = {name: place for place, name in enumerate(table.columns)}
    return {
        name: [row[places[name]] for row in table.data]
        for name in _select_columns(places, columns)
    }


def _to_frame(
    invocation: SentTable, columns: InputColumns, max_rows: int
) -> pd.DataFrame:
    cells = _cells(invocation, columns, max_rows)
    lengths = {len(column) for column in cells.values()}
    if len(lengths) > 1:
        message = f"columns have one length; found {sorted(lengths)}"
        raise RequestError([(("body",), message)])
    for name, column in cells.items():
        is_dated = name == "timestamp" and columns.is_text[name]
        _check_cells(name, column, MAX_EPOCH if is_dated else MAX_STEP)
    if "series_id" in cells:
        cells["series_id"] = [
            None if cell is None else str(cell) for cell in cells["series_id"]
        ]
    return pd.DataFrame(cells)


def _check_ids(frame: pd.DataFrame) -> None:
    if "series_id" in frame:
        length = max(map(len, frame["series_id"].dropna()), default=0)
        if length > MAX_ID_LENGTH:
            message = f"at most {MAX_ID_LENGTH} letters; found {length:,}"
            raise RequestError([(("body", "series_id"), message)])


def _check_cells(name: str, column: list[Cell], maximum: int) -> None:
    """Refuse columns of mixed kinds, and whole numbers beyond a maximum."""
    kinds = set(map(type, column)) - {type(None)}
    numbers = kinds <= {int, float}
    if not numbers and kinds != {str}:
        raise RequestError([(("body", name), "numbers, or texts; null where missing")])
    if numbers and any(type(cell) is int and abs(cell) > maximum for cell in column):
        message = f"whole numbers are at most {maximum:,}"
        raise RequestError([(("body", name), message)])
