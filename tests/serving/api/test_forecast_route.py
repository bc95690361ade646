"""The forecasts that the service gives are those of the library."""

import numpy as np
import pytest

from forecasting.data.panel import Panel
from serving.schemas.forecast import ForecastAnswer

VALUES = [10.0, 10.5, 11.0, 10.2, 9.9, 9.5, 10.1]
DAYS = [f"2024-03-{day:02}" for day in range(25, 32)]


def assert_same(answer, forecast):
    """Check every number of an answer against a forecast of the library."""
    rows = answer["forecasts"]
    assert [row["id"] for row in rows] == list(forecast.series_ids)
    points = [row["point"] for row in rows]
    np.testing.assert_allclose(points, forecast.points, rtol=1e-6)
    for level, (lower, upper) in forecast.intervals.items():
        bounds = [row["intervals"][f"{level:g}"] for row in rows]
        np.testing.assert_allclose([b["lower"] for b in bounds], lower, rtol=1e-6)
        np.testing.assert_allclose([b["upper"] for b in bounds], upper, rtol=1e-6)


def test_without_series_those_seen_in_training_go_on(service, library, hostile):
    expected = library["waves", "1"].predict()

    answer = service.forecast().json()

    assert_same(answer, expected)
    assert answer["model"] == {"name": "waves", "version": "1", "alias": "champion"}
    assert answer["forecasts"][1]["id"] == hostile
    assert answer["forecasts"][0]["timestamps"] == [
        "2024-03-21T00:00:00",
        "2024-03-22T00:00:00",
        "2024-03-23T00:00:00",
    ]
    ForecastAnswer.model_validate(answer)


def test_an_empty_body_means_an_empty_object(service):
    response = service.client.post("/v1/models/waves/forecast")

    assert response.json() == service.forecast().json()


def test_series_sent_with_timestamps_go_on_from_there(service, library):
    panel = Panel.from_values({"a": VALUES}, timestamps={"a": DAYS}, freq="D")
    expected = library["waves", "1"].predict(panel, horizon=5, levels=[50])
    body = {
        "series": [{"id": "a", "values": VALUES, "timestamps": DAYS}],
        "horizon": 5,
        "levels": [50],
    }

    answer = service.forecast(body=body).json()

    assert_same(answer, expected)
    assert answer["forecasts"][0]["timestamps"][0] == "2024-04-01T00:00:00"
    assert list(answer["forecasts"][0]["intervals"]) == ["50"]


def test_series_sent_without_timestamps_have_none_in_the_answer(service, library):
    panel = Panel.from_values({"new": VALUES, "a": VALUES})
    expected = library["waves", "1"].predict(panel)
    body = {"series": [{"id": "new", "values": VALUES}, {"id": "a", "values": VALUES}]}

    answer = service.forecast(body=body).json()

    assert_same(answer, expected)
    assert [row["timestamps"] for row in answer["forecasts"]] == [None, None]


def test_a_model_without_dates_counts_on_in_steps(service, library):
    expected = library["my steps", "1"].predict(horizon=4)

    answer = service.forecast("my steps", {"horizon": 4}).json()

    assert_same(answer, expected)
    assert answer["forecasts"][0]["timestamps"] == [81, 82, 83, 84]


def test_integer_timestamps_are_taken_by_a_model_without_dates(service):
    series = {"id": "one", "values": VALUES, "timestamps": list(range(10, 17))}

    answer = service.forecast("my steps", {"series": [series]}).json()

    assert answer["forecasts"][0]["timestamps"] == [17, 18, 19]


@pytest.mark.parametrize("horizon", [1, 3, 50])
def test_any_horizon_is_answered(service, library, horizon):
    expected = library["waves", "1"].predict(horizon=horizon)

    answer = service.forecast(body={"horizon": horizon}).json()

    assert_same(answer, expected)


def test_levels_may_be_fractions_or_none(service, library):
    expected = library["waves", "1"].predict(levels=[99, 12.5])

    some = service.forecast(body={"levels": [99, 12.5, 99]}).json()
    none = service.forecast(body={"levels": []}).json()

    assert_same(some, expected)
    assert list(some["forecasts"][0]["intervals"]) == ["12.5", "99"]
    assert none["forecasts"][0]["intervals"] == {}


@pytest.mark.parametrize(
    ("query", "version", "alias"),
    [
        ({"alias": "champion"}, "1", "champion"),
        ({"alias": "challenger"}, "2", "challenger"),
        ({"version": 2}, "2", None),
        ({"version": 1}, "1", None),
    ],
)
def test_alias_or_version_choose_the_model(service, library, query, version, alias):
    expected = library["waves", version].predict()

    answer = service.forecast(**query).json()

    assert_same(answer, expected)
    assert answer["model"] == {"name": "waves", "version": version, "alias": alias}


def test_two_versions_do_not_forecast_the_same(library):
    first, second = (library["waves", version].predict().points for version in "12")

    assert not np.allclose(first, second, rtol=1e-6)
