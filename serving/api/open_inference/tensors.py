"""Tensors of the Open Inference Protocol: their JSON, and the numbers in them."""

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


# Checked against the shape later, in `numbers`: flat, or nested as the shape is.
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
    """One input: its data flat in row-major order, or nested as its shape is."""

    name: str = Field(examples=list(DATATYPES))
    shape: Annotated[list[Size], Field(fail_fast=True, min_length=1, max_length=2)]
    datatype: str = Field(examples=["FP64", "FP32", "INT64", "INT32"])
    parameters: dict[str, Any] = {}
    data: Data | None = None


class RequestedOutput(BaseModel):
    """One output that shall come back."""

    name: str = Field(examples=["point", "lower_80", "upper_80"])
    parameters: dict[str, Any] = {}


class InferRequest(BaseModel):
    """Histories to continue, one a row of ``values``."""

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
    """Comes back with the answer."""
    parameters: dict[str, Any] = {}
    inputs: Annotated[list[Tensor], Field(fail_fast=True)]
    """``values`` (batch, length); if wanted, ``horizon`` (1) and ``levels`` (n)."""
    outputs: Annotated[list[RequestedOutput], Field(fail_fast=True)] | None = None
    """Default all."""


class OutputTensor(BaseModel):
    """One output, flat in row-major order; null beyond the range of numbers."""

    name: str
    datatype: str
    shape: list[int]
    data: list[float | None]


class InferAnswer(BaseModel):
    """Forecasts, one a row, and the version that made them."""

    model_name: str
    model_version: str
    id: str | None = Field(None, description="That of the request; absent without one.")
    outputs: list[OutputTensor]


def by_name(inputs: Sequence[Tensor]) -> dict[str, tuple[int, Tensor]]:
    """Return the inputs by name, each with its place among them.

    Raises:
        RequestError: one is unknown, given twice, of another type, or not JSON.
    """
    tensors: dict[str, tuple[int, Tensor]] = {}
    for i, tensor in enumerate(inputs):
        at: Loc = ("body", "inputs", i)
        if tensor.name not in DATATYPES:
            message = f"there is no input {tensor.name!r}; there is values, the "
            message += "histories, and if wanted horizon and levels"
            raise RequestError([((*at, "name"), message)])
        if tensor.name in tensors:
            raise RequestError([((*at, "name"), f"{tensor.name!r} is given twice")])
        known = DATATYPES[tensor.name]
        if tensor.datatype not in known:
            message = f"one of {', '.join(known)}; found {tensor.datatype!r:.50}"
            raise RequestError([((*at, "datatype"), message)])
        if tensor.data is None:
            message = "send the tensor as JSON: this service takes no binary data and "
            message += "no shared memory (in Triton's client, binary_data=False)"
            raise RequestError([((*at, "data"), message)])
        tensors[tensor.name] = i, tensor
    if "values" not in tensors:
        message = "an input 'values' (batch, length) is needed"
        raise RequestError([(("body", "inputs"), message)])
    return tensors


def numbers(
    i: int, tensor: Tensor, *, sizes: int, only: int | None = None
) -> FloatArray:
    """Return a tensor's data in its shape.

    Args:
        i: its place among the inputs.
        tensor: as it was sent.
        sizes: that its shape must have.
        only: what its size must be, if not free.

    Raises:
        RequestError: shape and data are not what they must be.
    """
    at: Loc = ("body", "inputs", i)
    shape = tensor.shape
    if len(shape) != sizes or (only is not None and shape != [only]):
        wanted = "(batch, length)" if sizes == 2 else "(1)" if only else "(n)"
        raise RequestError([((*at, "shape"), f"{wanted} is needed; found {shape}")])
    flat: list[Any] = tensor.data or []
    if flat and all(type(row) is list for row in flat) and len(flat) == shape[0]:
        _check_widths(flat, shape, (*at, "data"))
        flat = list(chain.from_iterable(flat))
    whole = tensor.datatype in INTEGERS
    if not set(map(type, flat)) <= ({int} if whole else {int, float}):
        message = f"{'whole ' if whole else ''}numbers are needed"
        raise RequestError([((*at, "data"), message)])
    if len(flat) != np.prod(shape, dtype=float):
        message = f"{len(flat)} numbers; the shape {shape} needs another number of them"
        raise RequestError([((*at, "data"), message)])
    try:
        array = np.array(flat, dtype=np.float64)
    except OverflowError:
        array = np.array([np.inf])
    if not np.isfinite(array).all():
        raise RequestError([((*at, "data"), "numbers must be finite")])
    return array.reshape(shape)


def _check_widths(rows: Sequence[Sequence[Any]], shape: Sequence[int], at: Loc) -> None:
    """Refuse rows of other lengths than the shape says.

    Raises:
        RequestError: the first of them is named.
    """
    width = shape[1] if len(shape) > 1 else 1
    for j, row in enumerate(rows):
        if len(row) != width:
            message = f"{len(row)} numbers in this row; the shape {shape} needs {width}"
            raise RequestError([((*at, j), message)])
