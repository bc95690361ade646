"""Requests of one moment share a forward pass; each gets the library's numbers."""

import asyncio
import json

import httpx
import numpy as np
import pandas as pd
import pytest

from forecasting.data.panel import Panel
from forecasting.data.windows import WindowSpec
from forecasting.forecaster.forecaster import Forecaster
from forecasting.models.config import RecurrentConfig
from forecasting.training import TrainingConfig
from serving.errors import RequestError, TooBusy
from serving.forecasts.batching import Batcher
from serving.forecasts.forecast import Forecasts
from serving.forecasts.thread_pool import ForecastThreads
from serving.registry.description import describe
from serving.registry.loaded_model import LoadedModel
from serving.schemas.timestamps import format_timestamps
from serving.settings import Settings

VALUES = [10.0, 10.5, 11, 10.2, 9.9, -0.0, 10.1]
STAMPS = [f"2024-02-{day}" for day in range(23, 30)]
SETTINGS = Settings(max_horizon=900, max_series=3, max_points=40_000)


@pytest.fixture(scope="module")
def model(library):
    return LoadedModel(
        library["waves", "1"], describe("waves", "1", library["waves", "1"], {})
    )


def one(values=VALUES, name="x", **more):
    return {"series": [{"id": name, "values": values}], **more}


def dated(timestamps, **more):
    return {"series": [{"id": "a", "values": VALUES, "timestamps": timestamps}], **more}


def ask_together(model, *bodies, workers=None, count=lambda *_: None):
    """Return the answers, or errors, to bodies that arrive at once."""

    async def ask():
        workers_or_one = workers or ForecastThreads(1, 8)
        batcher = Batcher(workers_or_one, count)
        forecasts = Forecasts(batcher, workers_or_one, SETTINGS)

        async def answer(body):
            content, _ = await forecasts.answer(
                model, "champion", json.dumps(body).encode()
            )
            return json.loads(content)

        return await asyncio.gather(
            *(answer(b) for b in bodies), return_exceptions=True
        )

    return asyncio.run(ask())


def usual(model, body):
    """Return the answer with the forecasts of the library."""
    series = body["series"]
    stamps = {one["id"]: one.get("timestamps") for one in series}
    is_dated = series[0].get("timestamps") is not None
    panel = Panel.from_values(
        {one["id"]: one["values"] for one in series},
        timestamps=stamps if is_dated else None,
        freq=model.details.freq,
    )
    levels = body.get("levels", [80, 95])
    result = model.forecaster.predict(panel, horizon=body.get("horizon"), levels=levels)
    forecasts = [
        {
            "id": name,
            "method": result.methods[row],
            "timestamps": format_timestamps(result.timestamps[row])
            if is_dated
            else None,
            "point": result.points[row].tolist(),
            "intervals": {
                f"{level:g}": {
                    "lower": lower[row].tolist(),
                    "upper": upper[row].tolist(),
                }
                for level, (lower, upper) in result.intervals.items()
            },
        }
        for row, name in enumerate(result.series_ids)
    ]
    answering = {"name": "waves", "version": "1", "alias": "champion"}
    return {"model": answering, "forecasts": forecasts}


def assert_same(actual, expected):
    """Check that two answers have the same text but for the rounding of numbers."""
    if isinstance(expected, dict):
        assert list(actual) == list(expected)
        for key in expected:
            assert_same(actual[key], expected[key])
    elif isinstance(expected, list) and expected and isinstance(expected[0], float):
        np.testing.assert_allclose(actual, expected, rtol=1e-6)
    elif isinstance(expected, list):
        assert len(actual) == len(expected)
        for left, right in zip(actual, expected, strict=True):
            assert_same(left, right)
    else:
        assert actual == expected


OTHER_STAMPS = [stamp.replace("-", "/") for stamp in STAMPS]
PLAIN = [
    one(),
    one(name="a"),
    one(VALUES * 3, horizon=7),
    one(levels=[]),
    one(levels=[95, 12.5, 95, 80]),
    {"series": [{"id": "é\u0000", "values": VALUES}, {"id": "a", "values": VALUES}]},
    dated(STAMPS),
    dated([f"{stamp} 06:30:00" for stamp in STAMPS], horizon=7),
    dated(None),
]


@pytest.mark.parametrize("body", [*PLAIN, dated(OTHER_STAMPS)])
def test_a_request_is_answered_with_the_numbers_of_the_library(model, body):
    [answer] = ask_together(model, body)

    assert_same(answer, usual(model, body))


def test_requests_that_arrive_together_make_one_pass(model):
    passes = []

    answers = ask_together(model, *PLAIN, count=lambda _, series: passes.append(series))

    assert sorted(passes) == [2, 8]  # series; two ask for another horizon
    for answer, body in zip(answers, PLAIN, strict=True):
        assert_same(answer, usual(model, body))


def test_a_request_without_a_forecast_leaves_others_theirs(model):
    good, bad = ask_together(model, one(), one([1e308, -1e308] * 4))

    assert_same(good, usual(model, one()))
    assert isinstance(bad, RequestError)
    assert "no finite forecast" in str(bad)


SHOP_DAYS = np.datetime64("2024-01-01", "ns") + np.arange(40) * np.timedelta64(1, "D")


def shop_panel(name, seed, days=40, ahead=0):
    """Return a panel of one shop with covariates of numbers and text."""
    rng = np.random.default_rng(seed)
    promo = rng.integers(0, 2, days + ahead)
    return Panel.from_values(
        {name: 10 + 5 * promo[:days] + rng.normal(0, 0.3, days)},
        timestamps={name: SHOP_DAYS[:days]},
        freq="D",
        past_covariates={"visits": {name: rng.normal(30, 2, days)}},
        known_covariates={
            "promo": {name: promo},
            "plan": {name: np.where(promo, "flyer", "none").tolist()},
        },
        static_covariates={"kind": {name: ["mall", "street"][seed % 2]}},
    )


def shop_body(panel, form="%Y-%m-%d"):
    columns, future = panel.covariates, panel.future
    known = {
        name: [*columns[name].tolist(), *future[name].values.tolist()]
        for name in ("promo", "plan")
    }
    series = {
        "id": panel.series_ids[0],
        "values": panel.values.tolist(),
        "timestamps": pd.to_datetime(panel.timestamps).strftime(form).tolist(),
        "past_covariates": {"visits": columns["visits"].tolist()},
        "known_covariates": known,
        "static_covariates": {"kind": columns["kind"][0]},
    }
    return {"series": [series]}


@pytest.fixture(scope="module")
def shop_model():
    panel = shop_panel("north", 0)
    forecaster = Forecaster(
        windows=WindowSpec(seq_len=4, horizon=2),
        model=RecurrentConfig(hidden_size=4, calendar_features=True),
        training=TrainingConfig(epochs=2, device="cpu"),
    ).fit(panel.with_future({"promo": {}, "plan": {}}))
    return LoadedModel(forecaster, describe("waves", "1", forecaster, {}))


def test_requests_with_covariates_make_one_pass(shop_model):
    panels = [
        shop_panel(name, seed, days, ahead=2)
        for name, seed, days in (("north", 1, 6), ("a", 2, 9), ("a", 3, 4))
    ]
    passes = []

    answers = ask_together(
        shop_model, *map(shop_body, panels), count=lambda _, rows: passes.append(rows)
    )

    assert passes == [3]
    for answer, panel in zip(answers, panels, strict=True):
        expected = shop_model.forecaster.predict(panel)
        [row] = answer["forecasts"]
        np.testing.assert_allclose(row["point"], expected.points[0], rtol=1e-5)
        lower, _ = expected.intervals[80]
        np.testing.assert_allclose(row["intervals"]["80"]["lower"], lower[0], rtol=1e-5)
        assert row["timestamps"] == format_timestamps(expected.timestamps[0])


def test_covariates_with_other_timestamps_are_forecast_by_the_library(shop_model):
    panel = shop_panel("north", 1, 6, ahead=2)

    [answer] = ask_together(shop_model, shop_body(panel, "%d %b %Y"))

    expected = shop_model.forecaster.predict(panel)
    points = answer["forecasts"][0]["point"]
    np.testing.assert_allclose(points, expected.points[0], rtol=1e-5)


def test_requests_with_many_levels_are_not_mixed(model):
    bodies = [one(levels=list(range(k, k + 20))) for k in (1, 21, 41)]
    passes = []

    answers = ask_together(
        model, *bodies, count=lambda _, series: passes.append(series)
    )

    assert passes == [1, 1, 1]
    for answer, body in zip(answers, bodies, strict=True):
        assert_same(answer, usual(model, body))


def test_much_work_is_done_beside_and_refused_when_there_is_too_much(
    model, monkeypatch
):
    monkeypatch.setattr("serving.forecasts.batching.MAX_INLINE_PRODUCTS", 0)
    busy = ForecastThreads(1, 1)
    busy._busy = 1

    [answer] = ask_together(model, one())
    [refused] = ask_together(model, one(), workers=busy)

    assert_same(answer, usual(model, one()))
    assert isinstance(refused, TooBusy)


def test_an_answer_of_many_numbers_is_written_beside(model):
    busy = ForecastThreads(1, 1)
    busy._busy = 1
    levels = list(range(50, 70))

    [little] = ask_together(model, one(horizon=7, levels=levels), workers=busy)
    [much] = ask_together(model, one(horizon=900, levels=levels), workers=busy)

    assert_same(little, usual(model, one(horizon=7, levels=levels)))
    assert isinstance(much, TooBusy)


def test_small_and_other_requests_have_the_same_headers_line_and_count(service):
    headers = {"X-Request-ID": "short-way"}
    url = "/v1/models/waves/forecast"

    short = service.client.post(url, json=one(), headers=headers)
    long = service.client.post(url, json={}, headers=headers)

    lines = service.wait_for(
        lambda: (r := service.requests("short-way")) and len(r) == 2 and r
    )
    assert [line["route"] for line in lines] == ["/v1/models/{name}/forecast"] * 2
    assert set(short.headers) == set(long.headers)
    assert short.json()["model"] == long.json()["model"]
    metrics = service.client.get("/metrics").text
    assert 'recast_batch_series_bucket{le="1.0",model="waves"}' in metrics


@pytest.mark.parametrize(
    ("query", "version", "alias"),
    [
        ({}, "1", "champion"),
        ({"alias": "challenger"}, "2", "challenger"),
        ({"version": 2}, "2", None),
    ],
)
def test_a_small_request_asks_the_model_that_is_named(service, query, version, alias):
    service.forecast(**query)  # from here on it is held

    answer = service.forecast(body=one(), **query).json()

    assert answer["model"] == {"name": "waves", "version": version, "alias": alias}


def test_many_clients_at_once_get_what_each_gets_alone(service):
    bodies = [one([v + i for v in VALUES], f"n{i}") for i in range(40)]
    alone = [service.forecast(body=body).json() for body in bodies]

    async def ask():
        async with httpx.AsyncClient(base_url=service.url, timeout=180) as client:
            url = "/v1/models/waves/forecast"
            return await asyncio.gather(*(client.post(url, json=b) for b in bodies))

    together = asyncio.run(ask())

    for answer, expected in zip(together, alone, strict=True):
        assert_same(answer.json(), expected)
