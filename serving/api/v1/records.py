"""Routes of a track record: series, history, backtest and evaluation of a model.

They read what is stored with the version, in memory since it was loaded; no request
here reaches the registry.
"""

from collections.abc import Callable
from typing import Annotated

import orjson
from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from forecasting.track_record.record import TrackRecord
from serving.api.respond import select_model
from serving.http.problems import problems
from serving.http.validation import refuse_encoded
from serving.observability.logging import add_log_fields
from serving.records import context, evaluation, series
from serving.records.lookup import get_record
from serving.registry.loaded_model import require_forecaster
from serving.schemas.forecast import History, ModelSelector
from serving.schemas.records import (
    BacktestQuery,
    ContextQuery,
    HistoryQuery,
    ModelEvaluation,
    SeriesBacktest,
    SeriesHistory,
    SeriesList,
    SeriesQuery,
)
from serving.service import Service, ServiceDependency

Show = Callable[[TrackRecord], series.Plain]
router = APIRouter(
    prefix="/v1/models/{name}",
    tags=["models"],
    dependencies=[Depends(refuse_encoded)],
    responses=problems(404, 422, 500, 503),
)


@router.get("/series", response_model=SeriesList)
async def list_series(
    name: str,
    query: Annotated[SeriesQuery, Query()],
    request: Request,
    service: ServiceDependency,
) -> Response:
    """List the series seen in training, with the errors of their past forecasts."""
    return await _show(
        name, query, request, service, lambda record: series.list_series(record, query)
    )


@router.get("/history", response_model=SeriesHistory)
async def show_history(
    name: str,
    query: Annotated[HistoryQuery, Query()],
    request: Request,
    service: ServiceDependency,
) -> Response:
    """Return the observations of a series, its known covariates and their plan."""
    return await _show(
        name, query, request, service, lambda record: series.show_history(record, query)
    )


@router.get("/context")
async def show_context(
    name: str, query: Annotated[ContextQuery, Query()], service: ServiceDependency
) -> History:
    """Return the last observations of a series, in the form of a forecast request.

    Add the known covariates of the steps ahead, if the model has any, and send it.
    """
    model = require_forecaster(await service.models.find(*select_model(name, query)))
    return context.show_context(model, query.id)


@router.get("/backtest", response_model=SeriesBacktest)
async def show_backtest(
    name: str,
    query: Annotated[BacktestQuery, Query()],
    request: Request,
    service: ServiceDependency,
) -> Response:
    """Return the forecasts of a series from past cutoffs, beside the values that came.

    They are those of the backtest before the registration: the model of a forecast was
    fitted on the observations before all of them.
    """
    return await _show(
        name,
        query,
        request,
        service,
        lambda record: series.show_backtest(record, query),
    )


@router.get("/evaluation", response_model=ModelEvaluation)
async def show_evaluation(
    name: str,
    query: Annotated[ModelSelector, Query()],
    request: Request,
    service: ServiceDependency,
) -> Response:
    """Return the figures of the backtest, beside those of simple baselines.

    `mae`, `rmse` and the errors by step are in the unit of the data; every figure is
    that of the method that answers, the choice of a guard included.
    """
    return await _show(name, query, request, service, evaluation.show_evaluation)


async def _show(
    name: str, query: ModelSelector, request: Request, service: Service, show: Show
) -> Response:
    """Respond with a part of the record of the model in a request."""
    selection = select_model(name, query)
    model = require_forecaster(await service.models.find(*selection))
    add_log_fields(request.scope, model=model.name, version=model.version)
    record = get_record(model)
    alias = None if selection.version else selection.alias or service.models.alias
    answering = {"name": model.name, "version": model.version, "alias": alias}

    def encode() -> bytes:
        plain = {"model": answering, **show(record)}
        return orjson.dumps(plain, option=orjson.OPT_SERIALIZE_NUMPY)

    content = await service.workers.run(encode)
    return Response(content, media_type="application/json")
