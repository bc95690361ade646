"""Decoding of MLflow's tables, JSON in four formats or CSV, to a data frame."""

import io
from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, Any, TypeAlias

import pandas as pd
from msgspec import Meta, Raw, Struct, field

from forecasting.io.sources.layout import MISSING_MARKERS
from serving.errors import Loc, RequestError, RequestTooLarge
from serving.forecasts.panels import MAX_STEP
from serving.http.decoding import BodyDecoder
from serving.registry.loaded_model import LoadedModel
from serving.schemas.request import MAX_ID_LENGTH, Levels, default_levels
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


class Invocation(Struct):
    """A table in one of four formats, and parameters."""

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
    params: Params | None = None


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


def locate_infinite(invocation: Invocation) -> Loc | None:
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
    names, params = _names(model), None
    if media_type == CSV:
        frame = _read_csv(body, names, _markers(model), settings.max_points)
    else:
        invocation = INVOCATION.decode(body)
        frame = _to_frame(_columns(invocation, names, settings.max_points), names)
        params = invocation.params
    _check_ids(frame)
    return frame, params or Params()


def _names(model: LoadedModel) -> dict[str, bool]:
    """Return the columns of a model's input, and whether each is text."""
    fitted = model.forecaster.trained
    covariates = {
        column.name: column.categories is not None
        for column in fitted.covariates.columns
    }
    is_dated = fitted.context.calendar.freq is not None  # else steps: numbers
    return {"series_id": True, "timestamp": is_dated, "target": False} | covariates


def _markers(model: LoadedModel) -> dict[str, list[str]]:
    """Return the texts that stand for a missing value, by column.

    A series may be named NA, and a category None.
    """
    columns = model.forecaster.trained.covariates.columns
    categories = {column.name: column.categories or () for column in columns}
    markers = {
        name: [text for text in MISSING_MARKERS if text not in categories.get(name, ())]
        for name in _names(model)
    }
    return markers | {"series_id": [""]}


def _read_csv(
    body: bytes,
    names: Mapping[str, bool],
    markers: Mapping[str, list[str]],
    max_rows: int,
) -> pd.DataFrame:
    if body.partition(b"\n")[0].count(b",") >= MAX_COLUMNS:
        raise RequestError([(("body",), f"at most {MAX_COLUMNS:,} columns")])
    rows = body.rstrip().count(b"\n") or body.rstrip().count(b"\r")
    if rows > max_rows:
        raise RequestTooLarge("observations", rows, max_rows, ("body",))
    text = {name: str for name, is_text in names.items() if is_text}
    try:
        first = pd.read_csv(io.BytesIO(body), header=None, nrows=1, dtype=str)
        _check_once(first.iloc[0].tolist(), names, ("body",))
        frame = pd.read_csv(
            io.BytesIO(body), dtype=text, keep_default_na=False, na_values=markers
        )
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


def _columns(
    invocation: Invocation, names: Mapping[str, bool], max_rows: int
) -> Columns:
    forms = [form for form in FORMATS if getattr(invocation, form) is not None]
    if len(forms) != 1:
        message = f"give exactly one of {', '.join(FORMATS)}"
        raise RequestError([(("body",), message)])
    loc: Loc = ("body", forms[0])
    table: Split | RawColumns | Rows = getattr(invocation, forms[0])
    if isinstance(table, dict):
        chosen = _select_columns(table, names)
        return {name: CELLS.decode(table[name], (*loc, name)) for name in chosen}
    rows = table.data if isinstance(table, Split) else table
    if len(rows) > max_rows:
        raise RequestTooLarge("observations", len(rows), max_rows, loc)
    if isinstance(table, Split):
        return _split_columns(table, names)
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


def _to_frame(columns: Columns, names: Mapping[str, bool]) -> pd.DataFrame:
    lengths = {len(column) for column in columns.values()}
    if len(lengths) > 1:
        message = f"columns have one length; found {sorted(lengths)}"
        raise RequestError([(("body",), message)])
    for name, column in columns.items():
        is_dated = name == "timestamp" and names[name]
        _check_cells(name, column, MAX_EPOCH if is_dated else MAX_STEP)
    if "series_id" in columns:
        columns["series_id"] = [
            None if cell is None else str(cell) for cell in columns["series_id"]
        ]
    return pd.DataFrame(columns)


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
