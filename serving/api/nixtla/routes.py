"""Routes of the nixtla client, at the paths that it calls."""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Query, Request
from pydantic_core import to_json
from starlette.responses import Response

from forecasting.zeroshot import MAX_CONTEXT
from serving.api.nixtla.answers import Answer, cross_validate, find_anomalies, forecast
from serving.api.nixtla.forecasters import (
    SeriesForecaster,
    TrainedForecaster,
    ZeroShotSeriesForecaster,
)
from serving.api.nixtla.model_names import select_model
from serving.api.nixtla.requests import (
    AnomalyBody,
    CrossValidationBody,
    ForecastBody,
    NixtlaRequest,
    OnlineAnomalyBody,
    read_request,
)
from serving.api.respond import in_thread, read_body, respond, respond_zero_shot
from serving.errors import NotOffered, NotReady
from serving.registry.loaded_model import LoadedModel, require_forecaster
from serving.service import Service, ServiceDependency
from serving.settings import Settings

A = TypeVar("A", bound=NixtlaRequest)

router = APIRouter(
    include_in_schema=False
)  # an external interface: see docs/clients.md


@router.post("/v2/forecast")
async def make_forecast(request: Request, service: ServiceDependency) -> Response:
    """Answer ``forecast``."""
    return await _answer(ForecastBody, forecast, request, service)


@router.post("/v2/cross_validation")
async def make_cross_validation(
    request: Request, service: ServiceDependency
) -> Response:
    """Answer ``cross_validation``, and ``forecast`` with ``add_history``."""
    return await _answer(CrossValidationBody, cross_validate, request, service)


@router.post("/v2/anomaly_detection")
async def detect_anomalies(request: Request, service: ServiceDependency) -> Response:
    """Answer ``detect_anomalies``."""
    return await _answer(AnomalyBody, find_anomalies, request, service)


@router.post("/v2/online_anomaly_detection")
async def detect_latest(request: Request, service: ServiceDependency) -> Response:
    """Answer ``detect_anomalies_online``."""
    return await _answer(OnlineAnomalyBody, find_anomalies, request, service)


@router.get("/model_params")
async def model_params(
    service: ServiceDependency, model: Annotated[str, Query(max_length=500)]
) -> dict[str, dict[str, int]]:
    """Return the number of observations to send per series, and the trained horizon.

    A model of many series scales a new series by its complete history. The zero-shot
    forecaster has no trained horizon: any that the service takes.
    """
    selection, input_size = select_model(service, model), service.settings.max_points
    if selection is None:
        horizon = service.settings.max_horizon
        return {"detail": {"input_size": MAX_CONTEXT, "horizon": horizon}}
    loaded = require_forecaster(await service.models.find(*selection))
    fitted = loaded.predictor.model
    if len(fitted.places) == 1:
        input_size = fitted.memory
    return {"detail": {"input_size": input_size, "horizon": loaded.details.horizon}}


@router.get("/v2/models")
async def list_models(service: ServiceDependency) -> dict[str, list[dict[str, str]]]:
    """Answer ``list_models``: the forecasters under the service's alias."""
    if service.models.registered is None:
        raise NotReady
    models = service.models
    names = filter(models.is_forecaster, sorted(models.answering()))
    return {"models": [{"name": name} for name in names]}


@router.get("/validate_api_key")
async def validate_api_key() -> dict[str, str]:
    """Answer ``validate_api_key``: the middleware has refused invalid keys."""
    return {"detail": "The key is good."}


@router.get("/usage")
@router.post("/v2/finetune")
@router.get("/v2/finetuned_models")
@router.get("/v2/finetuned_models/{name}")
@router.delete("/v2/finetuned_models/{name}")
@router.post("/v2/{task}/async")
async def refuse() -> None:
    """Refuse the calls that the service does not support."""
    raise NotOffered(
        "There is no fine-tuning, simulation, explanation or job by this client here, "
        "and no usage is counted. There is: forecast, cross_validation, "
        "detect_anomalies, detect_anomalies_online, list_models, validate_api_key."
    )


async def _answer(
    kind: type[A],
    work: Callable[[SeriesForecaster, A, Settings], Answer],
    request: Request,
    service: Service,
) -> Response:
    encoding = request.headers.get("content-encoding", "identity")
    body = await read_body(request)
    content = await service.workers.run(
        read_request, kind, body, encoding, service.settings
    )

    def write(
        forecaster: SeriesForecaster, answering: dict[str, str | None]
    ) -> tuple[bytes, int]:
        answer: dict[str, Any] = work(forecaster, content, service.settings)
        text = to_json({"model": answering, **answer}, inf_nan_mode="null")
        return text, len(content.series.sizes)

    def write_trained(
        model: LoadedModel, alias: str | None, _body: bytes, _settings: Settings
    ) -> tuple[bytes, int]:
        answering = {"name": model.name, "version": model.version, "alias": alias}
        return write(TrainedForecaster(model.forecaster), answering)

    async def write_zero_shot(_body: bytes) -> tuple[bytes, int]:
        model = service.zero_shot.model
        answering = {"name": model.name, "version": model.version, "alias": None}
        forecaster = ZeroShotSeriesForecaster(model)
        return await service.workers.run(write, forecaster, answering)

    selection = select_model(service, content.model)
    if selection is None:
        return await respond_zero_shot(request, service, write_zero_shot, body=body)
    thread_work = in_thread(service, write_trained)
    return await respond(request, service, selection, thread_work, body=body)
