"""The OpenAPI document: FastAPI's own, and the bodies that routes read themselves."""

from typing import Any

from fastapi import FastAPI
from pydantic.json_schema import models_json_schema

from serving.schemas import ForecastRequest, Problem

REFERENCE = "#/components/schemas/{model}"
DESCRIPTION = """\
Forecasts by the models of an MLflow registry.

A model is asked by its name. The version behind the alias `champion` answers unless
`?alias=` or `?version=` says otherwise; every answer names the version that made it.
Errors are `application/problem+json` (RFC 9457).
"""


def add_bodies(app: FastAPI) -> None:
    """Complete the document that ``app`` shows at /openapi.json."""
    make = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = make()
            _, schema = models_json_schema(
                [(ForecastRequest, "validation"), (Problem, "serialization")],
                ref_template=REFERENCE,
            )
            document["components"]["schemas"].update(schema["$defs"])
        return make()

    app.openapi = openapi  # type: ignore[method-assign]
