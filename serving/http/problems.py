"""Errors as HTTP responses: a table from error class to status, and their bodies.

The table includes the library's errors. The body is RFC 9457
``application/problem+json``, but at addresses of the Open Inference Protocol that of
the protocol, whose clients read no other. Details of internal errors stay in the log.
"""

import re
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from forecasting.errors import (
    ArtifactError,
    CheckpointError,
    DataError,
    NotFittedError,
    ProcessDied,
    SeriesFailed,
    SettingError,
    ShapeError,
    TrainingDiverged,
)
from serving.errors import (
    MAX_FLAWS,
    AliasMoved,
    AnswerTooSlow,
    BodyTooLarge,
    BodyTooSlow,
    ForeignOrigin,
    ForeignVersion,
    HistoryLeftOut,
    KeyMayNot,
    KeyNeeded,
    NotAllowed,
    NothingBefore,
    NotOffered,
    NoTrackRecord,
    NotReady,
    OtherTask,
    RateExceeded,
    RegistryAway,
    RegistryRefuses,
    RequestError,
    RequestTooLarge,
    ServiceError,
    TooBusy,
    TrainingRuns,
    UnknownAlias,
    UnknownHost,
    UnknownModel,
    UnknownSeriesId,
    UnknownTraining,
    UnknownVersion,
    UnsupportedMedia,
    VersionUnusable,
    shortened,
)
from serving.schemas.forecast import Problem

MEDIA_TYPE = "application/problem+json"
# Addresses of the Open Inference Protocol and of Triton's extensions; the others under
# /v2 are those of the nixtla client.
INFERENCE_PATH = re.compile(
    "/v2(?:/(?:(?:health|models|repository|trace|(?:system|cuda)sharedmemory)/.*"
    "|logging)?)?"
)

STATUS: dict[type[Exception], int] = {
    DataError: 422,
    SettingError: 422,
    ShapeError: 500,
    NotFittedError: 500,
    TrainingDiverged: 500,
    CheckpointError: 500,
    SeriesFailed: 500,
    ProcessDied: 500,
    ArtifactError: 500,  # a version that cannot be loaded is VersionUnusable
    RequestError: 422,
    BodyTooLarge: 413,
    RequestTooLarge: 413,
    OtherTask: 422,
    UnknownModel: 404,
    UnknownAlias: 404,
    UnknownVersion: 404,
    NoTrackRecord: 404,
    UnknownSeriesId: 404,
    HistoryLeftOut: 404,
    UnsupportedMedia: 415,
    ForeignVersion: 404,
    VersionUnusable: 503,
    NotOffered: 501,
    NotReady: 503,
    TooBusy: 503,
    BodyTooSlow: 408,
    AnswerTooSlow: 503,
    UnknownHost: 421,
    KeyNeeded: 401,
    KeyMayNot: 403,
    NotAllowed: 403,
    ForeignOrigin: 403,
    RegistryAway: 503,
    RegistryRefuses: 502,
    NothingBefore: 409,
    AliasMoved: 409,
    TrainingRuns: 409,
    UnknownTraining: 404,
    RateExceeded: 429,
}


def status_of(error: type[Exception]) -> int:
    """Return the HTTP status of an error class, or of its nearest ancestor."""
    return next((STATUS[kind] for kind in error.__mro__ if kind in STATUS), 500)


def problem_of(error: Exception) -> Problem:
    """Return an error as problem details; internal errors reveal nothing.

    The type and the title derive from the name and the docstring of the class.
    """
    if isinstance(error, HTTPException):
        return _http_problem(error.status_code)
    kind = error.cause if isinstance(error, RequestError) and error.cause else error
    status = status_of(type(kind))
    if status == 500:
        return _http_problem(500)
    return Problem(
        type=f"urn:recast:problem:{_kebab(type(kind).__name__)}",
        title=(type(kind).__doc__ or "").partition("\n")[0].rstrip("."),
        status=status,
        detail=shortened(str(error)),
        errors=list(error.flaws[:MAX_FLAWS]) if isinstance(error, ServiceError) else [],
    )


def is_inference(path: str) -> bool:
    """Return whether a path belongs to the Open Inference Protocol."""
    return INFERENCE_PATH.fullmatch(path) is not None


def error_response(error: Exception, path: str) -> JSONResponse:
    """Return an error as a response in the format of the protocol at a path."""
    problem = problem_of(error)
    headers = error.headers if isinstance(error, HTTPException | ServiceError) else None
    if is_inference(path):
        return JSONResponse({"error": problem.detail}, problem.status, headers)
    content = problem.model_dump()
    return JSONResponse(content, problem.status, headers, media_type=MEDIA_TYPE)


DETAILS: dict[int, str] = {
    404: "There is nothing at this address. /docs lists what there is.",
    405: "This address does not take this method. /docs lists what there is.",
    500: "The service failed. Its log says why, under this answer's X-Request-ID.",
}


def _http_problem(status: int) -> Problem:
    phrase = HTTPStatus(status).phrase
    return Problem(
        type=f"urn:recast:problem:{phrase.lower().replace(' ', '-')}",
        title=phrase,
        status=status,
        detail=DETAILS.get(status, phrase),
        errors=[],
    )


def _kebab(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower()


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI responses of error statuses."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": schema}},
        }
        for status in statuses
    }
