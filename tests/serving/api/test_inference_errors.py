"""Every error of the inference protocol is one that the protocol's clients can read."""

import json

import numpy as np
import pytest
from tritonclient.http import InferenceServerClient, InferInput
from tritonclient.utils import InferenceServerException

from forecasting.data.panel import Panel
from forecasting.data.windows import WindowSpec
from forecasting.forecaster.forecaster import Forecaster
from forecasting.models.config import RecurrentConfig
from forecasting.training import TrainingConfig
from serving.http.api_keys import hash_key


def connect(service):
    return InferenceServerClient(service.url.removeprefix("http://"))


@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.get_model_repository_index(),
        lambda client: client.get_model_config("waves"),
        lambda client: client.get_inference_statistics("waves"),
        lambda client: client.load_model("waves"),
        lambda client: client.get_system_shared_memory_status(),
    ],
)
def test_an_unknown_address_is_refused_in_the_clients_words(service, call):
    with (
        connect(service) as client,
        pytest.raises(InferenceServerException, match="nothing at this address"),
    ):
        call(client)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/v2/repository/index", "", 404),
        ("GET", "/v2/models/", "", 404),
        ("GET", "/v2/", "", 404),
        ("DELETE", "/v2", "", 405),
        ("GET", "/v2/models/waves/infer", "", 405),
        ("POST", "/v2/models/waves/infer", "{", 422),
        ("POST", "/v2/models/waves/infer", " " * 100_001, 413),
        ("POST", "/v2/models/wave/infer", "{}", 404),
        ("GET", "/v2/models/waves/versions/3", "", 503),
    ],
)
def test_errors_have_one_format(service, method, path, body, status):
    answer = service.client.request(method, path, content=body)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/json"
    assert list(answer.json()) == ["error"]


@pytest.mark.parametrize("path", ["/v2x", "/v2/modelsx/a", "/v2/finetuned_models/a/b"])
def test_an_address_that_only_begins_like_the_protocols_has_problems(
    service, assert_problem, path
):
    assert_problem(service.client.get(path), 404, "not-found")


@pytest.fixture(scope="module")
def guarded(built, tmp_path_factory, running):
    """A service that needs a key, with a narrow rate and short timeouts."""
    keys = json.dumps({"alice": hash_key("secret")})
    limits = {"rate_limit": "5/day", "body_seconds": 0.2, "default_model": "waves"}
    folder = tmp_path_factory.mktemp("guarded")
    uri = f"sqlite:///{built}/mlflow.db"
    with running(uri, folder, api_keys=keys, **limits) as service:
        service.wait_for(lambda: service.client.get("/readyz").status_code == 200)
        yield service


def test_keys_and_rates_are_refused_in_the_clients_words(guarded):
    key = {"X-API-Key": "secret"}
    with connect(guarded) as client:
        with pytest.raises(InferenceServerException, match="has no API key"):
            client.get_server_metadata()
        for _ in range(5):
            client.get_server_metadata(key)
        with pytest.raises(InferenceServerException, match="More requests than one"):
            client.get_server_metadata(key)


def test_the_document_says_so_for_every_status(guarded):
    document = guarded.client.get("/openapi.json").json()
    formats = {
        (path.startswith("/v2"), *response["content"])
        for path, item in document["paths"].items()
        for operation in item.values()
        for status, response in operation["responses"].items()
        if int(status) >= 400
    }
    infer = document["paths"]["/v2/models/{name}/infer"]["post"]["responses"]

    assert formats == {(True, "application/json"), (False, "application/problem+json")}
    assert {"401", "404", "408", "413", "422", "429", "503"} <= set(infer)


@pytest.fixture(scope="module")
def promoted(tmp_path_factory, serving):
    """A service with a model that needs a known covariate."""
    rng = np.random.default_rng(0)
    panel = Panel.from_values(
        {"a": rng.normal(10, 1, 60)},
        known_covariates={"promo": {"a": rng.normal(0, 1, 60)}},
    )
    forecaster = Forecaster(
        windows=WindowSpec(seq_len=6, horizon=3),
        model=RecurrentConfig(hidden_size=4),
        training=TrainingConfig(epochs=1, device="cpu"),
    ).fit(panel)
    with serving("promoted", forecaster, tmp_path_factory.mktemp("known")) as service:
        yield service


def test_a_model_that_the_protocol_has_no_inputs_for_is_not_ready(promoted):
    values = InferInput("values", [1, 6], "FP64")
    values.set_data_from_numpy(np.ones((1, 6)), binary_data=False)
    with connect(promoted) as client:
        assert not client.is_model_ready("promoted")
        assert not client.is_model_ready("promoted", "1")
        assert client.is_model_ready("waves")
        for call in (
            lambda: client.get_model_metadata("promoted"),
            lambda: client.get_model_metadata("promoted", "1"),
            lambda: client.infer("promoted", [values]),
        ):
            with pytest.raises(InferenceServerException, match="needs covariates"):
                call()
