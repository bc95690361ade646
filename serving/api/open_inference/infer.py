"""From a request of the Open Inference Protocol to its answer; runs in a thread.

The input ``values`` holds one history a row; the outputs ``point``, ``lower_80``,
``upper_80``, ... have one row for each. Covariates and timestamps have no place in it.
"""

from collections.abc import Collection, Sequence
from typing import Any

from pydantic_core import to_json

from forecasting.data.forecast import Forecast
from forecasting.data.panel import Panel
from forecasting.errors import DataError, SettingError
from forecasting.forecaster.forecaster import LEVELS
from forecasting.forecaster.history import least_history
from forecasting.types import FloatArray
from serving.api.open_inference.tensors import (
    DATATYPES,
    InferRequest,
    Tensor,
    by_name,
    numbers,
)
from serving.errors import Loc, RequestError
from serving.forecasts.limits import Places, check_limits
from serving.http.validation import read_body
from serving.registry.loaded_model import LoadedModel
from serving.settings import Settings

ANY = -1  # a size that a client may choose


AT: Loc = ("body", "inputs")  # flaws of their values: the protocol shows no places


def infer(model: LoadedModel, body: bytes, settings: Settings) -> tuple[bytes, int]:
    """Return the answer to a request as JSON, and how many series it forecasts.

    Args:
        model: that shall make the forecast.
        body: JSON of an `InferRequest`.
        settings: the limits.

    Raises:
        RequestError: the body, or a tensor in it, cannot be used.
        RequestTooLarge: it asks for more than the limits.
    """
    asked = read_body(InferRequest, body, settings)
    tensors = by_name(asked.inputs)
    values, horizon, levels = _arguments(tensors, model, settings)
    made = _forecast(model, values, horizon, levels)
    outputs = _outputs(made)
    names = list(outputs)
    if asked.outputs is not None:
        names = [one.name for one in asked.outputs]
        _check_names(names, outputs)
    answer: dict[str, Any] = {"model_name": model.name, "model_version": model.version}
    if asked.id is not None:
        answer["id"] = asked.id
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


def tensor_metadata() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return what the protocol says of inputs and outputs: name, datatype, shape."""
    shapes = {"values": [ANY, ANY], "horizon": [1], "levels": [ANY]}
    inputs = [
        {"name": name, "datatype": DATATYPES[name][0], "shape": shape}
        for name, shape in shapes.items()
    ]
    bounds = [f"{side}_{level:g}" for level in LEVELS for side in ("lower", "upper")]
    outputs = [
        {"name": name, "datatype": "FP64", "shape": [ANY, ANY]}
        for name in ("point", *bounds)
    ]
    return inputs, outputs


def _arguments(
    tensors: dict[str, tuple[int, Tensor]], model: LoadedModel, settings: Settings
) -> tuple[FloatArray, int, tuple[float, ...]]:
    """Return the histories (batch, length), the horizon and the levels."""
    horizon, levels = None, tuple(LEVELS)
    if "levels" in tensors:
        levels = tuple(numbers(*tensors["levels"], sizes=1).tolist())
    if "horizon" in tensors:
        horizon = int(numbers(*tensors["horizon"], sizes=1, only=1)[0])
    batch, length = (*tensors["values"][1].shape, 0)[:2]
    steps = model.forecaster.windows.horizon if horizon is None else horizon
    check_limits(
        settings,
        series=batch,
        points=batch * length,
        horizon=horizon,
        levels=len(levels),
        numbers=batch * steps * (1 + 2 * len(levels)),
        places=Places(AT, AT, AT, AT),
    )
    return numbers(*tensors["values"], sizes=2), steps, levels


def _check_names(names: Sequence[str], outputs: Collection[str]) -> None:
    """Refuse outputs that there are not, and those named twice: one could be a million.

    Raises:
        RequestError: there is such a name.
    """
    for i, name in enumerate(names):
        at: Loc = ("body", "outputs", i, "name")
        if name not in outputs:
            message = f"there is no output {name!r:.100}; there is {', '.join(outputs)}"
            raise RequestError([(at, message)])
        if name in names[:i]:
            raise RequestError([(at, f"{name!r} is named twice; name it once")])


def _forecast(
    model: LoadedModel, values: FloatArray, horizon: int, levels: tuple[float, ...]
) -> Forecast:
    fitted = model.forecaster.fitted
    assert fitted is not None
    if fitted.covariates.columns or fitted.covariates.cycles:
        message = "this model needs covariates or timestamps, for which the protocol "
        message += f"has no place: ask it at /v1/models/{model.name}/forecast"
        raise RequestError([(AT, message)])
    least = least_history(fitted)
    if not len(values) or values.shape[1] < least:
        message = f"a batch of one at least, of {least} values or more each, is needed;"
        raise RequestError([(AT, f"{message} found {list(values.shape)}")])
    rows = {f"row {i} of values": row for i, row in enumerate(values)}
    panel = Panel.from_values(rows, freq=fitted.context.calendar.freq)
    try:
        return model.forecaster.predict(panel, horizon=horizon, levels=levels)
    except (DataError, SettingError) as error:
        raise RequestError([(AT, str(error))], error) from error


def _outputs(made: Forecast) -> dict[str, FloatArray]:
    outputs = {"point": made.points}
    for level, (lower, upper) in made.intervals.items():
        outputs[f"lower_{level:g}"], outputs[f"upper_{level:g}"] = lower, upper
    return outputs
