"""The covariates of the last observations, as tensors that a model keeps.

Numbers stay as they are; text is kept as its codes, so that a category that training
never saw comes back as empty text, which is unknown too.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from forecasting.covariates import Covariate, Covariates
from forecasting.errors import ShapeError
from forecasting.future import Ahead, Column
from forecasting.series import Panel

NONE: dict[str, Any] = {"columns": [], "cycles": []}  # of a model without covariates


def pack_columns(covariates: Covariates, context: Panel) -> dict[str, Tensor]:
    """Return the covariates of a panel, and what is known behind it, as tensors."""
    tensors = {}
    for one in covariates.columns:
        observed = context.covariates[one.name]
        tensors[f"covariates.{one.name}"] = _pack(one, observed)
        if one.name in context.future:
            ahead = context.future[one.name]
            tensors[f"future.{one.name}"] = _pack(one, ahead.values)
            tensors[f"future_offsets.{one.name}"] = torch.from_numpy(ahead.offsets)
    return tensors


def unpack_columns(
    covariates: Covariates, tensors: dict[str, Tensor]
) -> dict[str, Any]:
    """Return what `pack_columns` packed, as fields of a `Panel`.

    Raises:
        LookupError, ValueError: a tensor is missing, or does not fit.
    """
    columns, future = {}, {}
    points = len(tensors["context.values"])
    for one in covariates.columns:
        columns[one.name] = _unpack(one, tensors[f"covariates.{one.name}"])
        if columns[one.name].shape != (points,):
            name = f"covariates.{one.name}"
            raise ShapeError(name, columns[one.name].shape, (points,))
        if f"future.{one.name}" in tensors:
            values = _unpack(one, tensors[f"future.{one.name}"])
            offsets = tensors[f"future_offsets.{one.name}"].numpy()
            if len(offsets) != len(tensors["context.offsets"]):
                name = f"future_offsets.{one.name}"
                raise ShapeError(name, offsets.shape, ("series + 1",))
            if (np.diff(offsets, prepend=0, append=len(values)) < 0).any():
                raise ValueError(f"future_offsets.{one.name} do not ascend")
            future[one.name] = Ahead(values, offsets)
    roles = {one.name: one.role for one in covariates.columns}
    return {"covariates": columns, "roles": roles, "future": future}


def _pack(one: Covariate, values: Column) -> Tensor:
    if one.categories is not None:
        return torch.from_numpy(one.encode(values).astype(np.int64))
    return torch.from_numpy(values)


def _unpack(one: Covariate, tensor: Tensor) -> Column:
    array = tensor.numpy()
    return array if one.categories is None else one.decode(array)
