"""A request of another task than the model's names model, task and address."""

import pytest

FORECASTS = ["forecast", "explain"]
RECORDS = ["series", "history?id=a", "context?id=a", "backtest?id=a", "evaluation"]
VALUES = {"series": [{"id": "a", "values": [1.0, 2.0]}]}
WAVE = [1.0, 2.0, 3.0, 2.0] * 4
SYMBOLS = {"series": [{"id": "a", "symbols": "he"}]}
TENSORS = {
    "inputs": [
        {"name": "values", "datatype": "FP64", "shape": [1, 2], "data": [1.0, 2.0]}
    ]
}


@pytest.mark.parametrize("verb", FORECASTS)
def test_a_classifier_makes_no_forecasts(ask, assert_problem, verb):
    problem = assert_problem(ask("hearts", verb, {}), 422, "other-task")

    assert problem["detail"] == (
        "Model 'hearts' has the task 'classify' and does not answer this request. Ask "
        "it at POST /v1/models/hearts/classify."
    )


@pytest.mark.parametrize("address", RECORDS)
def test_a_model_of_symbols_has_no_history_of_forecasts(
    sequences, assert_problem, address
):
    response = sequences.client.get(f"/v1/models/letters/{address}")

    text = "/v1/models/letters/next or POST /v1/models/letters/generate"
    assert_problem(response, 422, "other-task", text)


@pytest.mark.parametrize(
    ("name", "verb", "body", "text"),
    [
        ("waves", "classify", VALUES, "task 'forecast'"),
        ("my steps", "label", VALUES, "POST /v1/models/my%20steps/forecast"),
        ("waves", "next", SYMBOLS, "POST /v1/models/waves/forecast"),
        ("waves", "generate", {}, "POST /v1/models/waves/forecast"),
        ("hearts", "label", VALUES, "POST /v1/models/hearts/classify"),
        ("states", "classify", VALUES, "POST /v1/models/states/label"),
        ("states", "generate", {}, "POST /v1/models/states/label"),
        ("letters", "label", VALUES, "POST /v1/models/letters/next"),
    ],
)
def test_another_task_names_the_right_address(
    ask, assert_problem, name, verb, body, text
):
    assert_problem(ask(name, verb, body), 422, "other-task", text)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/v2/models/hearts", None),
        ("GET", "/v2/models/hearts/ready", None),
        ("GET", "/v2/models/hearts/versions/1/ready", None),
        ("POST", "/v2/models/hearts/infer", TENSORS),
    ],
)
def test_the_open_inference_protocol_names_the_address(sequences, method, path, body):
    response = sequences.client.request(method, path, json=body)

    assert response.status_code == 422
    assert "POST /v1/models/hearts/classify" in response.json()["error"]


def test_the_nixtla_routes_list_and_ask_forecasters_only(sequences, assert_problem):
    listed = sequences.client.get("/v2/models").json()["models"]
    params = sequences.client.get("/model_params", params={"model": "hearts"})
    body = {
        "model": "hearts",
        "freq": "D",
        "h": 2,
        "series": {"y": WAVE, "sizes": [len(WAVE)], "X": None, "X_future": None},
    }
    forecast = sequences.client.post("/v2/forecast", json=body)

    assert [model["name"] for model in listed] == ["my steps", "spare", "waves"]
    assert_problem(params, 422, "other-task", "task 'classify'")
    assert_problem(forecast, 422, "other-task", "task 'classify'")
