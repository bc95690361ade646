"""Routes of Recast's own REST interface: forecasts, models, health and metrics."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import JSONResponse, PlainTextResponse, Response

from serving.api.respond import (
    DirectRoute,
    ModelRoute,
    describe_body,
    in_thread,
    respond,
    respond_zero_shot,
    select_model,
)
from serving.errors import NotReady
from serving.forecasts.explain import ExplainAnswer, explain_forecast
from serving.http.problems import MEDIA_TYPE, problem_of, problems
from serving.http.validation import refuse_encoded
from serving.observability.health import FORECASTING_STATES, Alive, Readiness, readiness
from serving.schemas.forecast import (
    ForecastAnswer,
    ModelDetails,
    ModelSelector,
)
from serving.schemas.sequences import ModelList, SequenceDetails
from serving.service import ServiceDependency

Selector = Annotated[ModelSelector, Query()]
router = APIRouter(dependencies=[Depends(refuse_encoded)])


async def forecast(
    name: str, selector: Selector, request: Request, service: ServiceDependency
) -> Response:
    """Forecast the next steps of each series, with central intervals."""
    selection = select_model(name, selector)
    return await respond(request, service, selection, service.forecasts.answer)


async def zero_shot_forecast(request: Request, service: ServiceDependency) -> Response:
    """Forecast series without a trained model, with central intervals.

    It needs no registry: the forecaster is part of the service. Each series is forecast
    by itself, from its last 2,048 values; `method` says how.
    """
    return await respond_zero_shot(request, service, service.zero_shot.answer)


@router.post(
    "/v1/models/{name}/explain",
    tags=["forecasts"],
    response_model=ExplainAnswer,
    responses=problems(404, 408, 413, 415, 422, 500, 503),
    openapi_extra=describe_body("ExplainRequest"),
)
async def explain(
    name: str, selector: Selector, request: Request, service: ServiceDependency
) -> Response:
    """Explain how strongly each step of a forecast depends on each observation.

    The method that answers is explained: a copy of the last season depends on that lag
    alone. With ``"network": true`` it is the network by itself. Else the body is that
    of a forecast request, without effect of its levels. The horizon is at most the
    trained one. The windows of the series are averaged: send as many values as the
    model's seq_len to explain a single forecast.
    """
    work = in_thread(service, explain_forecast)
    return await respond(request, service, select_model(name, selector), work)


@router.get("/v1/models", tags=["models"], responses=problems(500, 503))
async def list_models(service: ServiceDependency) -> ModelList:
    """List the models that answer under the service's alias."""
    models = service.models
    if models.registered is None:
        raise NotReady
    answering = sorted(models.answering().items())
    return ModelList(
        models=[
            models.describe(name, number, models.alias) for name, number in answering
        ]
    )


@router.get(
    "/v1/models/{name}", tags=["models"], responses=problems(404, 422, 500, 503)
)
async def describe_model(
    name: str, selector: Selector, service: ServiceDependency
) -> ModelDetails | SequenceDetails:
    """Describe a model: requirements of a request, training data and metrics."""
    models, selection = service.models, select_model(name, selector)
    model = await models.find(*selection)
    alias = None if selection.version else selection.alias or models.alias
    return models.describe(name, model.version, alias)


@router.get("/livez", tags=["health"], responses=problems(500))
async def livez() -> Alive:
    """Report that the process answers."""
    return Alive(status="alive")


@router.get(
    "/readyz",
    tags=["health"],
    response_model=Readiness,
    responses=problems(500, 503),
)
async def readyz(service: ServiceDependency) -> Response:
    """Report whether the service can forecast, and the state of its models.

    If it cannot, the problem has the same members in addition to its own.
    """
    report = readiness(service.models, service.poller)
    content = report.model_dump(mode="json")
    if report.state in FORECASTING_STATES:
        return JSONResponse(content)
    error = NotReady(
        "The model registry does not answer, and no model is held."
        if report.state == "unavailable"
        else "The models are being loaded."
    )
    problem = content | problem_of(error).model_dump()
    return JSONResponse(problem, 503, error.headers, media_type=MEDIA_TYPE)


@router.get(
    "/metrics",
    tags=["health"],
    response_class=PlainTextResponse,
    responses=problems(500),
)
async def metrics(service: ServiceDependency) -> Response:
    """Return the service's metrics for Prometheus."""
    return Response(service.metrics.text(), media_type=CONTENT_TYPE_LATEST)


FORECAST = ModelRoute(
    "/v1/models/{name}/forecast",
    forecast,
    methods=["POST"],
    tags=["forecasts"],
    response_model=ForecastAnswer,
    responses=problems(404, 408, 413, 415, 422, 500, 503),
    openapi_extra=describe_body("ForecastRequest"),
)
ZERO_SHOT_FORECAST = DirectRoute(
    "/v1/forecast",
    zero_shot_forecast,
    methods=["POST"],
    tags=["forecasts"],
    response_model=ForecastAnswer,
    responses=problems(408, 413, 415, 422, 500, 503),
    openapi_extra=describe_body("ZeroShotRequest", required=True),
)
FRONT = (FORECAST, ZERO_SHOT_FORECAST)  # answered in front of the router
