"""The tree of the service's errors.

    ServiceError
    ├── RequestError          the request cannot be answered as it was made
    ├── BodyTooLarge          more bytes than the service takes
    ├── RequestTooLarge       more series, observations or forecasts than it takes
    ├── OtherTask             the model answers other requests than this one
    ├── UnknownModel          no model of that name
    ├── UnknownAlias          the model has no such alias
    ├── UnknownVersion        the model has no such version
    ├── NoTrackRecord         the version was registered without history and backtest
    ├── UnknownSeriesId       the model was not trained on a series of that name
    ├── HistoryLeftOut        the history of the series was too large to be stored
    ├── UnsupportedMedia      the body is of a kind that the service does not read
    ├── ForeignVersion        the version was not made by Recast
    ├── VersionUnusable       the version cannot be loaded
    ├── NotOffered            the client knows a call that this service does not answer
    ├── NotReady              the registry has not answered yet
    ├── TooBusy               too many requests are waiting
    ├── BodyTooSlow           the body did not come in time
    ├── AnswerTooSlow         the answer was not ready in time
    ├── UnknownHost           the header Host has a name of another service
    ├── KeyNeeded             no API key, or one that is not known
    ├── KeyMayNot             the API key has not the permission
    ├── NotAllowed            the service is not set up to do this
    ├── ForeignOrigin         a page from elsewhere may not do this
    ├── RegistryAway          the registry does not answer now
    ├── RegistryRefuses       the registry refuses the service's user
    ├── NothingBefore         the alias has no version to go back to
    ├── AliasMoved            another client has moved the alias meanwhile
    ├── TrainingRuns          another training runs
    ├── UnknownTraining       no training of that id
    └── RateExceeded          more requests in a time than one may make

`serving.http.problems` maps each class to a status and a body. The name of a class is
the problem type of its response, and the first line of its docstring the title.
"""

import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote

from forecasting.errors import ForecastingError, join_shown
from serving.schemas.forecast import Flaw

MAX_FLAWS = 20  # in one response
MAX_TEXT = 2000  # characters of a text in a response
# Options of the command line and keys of job files in the library's advice.
OPTION = re.compile(
    r" \((?:--|data\.)[^)]*\)| (?:with )?--[a-z][a-z-]*(?: [A-Z]+\b)?(?: or data\.\w+)?"
)
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
        self.flaws = tuple(_flaw(loc, msg) for loc, msg in flaws)
        self.cause = cause
        super().__init__(_for_request(str(cause)) if cause else describe(self.flaws))


class BodyTooLarge(ServiceError):
    """The body has more bytes than the service takes."""

    headers: Mapping[str, str] = {"Connection": "close"}

    def __init__(self, max_bytes: int) -> None:
        super().__init__(
            f"A body has at most {max_bytes:,} bytes. Send fewer series at once, or "
            "shorter histories."
        )


class RequestTooLarge(ServiceError):
    """The request asks for more than the service takes at once."""

    def __init__(self, items: str, count: int, maximum: int, loc: Loc) -> None:
        message = (
            f"{count:,} {items}; at most {maximum:,} in one request. Send several."
        )
        self.flaws = (Flaw(loc=list(loc), msg=message),)
        super().__init__(message)


class OtherTask(ServiceError):
    """The model answers requests of another task."""

    def __init__(self, name: str, task: str, verbs: Iterable[str]) -> None:
        addresses = " or ".join(
            f"POST /v1/models/{quote(shortened(name, 100), safe='')}/{verb}"
            for verb in verbs
        )
        super().__init__(
            f"Model {shortened(name, 100)!r} has the task {task!r} and does not answer "
            f"this request. Ask it at {addresses}."
        )


class UnknownModel(ServiceError):
    """No model of that name is registered."""

    def __init__(self, name: str, names: Iterable[str]) -> None:
        super().__init__(f"There is no model {name!r}. {_list_names(names)}")


class UnknownAlias(ServiceError):
    """The model has no such alias."""

    def __init__(self, name: str, alias: str, names: Iterable[str]) -> None:
        super().__init__(f"Model {name!r} has no alias {alias!r}. {_list_names(names)}")


class UnknownVersion(ServiceError):
    """The model has no such version."""

    def __init__(self, name: str, version: str, names: Iterable[str]) -> None:
        super().__init__(
            f"Model {name!r} has no version {version}. {_list_names(names)}"
        )


class NoTrackRecord(ServiceError):
    """The version has no track record."""

    def __init__(self, name: str, version: str) -> None:
        super().__init__(
            f"version {version} of model {name!r} has no track record: it was "
            "registered by an older Recast; train again."
        )


class UnknownSeriesId(ServiceError):
    """The model was not trained on a series of that name."""

    def __init__(self, series_id: str, near: Iterable[str], total: int) -> None:
        names = join_shown(repr(shortened(name, 100)) for name in near)
        super().__init__(
            f"There is no series {shortened(series_id, 100)!r}. Near it are: {names}. "
            f"GET .../series lists all {total:,}."
        )


class HistoryLeftOut(ServiceError):
    """The history of the series is not stored."""

    def __init__(self, series_id: str, stored: int, total: int) -> None:
        super().__init__(
            f"The history of series {shortened(series_id, 100)!r} is not stored: the "
            f"track record has room for {stored:,} of {total:,} series. Its forecast "
            "and its figures are there."
        )


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
        self, detail: str = "The model registry has not answered yet. Ask again soon."
    ) -> None:
        super().__init__(detail)


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


class UnknownHost(ServiceError):
    """The request is for a host that this service does not answer for."""

    def __init__(self, host: str, hosts: Iterable[str]) -> None:
        super().__init__(
            f"The header Host is {shortened(host, 100)!r}; this service answers for "
            f"{join_shown(hosts)}. Set SERVING_ALLOWED_HOSTS to the names that clients "
            "and proxies send, or to * for any."
        )


class KeyNeeded(ServiceError):
    """An API key is needed."""

    headers: Mapping[str, str] = {"WWW-Authenticate": 'Bearer realm="recast"'}

    def __init__(self) -> None:
        super().__init__(
            "The request has no API key, or one that is not known here. Send the "
            "header 'Authorization: Bearer KEY', or 'X-API-Key: KEY'."
        )


class KeyMayNot(ServiceError):
    """The API key has not the permission."""

    def __init__(self, name: str, permission: str) -> None:
        super().__init__(
            f"The key {name!r} has not the permission {permission!r}. Send one that "
            f"has: `recast serve --new-key NAME --may {permission}` makes it."
        )


class NotAllowed(ServiceError):
    """The service is not set up to do this."""


class ForeignOrigin(ServiceError):
    """A page from elsewhere may not do this."""

    def __init__(self, origin: str) -> None:
        super().__init__(
            f"The header Origin is {shortened(origin, 100)!r}, a page of another "
            "address, and no key protects this service. Use the service's page; or "
            "name the origin in SERVING_CORS_ORIGINS."
        )


class RegistryAway(ServiceError):
    """The model registry does not answer now."""

    headers: Mapping[str, str] = {"Retry-After": "5"}

    def __init__(self) -> None:
        super().__init__(
            "The model registry does not answer, or not in time. Nothing was changed "
            "that it has not confirmed. Ask again later; the service's log says why."
        )


class RegistryRefuses(ServiceError):
    """The model registry refuses the service's user."""

    def __init__(self) -> None:
        super().__init__(
            "The model registry does not let the service's user do this. Allow it "
            "there, or set another MLFLOW_TRACKING_USERNAME of the service."
        )


class NothingBefore(ServiceError):
    """The alias has no version to go back to."""

    def __init__(self, name: str, alias: str) -> None:
        super().__init__(
            f"{name}@{alias} has pointed to no other version that still exists. "
            "Promote a version instead."
        )


class AliasMoved(ServiceError):
    """Another client has moved the alias meanwhile."""

    def __init__(self, name: str, alias: str) -> None:
        super().__init__(
            f"{name}@{alias} has been moved or is being moved by another client. Look "
            "at it, and ask again."
        )


class TrainingRuns(ServiceError):
    """Another training runs."""

    headers: Mapping[str, str] = {"Retry-After": "30"}

    def __init__(self) -> None:
        super().__init__(
            "Another training runs, and there is one at a time. Ask again when it has "
            "ended: GET /v1/training says which it is."
        )


class UnknownTraining(ServiceError):
    """No training of that id."""

    def __init__(self) -> None:
        super().__init__(
            "There is no training of this id. The last ten are remembered, as long as "
            "the service runs."
        )


class RateExceeded(ServiceError):
    """Too many requests in a short time."""

    def __init__(self) -> None:
        super().__init__(
            "More requests than one may make in a time. Wait as many seconds as the "
            "header Retry-After says; send more series in one request."
        )


def describe(flaws: Iterable[Flaw]) -> str:
    """Return the first flaws as one readable sentence."""
    texts = [f"{'.'.join(map(str, flaw.loc))}: {flaw.msg}" for flaw in flaws]
    return join_shown(texts)


def shortened(text: str, maximum: int = MAX_TEXT) -> str:
    """Return a text, or its beginning: a response never echoes a large input."""
    if len(text) <= maximum:
        return text
    return f"{text[:maximum]} ... ({len(text):,} in all)"


def _flaw(loc: Loc, msg: str) -> Flaw:
    place = [part if isinstance(part, int) else shortened(part, 100) for part in loc]
    return Flaw(loc=place, msg=shortened(_for_request(msg)))


def _for_request(text: str) -> str:
    """Return a text of the library without the options that a request does not have.

    >>> _for_request("Add the rows, or name the zone with --zone or data.zone.")
    'Add the rows, or name the zone.'
    """
    return OPTION.sub("", text) if "--" in text or "data." in text else text


def _list_names(names: Iterable[str]) -> str:
    return f"There is: {join_shown(names) or 'none'}."
