"""Validation of the shape of large bodies by msgspec, before pydantic reads them.

Pydantic would build a million errors from a million flaws, and a million objects from a
million empty lists. This check stops at the first flaw and keeps values as raw JSON. A
body that passes has no more parts than the limits of the service allow.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from serving.errors import Loc, RequestError, RequestTooLarge
from serving.settings import Settings

SMALL_BODY_BYTES = 2**16  # below it, any number of flaws is cheap
MAX_COLUMNS = 1000  # of a table, and names of covariates or tensors
MAX_BRACKETS_PER_ITEM = 4  # a series has at most three objects inside
SMALL_ITEM_BYTES = 10
MAX_BRACKETS = 100_000  # of invalid JSON that pydantic may read for its message
Scalar: TypeAlias = bool | int | float | str | None
Number: TypeAlias = int | float | None
RawValue: TypeAlias = Raw | UnsetType
NESTED = "a number or a text is needed; found a list or an object"
ShapeCheck = Callable[[bytes, Settings], bytes]
PATH = re.compile(r"\[(\d+|\.\.\.)\]|\.([^.\[\]]+)")
# An object with more names than a table may have columns, its values flat. Possessive:
# each byte is read once.
TEXT = rb'"(?:[^"\\]++|\\.)*+"'
MANY_NAMES = re.compile(
    rb"\{(?:(?:\[[^\]]*+\]|[^{}\"\[]++|%b(?!\s*+:))*+%b\s*+:){%d}"
    % (TEXT, TEXT, MAX_COLUMNS + 1),
    re.DOTALL,
)
UNKNOWN = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)


class _Series(Struct, forbid_unknown_fields=True, gc=False):
    """The fields of a series; see `serving.schemas.series.Series`."""

    id: Scalar = None
    values: Raw = Raw(b"[]")
    timestamps: Raw = Raw(b"[]")
    past_covariates: Raw = Raw(b"null")
    known_covariates: Raw = Raw(b"null")
    static_covariates: Raw = Raw(b"null")


class _Object(Struct, gc=False):
    """Any object; its fields are skipped."""


class _List(Struct, array_like=True, gc=False):
    """Any list; its items are skipped."""


class _Forecast(Struct, forbid_unknown_fields=True):
    """The fields of `serving.schemas.forecast.ForecastRequest`."""

    series: Raw = Raw(b"[]")
    horizon: Scalar = None
    levels: Raw = Raw(b"[]")


class _Tensor(Struct, gc=False):
    """The fields of `serving.api.open_inference.tensors.Tensor`."""

    name: Scalar | UnsetType = UNSET
    shape: RawValue = UNSET
    datatype: Scalar | UnsetType = UNSET
    data: RawValue = UNSET


class _Output(Struct, gc=False):
    """The fields of `serving.api.open_inference.tensors.RequestedOutput`."""

    name: Scalar | UnsetType = UNSET


class _Infer(Struct):
    """The fields of `serving.api.open_inference.tensors.InferRequest`."""

    id: Scalar | UnsetType = UNSET
    inputs: RawValue = UNSET
    outputs: RawValue = UNSET


class _Split(Struct):
    """The fields of `serving.api.mlflow_scoring.tables.Split`."""

    columns: RawValue = UNSET
    data: RawValue = UNSET


class _Params(Struct, forbid_unknown_fields=True):
    """The fields of `serving.api.mlflow_scoring.tables.Params`."""

    horizon: Scalar | UnsetType = UNSET
    levels: RawValue = UNSET


class _Invocation(Struct):
    """The fields of `serving.api.mlflow_scoring.tables.Invocation`."""

    dataframe_split: _Split | UnsetType | None = UNSET
    dataframe_records: RawValue = UNSET
    inputs: RawValue = UNSET
    instances: RawValue = UNSET
    params: _Params | UnsetType | None = UNSET


class _NixtlaSeries(Struct):
    """The fields of `serving.api.nixtla.requests.SentSeries`."""

    y: RawValue = UNSET
    sizes: RawValue = UNSET
    X: RawValue = UNSET
    X_future: RawValue = UNSET
    start_datetime: RawValue = UNSET


class _NixtlaRequest(Struct):
    """The fields of `serving.api.nixtla.requests.NixtlaRequest` and its subclasses."""

    series: _NixtlaSeries | UnsetType = UNSET
    model: Scalar | UnsetType = UNSET
    freq: Scalar | UnsetType = UNSET
    finetune_steps: Scalar | UnsetType = UNSET
    finetuned_model_id: Scalar | UnsetType = UNSET
    feature_contributions: Scalar | UnsetType = UNSET
    multivariate: Scalar | UnsetType = UNSET
    model_parameters: RawValue = UNSET
    h: Scalar | UnsetType = UNSET
    n_windows: Scalar | UnsetType = UNSET
    step_size: Scalar | UnsetType = UNSET
    detection_size: Scalar | UnsetType = UNSET
    full_history: Scalar | UnsetType = UNSET
    threshold_method: Scalar | UnsetType = UNSET
    level: RawValue = UNSET


def check_shape(check: ShapeCheck, body: bytes, settings: Settings) -> bytes:
    """Check the shape of a body and return it without unused fields.

    Args:
        check: the check of the body's kind, such as `check_forecast`.
        body: JSON; small bodies are returned unchecked.
        settings: the limits.

    Raises:
        RequestError: the shape is wrong; names the first flaw only.
        RequestTooLarge: the body has more series or rows than the limits allow.
    """
    if len(body) <= SMALL_BODY_BYTES:
        return body
    try:
        return check(body, settings)
    except msgspec.ValidationError as error:
        raise _flaw(error, ("body",)) from None
    except RecursionError:
        raise RequestError([(("body",), "lists in lists are too deep")]) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        if body.count(b"[") + body.count(b"{") <= MAX_BRACKETS:
            return body  # pydantic's message is clearer
        raise RequestError([(("body",), f"Invalid JSON: {error}")]) from None


def check_forecast(body: bytes, settings: Settings) -> bytes:
    """Check a forecast or explain request; see `check_shape`."""
    request = msgspec.json.decode(body, type=_Forecast)
    _check_flat(request.levels, ("body", "levels"), MAX_COLUMNS)
    loc: Loc = ("body", "series")
    # A known covariate reaches over the horizon.
    maximum = settings.max_points + settings.max_horizon
    if _bytes(request.series).count(b"{") > settings.max_series:
        _check_count(request.series, _Object, "series", settings.max_series, loc)
    every_series = _decode(request.series, list[_Series] | None, loc) or ()
    if _is_flat(request.series, len(every_series), settings.max_points):
        return body
    for index, series in enumerate(every_series):
        series_loc: Loc = (*loc, index)
        _check_flat(series.values, (*series_loc, "values"), maximum)
        _check_flat(series.timestamps, (*series_loc, "timestamps"), maximum)
        for name in ("past_covariates", "known_covariates"):
            columns = _decode_names(getattr(series, name), (*series_loc, name))
            _check_columns(columns, (*series_loc, name), maximum)
        static_loc = (*series_loc, "static_covariates")
        _check_scalars(_decode_names(series.static_covariates, static_loc), static_loc)
    return body


def _is_flat(series: RawValue, count: int, maximum: int) -> bool:
    """Return whether all series together have few enough numbers, and no objects."""
    text = _bytes(series)
    return (
        text.count(b",") < maximum
        and text.count(b"{") <= count
        and text.count(b"[") <= 2 * count + 1
    )


def check_inference(body: bytes, settings: Settings) -> bytes:
    """Check a request of the Open Inference Protocol; see `check_shape`."""
    request = msgspec.json.decode(body, type=_Infer)
    loc: Loc = ("body", "inputs")
    for name in ("inputs", "outputs"):
        _check_brackets(getattr(request, name), b"{", MAX_COLUMNS, ("body", name))
    inputs = _decode(request.inputs, list[_Tensor], loc)
    outputs = _decode(request.outputs, list[_Output] | None, ("body", "outputs"))
    for name, parts in (("inputs", inputs), ("outputs", outputs)):
        _check_names(parts or (), ("body", name))
    for index, tensor in enumerate(inputs or ()):
        _check_tensor(tensor, (*loc, index), settings)
    if inputs is not None:
        request.inputs = Raw(msgspec.json.encode(inputs))
    if outputs is not None:
        request.outputs = Raw(msgspec.json.encode(outputs))
    return msgspec.json.encode(request)


def _check_tensor(tensor: _Tensor, loc: Loc, settings: Settings) -> None:
    """Refuse more rows or numbers than the limits allow, and other things than both."""
    _check_flat(tensor.shape, (*loc, "shape"), MAX_COLUMNS)
    rows, data_loc = _bytes(tensor.data), (*loc, "data")
    count = rows.count(b"[") - 1
    if count > settings.max_series:
        raise RequestTooLarge("rows", count, settings.max_series, data_loc)
    if b"{" in rows or b'"' in rows:
        _decode(tensor.data, list[Number | list[Number]] | None, data_loc)
    count = rows.count(b",") + 1
    if count > settings.max_points:
        raise RequestTooLarge("observations", count, settings.max_points, data_loc)


def check_invocation(body: bytes, settings: Settings) -> bytes:
    """Check a request of MLflow's scoring protocol; see `check_shape`."""
    request = msgspec.json.decode(body, type=_Invocation)
    split, params = request.dataframe_split, request.params
    if isinstance(split, _Split):
        loc: Loc = ("body", "dataframe_split")
        _check_flat(split.columns, (*loc, "columns"), MAX_COLUMNS)
        names = _decode(split.columns, list[Scalar], (*loc, "columns"))
        _check_names(names or (), (*loc, "columns"))
        _check_rows(split.data, _List, (*loc, "data"), settings)
    if isinstance(params, _Params):
        _check_flat(params.levels, ("body", "params", "levels"), MAX_COLUMNS)
    for name in ("dataframe_records", "inputs", "instances"):
        _check_table(getattr(request, name), ("body", name), settings)
    return msgspec.json.encode(request)


def _check_table(table: RawValue, loc: Loc, settings: Settings) -> None:
    if _bytes(table)[:1] == b"{" and loc[-1] != "dataframe_records":
        _check_columns(_decode_names(table, loc), loc, settings.max_points)
    else:
        _check_rows(table, _Object, loc, settings)


def _check_rows(
    rows: RawValue, kind: type[Struct], loc: Loc, settings: Settings
) -> None:
    """Refuse more rows or columns than the limits allow, and rows of another kind."""
    _check_names_in(rows, loc)
    _check_count(rows, kind, "observations", settings.max_points, loc)
    if _bytes(rows).count(b"[") + _bytes(rows).count(b"{") > settings.max_points + 1:
        row = dict[str, Scalar] if kind is _Object else list[Scalar]
        _decode(rows, list[row] | None, loc)  # type: ignore[valid-type]


def check_nixtla(body: bytes, settings: Settings) -> bytes:
    """Check a request of the nixtla client; see `check_shape`."""
    request = msgspec.json.decode(body, type=_NixtlaRequest)
    _check_flat(request.level, ("body", "level"), MAX_COLUMNS)
    sent = request.series
    if isinstance(sent, _NixtlaSeries):
        for name in ("y", "sizes", "start_datetime"):
            _check_flat(
                getattr(sent, name), ("body", "series", name), settings.max_points
            )
        sent.X, sent.X_future = _shorten(sent.X), _shorten(sent.X_future)
    request.model_parameters = _shorten(request.model_parameters)
    return msgspec.json.encode(request)


def _shorten(value: RawValue) -> RawValue:
    """Return a large value as the smallest JSON of its kind.

    For fields that are refused unless they are empty: their content does not matter.
    """
    shortest = {b"[": b"[0]", b"{": b'{"":0}'}.get(_bytes(value)[:1])
    is_small = len(_bytes(value)) < SMALL_BODY_BYTES
    return value if shortest is None or is_small else Raw(shortest)


def _check_flat(value: RawValue, loc: Loc, maximum: int) -> None:
    """Refuse nested lists, and more numbers or texts than the maximum."""
    text = _bytes(value)
    if text.count(b"[") > 1 or b"{" in text:
        _decode(value, list[Scalar] | None, loc)
    elif text.count(b",") >= maximum:
        count = text.count(b",") + 1
        if b'"' in text:  # texts may hold commas
            count = (text.count(b'"') - text.count(b'\\"')) // 2
            if count <= maximum:
                count = len(_decode(value, list[Scalar] | None, loc) or ())
        if count > maximum:
            raise RequestTooLarge("numbers or texts", count, maximum, loc)


def _check_columns(columns: Mapping[str, Raw], loc: Loc, maximum: int) -> None:
    _check_names(columns, loc)
    for name, column in columns.items():
        _check_flat(column, (*loc, name), maximum)


def _check_scalars(values: Mapping[str, Raw], loc: Loc) -> None:
    """Refuse lists and objects where each name has a single value."""
    _check_names(values, loc)
    for name, value in values.items():
        if _bytes(value)[:1] in (b"[", b"{"):
            raise RequestError([((*loc, name), NESTED)])


def _check_names(names: Any, loc: Loc) -> None:
    if len(names) > MAX_COLUMNS:
        raise RequestError([(loc, f"{len(names):,} of them; at most {MAX_COLUMNS:,}")])


def _check_names_in(value: RawValue, loc: Loc) -> None:
    """Refuse an object with more names than a table may have columns, undecoded."""
    text = _bytes(value)
    if text.count(b":") <= MAX_COLUMNS:
        return
    shortest = len(b'"":0,') * MAX_COLUMNS
    parts = (part for part in text.split(b"}") if len(part) >= shortest)
    if any(MANY_NAMES.search(part) for part in parts):
        message = (
            f"more than {MAX_COLUMNS:,} names in an object; at most {MAX_COLUMNS:,}"
        )
        raise RequestError([(loc, message)])


def _decode_names(value: RawValue, loc: Loc) -> dict[str, Raw]:
    """Return the raw values of an object by name; none for null."""
    _check_names_in(value, loc)
    return _decode(value, dict[str, Raw] | None, loc) or {}


def _check_brackets(value: RawValue, mark: bytes, maximum: int, loc: Loc) -> None:
    """Refuse a list with far more objects or lists in it than it may have items.

    Many small ones alone: decoded, they would take several times their bytes.
    """
    text = _bytes(value)
    count = text.count(mark)
    if count > MAX_BRACKETS_PER_ITEM * maximum and len(text) < SMALL_ITEM_BYTES * count:
        items = "objects" if mark == b"{" else "lists"
        raise RequestTooLarge(items, count, maximum, loc)


def _check_count(
    value: RawValue, kind: type[Struct], items: str, maximum: int, loc: Loc
) -> None:
    """Refuse a list of more items than the maximum, or of another kind."""
    _check_brackets(value, b"{" if kind is _Object else b"[", maximum, loc)
    if _bytes(value)[:1] == b"[":
        count = len(_decode(value, list[kind], loc))  # type: ignore[valid-type]
        if count > maximum:
            raise RequestTooLarge(items, count, maximum, loc)


def _decode(value: RawValue, kind: Any, loc: Loc) -> Any:
    if value is UNSET:
        return None
    try:
        return msgspec.json.decode(value, type=kind)
    except msgspec.ValidationError as error:
        raise _flaw(error, loc) from None


def _bytes(value: RawValue) -> bytes:
    return b"" if isinstance(value, UnsetType) else bytes(value)


def _flaw(error: msgspec.ValidationError, loc: Loc) -> RequestError:
    """Return an error of msgspec as a `RequestError` with its location."""
    message, _, path = str(error).rpartition(" - at `$")
    if not message:
        message, path = str(error), ""
    steps = PATH.findall(path.rstrip("`"))
    place = [int(i) if i.isdigit() else name or i for i, name in steps]
    if unknown := UNKNOWN.fullmatch(message):
        return RequestError([((*loc, *place, unknown[1]), "unknown key")])
    nested = "Expected `bool | int | float | str | null`, got `"
    return RequestError([((*loc, *place), NESTED if nested in message else message)])
