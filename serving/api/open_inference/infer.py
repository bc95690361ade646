"""Handling of inference requests, body to response body; runs in a worker thread.

The input ``values`` holds one history per row; the outputs ``point``, ``lower_80``,
``upper_80``, ... have one row for each. The protocol has no covariates and timestamps.
"""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from pydantic_core import to_json

from forecasting.data.forecast import check_horizon, check_levels
from forecasting.forecaster.forecaster import LEVELS
from forecasting.forecaster.history import Histories
from forecasting.forecaster.predict import by_level, check_finite
from forecasting.types import FloatArray
from serving.api.open_inference.tensors import (
    DATATYPES,
    INFER,
    Tensor,
    by_name,
    numbers,
)
from serving.errors import Loc, RequestError
from serving.http.limits import check_limits
from serving.http.locations import FlawLocations, located_errors
from serving.registry.loaded_model import LoadedModel
from serving.settings import Settings

ANY_SIZE = -1  # a dimension of any size
INPUTS: Loc = ("body", "inputs")  # of all flaws: the protocol reports no locations
LOCATIONS = FlawLocations(INPUTS, INPUTS, INPUTS, INPUTS)


def infer(
    model: LoadedModel, _alias: str | None, body: bytes, settings: Settings
) -> tuple[bytes, int]:
    """Forecast and return the response body as JSON, and the number of series.

    Args:
        model: model to forecast with.
        body: JSON of an `InferRequest`.
        settings: the limits.

    Raises:
        RequestError: the body, or a tensor in it, cannot be used.
        RequestTooLarge: it exceeds the limits.
    """
    request = INFER.decode(body)
    tensors = by_name(request.inputs)
    values, horizon, levels = _arguments(tensors, model, settings)
    outputs = _forecast(model, values, horizon, levels)
    names = list(outputs)
    if request.outputs is not None:
        names = [output.name for output in request.outputs]
        _check_names(names, outputs)
    answer: dict[str, Any] = {"model_name": model.name, "model_version": model.version}
    if request.id is not None:
        answer["id"] = request.id
    answer["outputs"] = [
        {
            "name": name,
            "datatype": "FP64",
            "shape": list(outputs[name].shape),
            "data": outputs[name].ravel().tolist(),
        }
        for name in names
    ]
    return to_json(answer, inf_nan_mode="null"), len(values)


def check_servable(model: LoadedModel) -> None:
    """Refuse a model that the protocol has no inputs for.

    Raises:
        RequestError: the model has covariates, or seasons by timestamps.
    """
    if model.predictor.model.covariates:
        message = "this model needs covariates or timestamps, for which the protocol "
        message += f"has no place: ask it at /v1/models/{model.name}/forecast"
        raise RequestError([(INPUTS, message)])


def tensor_metadata() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return name, datatype and shape of the inputs and of the outputs."""
    shapes = {"values": [ANY_SIZE, ANY_SIZE], "horizon": [1], "levels": [ANY_SIZE]}
    inputs = [
        {"name": name, "datatype": DATATYPES[name][0], "shape": shape}
        for name, shape in shapes.items()
    ]
    bounds = [f"{side}_{level:g}" for level in LEVELS for side in ("lower", "upper")]
    outputs = [
        {"name": name, "datatype": "FP64", "shape": [ANY_SIZE, ANY_SIZE]}
        for name in ("point", *bounds)
    ]
    return inputs, outputs


def _arguments(
    tensors: dict[str, tuple[int, Tensor]], model: LoadedModel, settings: Settings
) -> tuple[FloatArray, int, tuple[float, ...]]:
    """Return the histories (batch, length), the horizon and the levels."""
    horizon, levels = None, tuple(LEVELS)
    if "levels" in tensors:
        levels = tuple(numbers(*tensors["levels"], ndim=1).tolist())
    if "horizon" in tensors:
        horizon = int(numbers(*tensors["horizon"], ndim=1, size=1)[0])
    batch, length = (*tensors["values"][1].shape, 0)[:2]
    steps = model.forecaster.windows.horizon if horizon is None else horizon
    check_limits(
        settings,
        series=batch,
        points=batch * length,
        horizon=horizon,
        levels=len(levels),
        numbers=batch * steps * (1 + 2 * len(levels)),
        locations=LOCATIONS,
    )
    return numbers(*tensors["values"], ndim=2), steps, levels


def _check_names(names: Sequence[str], outputs: Collection[str]) -> None:
    """Refuse unknown and repeated output names: a repeated one multiplies the response.

    Raises:
        RequestError: a name is unknown or repeated.
    """
    for i, name in enumerate(names):
        loc: Loc = ("body", "outputs", i, "name")
        if name not in outputs:
            message = f"there is no output {name!r:.100}; there is {', '.join(outputs)}"
            raise RequestError([(loc, message)])
        if name in names[:i]:
            raise RequestError([(loc, f"{name!r} is named twice; name it once")])


def _forecast(
    model: LoadedModel, values: FloatArray, horizon: int, levels: tuple[float, ...]
) -> dict[str, FloatArray]:
    """Return the outputs by name, ``(batch, horizon)`` each."""
    check_servable(model)
    fitted = model.predictor.model
    minimum, (rows, length) = fitted.min_observations, values.shape
    if not rows or length < minimum:
        message = (
            f"a batch of one at least, of {minimum} values or more each, is needed;"
        )
        raise RequestError([(INPUTS, f"{message} found {list(values.shape)}")])
    begins = np.arange(rows) * length
    with located_errors(LOCATIONS):
        histories = Histories(
            values=values.ravel(),
            begins=begins,
            ends=begins + length,
            places=fitted.find_places([f"row {row} of values" for row in range(rows)]),
        )
        steps, ascending = check_horizon(horizon), check_levels(levels)
        points, bounds = model.predictor.forecast(
            histories, steps=steps, levels=ascending
        )
        check_finite(points)
    outputs = {"point": points}
    for level, (lower, upper) in by_level(ascending, bounds).items():
        outputs[f"lower_{level:g}"], outputs[f"upper_{level:g}"] = lower, upper
    return outputs
