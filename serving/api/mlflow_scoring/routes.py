"""Routes of MLflow's scoring server, for clients of ``mlflow models serve``."""

from collections.abc import Iterable
from functools import partial

from fastapi import APIRouter, Depends, Request
from mlflow.version import VERSION
from starlette.responses import PlainTextResponse, Response

from forecasting.errors import join_shown
from serving.api.mlflow_scoring.scoring import Predictions, score
from serving.api.mlflow_scoring.sequences import score_sequences
from serving.api.mlflow_scoring.tables import CSV, EXAMPLE
from serving.api.respond import Selection, in_thread, respond, respond_sequences
from serving.errors import NotReady, ServiceError, UnknownModel, UnsupportedMedia
from serving.http.problems import problems
from serving.http.validation import refuse_encoded
from serving.observability.health import FORECASTING_STATES, readiness
from serving.registry.loaded_model import LoadedSequences
from serving.registry.model_store import ModelStore
from serving.service import ServiceDependency

JSON = "application/json"
CSV_EXAMPLE = "\n".join(["target", *map(str, EXAMPLE), ""])

BODY = {  # the worker thread decodes it
    "requestBody": {
        "required": True,
        "content": {
            JSON: {
                "schema": {
                    "anyOf": [
                        {"$ref": "#/components/schemas/Invocation"},
                        {"$ref": "#/components/schemas/SequenceInvocation"},
                    ]
                }
            },
            CSV: {"schema": {"type": "string", "examples": [CSV_EXAMPLE]}},
        },
    }
}

router = APIRouter(tags=["MLflow"], dependencies=[Depends(refuse_encoded)])


class NoDefaultModel(UnknownModel):
    """No model is named, and none stands out."""

    def __init__(self, names: Iterable[str]) -> None:
        ServiceError.__init__(
            self,
            "This address asks the service's default model, and there is none: there "
            f"is {join_shown(map(repr, names)) or 'no model'}. Set "
            "SERVING_DEFAULT_MODEL, or ask a model by name at "
            "/v1/models/NAME/forecast.",
        )


@router.post(
    "/invocations",
    response_model=Predictions,
    responses=problems(404, 408, 413, 415, 422, 500, 503),
    openapi_extra=BODY,
)
async def invocations(request: Request, service: ServiceDependency) -> Response:
    """Forecast as `mlflow models serve` does, by the service's default model.

    A model of discrete series classifies, labels or continues instead. The default
    model is the one that SERVING_DEFAULT_MODEL names, or the only one there is.
    """
    media_type = request.headers.get("Content-Type", JSON).partition(";")[0].strip()
    if media_type.lower() not in (JSON, CSV):
        raise UnsupportedMedia(
            f"Content-Type is {JSON} or {CSV}; found {media_type[:100]!r}."
        )
    name = service.settings.default_model or _only_one(service.models)
    model, media_type = await service.models.find(name), media_type.lower()
    if isinstance(model, LoadedSequences):
        score_table = partial(score_sequences, media_type=media_type)
        return await respond_sequences(
            request,
            service,
            Selection(name),
            model.task,
            score_table,
            is_long=model.task == "next",
        )
    work = in_thread(service, partial(score, media_type=media_type))
    return await respond(request, service, Selection(name), work)


@router.get("/ping", response_class=PlainTextResponse, responses=problems(500, 503))
@router.get("/health", response_class=PlainTextResponse, responses=problems(500, 503))
async def ping(service: ServiceDependency) -> str:
    """Report whether the service can forecast: an empty line, or status 503."""
    if readiness(service.models, service.poller).state not in FORECASTING_STATES:
        raise NotReady
    return "\n"


@router.get("/version", response_class=PlainTextResponse, responses=problems(500))
async def version() -> str:
    """Return the version of MLflow in the service."""
    return str(VERSION)


def _only_one(models: ModelStore) -> str:
    """Return the name of the only Recast model under the service's alias.

    Raises:
        NotReady: the registry has not answered yet.
        NoDefaultModel: there is no such model, or several.
    """
    if models.registered is None:
        raise NotReady
    names = models.list_servable()
    if len(names) != 1:
        raise NoDefaultModel(names)
    return names[0]
