"""The OpenAPI document: FastAPI's, completed by bodies that routes read themselves."""

from typing import Any

from fastapi import FastAPI
from msgspec import Struct
from msgspec.json import schema_components
from pydantic.json_schema import models_json_schema

from serving.api.mlflow_scoring import tables
from serving.api.open_inference import tensors
from serving.http.auth import is_open
from serving.http.problems import MEDIA_TYPE, is_inference
from serving.schemas import request, sequence_requests
from serving.schemas.forecast import Problem
from serving.settings import Settings

REFERENCE = "#/components/schemas/{model}"
DESCRIPTION = """\
Forecasts by the models of an MLflow registry.

A model is addressed by its name. The version behind the alias `champion` answers unless
`?alias=` or `?version=` selects another; every response names the version that made it.
`POST /v1/forecast` needs no model: it forecasts by one that is part of the service.
Errors are `application/problem+json` (RFC 9457), under `/v2` those of the Open
Inference Protocol. Every forecast names the `method` that made it.
"""
SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}


def add_bodies(app: FastAPI, settings: Settings) -> None:
    """Add the request bodies to the document that ``app`` serves at /openapi.json."""
    build_document = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = build_document()
            document["components"]["schemas"].update(_body_schemas())
            _add_security(document, settings)
        return build_document()

    app.openapi = openapi  # type: ignore[method-assign]


def _body_schemas() -> dict[str, Any]:
    """Return the JSON schemas of the request bodies and of problems, by name."""
    bodies: dict[type[Struct], list[dict[str, Any]]] = {
        request.ForecastRequest: request.EXAMPLES,
        request.ExplainRequest: request.EXAMPLES,
        request.ZeroShotRequest: request.ZERO_SHOT_EXAMPLES,
        request.Promotion: request.PROMOTION_EXAMPLES,
        **sequence_requests.EXAMPLES,
        tables.Invocation: tables.EXAMPLES,
        tables.SequenceInvocation: tables.SEQUENCE_EXAMPLES,
        tensors.InferRequest: tensors.EXAMPLES,
    }
    template = REFERENCE.replace("{model}", "{name}")
    _, schemas = schema_components(bodies, ref_template=template)
    for body, examples in bodies.items():
        schemas[body.__name__]["examples"] = examples
    _, problem = models_json_schema(
        [(Problem, "serialization")], ref_template=REFERENCE
    )
    return {**schemas, **problem["$defs"]}


def _add_security(document: dict[str, Any], settings: Settings) -> None:
    """Add the API key to the routes that need one, and the statuses 401 and 429."""
    refusals = {}
    if settings.api_keys or settings.api_keys_file:
        refusals["401"] = "Unauthorized"
        document["components"]["securitySchemes"] = SCHEMES
    if settings.rate_limit:
        refusals["429"] = "Too Many Requests"
    for path, item in document["paths"].items():
        media_type, model = MEDIA_TYPE, "Problem"
        if is_inference(path):
            media_type, model = "application/json", "InferenceError"
        content = {media_type: {"schema": {"$ref": REFERENCE.format(model=model)}}}
        for operation in () if is_open(path) else item.values():
            for status, phrase in refusals.items():
                answer = {"description": phrase, "content": content}
                operation["responses"][status] = answer
            if "401" in refusals:
                operation["security"] = [{name: []} for name in SCHEMES]
