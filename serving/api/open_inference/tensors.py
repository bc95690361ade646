"""Tensors of the Open Inference Protocol: JSON schemas and conversion to arrays."""

import math
import re
from collections.abc import Sequence
from itertools import chain
from typing import Annotated, Any

import numpy as np
from msgspec import UNSET, Meta, Raw, Struct, UnsetType
from pydantic import BaseModel, Field

from forecasting.types import FloatArray
from serving.errors import Loc, RequestError
from serving.http.decoding import BodyDecoder

FLOATS, INTEGERS = ("FP64", "FP32"), ("INT64", "INT32")
DATATYPES = {"values": FLOATS, "horizon": INTEGERS, "levels": FLOATS}
NESTED = re.compile(rb"\s*\[\s*\[")
DECODERS: dict[tuple[bool, bool], BodyDecoder[Any]] = {  # by integer, nested
    (False, False): BodyDecoder(list[float]),
    (False, True): BodyDecoder(list[list[float]]),
    (True, False): BodyDecoder(list[int]),
    (True, True): BodyDecoder(list[list[int]]),
}
ANY_DATA = BodyDecoder[Any](list[float | list[float]] | None)
Size = Annotated[int, Meta(ge=0)]

# `numbers` decodes it by the shape: flat, or nested in the same shape.
Data = Annotated[
    Raw,
    Meta(
        extra_json_schema={
            "type": "array",
            "items": {
                "anyOf": [
                    {"type": "number"},
                    {"type": "array", "items": {"type": "number"}},
                ]
            },
        }
    ),
]


class Tensor(Struct, gc=False):
    """An input tensor, its data flat in row-major order or nested by its shape.

    Parameters are ignored.
    """

    name: Annotated[str, Meta(examples=list(DATATYPES))]
    shape: Annotated[list[Size], Meta(min_length=1, max_length=2)]
    datatype: Annotated[str, Meta(examples=["FP64", "FP32", "INT64", "INT32"])]
    data: Data | UnsetType = UNSET


class RequestedOutput(Struct, gc=False):
    """A requested output. Parameters are ignored."""

    name: Annotated[str, Meta(examples=["point", "lower_80", "upper_80"])]


class InferRequest(Struct, gc=False):
    """An inference request: histories to continue, one per row of ``values``."""

    inputs: Annotated[
        list[Tensor],
        Meta(
            description="``values`` (batch, length); optional: ``horizon`` (1) and "
            "``levels`` (n)."
        ),
    ]
    id: Annotated[str | None, Meta(description="Returned in the response.")] = None
    outputs: Annotated[
        list[RequestedOutput] | None, Meta(description="Default all.")
    ] = None


EXAMPLES: list[dict[str, Any]] = [
    {
        "inputs": [
            {
                "name": "values",
                "datatype": "FP64",
                "shape": [1, 6],
                "data": [112.0, 118.0, 132.0, 129.0, 121.0, 135.0],
            },
            {"name": "horizon", "datatype": "INT64", "shape": [1], "data": [2]},
        ]
    }
]


def locate_infinite(request: InferRequest) -> Loc | None:
    """Return the location of the first infinite number in the tensors, or None."""
    for index, tensor in enumerate(request.inputs):
        try:
            if isinstance(tensor.data, Raw):
                ANY_DATA.decode(tensor.data, ("body", "inputs", index, "data"))
        except RequestError as error:
            return tuple(error.flaws[0].loc)
    return None


INFER = BodyDecoder[InferRequest](InferRequest, locate_infinite)


def has_data(tensor: Tensor) -> bool:
    """Return whether a tensor is sent as JSON."""
    return isinstance(tensor.data, Raw) and bytes(tensor.data) != b"null"


class OutputTensor(BaseModel):
    """An output tensor, flat in row-major order; null where infinite."""

    name: str
    datatype: str
    shape: list[int]
    data: list[float | None]


class InferAnswer(BaseModel):
    """Forecasts, one per row, and the model version that made them."""

    model_name: str
    model_version: str
    id: str | None = Field(
        None, description="The id of the request; absent without one."
    )
    outputs: list[OutputTensor]


def by_name(inputs: Sequence[Tensor]) -> dict[str, tuple[int, Tensor]]:
    """Return the inputs by name, each with its index.

    Raises:
        RequestError: an input is unknown, repeated, of another type, or not JSON.
    """
    tensors: dict[str, tuple[int, Tensor]] = {}
    for i, tensor in enumerate(inputs):
        loc: Loc = ("body", "inputs", i)
        if tensor.name not in DATATYPES:
            message = f"there is no input {tensor.name!r}; there is values, the "
            message += "histories, and if wanted horizon and levels"
            raise RequestError([((*loc, "name"), message)])
        if tensor.name in tensors:
            raise RequestError([((*loc, "name"), f"{tensor.name!r} is given twice")])
        datatypes = DATATYPES[tensor.name]
        if tensor.datatype not in datatypes:
            message = f"one of {', '.join(datatypes)}; found {tensor.datatype!r:.50}"
            raise RequestError([((*loc, "datatype"), message)])
        if not has_data(tensor):
            message = "send the tensor as JSON: this service takes no binary data and "
            message += "no shared memory (in Triton's client, binary_data=False)"
            raise RequestError([((*loc, "data"), message)])
        tensors[tensor.name] = i, tensor
    if "values" not in tensors:
        message = "an input 'values' (batch, length) is needed"
        raise RequestError([(("body", "inputs"), message)])
    return tensors


def numbers(
    index: int, tensor: Tensor, *, ndim: int, size: int | None = None
) -> FloatArray:
    """Return a tensor's data as an array of its shape.

    Args:
        index: index of the tensor in the inputs.
        tensor: tensor of the request.
        ndim: required number of dimensions.
        size: required size of a one-dimensional tensor; None for any size.

    Raises:
        RequestError: the shape or the data are wrong.
    """
    loc: Loc = ("body", "inputs", index)
    shape = tensor.shape
    if len(shape) != ndim or (size is not None and shape != [size]):
        expected = "(batch, length)" if ndim == 2 else "(1)" if size else "(n)"
        raise RequestError([((*loc, "shape"), f"{expected} is needed; found {shape}")])
    flat = _decode(tensor, (*loc, "data"))
    if len(flat) != math.prod(shape):
        message = f"{len(flat)} numbers; the shape {shape} needs another number of them"
        raise RequestError([((*loc, "data"), message)])
    try:
        return np.array(flat, dtype=np.float64).reshape(shape)
    except OverflowError:  # whole numbers may be larger
        message = "a finite number is needed"
        raise RequestError([((*loc, "data"), message)]) from None


def _decode(tensor: Tensor, loc: Loc) -> Sequence[float]:
    """Return the numbers of a tensor, flat.

    Raises:
        RequestError: there are more than the shape needs, or other things.
    """
    assert isinstance(tensor.data, Raw)
    shape, text = tensor.shape, bytes(tensor.data)
    num_rows, count = text.count(b"[") - 1, text.count(b",") + 1
    if num_rows > shape[0] or count > max(1, math.prod(shape)):
        items = f"{num_rows} rows" if num_rows > shape[0] else f"{count} numbers"
        message = f"{items}; the shape {shape} needs another number of them"
        raise RequestError([(loc, message)])
    is_nested = NESTED.match(text) is not None
    is_integer = tensor.datatype in INTEGERS
    numbers = DECODERS[is_integer, is_nested].decode(text, loc)
    if is_nested:
        _check_widths(numbers, shape, loc)
        numbers = list(chain.from_iterable(numbers))
    return numbers  # type: ignore[no-any-return]


def _check_widths(
    rows: Sequence[Sequence[Any]], shape: Sequence[int], loc: Loc
) -> None:
    """Refuse rows of other lengths than the shape.

    Raises:
        RequestError: names the first of them.
    """
    width = shape[1] if len(shape) > 1 else 1
    for j, row in enumerate(rows):
        if len(row) != width:
            message = f"{len(row)} numbers in this row; the shape {shape} needs {width}"
            raise RequestError([((*loc, j), message)])
