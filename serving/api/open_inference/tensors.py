"""Tensors of the Open Inference Protocol: JSON schemas and conversion to arrays."""

from collections.abc import Sequence
from itertools import chain
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from forecasting.types import FloatArray
from serving.errors import Loc, RequestError

FLOATS, INTEGERS = ("FP64", "FP32"), ("INT64", "INT32")
DATATYPES = {"values": FLOATS, "horizon": INTEGERS, "levels": FLOATS}
Size = Annotated[int, Field(strict=True, ge=0)]

# `numbers` checks it against the shape: flat, or nested in the same shape.
Data = Annotated[
    list[Any],
    WithJsonSchema(
        {
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


class Tensor(BaseModel):
    """An input tensor, its data flat in row-major order or nested by its shape."""

    name: str = Field(examples=list(DATATYPES))
    shape: Annotated[list[Size], Field(fail_fast=True, min_length=1, max_length=2)]
    datatype: str = Field(examples=["FP64", "FP32", "INT64", "INT32"])
    parameters: dict[str, Any] = {}
    data: Data | None = None


class RequestedOutput(BaseModel):
    """A requested output."""

    name: str = Field(examples=["point", "lower_80", "upper_80"])
    parameters: dict[str, Any] = {}


class InferRequest(BaseModel):
    """An inference request: histories to continue, one per row of ``values``."""

    model_config = ConfigDict(
        use_attribute_docstrings=True,
        json_schema_extra={
            "examples": [
                {
                    "inputs": [
                        {
                            "name": "values",
                            "datatype": "FP64",
                            "shape": [1, 6],
                            "data": [112.0, 118.0, 132.0, 129.0, 121.0, 135.0],
                        },
                        {
                            "name": "horizon",
                            "datatype": "INT64",
                            "shape": [1],
                            "data": [2],
                        },
                    ]
                }
            ]
        },
    )

    id: str | None = None
    """Returned in the response."""
    parameters: dict[str, Any] = {}
    inputs: Annotated[list[Tensor], Field(fail_fast=True)]
    """``values`` (batch, length); optional: ``horizon`` (1) and ``levels`` (n)."""
    outputs: Annotated[list[RequestedOutput], Field(fail_fast=True)] | None = None
    """Default all."""


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
        if tensor.data is None:
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
    flat: list[Any] = tensor.data or []
    if flat and all(type(row) is list for row in flat) and len(flat) == shape[0]:
        _check_widths(flat, shape, (*loc, "data"))
        flat = list(chain.from_iterable(flat))
    is_integer = tensor.datatype in INTEGERS
    if not set(map(type, flat)) <= ({int} if is_integer else {int, float}):
        message = f"{'whole ' if is_integer else ''}numbers are needed"
        raise RequestError([((*loc, "data"), message)])
    if len(flat) != np.prod(shape, dtype=float):
        message = f"{len(flat)} numbers; the shape {shape} needs another number of them"
        raise RequestError([((*loc, "data"), message)])
    try:
        array = np.array(flat, dtype=np.float64)
    except OverflowError:
        array = np.array([np.inf])
    if not np.isfinite(array).all():
        raise RequestError([((*loc, "data"), "numbers must be finite")])
    return array.reshape(shape)


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
