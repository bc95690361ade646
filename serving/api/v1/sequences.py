"""Routes of discrete series: classes, labels of steps, next symbols, generation."""

from typing import Annotated, Any

from fastapi import Query, Request
from starlette.responses import Response

from serving.api.respond import (
    ModelRoute,
    describe_body,
    respond_sequences,
    select_model,
)
from serving.http.problems import problems
from serving.schemas.forecast import ModelSelector
from serving.schemas.sequences import (
    ClassifyAnswer,
    GenerateAnswer,
    LabelAnswer,
    NextAnswer,
)
from serving.sequences.classes import classify, label_steps
from serving.sequences.symbols import generate, predict_next
from serving.service import ServiceDependency

Selector = Annotated[ModelSelector, Query()]


async def classify_series(
    name: str, selector: Selector, request: Request, service: ServiceDependency
) -> Response:
    """Classify series: the most probable class of each, and all probabilities.

    With `"explain": true` also the part of each step in the class, by gradient times
    input.
    """
    selection = select_model(name, selector)
    return await respond_sequences(request, service, selection, "classify", classify)


async def label_series(
    name: str, selector: Selector, request: Request, service: ServiceDependency
) -> Response:
    """Label each step of series, with the probability of each label."""
    selection = select_model(name, selector)
    return await respond_sequences(request, service, selection, "label", label_steps)


async def predict_symbols(
    name: str, selector: Selector, request: Request, service: ServiceDependency
) -> Response:
    """Predict the symbol after each series, with the most probable ones."""
    selection = select_model(name, selector)
    return await respond_sequences(request, service, selection, "next", predict_next)


async def generate_symbols(
    name: str, selector: Selector, request: Request, service: ServiceDependency
) -> Response:
    """Generate symbols after a seed, each drawn by its probability.

    The length is at most SERVING_MAX_LENGTH; a generation that takes longer than a
    request may is stopped with 503.
    """
    return await respond_sequences(
        request,
        service,
        select_model(name, selector),
        "next",
        generate,
        is_long=True,
    )


def _route(verb: str, endpoint: Any, answer: Any, body: str) -> ModelRoute:
    return ModelRoute(
        f"/v1/models/{{name}}/{verb}",
        endpoint,
        methods=["POST"],
        tags=["discrete series"],
        response_model=answer,
        response_model_exclude_unset=True,
        responses=problems(404, 408, 413, 415, 422, 500, 503),
        openapi_extra=describe_body(body, required=verb != "generate"),
    )


FRONT = (  # answered in front of the router
    _route("classify", classify_series, ClassifyAnswer, "ClassifyRequest"),
    _route("label", label_series, LabelAnswer, "LabelRequest"),
    _route("next", predict_symbols, NextAnswer, "NextRequest"),
    _route("generate", generate_symbols, GenerateAnswer, "GenerateRequest"),
)
