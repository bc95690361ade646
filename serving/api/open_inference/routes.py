"""Routes of the Open Inference Protocol, version 2, as KServe and Triton implement it.

Errors have the format of the protocol, ``{"error": "..."}``, also at its addresses that
are not answered here (`serving.http.problems`).
"""

from http import HTTPStatus
from importlib.metadata import version as package_version
from typing import Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel
from starlette.responses import Response

from serving.api.open_inference.infer import check_servable, infer, tensor_metadata
from serving.api.open_inference.tensors import InferAnswer
from serving.api.respond import Selection, in_thread, respond
from serving.errors import NotReady, UnsupportedMedia
from serving.http.validation import refuse_encoded
from serving.observability.health import FORECASTING_STATES, readiness
from serving.registry.loaded_model import require_forecaster
from serving.service import Service, ServiceDependency

BINARY_HEADER = "Inference-Header-Content-Length"  # of the binary tensor extension
MODEL, VERSION = "/v2/models/{name}", "/v2/models/{name}/versions/{version}"


class ServerMetadata(BaseModel):
    """Name and version of the server."""

    name: str
    version: str
    extensions: list[str]


class Live(BaseModel):
    """Liveness of the process."""

    live: bool


class Ready(BaseModel):
    """Readiness of the service to forecast."""

    ready: bool


class ModelReady(Ready):
    """Readiness of a model."""

    name: str


class TensorMetadata(BaseModel):
    """Name, datatype and shape of a tensor; a size of -1 is variable."""

    name: str
    datatype: str
    shape: list[int]


class ModelMetadata(BaseModel):
    """A model with its input and output tensors."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]


class InferenceError(BaseModel):
    """The message of an error."""

    error: str


def _failures(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI responses of error statuses."""
    return {
        status: {"description": HTTPStatus(status).phrase, "model": InferenceError}
        for status in statuses
    }


router = APIRouter(
    tags=["Open Inference Protocol"],
    dependencies=[Depends(refuse_encoded)],
)

BODY = {  # the worker thread decodes it
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"$ref": "#/components/schemas/InferRequest"}
            }
        },
    }
}


@router.get("/v2", responses=_failures(500))
async def server_metadata() -> ServerMetadata:
    """Return the server's name and its protocol extensions: none."""
    number = package_version("recast-forecasting")
    return ServerMetadata(name="recast", version=number, extensions=[])


@router.get("/v2/health/live", responses=_failures(500))
async def live() -> Live:
    """Report that the process answers."""
    return Live(live=True)


@router.get("/v2/health/ready", responses=_failures(500, 503))
async def ready(service: ServiceDependency) -> Ready:
    """Report whether the service can forecast."""
    if readiness(service.models, service.poller).state not in FORECASTING_STATES:
        raise NotReady
    return Ready(ready=True)


@router.get(f"{MODEL}/ready", responses=_failures(404, 422, 500, 503))
async def model_ready(name: str, service: ServiceDependency) -> ModelReady:
    """Report whether the model's version under the service's alias can forecast.

    A model with covariates cannot by this protocol: status 422.
    """
    await _find_servable(service, name)
    return ModelReady(name=name, ready=True)


@router.get(f"{VERSION}/ready", responses=_failures(404, 422, 500, 503))
async def version_ready(
    name: str, version: str, service: ServiceDependency
) -> ModelReady:
    """Report whether a version of the model can forecast by this protocol."""
    await _find_servable(service, name, version)
    return ModelReady(name=name, ready=True)


@router.get(MODEL, responses=_failures(404, 422, 500, 503))
async def model_metadata(name: str, service: ServiceDependency) -> ModelMetadata:
    """Describe the input and output tensors of a model.

    The input `levels` determines the names of the outputs.
    """
    return await _describe(service, name)


@router.get(VERSION, responses=_failures(404, 422, 500, 503))
async def version_metadata(
    name: str, version: str, service: ServiceDependency
) -> ModelMetadata:
    """Describe the input and output tensors of a version of the model."""
    return await _describe(service, name, version)


@router.post(
    f"{MODEL}/infer",
    response_model=InferAnswer,
    responses=_failures(404, 408, 413, 415, 422, 500, 503),
    openapi_extra=BODY,
)
async def model_infer(
    name: str, request: Request, service: ServiceDependency
) -> Response:
    """Forecast the next steps of each row of the input `values`.

    The protocol has no covariates and timestamps, and every row is a series that the
    model has not seen. Tensors are JSON, never binary.
    """
    return await _infer(request, service, name)


@router.post(
    f"{VERSION}/infer",
    response_model=InferAnswer,
    responses=_failures(404, 408, 413, 415, 422, 500, 503),
    openapi_extra=BODY,
)
async def version_infer(
    name: str, version: str, request: Request, service: ServiceDependency
) -> Response:
    """Forecast the next steps of each row of `values` by a version of the model."""
    return await _infer(request, service, name, version)


async def _find_servable(
    service: Service, name: str, version: str | None = None
) -> None:
    """Check that a version can forecast by this protocol.

    Raises:
        OtherTask: it is a model of discrete series.
        RequestError: it needs covariates or timestamps.
    """
    found_model = await service.models.find(name, version=version)
    check_servable(require_forecaster(found_model))


async def _describe(
    service: Service, name: str, version: str | None = None
) -> ModelMetadata:
    await _find_servable(service, name, version)
    inputs, outputs = tensor_metadata()
    entry = (service.models.registered or {})[name]
    return ModelMetadata.model_validate(
        {
            "name": name,
            "versions": list(entry.versions),
            "platform": "recast",
            "inputs": inputs,
            "outputs": outputs,
        }
    )


async def _infer(
    request: Request, service: Service, name: str, version: str | None = None
) -> Response:
    if BINARY_HEADER in request.headers:
        raise UnsupportedMedia(
            "Tensors are taken as JSON only, not as binary data. In Triton's client: "
            "set_data_from_numpy(values, binary_data=False)."
        )
    selection = Selection(name, version=version)
    return await respond(request, service, selection, in_thread(service, infer))
