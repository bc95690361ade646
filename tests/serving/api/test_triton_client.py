"""Triton's own client asks the service as it would ask Triton."""

from pathlib import Path

import numpy as np
import pytest
from tritonclient.http import InferenceServerClient, InferInput, InferRequestedOutput
from tritonclient.utils import InferenceServerException

DOCUMENT = Path(__file__).parents[3] / "docs" / "clients.md"
VALUES = np.array(
    [[10.0, 11.5, 12.0, 11.0, 10.5, 9.5], [1.0, 2.0, 3.0, 5.0, 8.0, 13.0]]
)


@pytest.fixture
def client(service):
    with InferenceServerClient(service.url.removeprefix("http://")) as client:
        yield client


def make_input(name, array, datatype="FP64", *, binary=False):
    tensor = InferInput(name, array.shape, datatype)
    tensor.set_data_from_numpy(array, binary_data=binary)
    return tensor


def test_health_and_metadata_are_understood(client):
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("waves")
    assert client.is_model_ready("waves", "2")
    assert not client.is_model_ready("wave")
    assert client.get_server_metadata()["extensions"] == []
    assert client.get_model_metadata("waves")["outputs"][0]["name"] == "point"


def test_forecasts_are_those_of_our_own_route(client, service):
    series = [{"id": str(i), "values": row} for i, row in enumerate(VALUES.tolist())]
    body = {"series": series, "horizon": 2, "levels": [80]}
    rows = service.forecast(body=body).json()["forecasts"]

    answer = client.infer(
        "waves",
        [
            make_input("values", VALUES),
            make_input("horizon", np.array([2]), "INT64"),
            make_input("levels", np.array([80.0])),
        ],
        outputs=[InferRequestedOutput("point"), InferRequestedOutput("lower_80")],
    )

    lower = [one["intervals"]["80"]["lower"] for one in rows]
    np.testing.assert_allclose(answer.as_numpy("point"), [one["point"] for one in rows])
    np.testing.assert_allclose(answer.as_numpy("lower_80"), lower)
    assert answer.as_numpy("upper_80") is None
    assert answer.get_response()["model_version"] == "1"


def test_refusals_arrive_as_the_clients_own_exception(client):
    with pytest.raises(InferenceServerException, match="There is no model 'wave'"):
        client.infer("wave", [make_input("values", VALUES)])
    with pytest.raises(InferenceServerException, match="not as binary data"):
        client.infer("waves", [make_input("values", VALUES, binary=True)])


def test_the_documents_example_runs_as_printed(service, capsys):
    [block] = [
        part.partition("```")[0]
        for part in DOCUMENT.read_text().split("```py\n")[1:]
        if "tritonclient" in part.partition("```")[0]
    ]
    address = service.url.removeprefix("http://")

    exec(block.replace("127.0.0.1:8000", address).replace('"sales"', '"waves"'), {})

    assert capsys.readouterr().out.startswith("[[")
