"""Routes of trainings: start, state, events, stop."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response, StreamingResponse

from serving.api.respond import read_body
from serving.api.v1.inspection import CSV_BODY
from serving.http.middleware import read_header
from serving.http.problems import problems
from serving.http.validation import refuse_encoded
from serving.observability.logging import add_log_fields
from serving.operation.permissions import check_training, key_name, may_train
from serving.schemas.training import (
    Training,
    TrainingList,
    TrainingOptions,
    TrainingStart,
)
from serving.service import ServiceDependency

router = APIRouter(tags=["training"])
Options = Annotated[TrainingOptions, Query()]
FIND_PROBLEMS = problems(403, 404, 422, 500)


@router.get("/v1/training", responses=problems(500))
async def list_trainings(request: Request, service: ServiceDependency) -> TrainingList:
    """Say whether this request may train, and which training runs."""
    allowed = may_train(request, service.settings)
    answer = service.operation.trainings.list(may_train=allowed)
    return answer if allowed else answer.model_copy(update={"running": None})


@router.post(
    "/v1/training",
    status_code=202,
    responses=problems(403, 408, 409, 413, 415, 422, 500, 503),
    openapi_extra=CSV_BODY,
)
async def start_training(
    options: Options, request: Request, service: ServiceDependency
) -> TrainingStart:
    """Train a model on a file, by `recast train` in a process of its own.

    One training runs at a time. The new version is registered, and becomes champion by
    the rules of the command. It needs SERVING_TRAIN=on, and where there are keys one
    with the permission `train`.
    """
    refuse_encoded(request)
    check_training(request, service.settings)
    body = await read_body(request)
    add_log_fields(request.scope, model=options.model_name())
    trainings, name = service.operation.trainings, key_name(request)
    return await asyncio.to_thread(trainings.start, body, options, name)


@router.get("/v1/training/{training_id}", responses=FIND_PROBLEMS)
async def describe_training(
    training_id: str, request: Request, service: ServiceDependency
) -> Training:
    """Report the state of a training, its last lines and its outcome."""
    check_training(request, service.settings)
    return await asyncio.to_thread(service.operation.trainings.get, training_id)


@router.get(
    "/v1/training/{training_id}/events",
    response_class=StreamingResponse,
    responses={
        **problems(403, 404, 422, 500, 503),
        200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}},
    },
)
async def follow_training(
    training_id: str, request: Request, service: ServiceDependency
) -> Response:
    """Stream the lines of a training as server-sent events, and its state at the end.

    Each event `line` has a text in JSON, the event `end` the state as above. With the
    header Last-Event-ID, the stream goes on behind that line.
    """
    check_training(request, service.settings)
    last = read_header(request.scope, b"last-event-id")
    first = int(last) + 1 if last.isdigit() and len(last) < 9 else 0
    events = await service.operation.trainings.events(training_id, first)
    return StreamingResponse(events, media_type="text/event-stream")


@router.delete("/v1/training/{training_id}", responses=FIND_PROBLEMS)
async def stop_training(
    training_id: str, request: Request, service: ServiceDependency
) -> Training:
    """Stop a training; it ends within seconds, and registers nothing."""
    check_training(request, service.settings)
    trainings, name = service.operation.trainings, key_name(request)
    return await asyncio.to_thread(trainings.stop, training_id, name)
