"""The Open Inference Protocol: tensors in, the numbers of the library out."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecasting import Panel

VALUES = [[10.0, 11.5, 12.0, 11.0, 10.5, 9.5], [1.0, 2.0, 3.0, 5.0, 8.0, 13.0]]


def tensor(name, data, datatype="FP64", shape=None):
    shape = list(np.shape(data)) if shape is None else shape
    return {"name": name, "datatype": datatype, "shape": shape, "data": data}


def infer(service, *tensors, path="waves", headers=None, **more):
    body = {"inputs": list(tensors), **more}
    return service.client.post(
        f"/v2/models/{path}/infer", content=json.dumps(body), headers=headers
    )


def outputs(answer):
    assert answer.status_code == 200, answer.text
    return {
        one["name"]: np.reshape(one["data"], one["shape"])
        for one in answer.json()["outputs"]
    }


def test_forecasts_are_those_of_the_library(service, library):
    panel = {f"row {i}": row for i, row in enumerate(VALUES)}
    forecaster = library["waves", "1"]
    expected = forecaster.predict(
        Panel.from_values(panel, freq="D"), horizon=4, levels=[50]
    )

    answer = infer(
        service,
        tensor("values", VALUES),
        tensor("horizon", [4], "INT64"),
        tensor("levels", [50.0]),
        id="mine",
    )

    result = outputs(answer)
    lower, upper = expected.intervals[50]
    assert list(result) == ["point", "lower_50", "upper_50"]
    np.testing.assert_allclose(result["point"], expected.points, rtol=1e-9)
    np.testing.assert_allclose(result["lower_50"], lower, rtol=1e-9)
    np.testing.assert_allclose(result["upper_50"], upper, rtol=1e-9)
    rest = {key: value for key, value in answer.json().items() if key != "outputs"}
    assert rest == {"model_name": "waves", "model_version": "1", "id": "mine"}


def test_flat_data_and_single_precision_are_the_same(service):
    flat = [value for row in VALUES for value in row]

    nested = infer(service, tensor("values", VALUES))
    answer = infer(service, tensor("values", flat, "FP32", [2, 6]))

    assert answer.json() == nested.json()


def test_only_the_outputs_that_are_asked_for_come_back(service):
    requested = [{"name": "upper_95"}, {"name": "point", "parameters": {"a": 1}}]

    answer = infer(service, tensor("values", VALUES), outputs=requested)

    assert list(outputs(answer)) == ["upper_95", "point"]


def test_a_version_is_asked_by_its_number(service):
    first = infer(service, tensor("values", VALUES))

    second = infer(service, tensor("values", VALUES), path="waves/versions/2")

    assert second.json()["model_version"] == "2"
    assert not np.allclose(outputs(first)["point"], outputs(second)["point"])


@pytest.mark.parametrize(
    ("tensors", "text"),
    [
        ([], "an input 'values' (batch, length) is needed"),
        ([tensor("value", VALUES)], "there is no input 'value'; there is values"),
        ([tensor("values", VALUES), tensor("values", VALUES)], "given twice"),
        ([tensor("values", VALUES, "BYTES")], "one of FP64, FP32; found 'BYTES'"),
        ([tensor("values", VALUES[0])], "(batch, length) is needed; found [6]"),
        ([tensor("values", [[1.0, 2.0]])], "of 6 values or more each, is needed"),
        ([tensor("values", [], shape=[0, 6])], "a batch of one at least"),
        ([tensor("values", VALUES[0], shape=[2, 6])], "6 numbers; the shape [2, 6]"),
        ([tensor("values", ["1"] * 6, shape=[1, 6])], 'needed; found "1"'),
        (
            [tensor("values", [[1.0] * 5, [1.0] * 7], shape=[2, 6])],
            "data.0: 5 numbers in this row; the shape [2, 6] needs 6",
        ),
        ([tensor("values", [10**400] * 6, shape=[1, 6])], "a finite number is"),
        (
            [tensor("values", [float("nan")] * 6, shape=[1, 6])],
            "inputs.0.data.0: a finite number is needed",
        ),
        (
            [tensor("values", VALUES), tensor("horizon", [1.5], "INT64")],
            "a whole number is needed; found 1.5",
        ),
        (
            [tensor("values", VALUES), tensor("horizon", [0], "INT64")],
            "a whole number from 1",
        ),
        (
            [tensor("values", VALUES), tensor("horizon", [1, 2], "INT64")],
            "(1) is needed; found [2]",
        ),
        (
            [tensor("values", VALUES), tensor("horizon", [101], "INT64")],
            "at most 100 steps ahead",
        ),
        (
            [tensor("values", VALUES), tensor("horizon", [10**30], "INT64")],
            "at most 100 steps ahead; found 1000000000000000019",
        ),
        ([tensor("values", VALUES), tensor("levels", [100])], "from 1 to 99"),
        (
            [tensor("values", VALUES), tensor("levels", [9.0] * 21)],
            "at most 20 levels",
        ),
        (
            [{"name": "values", "datatype": "FP64", "shape": [2, 6],
              "parameters": {"binary_data_size": 96}}],
            "takes no binary data",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_as_the_protocol_has_it(service, tensors, text):
    answer = infer(service, *tensors)

    assert answer.status_code == 422
    assert list(answer.json()) == ["error"]
    assert text in answer.json()["error"]


def test_an_output_that_is_not_there_is_refused(service):
    answer = infer(service, tensor("values", VALUES), outputs=[{"name": "mean"}])

    assert answer.status_code == 422
    assert "there is no output 'mean'; there is point" in answer.json()["error"]


@pytest.mark.parametrize("times", [2, 1000])
def test_an_output_comes_once_so_that_no_answer_is_without_bounds(service, times):
    answer = infer(
        service, tensor("values", VALUES), outputs=[{"name": "point"}] * times
    )

    assert answer.status_code == 422
    assert "outputs.1.name: 'point' is named twice" in answer.json()["error"]


def test_more_than_the_limits_is_refused(service):
    answer = infer(service, tensor("values", [], shape=[21, 10]))

    assert answer.status_code == 413
    assert answer.json()["error"].startswith("21 series; at most 20")


def test_binary_tensors_are_refused(service):
    answer = infer(
        service,
        tensor("values", VALUES),
        headers={"Inference-Header-Content-Length": "10"},
    )

    assert answer.status_code == 415
    assert "binary_data=False" in answer.json()["error"]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("wave", "There is no model 'wave'"),
        ("waves/versions/9", "has no version 9"),
        ("waves/versions/x", "has no version x"),
    ],
)
@pytest.mark.parametrize("what", ["", "/ready"])
def test_an_unknown_model_is_named(service, path, text, what):
    answer = service.client.get(f"/v2/models/{path}{what}")

    assert answer.status_code == 404
    assert text in answer.json()["error"]


@pytest.mark.parametrize("what", ["", "/ready", "/versions/1/ready"])
def test_a_version_that_recast_did_not_make_is_not_there(service, what):
    answer = service.client.get(f"/v2/models/other{what}")

    assert answer.status_code == 404
    assert "Version 1 of model 'other' was not made by Recast" in answer.json()["error"]
    assert "retry-after" not in answer.headers


def test_a_damaged_version_is_not_ready(service):
    answer = service.client.get("/v2/models/waves/versions/3/ready")

    assert answer.status_code == 503
    assert "cannot be used" in answer.json()["error"]


def test_server_and_models_say_what_they_are(service):
    server, live, ready = (
        service.client.get(f"/v2{path}").json()
        for path in ("", "/health/live", "/health/ready")
    )
    model = service.client.get("/v2/models/waves/versions/1").json()

    assert (server["name"], server["extensions"]) == ("recast", [])
    assert (live, ready) == ({"live": True}, {"ready": True})
    assert (model["name"], model["versions"]) == ("waves", ["4", "3", "2", "1"])
    values = {"name": "values", "datatype": "FP64", "shape": [-1, -1]}
    assert model["inputs"][0] == values
    names = [one["name"] for one in model["outputs"]]
    assert names == ["point", "lower_80", "upper_80", "lower_95", "upper_95"]


cells = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3)
data = st.lists(cells | st.floats(-9, 9) | st.lists(cells, max_size=6), max_size=12)
tensors = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["values", "horizon", "levels"]) | cells,
        "datatype": st.sampled_from(["FP64", "INT64"]) | cells,
        "shape": st.sampled_from([[1, 6], [2, 6], [1]])
        | st.lists(st.integers(-1, 2**70) | cells, max_size=3),
        "data": st.just([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]) | data | cells,
    }
)


@settings(max_examples=200)
@given(inputs=st.lists(tensors, max_size=3), outputs=cells | data)
def test_any_tensors_are_answered_or_refused(service, inputs, outputs):
    answer = infer(service, *inputs, outputs=outputs)

    assert answer.status_code in (200, 413, 422), answer.text
    assert list(answer.json()) == ["error"] or answer.status_code == 200
