"""Decoding of request bodies by pydantic; errors name the location of each flaw."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from serving.errors import Loc, RequestError, UnsupportedMedia, shortened
from serving.http.shapes import ShapeCheck, check_shape
from serving.schemas.forecast import (
    ForecastRequest,
    ModelSelector,
)
from serving.schemas.series import Series
from serving.settings import Settings

# Models that allow no unknown keys, by their location in a request.
STRICT_MODELS: Mapping[str, type[BaseModel]] = {
    "query": ModelSelector,
    "body": ForecastRequest,
    "series": Series,
}

# Errors whose message is complete without the input: that would be a whole body, or
# nothing, or the message holds it already.
COMPLETE_MESSAGES = ("json_invalid", "missing", "value_error")
Body = TypeVar("Body", bound=BaseModel)


def read_body(
    kind: type[Body], body: bytes, settings: Settings, check: ShapeCheck
) -> Body:
    """Decode a JSON body to a pydantic model.

    `serving.http.shapes` checks large bodies first, so that flaws stay few.

    Raises:
        RequestError: the body is not JSON, or has another shape.
        RequestTooLarge: it has more series or rows than the limits allow.
    """
    body = check_shape(check, body, settings)
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=False)
        raise request_error(details, "body") from None


def request_error(details: Iterable[ErrorDetails], *root: str) -> RequestError:
    """Return pydantic's errors as a `RequestError`; ``root`` prefixes each location."""
    flaws = [((*root, *detail["loc"]), detail) for detail in details]
    return RequestError((loc, _describe(loc, detail)) for loc, detail in flaws)


def _describe(loc: Loc, detail: Mapping[str, Any]) -> str:
    if detail["type"] == "extra_forbidden":
        holder = next(str(part) for part in loc[-2::-1] if isinstance(part, str))
        if holder in STRICT_MODELS:
            return (
                f"unknown key; there is {', '.join(STRICT_MODELS[holder].model_fields)}"
            )
    message = str(detail["msg"]).removeprefix("Value error, ")
    if detail["type"] in COMPLETE_MESSAGES:
        return message
    return f"{message}{_describe_input(detail['input'])}"


def _describe_input(value: object) -> str:
    """Return the input as the end of a sentence, where it is one number or text."""
    is_short = not isinstance(value, int) or value.bit_length() < 64
    if isinstance(value, float | int | str) and is_short:
        return f"; found {shortened(json.dumps(value), 50)}"
    return ""


def refuse_encoded(request: Request) -> None:
    """Refuse a compressed body: only the nixtla routes decompress.

    Raises:
        UnsupportedMedia: the header Content-Encoding names an encoding.
    """
    encoding = request.headers.get("Content-Encoding", "").strip()
    if encoding.lower() not in ("", "identity"):
        header = f"found Content-Encoding {encoding[:50]!r}"
        raise UnsupportedMedia(f"Send the body as it is, not compressed; {header}.")
