"""Errors over HTTP: one table from class to status, one shape for every answer.

    ServiceError
    ├── RequestError          the request cannot be answered as it was made
    ├── BodyTooLarge          more bytes than the service takes
    ├── RequestTooLarge       more series, observations or forecasts than it takes
    ├── UnknownModel          no model of that name
    ├── UnknownAlias          the model has no such alias
    ├── UnknownVersion        the model has no such version
    ├── UnsupportedMedia      the body is of a kind that the service does not read
    ├── ForeignVersion        the version was not made by Recast
    ├── VersionUnusable       the version cannot be loaded
    ├── NotOffered            the client knows a call that this service does not answer
    ├── NotReady              the registry has not answered yet
    ├── TooBusy               too many requests are waiting
    ├── BodyTooSlow           the body did not come in time
    ├── AnswerTooSlow         the answer was not ready in time
    ├── KeyNeeded             no API key, or one that is not known
    └── RateExceeded          more requests in a time than one may make

The library's own errors are in the table too. The body is always RFC 9457
``application/problem+json``; what went wrong inside stays in the log.
"""

import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from forecasting.errors import (
    ArtifactError,
    DataError,
    ForecastingError,
    NotFittedError,
    SettingError,
    ShapeError,
    TrainingDiverged,
    listed,
)
from serving.schemas import Flaw, ForecastRequest, Problem, Which
from serving.series import Series

MEDIA_TYPE = "application/problem+json"
MOST_FLAWS = 20  # shown in one answer
Loc = tuple[str | int, ...]


class ServiceError(Exception):
    """The service could not do what was asked."""

    headers: Mapping[str, str] = {}
    flaws: tuple[Flaw, ...] = ()


class RequestError(ServiceError):
    """The request cannot be answered as it was made."""

    def __init__(
        self, flaws: Iterable[tuple[Loc, str]], cause: ForecastingError | None = None
    ) -> None:
        self.flaws = tuple(Flaw(loc=list(loc), msg=msg) for loc, msg in flaws)
        self.cause = cause
        super().__init__(str(cause) if cause else describe(self.flaws))

    @classmethod
    def from_validation(
        cls, details: Iterable[ErrorDetails], *root: str
    ) -> "RequestError":
        """Return what pydantic found as an error that names every place."""
        flaws = [((*root, *detail["loc"]), detail) for detail in details]
        return cls((loc, _sentence(loc, detail)) for loc, detail in flaws)


class BodyTooLarge(ServiceError):
    """The body has more bytes than the service takes."""

    headers: Mapping[str, str] = {"Connection": "close"}

    def __init__(self, most: int) -> None:
        super().__init__(
            f"A body has at most {most:,} bytes. Send fewer series at once, or shorter "
            "histories."
        )


class RequestTooLarge(ServiceError):
    """The request asks for more than the service takes at once."""

    def __init__(self, what: str, found: int, most: int, loc: Loc) -> None:
        message = f"{found:,} {what}; at most {most:,} in one request. Send several."
        self.flaws = (Flaw(loc=list(loc), msg=message),)
        super().__init__(message)


class UnknownModel(ServiceError):
    """No model of that name is registered."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        super().__init__(f"There is no model {name!r}. {_there_is(known)}")


class UnknownAlias(ServiceError):
    """The model has no such alias."""

    def __init__(self, name: str, alias: str, known: Iterable[str]) -> None:
        super().__init__(f"Model {name!r} has no alias {alias!r}. {_there_is(known)}")


class UnknownVersion(ServiceError):
    """The model has no such version."""

    def __init__(self, name: str, version: str, known: Iterable[str]) -> None:
        super().__init__(f"Model {name!r} has no version {version}. {_there_is(known)}")


class UnsupportedMedia(ServiceError):
    """The body is of a kind that the service does not read."""


class ForeignVersion(ServiceError):
    """The version was not made by Recast."""

    def __init__(self, name: str, version: str) -> None:
        super().__init__(
            f"Version {version} of model {name!r} was not made by Recast and cannot be "
            "asked here. Ask another version, or a model that GET /v1/models lists; "
            "`recast train` registers one."
        )


class VersionUnusable(ServiceError):
    """The version is registered but cannot be loaded."""

    headers: Mapping[str, str] = {"Retry-After": "10"}

    def __init__(self, name: str, version: str, reason: str) -> None:
        self.reason = reason
        super().__init__(
            f"Version {version} of model {name!r} cannot be used: {reason}"
        )


class NotOffered(ServiceError):
    """The service does not answer this call."""


class NotReady(ServiceError):
    """The service is not ready."""

    headers: Mapping[str, str] = {"Retry-After": "2"}

    def __init__(
        self, found: str = "The model registry has not answered yet. Ask again soon."
    ) -> None:
        super().__init__(found)


class TooBusy(ServiceError):
    """Too many requests are waiting."""

    headers: Mapping[str, str] = {"Retry-After": "1"}

    def __init__(self) -> None:
        super().__init__(
            "The service computes as much as it can. Ask again in a second."
        )


class BodyTooSlow(ServiceError):
    """The body did not come in time."""

    headers: Mapping[str, str] = {"Connection": "close"}

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"The body was not there within {seconds:g} seconds. Send fewer series at "
            "once."
        )


class AnswerTooSlow(ServiceError):
    """The answer was not ready in time."""

    headers: Mapping[str, str] = {"Retry-After": "5"}

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"The answer was not ready within {seconds:g} seconds. Ask again later, or "
            "for fewer series at once."
        )


class KeyNeeded(ServiceError):
    """An API key is needed."""

    headers: Mapping[str, str] = {"WWW-Authenticate": 'Bearer realm="recast"'}

    def __init__(self) -> None:
        super().__init__(
            "The request has no API key, or one that is not known here. Send the "
            "header 'Authorization: Bearer KEY', or 'X-API-Key: KEY'."
        )


class RateExceeded(ServiceError):
    """Too many requests in a short time."""

    def __init__(self) -> None:
        super().__init__(
            "More requests than one may make in a time. Wait as many seconds as the "
            "header Retry-After says; send more series in one request."
        )


STATUS: dict[type[Exception], int] = {
    DataError: 422,
    SettingError: 422,
    ShapeError: 500,
    NotFittedError: 500,
    TrainingDiverged: 500,
    ArtifactError: 500,  # a version that cannot be loaded is VersionUnusable
    RequestError: 422,
    BodyTooLarge: 413,
    RequestTooLarge: 413,
    UnknownModel: 404,
    UnknownAlias: 404,
    UnknownVersion: 404,
    UnsupportedMedia: 415,
    ForeignVersion: 404,
    VersionUnusable: 503,
    NotOffered: 501,
    NotReady: 503,
    TooBusy: 503,
    BodyTooSlow: 408,
    AnswerTooSlow: 503,
    KeyNeeded: 401,
    RateExceeded: 429,
}


def status_of(error: type[Exception]) -> int:
    """Return the status for an error class: its own, or its nearest ancestor's."""
    return next((STATUS[kind] for kind in error.__mro__ if kind in STATUS), 500)


def problem_of(error: Exception) -> Problem:
    """Return what a client may know of an error; nothing where it is our own fault."""
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
        detail=str(error),
        errors=list(error.flaws[:MOST_FLAWS])
        if isinstance(error, ServiceError)
        else [],
    )


def problem_response(error: Exception) -> JSONResponse:
    """Return an error as ``application/problem+json``."""
    problem = problem_of(error)
    headers = error.headers if isinstance(error, HTTPException | ServiceError) else None
    content = problem.model_dump()
    return JSONResponse(content, problem.status, headers, media_type=MEDIA_TYPE)


def describe(flaws: Iterable[Flaw]) -> str:
    """Return the first flaws as one sentence a person can read."""
    texts = [f"{'.'.join(map(str, flaw.loc))}: {flaw.msg}" for flaw in flaws]
    return listed(texts)


def validation_flaws(error: ValidationError) -> RequestError:
    """Return what is wrong with a body."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return RequestError.from_validation(found, "body")


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


def _sentence(loc: Loc, detail: Mapping[str, Any]) -> str:
    if detail["type"] == "extra_forbidden":
        inner = Series if len(loc) > 2 else ForecastRequest
        keys = (Which if loc[0] == "query" else inner).model_fields
        return f"unknown key; there is {', '.join(keys)}"
    return str(detail["msg"]).removeprefix("Value error, ")


def _there_is(known: Iterable[str]) -> str:
    return f"There is: {listed(known) or 'none'}."


def _kebab(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower()
