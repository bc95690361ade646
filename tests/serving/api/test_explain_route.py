"""Explanations by the service are equal to those by the library."""

import numpy as np
import pytest

from forecasting.data.panel import Panel
from forecasting.explanation.explain import explain
from serving.forecasts.explain import ExplainAnswer

VALUES = [10.0, 10.5, 11.0, 10.2, 9.9, 9.5, 10.1]
SERIES = {"series": [{"id": "a", "values": VALUES}]}


def assert_same(answer, explanation, steps=3):
    ExplainAnswer.model_validate(answer)
    expected = explanation.observations[:steps]
    np.testing.assert_allclose(answer["importance"], expected, rtol=1e-5)
    expected = explanation.sensitivity[:steps]
    np.testing.assert_allclose(answer["sensitivity"], expected, rtol=1e-5)
    assert answer["windows"] == explanation.windows
    assert answer["lags"] == [6, 5, 4, 3, 2, 1]
    assert answer["covariates"] == {}
    assert answer["methods"] == explanation.methods


def test_without_series_those_seen_in_training_are_explained(service, library):
    expected = explain(library["waves", "1"])

    answer = service.explain().json()

    assert_same(answer, expected)
    assert answer["windows"] == 2
    assert answer["model"] == {"name": "waves", "version": "1", "alias": "champion"}
    empty = service.client.post("/v1/models/waves/explain")
    assert empty.json() == answer


def test_every_window_of_the_series_sent_counts(service, library):
    expected = explain(library["waves", "1"], Panel.from_values({"a": VALUES}))

    answer = service.explain(body=SERIES).json()

    assert_same(answer, expected)
    assert answer["windows"] == 2


@pytest.mark.parametrize(
    ("query", "version"), [({"alias": "challenger"}, "2"), ({"version": 2}, "2")]
)
def test_alias_or_version_choose_the_model(service, library, query, version):
    expected = explain(library["waves", version])

    answer = service.explain(**query).json()

    assert_same(answer, expected)
    assert answer["model"]["version"] == version


def test_the_body_of_a_forecast_will_do(service, library):
    body = SERIES | {"horizon": 2, "levels": [50]}
    expected = explain(library["waves", "1"], Panel.from_values({"a": VALUES}))

    answer = service.explain(body=body).json()

    assert service.forecast(body=body).status_code == 200
    assert_same(answer, expected, steps=2)


def test_the_network_is_explained_by_itself_if_asked_for(service, library):
    expected = explain(library["waves", "1"], part="network")

    answer = service.explain(body={"network": True}).json()

    assert_same(answer, expected)
    assert answer != service.explain().json()


@pytest.mark.parametrize(
    ("body", "kind", "text", "loc"),
    [
        ({"horizon": 4}, "request-error", "the trained horizon; found 4", "horizon"),
        ({"horizon": 101}, "request-error", "at most 100 steps ahead", "horizon"),
        ({"rows": []}, "request-error", "unknown key; there is series", "rows"),
        (
            {"series": [{"id": "a", "values": [1e300] * 6}]},
            "data-error",
            "no finite gradient",
            "series",
        ),
    ],
)
def test_what_cannot_be_explained_is_refused(
    service, body, kind, text, loc, assert_problem
):
    response = service.explain(body=body)

    assert_problem(response, 422, kind, text, ["body", loc])


def test_too_short_a_series_is_refused(service, assert_problem):
    response = service.explain(body={"series": [{"id": "a", "values": [1.0] * 5}]})

    loc = ["body", "series", 0, "values"]
    assert_problem(response, 422, "series-too-short", "5", loc)


def test_too_many_series_are_refused(service, assert_problem):
    series = [{"id": str(i), "values": VALUES} for i in range(21)]

    response = service.explain(body={"series": series})

    text = "21 series; at most 20"
    assert_problem(response, 413, "request-too-large", text, ["body", "series"])


def test_more_numbers_than_an_answer_may_have_are_refused(
    running, built, tmp_path, assert_problem
):
    with running(f"sqlite:///{built}/mlflow.db", tmp_path, max_points=35) as service:
        service.wait_for(lambda: service.readyz().get("state") == "ready")
        body = {"series": SERIES["series"]}

        response = service.explain(body=body)
        shorter = service.explain(body=body | {"horizon": 2})

    text = "36 numbers would be in the answer; at most 35"
    assert_problem(response, 413, "request-too-large", text, ["body"])
    assert shorter.status_code == 200


def test_an_unknown_model_is_refused(service, assert_problem):
    response = service.explain("wave")

    assert_problem(response, 404, "unknown-model", "There is: my steps")
