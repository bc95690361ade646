"""A model that smooths forecasts from a single observation on."""

import numpy as np
import pytest

from forecasting.data.panel import Panel
from forecasting.data.windows import WindowSpec
from forecasting.explanation.explain import explain
from forecasting.forecaster.forecaster import Forecaster
from forecasting.models.config import RecurrentConfig
from forecasting.training import TrainingConfig


@pytest.fixture(scope="module")
def forecaster():
    noise = np.random.default_rng(0).normal(size=(2, 60))
    season = np.sin(np.pi / 2 * np.arange(60))
    return Forecaster(
        windows=WindowSpec(seq_len=6, horizon=3),
        model=RecurrentConfig(
            hidden_size=4, normalization="log_ets", season_length=4, linear_skip=False
        ),
        training=TrainingConfig(epochs=2, device="cpu"),
    ).fit(Panel.from_values(dict(zip("ab", np.exp(season + 0.1 * noise), strict=True))))


@pytest.fixture(scope="module")
def own_service(forecaster, serving, tmp_path_factory):
    folder = tmp_path_factory.mktemp("short")
    with serving("seasonal", forecaster, folder) as service:
        yield service


def test_a_model_says_the_least_history_that_it_needs(own_service):
    details = own_service.client.get("/v1/models/seasonal").json()

    assert (details["seq_len"], details["least_history"]) == (6, 1)
    assert len(details["context"][0]["values"]) == 60
    listed = own_service.client.get("/v1/models").json()["models"]
    assert {one["name"]: one["least_history"] for one in listed}["seasonal"] == 1


@pytest.mark.parametrize("length", [1, 3, 40])
def test_short_series_are_forecast_as_by_the_library(own_service, forecaster, length):
    values = np.exp(np.sin(np.arange(length))).tolist()

    answer = own_service.forecast(
        "seasonal", {"series": [{"id": "new", "values": values}], "horizon": 5}
    )

    assert answer.status_code == 200, answer.text
    [row] = answer.json()["forecasts"]
    expected = forecaster.predict(Panel.from_values({"new": values}), horizon=5)
    np.testing.assert_allclose(row["point"], expected.points[0], rtol=1e-6)


def test_what_the_page_asks_for_is_answered(own_service, forecaster):
    history = own_service.client.get("/v1/models/seasonal").json()["context"][0]

    seen = own_service.forecast("seasonal", {"horizon": 3, "levels": [80]})
    again = own_service.forecast("seasonal", {"series": [history], "levels": [80]})
    series = {"id": "own values", "values": [2.5]}
    typed = own_service.forecast("seasonal", {"series": [series], "levels": [80]})

    assert [r.status_code for r in (seen, again, typed)] == [200] * 3
    first, second = (r.json()["forecasts"][0]["point"] for r in (seen, again))
    np.testing.assert_allclose(first, second, rtol=1e-6)
    np.testing.assert_allclose(first, forecaster.predict().points[0], rtol=1e-6)


def test_a_short_series_is_explained_as_by_the_library(own_service, forecaster):
    values = [1.0, 2.0, 1.5]

    answer = own_service.explain(
        "seasonal", {"series": [{"id": "new", "values": values}]}
    ).json()

    expected = explain(forecaster, Panel.from_values({"new": values}))
    np.testing.assert_allclose(answer["importance"], expected.observations, rtol=1e-5)
    assert np.array(answer["sensitivity"])[:, :3].max() == 0
