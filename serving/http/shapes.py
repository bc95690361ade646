"""The shape of a large body, looked at before anything is made of it.

Whoever sends a million flaws would have a million errors built, and whoever sends a
million empty lists a million objects: this reads on until the first thing that has no
place in a request, and builds nothing of what pydantic reads afterwards. What it lets
pass has no more parts than the limits of the service allow.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from serving.errors import Loc, RequestError, RequestTooLarge
from serving.settings import Settings

SMALL = 2**16  # bytes of a body that may be wrong as often as it likes


MAX_COLUMNS = 1000  # of a table, and names of covariates or tensors


LOOKED_INTO = 100_000  # lists and objects of a text that is no JSON, to say why


Scalar: TypeAlias = bool | int | float | str | None


Leaf: TypeAlias = Raw | UnsetType


NESTED = "a number or a text is needed; found a list or an object"


Check = Callable[[bytes, Settings], bytes]


PATH = re.compile(r"\[(\d+|\.\.\.)\]|\.([^.\[\]]+)")


UNKNOWN = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)


class _Series(Struct, forbid_unknown_fields=True, gc=False):
    """One series of `serving.schemas.forecast.ForecastRequest`."""

    id: Scalar = None
    values: Raw = Raw(b"[]")
    timestamps: Raw = Raw(b"[]")
    past_covariates: dict[str, Raw] | None = None
    known_covariates: dict[str, Raw] | None = None
    static_covariates: dict[str, Raw] | None = None


class _Forecast(Struct, forbid_unknown_fields=True):
    """See `serving.schemas.forecast.ForecastRequest`."""

    series: Raw = Raw(b"[]")
    horizon: Scalar = None
    levels: Raw = Raw(b"[]")


class _Tensor(Struct, gc=False):
    """See `serving.api.open_inference.tensors.Tensor`."""

    name: Scalar | UnsetType = UNSET
    shape: Leaf = UNSET
    datatype: Scalar | UnsetType = UNSET
    data: Leaf = UNSET


class _Output(Struct, gc=False):
    """See `serving.api.open_inference.tensors.RequestedOutput`."""

    name: Scalar | UnsetType = UNSET


class _Infer(Struct):
    """See `serving.api.open_inference.tensors.InferRequest`."""

    id: Scalar | UnsetType = UNSET
    inputs: Leaf = UNSET
    outputs: Leaf = UNSET


class _Split(Struct):
    """See `serving.api.mlflow_scoring.tables.Split`."""

    columns: Leaf = UNSET
    data: Leaf = UNSET


class _Params(Struct, forbid_unknown_fields=True):
    """See `serving.api.mlflow_scoring.tables.Params`."""

    horizon: Scalar | UnsetType = UNSET
    levels: Leaf = UNSET


class _Invocation(Struct):
    """See `serving.api.mlflow_scoring.tables.Invocation`."""

    dataframe_split: _Split | UnsetType | None = UNSET
    dataframe_records: Leaf = UNSET
    inputs: Leaf = UNSET
    instances: Leaf = UNSET
    params: _Params | UnsetType | None = UNSET


class _Sent(Struct):
    """See `serving.api.nixtla.requests.SentSeries`."""

    y: Leaf = UNSET
    sizes: Leaf = UNSET
    X: Leaf = UNSET
    X_future: Leaf = UNSET
    start_datetime: Leaf = UNSET


class _Asked(Struct):
    """See `serving.api.nixtla.requests.NixtlaRequest` and those that are more than it."""

    series: _Sent | UnsetType = UNSET
    model: Scalar | UnsetType = UNSET
    freq: Scalar | UnsetType = UNSET
    finetune_steps: Scalar | UnsetType = UNSET
    finetuned_model_id: Scalar | UnsetType = UNSET
    feature_contributions: Scalar | UnsetType = UNSET
    multivariate: Scalar | UnsetType = UNSET
    model_parameters: Leaf = UNSET
    h: Scalar | UnsetType = UNSET
    n_windows: Scalar | UnsetType = UNSET
    step_size: Scalar | UnsetType = UNSET
    detection_size: Scalar | UnsetType = UNSET
    full_history: Scalar | UnsetType = UNSET
    threshold_method: Scalar | UnsetType = UNSET
    level: Leaf = UNSET


def check_shape(kind: str, body: bytes, settings: Settings) -> bytes:
    """Return a body without what nobody reads of it, if it has the shape of its kind.

    Args:
        kind: name of the pydantic model that it is for.
        body: JSON; small ones are let pass as they are.
        settings: the limits.

    Raises:
        RequestError: it has not; the first flaw alone is named.
        RequestTooLarge: it has more series or rows than the limits allow.
    """
    if len(body) <= SMALL:
        return body
    try:
        return CHECKS[kind](body, settings)
    except msgspec.ValidationError as error:
        raise _flaw(error, ("body",)) from None
    except RecursionError:
        raise RequestError([(("body",), "lists in lists are too deep")]) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        if body.count(b"[") + body.count(b"{") <= LOOKED_INTO:
            return body  # pydantic says more clearly what it is
        raise RequestError([(("body",), f"Invalid JSON: {error}")]) from None


def _check_forecast(body: bytes, settings: Settings) -> bytes:
    asked = msgspec.json.decode(body, type=_Forecast)
    _check_flat(asked.levels, ("body", "levels"), MAX_COLUMNS)
    at: Loc = ("body", "series")
    most = settings.max_points + settings.max_horizon  # of known covariates
    if _bytes(asked.series).count(b"{") > settings.max_series:
        _check_count(asked.series, "series", settings.max_series, at)
    for i, one in enumerate(_decode(asked.series, list[_Series] | None, at) or ()):
        here: Loc = (*at, i)
        _check_flat(one.values, (*here, "values"), most)
        _check_flat(one.timestamps, (*here, "timestamps"), most)
        for name in ("past_covariates", "known_covariates"):
            _check_columns(getattr(one, name) or {}, (*here, name), most)
        _check_single(one.static_covariates or {}, (*here, "static_covariates"))
    return body


def _check_infer(body: bytes, settings: Settings) -> bytes:
    asked = msgspec.json.decode(body, type=_Infer)
    at: Loc = ("body", "inputs")
    inputs = _decode(asked.inputs, list[_Tensor], at)
    outputs = _decode(asked.outputs, list[_Output] | None, ("body", "outputs"))
    for name, parts in (("inputs", inputs), ("outputs", outputs)):
        _check_names(parts or (), ("body", name))
    for i, tensor in enumerate(inputs or ()):
        _check_flat(tensor.shape, (*at, i, "shape"), MAX_COLUMNS)
        rows = _bytes(tensor.data)
        if rows.count(b"[") - 1 > settings.max_series:
            found = rows.count(b"[") - 1
            raise RequestTooLarge("rows", found, settings.max_series, (*at, i, "data"))
        if rows.count(b",") >= settings.max_points and b'"' not in rows:
            found = rows.count(b",") + 1
            raise RequestTooLarge(
                "observations", found, settings.max_points, (*at, i, "data")
            )
        if b"{" in rows:
            _decode(tensor.data, list[Scalar | list[Scalar]] | None, (*at, i, "data"))
    if inputs is not None:
        asked.inputs = Raw(msgspec.json.encode(inputs))
    if outputs is not None:
        asked.outputs = Raw(msgspec.json.encode(outputs))
    return msgspec.json.encode(asked)


def _check_invocation(body: bytes, settings: Settings) -> bytes:
    asked = msgspec.json.decode(body, type=_Invocation)
    split, params = asked.dataframe_split, asked.params
    if isinstance(split, _Split):
        at: Loc = ("body", "dataframe_split")
        _check_flat(split.columns, (*at, "columns"), MAX_COLUMNS)
        names = _decode(split.columns, list[Scalar], (*at, "columns"))
        _check_names(names or (), (*at, "columns"))
        _check_rows(split.data, list[list[Scalar]], (*at, "data"), settings)
    if isinstance(params, _Params):
        _check_flat(params.levels, ("body", "params", "levels"), MAX_COLUMNS)
    for name in ("dataframe_records", "inputs", "instances"):
        _check_table(getattr(asked, name), ("body", name), settings)
    return msgspec.json.encode(asked)


def _check_table(table: Leaf, at: Loc, settings: Settings) -> None:
    if _bytes(table)[:1] == b"{" and at[-1] != "dataframe_records":
        _check_columns(_decode(table, dict[str, Raw], at), at, settings.max_points)
    else:
        _check_rows(table, list[dict[str, Scalar]] | None, at, settings)


def _check_rows(rows: Leaf, kind: Any, at: Loc, settings: Settings) -> None:
    """Refuse more rows than the limits allow; and other things where they are many."""
    for mark in (b"[", b"{"):
        if _bytes(rows).count(mark) > settings.max_points + 1:
            _check_count(rows, "observations", settings.max_points, at)
            _decode(rows, kind, at)


def _check_asked(body: bytes, settings: Settings) -> bytes:
    asked = msgspec.json.decode(body, type=_Asked)
    _check_flat(asked.level, ("body", "level"), MAX_COLUMNS)
    sent = asked.series
    if isinstance(sent, _Sent):
        for name in ("y", "sizes", "start_datetime"):
            _check_flat(
                getattr(sent, name), ("body", "series", name), settings.max_points
            )
        sent.X, sent.X_future = _whether(sent.X), _whether(sent.X_future)
    asked.model_parameters = _whether(asked.model_parameters)
    return msgspec.json.encode(asked)


def _whether(leaf: Leaf) -> Leaf:
    """Return the least that says the same of what is refused unless it is empty."""
    least = {b"[": b"[0]", b"{": b'{"":0}'}.get(_bytes(leaf)[:1])
    empty = len(_bytes(leaf)) < SMALL
    return leaf if least is None or empty else Raw(least)


def _check_flat(leaf: Leaf, at: Loc, most: int) -> None:
    """Refuse lists in a list, and more numbers or texts than there may be."""
    text = _bytes(leaf)
    if text.count(b"[") > 1 or b"{" in text:
        _decode(leaf, list[Scalar] | None, at)
    elif text.count(b",") >= most:
        found = text.count(b",") + 1
        if b'"' in text:  # which may hold commas
            found = len(_decode(leaf, list[Scalar] | None, at) or ())
        if found > most:
            raise RequestTooLarge("numbers or texts", found, most, at)


def _check_columns(columns: Mapping[str, Raw], at: Loc, most: int) -> None:
    _check_names(columns, at)
    for name, column in columns.items():
        _check_flat(column, (*at, name), most)


def _check_single(values: Mapping[str, Raw], at: Loc) -> None:
    """Refuse lists and objects where there is one value for each name."""
    _check_names(values, at)
    for name, value in values.items():
        if _bytes(value)[:1] in (b"[", b"{"):
            raise RequestError([((*at, name), NESTED)])


def _check_names(names: Any, at: Loc) -> None:
    if len(names) > MAX_COLUMNS:
        raise RequestError([(at, f"{len(names):,} of them; at most {MAX_COLUMNS:,}")])


def _check_count(leaf: Leaf, what: str, most: int, at: Loc) -> None:
    """Refuse a list of too many series or observations."""
    if _bytes(leaf)[:1] == b"[" and (found := len(_decode(leaf, list[Raw], at))) > most:
        raise RequestTooLarge(what, found, most, at)


def _decode(leaf: Leaf, kind: Any, at: Loc) -> Any:
    if leaf is UNSET:
        return None
    try:
        return msgspec.json.decode(leaf, type=kind)
    except msgspec.ValidationError as error:
        raise _flaw(error, at) from None


def _bytes(leaf: Leaf) -> bytes:
    return b"" if isinstance(leaf, UnsetType) else bytes(leaf)


def _flaw(error: msgspec.ValidationError, at: Loc) -> RequestError:
    """Return what msgspec says as an error with its place."""
    message, _, path = str(error).rpartition(" - at `$")
    if not message:
        message, path = str(error), ""
    steps = PATH.findall(path.rstrip("`"))
    place = [int(i) if i.isdigit() else name or i for i, name in steps]
    if unknown := UNKNOWN.fullmatch(message):
        return RequestError([((*at, *place, unknown[1]), "unknown key")])
    nested = "Expected `bool | int | float | str | null`, got `"
    return RequestError([((*at, *place), NESTED if nested in message else message)])


CHECKS: Mapping[str, Check] = {
    "ForecastRequest": _check_forecast,
    "InferRequest": _check_infer,
    "Invocation": _check_invocation,
} | dict.fromkeys(
    ("AskedForecast", "AskedWindows", "AskedAnomalies", "AskedLatest"), _check_asked
)
