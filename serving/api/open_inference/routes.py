"""The routes of the Open Inference Protocol, version 2, as KServe and Triton speak it.

Errors are that protocol's: ``{"error": "..."}``.
"""

from collections.abc import Callable, Coroutine
from importlib.metadata import version as package_version
from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.responses import JSONResponse, Response

from serving.api.open_inference.infer import infer, tensor_metadata
from serving.api.open_inference.tensors import InferAnswer
from serving.errors import NotReady, ServiceError, UnsupportedMedia
from serving.http.problems import problem_of, problems
from serving.http.validation import refuse_encoded
from serving.observability.health import ANSWERS, readiness
from serving.service import Service, ServiceDependency

BINARY = "Inference-Header-Content-Length"  # of the extension for binary tensors


MODEL, VERSION = "/v2/models/{name}", "/v2/models/{name}/versions/{version}"


class ServerMetadata(BaseModel):
    """The server."""

    name: str
    version: str
    extensions: list[str]


class Live(BaseModel):
    """The process answers."""

    live: bool


class Ready(BaseModel):
    """Forecasts can be had."""

    ready: bool


class ModelReady(Ready):
    """A model can be asked."""

    name: str


class TensorMetadata(BaseModel):
    """A tensor; a size of -1 is free."""

    name: str
    datatype: str
    shape: list[int]


class ModelMetadata(BaseModel):
    """A model, and the tensors that it takes and gives."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]


class InferenceError(BaseModel):
    """What went wrong."""

    error: str


class ProtocolRoute(APIRoute):
    """A route whose errors have the protocol's shape."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler of a request."""
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handle(request)
            except ServiceError as error:
                found = problem_of(error)
                content = {"error": found.detail}
                return JSONResponse(content, found.status, error.headers)

        return answer


def _failures(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return what OpenAPI says of errors; those met before the route are problems."""
    failures = problems(*statuses)
    for failure in failures.values():
        failure["model"] = InferenceError
    return failures


router = APIRouter(
    tags=["Open Inference Protocol"],
    route_class=ProtocolRoute,
    dependencies=[Depends(refuse_encoded)],
)


BODY = {  # read by the worker that answers
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
    """Name the server and the extensions of the protocol that it has: none."""
    number = package_version("recast-forecasting")
    return ServerMetadata(name="recast", version=number, extensions=[])


@router.get("/v2/health/live", responses=_failures(500))
async def live() -> Live:
    """Say that the process answers."""
    return Live(live=True)


@router.get("/v2/health/ready", responses=_failures(500, 503))
async def ready(service: ServiceDependency) -> Ready:
    """Say whether forecasts can be had."""
    if readiness(service.models, service.poller).state not in ANSWERS:
        raise NotReady
    return Ready(ready=True)


@router.get(f"{MODEL}/ready", responses=_failures(404, 422, 500, 503))
async def model_ready(name: str, service: ServiceDependency) -> ModelReady:
    """Say whether the model's version under the service's alias can be asked."""
    await service.models.find(name)
    return ModelReady(name=name, ready=True)


@router.get(f"{VERSION}/ready", responses=_failures(404, 422, 500, 503))
async def version_ready(
    name: str, version: str, service: ServiceDependency
) -> ModelReady:
    """Say whether a version of the model can be asked."""
    await service.models.find(name, version=version)
    return ModelReady(name=name, ready=True)


@router.get(MODEL, responses=_failures(404, 422, 500, 503))
async def model_metadata(name: str, service: ServiceDependency) -> ModelMetadata:
    """Describe the tensors that a model takes and gives.

    The outputs of a request that sends `levels` are named after these.
    """
    return await _describe(service, name)


@router.get(VERSION, responses=_failures(404, 422, 500, 503))
async def version_metadata(
    name: str, version: str, service: ServiceDependency
) -> ModelMetadata:
    """Describe the tensors that a version of the model takes and gives."""
    return await _describe(service, name, version)


@router.post(
    f"{MODEL}/infer",
    response_model=InferAnswer,
    responses=_failures(404, 413, 415, 422, 500, 503),
    openapi_extra=BODY,
)
async def model_infer(
    name: str, request: Request, service: ServiceDependency
) -> Response:
    """Forecast what follows each row of the input `values`.

    Covariates and timestamps have no place in the protocol, and every row is a series
    that the model has not seen. Tensors are JSON, never binary.
    """
    return await _infer(request, service, name)


@router.post(
    f"{VERSION}/infer",
    response_model=InferAnswer,
    responses=_failures(404, 413, 415, 422, 500, 503),
    openapi_extra=BODY,
)
async def version_infer(
    name: str, version: str, request: Request, service: ServiceDependency
) -> Response:
    """Forecast what follows each row of `values` by a version of the model."""
    return await _infer(request, service, name, version)


async def _describe(
    service: Service, name: str, version: str | None = None
) -> ModelMetadata:
    await service.models.find(name, version=version)
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
    if BINARY in request.headers:
        raise UnsupportedMedia(
            "Tensors are taken as JSON only, not as binary data. In Triton's client: "
            "set_data_from_numpy(values, binary_data=False)."
        )
    body = await request.body()
    model = await service.models.find(name, version=version)
    content, count = await service.workers.run(infer, model, body, service.settings)
    service.metrics.count_forecasts(name, count)
    return Response(content, media_type="application/json")
