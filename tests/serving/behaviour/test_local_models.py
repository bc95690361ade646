"""A version with a model a series is served as any other, each series by its model."""

import math

import pytest

from forecasting import (
    Panel,
    RecurrentConfig,
    TrainingConfig,
    WindowSpec,
    fit_each,
    join_forecasters,
)

WAVES = {
    f"s{number}": [20 + math.sin((0.2 + 0.1 * number) * t) for t in range(40)]
    for number in range(20)  # more than a trial forecasts before it is served
}


@pytest.fixture(scope="module")
def fleet():
    return fit_each(
        Panel.from_values(WAVES),
        windows=WindowSpec(seq_len=5, horizon=3),
        model=RecurrentConfig(hidden_size=3, guard=True),
        training=TrainingConfig(epochs=1, device="cpu", engine="torch"),
    )


@pytest.fixture(scope="module")
def service(fleet, serving, tmp_path_factory):
    folder = tmp_path_factory.mktemp("local")
    with serving("each", join_forecasters(fleet), folder) as service:
        yield service


def test_series_are_forecast_each_by_its_model(service, fleet):
    names = ["s19", "s3"]
    body = {"series": [{"id": name, "values": WAVES[name]} for name in names]}

    answer = service.forecast("each", body)

    assert answer.status_code == 200, answer.text
    for name, forecast in zip(names, answer.json()["forecasts"], strict=True):
        expected = fleet[name].predict()
        assert forecast["id"] == name
        assert forecast["point"] == pytest.approx(expected.points[0].tolist())
        assert forecast["method"] == expected.methods[0]


def test_an_empty_request_continues_all_series(service):
    answer = service.forecast("each", {})

    assert [part["id"] for part in answer.json()["forecasts"]] == list(WAVES)


def test_a_series_without_a_model_is_located_and_fails_no_other_request(service):
    series = [{"id": name, "values": WAVES["s1"]} for name in ("s1", "new")]

    refused = service.forecast("each", {"series": series})

    assert refused.status_code == 422
    assert "'new' has no model" in refused.text
    assert service.forecast("each", {"series": series[:1]}).status_code == 200


def test_the_description_and_the_explanation_are_those_of_all_series(service):
    details = service.client.get("/v1/models/each").json()
    explanation = service.explain("each", {})

    assert details["num_series"] == 20
    assert sum(details["methods"].values()) == 20
    assert explanation.json()["windows"] == 20


def test_protocols_without_series_ids_get_an_error_in_words(service):
    tensor = {"name": "values", "shape": [1, 6], "datatype": "FP64", "data": [1.0] * 6}

    refused = service.client.post("/v2/models/each/infer", json={"inputs": [tensor]})

    assert refused.status_code in (400, 422)
    assert "model of its own" in refused.text
