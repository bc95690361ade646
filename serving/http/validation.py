"""Checks of the query and of the headers of requests."""

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from fastapi import Request
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from starlette.datastructures import QueryParams
from starlette.types import Scope

from serving.errors import RequestError, UnsupportedMedia, shortened
from serving.schemas.forecast import ModelSelector

# Errors whose message is complete without the input: that would be a whole query, or
# nothing, or the message holds it already.
COMPLETE_MESSAGES = ("missing", "value_error")
UNENCODED = (b"", b"identity")
CACHE_SIZE = 1024  # queries with a cached selector


def request_error(
    details: Iterable[ErrorDetails], *root: str, keys: Iterable[str] = ()
) -> RequestError:
    """Return pydantic's errors as a `RequestError`.

    Args:
        details: the errors.
        root: prefix of each location.
        keys: names that the query may have, for the message on others.
    """
    names = ", ".join(keys)
    flaws = [((*root, *detail["loc"]), detail) for detail in details]
    return RequestError(
        (loc, _describe(detail, names if loc[:1] == ("query",) else ""))
        for loc, detail in flaws
    )


def query_keys(scope: Scope) -> Iterable[str]:
    """Return the names that the query of a request may have."""
    dependant = getattr(scope.get("route"), "dependant", None)
    for parameter in dependant.query_params if dependant else ():
        schema = parameter.field_info.annotation
        if isinstance(schema, type) and issubclass(schema, BaseModel):
            return schema.model_fields
    return ()


@lru_cache(CACHE_SIZE)
def read_selector(query: bytes) -> ModelSelector:
    """Decode the query of a request for a model.

    Raises:
        RequestError: a parameter is unknown or wrong.
    """
    try:
        return ModelSelector.model_validate(dict(QueryParams(query)))
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=False)
        keys = ModelSelector.model_fields
        raise request_error(details, "query", keys=keys) from None


def _describe(detail: Mapping[str, Any], names: str) -> str:
    if detail["type"] == "extra_forbidden":
        there_is = f"there is {names}" if names else "/docs lists those that there are"
        return f"unknown key; {there_is}"
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
    for name, value in request.scope["headers"]:
        if name == b"content-encoding" and value.strip().lower() not in UNENCODED:
            encoding = value.strip().decode("latin-1")
            header = f"found Content-Encoding {encoding[:50]!r}"
            raise UnsupportedMedia(f"Send the body as it is, not compressed; {header}.")


def refuse_query(query: bytes) -> None:
    """Refuse the query of a request to a route without any.

    Raises:
        RequestError: there is a parameter.
    """
    if query:
        text = "unknown key; this address has none"
        raise RequestError([(("query", key), text) for key in QueryParams(query)])
