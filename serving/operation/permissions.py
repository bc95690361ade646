"""Keys and settings that allow an operation.

A key needs the permission. A service without keys needs a setting, and as any page in a
browser on this machine can send requests to it, those with another origin are refused.
"""

from urllib.parse import urlsplit

from starlette.requests import Request

from serving.errors import ForeignOrigin, KeyMayNot, NotAllowed
from serving.http.api_keys import ApiKey
from serving.http.middleware import read_header
from serving.settings import Permission, Settings

PROMOTION_OFF = (
    "This service has no keys, and without one nobody may move an alias. Start it with "
    "SERVING_PROMOTE=on; or with a key that may: `recast serve --new-key NAME --may "
    "promote`."
)


TRAINING_OFF = (
    "This service trains nothing. Start it with SERVING_TRAIN=on; where it has keys, "
    "with one that may: `recast serve --new-key NAME --may train`."
)
Refusals = (KeyMayNot, NotAllowed, ForeignOrigin)


def check_promotion(request: Request, settings: Settings) -> None:
    """Check that a request may move an alias.

    Raises:
        KeyMayNot: its key has not the permission.
        NotAllowed: there are no keys, and the setting is off.
        ForeignOrigin: there are no keys, and it comes from a page from elsewhere.
    """
    if _has_permission(request, "promote"):
        return
    if not settings.promote:
        raise NotAllowed(PROMOTION_OFF)
    check_origin(request, settings)


def may_promote(request: Request, settings: Settings) -> bool:
    """Return whether a request may move an alias."""
    try:
        check_promotion(request, settings)
    except Refusals:
        return False
    return True


def check_training(request: Request, settings: Settings) -> None:
    """Check that a request may train.

    Raises:
        NotAllowed: the setting is off.
        KeyMayNot: its key has not the permission.
        ForeignOrigin: there are no keys, and it comes from a page from elsewhere.
    """
    if not settings.train:
        raise NotAllowed(TRAINING_OFF)
    if not _has_permission(request, "train"):
        check_origin(request, settings)


def may_train(request: Request, settings: Settings) -> bool:
    """Return whether a request may train."""
    try:
        check_training(request, settings)
    except Refusals:
        return False
    return True


def key_name(request: Request) -> str | None:
    """Return the name of a request's key; None without keys."""
    key: ApiKey | None = request.scope.get("api_key")
    return None if key is None else key.name


def _has_permission(request: Request, permission: Permission) -> bool:
    """Return whether a request has a key with a permission; False without keys.

    Raises:
        KeyMayNot: its key has not the permission.
    """
    key: ApiKey | None = request.scope.get("api_key")
    if key is not None and permission not in key.may:
        raise KeyMayNot(key.name, permission)
    return key is not None


def check_origin(request: Request, settings: Settings) -> None:
    """Check that a request comes from no page, or from one of the service's or allowed.

    Raises:
        ForeignOrigin: it comes from another page.
    """
    origin = read_header(request.scope, b"origin").decode("latin-1")
    host = read_header(request.scope, b"host").decode("latin-1")
    if not origin or origin in settings.cors_origins:
        return
    if urlsplit(origin).netloc.lower() != host.lower():
        raise ForeignOrigin(origin)
