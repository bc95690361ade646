"""The OpenAPI document is valid, complete, and its examples are true."""

import json
import re

import msgspec
import pytest
from fastapi.openapi.models import OpenAPI

from serving.api.mlflow_scoring.tables import Invocation
from serving.api.open_inference.tensors import InferRequest
from serving.forecasts.explain import ExplainAnswer
from serving.schemas.forecast import ForecastAnswer, Problem
from serving.schemas.request import (
    ExplainRequest,
    ForecastRequest,
    Promotion,
    ZeroShotRequest,
)


@pytest.fixture(scope="module")
def document(service):
    return service.client.get("/openapi.json").json()


def test_the_document_is_openapi(document):
    assert document["openapi"].startswith("3.1")
    OpenAPI.model_validate(document)


def test_every_reference_leads_somewhere(document):
    references = re.findall(r'"#/components/schemas/(\w+)"', json.dumps(document))

    assert {"ForecastRequest", "ExplainRequest", "Series", "Problem"} <= set(references)
    assert set(references) <= set(document["components"]["schemas"])


def test_every_route_says_how_it_fails(document):
    for path, item in document["paths"].items():
        for operation in item.values():
            assert operation["description"], path
            for status, response in operation["responses"].items():
                if int(status) >= 400:
                    kind = "json" if path.startswith("/v2") else "problem+json"
                    expected = [f"application/{kind}"]
                    assert list(response["content"]) == expected, (path, status)


@pytest.mark.parametrize("schema", [ForecastAnswer, ExplainAnswer, Problem])
def test_examples_fit_their_schema(document, schema):
    examples = document["components"]["schemas"][schema.__name__]["examples"]

    assert examples
    for example in examples:
        schema.model_validate(example)


@pytest.mark.parametrize(
    "schema",
    [
        *(ForecastRequest, ExplainRequest, ZeroShotRequest, Promotion),
        *(Invocation, InferRequest),
    ],
)
def test_examples_of_bodies_are_decoded(document, schema):
    examples = document["components"]["schemas"][schema.__name__]["examples"]

    assert examples
    for example in examples:
        assert msgspec.json.decode(json.dumps(example), type=schema)


def test_constraints_and_defaults_of_a_forecast_request_are_in_the_document(document):
    schemas = document["components"]["schemas"]
    request, series = schemas["ForecastRequest"], schemas["Series"]

    assert request["additionalProperties"] is series["additionalProperties"] is False
    assert request["properties"]["levels"]["default"] == [80, 95]
    assert request["properties"]["levels"]["items"]["maximum"] == 99
    assert series["required"] == ["id", "values"]
    assert series["properties"]["id"]["maxLength"] == 500
    columns = series["properties"]["known_covariates"]["additionalProperties"]
    assert (columns["type"], len(columns["items"]["anyOf"])) == ("array", 2)


def test_a_forecast_without_a_model_has_its_own_body(document):
    operation = document["paths"]["/v1/forecast"]["post"]
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    request = document["components"]["schemas"]["ZeroShotRequest"]

    assert schema == {"$ref": "#/components/schemas/ZeroShotRequest"}
    assert operation["requestBody"]["required"] is True
    assert "parameters" not in operation
    assert request["required"] == ["series"]
    assert request["properties"]["horizon"]["default"] == 14
    assert request["properties"]["season_length"]["default"] == "auto"


def test_the_documents_page_shows_it(service):
    html = service.client.get("/docs").text

    assert "openapi.json" in html
    assert "swagger-ui-bundle.js" in html
