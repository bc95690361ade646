"""What pydantic finds wrong with a request, as an error that names every place."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from serving.errors import Loc, RequestError, UnsupportedMedia, shortened
from serving.http.shapes import check_shape
from serving.schemas.forecast import (
    ForecastRequest,
    ModelSelector,
)
from serving.schemas.series import Series
from serving.settings import Settings

# What takes no other keys than its own, by the place that it has in a request.
STRICT: Mapping[str, type[BaseModel]] = {
    "query": ModelSelector,
    "body": ForecastRequest,
    "series": Series,
}


# What is wrong is said without what was found: all of a body, nothing, or it is there.
COMPLETE = ("json_invalid", "missing", "value_error")


Body = TypeVar("Body", bound=BaseModel)


def read_body(kind: type[Body], body: bytes, settings: Settings) -> Body:
    """Return the JSON of a body as an object.

    Large ones are looked at by `serving.http.shapes` first, so that flaws stay few.

    Raises:
        RequestError: it is no JSON, or has another shape.
        RequestTooLarge: it has more series or rows than the limits allow.
    """
    body = check_shape(kind.__name__, body, settings)
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False)
        raise request_error(found, "body") from None


def request_error(details: Iterable[ErrorDetails], *root: str) -> RequestError:
    """Return what pydantic found as an error; ``root`` is the place of it all."""
    flaws = [((*root, *detail["loc"]), detail) for detail in details]
    return RequestError((loc, _sentence(loc, detail)) for loc, detail in flaws)


def _sentence(loc: Loc, detail: Mapping[str, Any]) -> str:
    if detail["type"] == "extra_forbidden":
        holder = next(str(part) for part in loc[-2::-1] if isinstance(part, str))
        if holder in STRICT:
            return f"unknown key; there is {', '.join(STRICT[holder].model_fields)}"
    message = str(detail["msg"]).removeprefix("Value error, ")
    if detail["type"] in COMPLETE:
        return message
    return f"{message}{_found(detail['input'])}"


def _found(value: object) -> str:
    """Return how to say what was found, where that is one number, text or word."""
    is_short = not isinstance(value, int) or value.bit_length() < 64
    if isinstance(value, float | int | str) and is_short:
        return f"; found {shortened(json.dumps(value), 50)}"
    return ""


def refuse_encoded(request: Request) -> None:
    """Refuse a compressed body: only those of the nixtla client are unpacked.

    Raises:
        UnsupportedMedia: the header Content-Encoding names an encoding.
    """
    encoding = request.headers.get("Content-Encoding", "").strip()
    if encoding.lower() not in ("", "identity"):
        found = f"found Content-Encoding {encoding[:50]!r}"
        raise UnsupportedMedia(f"Send the body as it is, not compressed; {found}.")
