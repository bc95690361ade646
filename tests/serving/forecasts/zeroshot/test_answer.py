"""Forecasts without a trained model are those of the library, to the last bit."""

import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest

from forecasting.data.panel import Panel
from forecasting.zeroshot import load_zero_shot, zero_shot
from serving.schemas.forecast import ForecastAnswer

ROUTE = "/v1/forecast"
RNG = np.random.default_rng(5)
MONTHS = pd.date_range("2015-01-31", periods=60, freq="ME")
HOURS = pd.date_range("2024-03-01", periods=75, freq="h")


def wave(length, period, noise=0.2):
    season = np.sin(2 * np.pi * np.arange(length) / period)
    return (10 + season + RNG.normal(0, noise, length)).tolist()


def texts(stamps):
    return stamps.strftime("%Y-%m-%dT%H:%M:%S").tolist()


def make_series(values, stamps=None):
    """Return the series of a request from values by name."""
    series = [{"id": name, "values": row} for name, row in values.items()]
    for one in series if stamps is not None else ():
        one["timestamps"] = texts(stamps)[-len(one["values"]) :]
    return series


def ask(service, body):
    response = service.client.post(ROUTE, json=body)
    assert response.status_code == 200, response.text
    return response.json()


def assert_same(answer, forecast):
    """Check every number of an answer against the library, to the last bit."""
    rows = answer["forecasts"]
    assert [row["id"] for row in rows] == list(forecast.series_ids)
    assert [row["method"] for row in rows] == list(forecast.methods)
    assert [row["point"] for row in rows] == forecast.points.tolist()
    for level, (lower, upper) in forecast.intervals.items():
        bounds = [row["intervals"][f"{level:g}"] for row in rows]
        assert [bound["lower"] for bound in bounds] == lower.tolist()
        assert [bound["upper"] for bound in bounds] == upper.tolist()


MONTHLY = {"a": wave(60, 12), "b": wave(31, 12)}
HOURLY = {"c": wave(75, 24)}
PLAIN = {"d": wave(40, 7), "e": [1.0, 2.0, 3.0], "f": [5.0] * 9}


def test_series_without_timestamps_are_forecast(service):
    expected = zero_shot(Panel.from_values(PLAIN))

    answer = ask(service, {"series": make_series(PLAIN)})

    assert_same(answer, expected)
    assert answer["model"] == {
        "name": "zero_shot",
        "version": load_zero_shot().version,
        "alias": None,
    }
    assert [row["timestamps"] for row in answer["forecasts"]] == [None] * 3
    assert len(answer["forecasts"][0]["point"]) == 14
    ForecastAnswer.model_validate(answer)


@pytest.mark.parametrize(
    ("values", "stamps"), [(MONTHLY, MONTHS), (HOURLY, HOURS)], ids=["months", "hours"]
)
def test_timestamps_give_the_frequency_and_go_on(service, values, stamps):
    columns = {name: stamps[-len(row) :] for name, row in values.items()}
    panel = Panel.from_values(values, timestamps=columns)
    expected = zero_shot(panel, horizon=5, levels=[50])

    answer = ask(
        service, {"series": make_series(values, stamps), "horizon": 5, "levels": [50]}
    )

    assert_same(answer, expected)
    ahead = [row["timestamps"] for row in answer["forecasts"]]
    assert ahead == [texts(pd.DatetimeIndex(row)) for row in expected.timestamps]


def test_a_gap_in_trading_days_is_read_as_the_library_reads_it(service):
    days = pd.bdate_range("2024-01-01", periods=61).delete(20)  # a holiday
    values = {"a": wave(60, 5)}
    expected = zero_shot(Panel.from_values(values, timestamps={"a": days}), horizon=3)

    answer = ask(service, {"series": make_series(values, days), "horizon": 3})

    assert_same(answer, expected)
    ahead = pd.DatetimeIndex(expected.timestamps[0])
    assert answer["forecasts"][0]["timestamps"] == texts(ahead)


def test_offsets_of_the_request_come_back(service):
    series = make_series(HOURLY, HOURS)[0]
    plus_two = [f"{stamp}+02:00" for stamp in series["timestamps"]]
    expected = ask(service, {"series": [series]})["forecasts"][0]

    answer = ask(service, {"series": [series | {"timestamps": plus_two}]})

    assert answer["forecasts"][0]["point"] == expected["point"]
    assert answer["forecasts"][0]["timestamps"] == [
        f"{stamp}+02:00" for stamp in expected["timestamps"]
    ]


def test_integer_timestamps_go_on_by_their_step(service):
    series = {"id": "a", "values": PLAIN["d"], "timestamps": [*range(0, 80, 2)]}

    answer = ask(service, {"series": [series], "horizon": 3})

    assert answer["forecasts"][0]["timestamps"] == [80, 82, 84]


def test_a_frequency_stands_for_timestamps(service):
    dated = ask(service, {"series": make_series(MONTHLY, MONTHS)})
    named = ask(service, {"series": make_series(MONTHLY), "freq": "ME"})

    for left, right in zip(dated["forecasts"], named["forecasts"], strict=True):
        assert left | {"timestamps": None} == right


def test_a_season_length_can_be_given(service):
    for length in (1, 7):
        expected = zero_shot(Panel.from_values(PLAIN), season_length=length)

        answer = ask(service, {"series": make_series(PLAIN), "season_length": length})

        assert_same(answer, expected)


def test_a_series_is_forecast_alone_as_among_others(service):
    body = {"series": make_series(PLAIN | HOURLY | MONTHLY)}
    together = ask(service, body)["forecasts"]

    alone = [ask(service, {"series": [one]})["forecasts"][0] for one in body["series"]]

    assert alone == together


def test_requests_of_one_moment_get_the_forecasts_of_each_alone(service):
    bodies = [
        {
            "series": [{"id": str(i), "values": wave(20 + i, 7)}],
            "levels": [50 + i],
            "horizon": 3 + i % 2,
        }
        for i in range(24)
    ]
    expected = [ask(service, body) for body in bodies]

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda body: ask(service, body), bodies * 3))

    assert answers == expected * 3


def test_only_the_last_values_of_a_long_series_are_read(service):
    values = wave(2500, 24)
    other = [1e6, *values[1:]]

    first, second = (
        ask(service, {"series": [{"id": "a", "values": row}], "freq": "h"})
        for row in (values, other)
    )

    assert first == second


COVARIATE = {"id": "a", "values": [1.0, 2.0, 3.0]}


@pytest.mark.parametrize(
    ("body", "text", "loc"),
    [
        ({}, "series: required, and missing", ["body", "series"]),
        ({"series": []}, "a list of at least 1 item", ["body", "series"]),
        ({"series": [COVARIATE], "horizon": 101}, "at most 100 ", ["body", "horizon"]),
        ({"series": [COVARIATE], "levels": [0.5]}, "0.5", ["body", "levels", 0]),
        ({"series": [COVARIATE], "freq": "often"}, "often", ["body", "freq"]),
        (
            {"series": [COVARIATE], "season_length": 0},
            "season_length",
            ["body", "season_length"],
        ),
        ({"series": [COVARIATE], "model": "a"}, "unknown key", ["body", "model"]),
        (
            {"series": [{"id": "a", "values": [1.0, None, 2.0]}]},
            "a number is needed; found null",
            ["body", "series", 0, "values", 1],
        ),
        (
            {"series": [COVARIATE | {"known_covariates": {"price": [1, 2, 3]}}]},
            "reads no covariates: leave them out",
            ["body", "series", 0, "known_covariates", "price"],
        ),
        (
            {"series": [COVARIATE, COVARIATE]},
            "is the id of series 0 already",
            ["body", "series", 1, "id"],
        ),
        (
            {"series": [COVARIATE | {"timestamps": ["2024-01-01"]}]},
            "3 values and 1 timestamps",
            ["body", "series", 0, "timestamps"],
        ),
        (
            {"series": [COVARIATE | {"timestamps": ["2024-01-01", 2, 3]}]},
            "the first timestamp is of dates",
            ["body", "series", 0, "timestamps", 1],
        ),
        (
            {
                "series": [
                    COVARIATE
                    | {"timestamps": ["2024-01-01", "2024-01-02", "2024-01-09"]}
                ]
            },
            "missing on the calendar",
            ["body", "series", 0, "timestamps"],
        ),
    ],
)
def test_a_flaw_is_refused_with_its_place(service, body, text, loc, assert_problem):
    response = service.client.post(ROUTE, json=body)

    problem = response.json()
    assert_problem(response, 422, problem["type"].rpartition(":")[2], loc=loc)
    assert text in json.dumps(problem)


def test_a_series_needs_three_values(service, assert_problem):
    body = {"series": [{"id": "a", "values": [1.0, 2.0]}]}

    response = service.client.post(ROUTE, json=body)

    loc = ["body", "series", 0, "values"]
    problem = assert_problem(response, 422, "series-too-short", "'a' has 2", loc)
    assert "at least 3 are needed" in problem["errors"][0]["msg"]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (
            {"series": [{"id": str(i), "values": [1.0] * 3} for i in range(21)]},
            "21 series; at most 20",
        ),
        (
            {"series": [{"id": "a", "values": [1.0] * 3001}]},
            "3,001 observations; at most 3,000",
        ),
        (
            {"series": make_series(PLAIN), "horizon": 100, "levels": [*range(1, 11)]},
            "6,300 numbers would be in the answer; at most 3,000",
        ),
    ],
)
def test_more_than_the_service_takes_at_once_is_refused(
    service, body, text, assert_problem
):
    response = service.client.post(ROUTE, json=body)

    assert_problem(response, 413, "request-too-large", text)


def test_a_query_is_refused_and_so_is_a_compressed_body(service, assert_problem):
    body = {"series": make_series(PLAIN)}

    query = service.client.post(ROUTE, json=body, params={"alias": "champion"})
    packed = service.client.post(
        ROUTE, content=b"", headers={"Content-Encoding": "gzip"}
    )
    fetched = service.client.get(ROUTE)

    assert_problem(query, 422, "request-error", "has none", ["query", "alias"])
    assert_problem(packed, 415, "unsupported-media")
    assert_problem(fetched, 405, "method-not-allowed")


def test_the_forecasts_are_logged_and_counted(service):
    headers = {"X-Request-ID": "zero-shot"}
    service.client.post(ROUTE, json={"series": make_series(PLAIN)}, headers=headers)

    (line,) = service.requests("zero-shot")
    metrics = service.client.get("/metrics").text

    assert (line["route"], line["model"]) == (ROUTE, "zero_shot")
    assert line["version"] == load_zero_shot().version
    assert 'recast_forecasts_total{model="zero_shot"}' in metrics
    assert 'recast_batch_series_count{model="zero_shot"}' in metrics
