"""The way of a request for a model in all protocols: find, log, run, count."""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from forecasting.sequences.reading.columns import Task
from serving.http.validation import read_selector, refuse_encoded, refuse_query
from serving.observability.logging import add_log_fields
from serving.registry.loaded_model import (
    AnyModel,
    LoadedModel,
    LoadedSequences,
    require_forecaster,
    require_task,
)
from serving.schemas.forecast import ModelSelector
from serving.service import Service
from serving.settings import Settings

# Of a model, the alias in the request (None where it named a version) and the body: the
# body of the response as JSON, and the number of series forecast.
Work = Callable[[LoadedModel, str | None, bytes], Awaitable[tuple[bytes, int]]]
ZeroShotWork = Callable[[bytes], Awaitable[tuple[bytes, int]]]
ThreadWork = Callable[[LoadedModel, str | None, bytes, Settings], tuple[bytes, int]]
SequenceWork = Callable[
    [LoadedSequences, str | None, bytes, Settings], tuple[bytes, int]
]
LARGE_BODY = 2**16  # bytes of series of numbers or symbols: some ten thousand steps


class Selection(NamedTuple):
    """The model that a request names, by alias or version."""

    name: str
    alias: str | None = None
    version: str | None = None


async def respond(
    request: Request,
    service: Service,
    selection: Selection,
    work: Work,
    *,
    body: bytes | None = None,
) -> Response:
    """Respond to a request for a forecast.

    Args:
        request: the request.
        service: the running service.
        selection: the model.
        work: computes the body of the response.
        body: of the request, if it has been read; default it is read here.

    Raises:
        NotReady, UnknownModel, UnknownAlias, UnknownVersion, ForeignVersion,
            VersionUnusable: as `ModelStore.find`.
        OtherTask: it is a model of discrete series.
        ServiceError: as ``work``.
    """
    body = await read_body(request) if body is None else body
    model = require_forecaster(await _find(request, service, selection))
    alias = _alias(service, selection)
    return _respond(service, model.name, *await work(model, alias, body))


async def respond_sequences(
    request: Request,
    service: Service,
    selection: Selection,
    task: Task,
    work: SequenceWork,
    *,
    body: bytes | None = None,
    is_long: bool = False,
) -> Response:
    """Respond to a request to a model of discrete series, by work in a thread.

    Args:
        request, service, selection, body: as in `respond`.
        task: of the model.
        work: computes the body of the response.
        is_long: whether it may take seconds whatever the size of the body; it then runs
            in threads of its own, as for a large body.

    Raises:
        ServiceError: as `respond`, and ``work``.
    """
    body = await read_body(request) if body is None else body
    model = require_task(await _find(request, service, selection), task)
    alias, is_long = _alias(service, selection), is_long or len(body) > LARGE_BODY
    threads = service.long_workers if is_long else service.workers
    content, series = await threads.run(work, model, alias, body, service.settings)
    service.metrics.count_predictions(model.name, model.task, series)
    return Response(content, media_type="application/json")


async def _find(request: Request, service: Service, selection: Selection) -> AnyModel:
    model = await service.models.find(*selection)
    add_log_fields(request.scope, model=model.name, version=model.version)
    return model


def _alias(service: Service, selection: Selection) -> str | None:
    """Return the alias in a request; None where it named a version."""
    return None if selection.version else selection.alias or service.models.alias


async def respond_zero_shot(
    request: Request,
    service: Service,
    work: ZeroShotWork,
    *,
    body: bytes | None = None,
) -> Response:
    """Respond to a request for a forecast without a trained model.

    Args:
        request, service, body: as `respond`.
        work: computes the body of the response.

    Raises:
        ServiceError: as ``work``.
    """
    body = await read_body(request) if body is None else body
    model = service.zero_shot.model
    add_log_fields(request.scope, model=model.name, version=model.version)
    return _respond(service, model.name, *await work(body))


def _respond(service: Service, name: str, content: bytes, num_series: int) -> Response:
    """Return a response and count its forecasts."""
    if num_series:
        service.metrics.count_forecasts(name, num_series)
    return Response(content, media_type="application/json")


async def read_body(request: Request) -> bytes:
    """Return the body of a request.

    Raises:
        ClientDisconnect: the client has left.
    """
    parts, more = [], True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def describe_body(schema: str, *, required: bool = False) -> dict[str, Any]:
    """Return the OpenAPI description of a body that a route decodes itself."""
    content = {"schema": {"$ref": f"#/components/schemas/{schema}"}}
    body: dict[str, Any] = {"content": {"application/json": content}}
    return {"requestBody": body | ({"required": True} if required else {})}


def in_thread(service: Service, work: ThreadWork) -> Work:
    """Return work that runs in a worker thread, with the settings."""

    async def run(
        model: LoadedModel, alias: str | None, body: bytes
    ) -> tuple[bytes, int]:
        return await service.workers.run(work, model, alias, body, service.settings)

    return run


def select_model(name: str, selector: ModelSelector) -> Selection:
    """Return the model that path and query of a request name."""
    version = None if selector.version is None else str(selector.version)
    return Selection(name, selector.alias, version)


class DirectRoute(APIRoute):
    """A route that calls its endpoint without FastAPI's injection of dependencies.

    That takes longer than a forecast. The endpoint has the parameters ``request`` and
    ``service``, and no query.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.app = self._answer

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        refuse_encoded(request)
        service = scope["app"].state.service
        response = await self.endpoint(
            request=request, service=service, **self._select(scope)
        )
        await response(scope, receive, send)

    def _select(self, scope: Scope) -> dict[str, Any]:
        """Return further arguments of the endpoint."""
        refuse_query(scope["query_string"])
        return {}


class ModelRoute(DirectRoute):
    """A direct route to an endpoint with parameters ``name`` and ``selector``."""

    def _select(self, scope: Scope) -> dict[str, Any]:
        return {
            "name": scope["path_params"]["name"],
            "selector": read_selector(scope["query_string"]),
        }
