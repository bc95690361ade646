"""Every error is a problem in one format, with the status of its class."""

import asyncio
import gzip
import json

import httpx
import pytest

import serving.errors
from forecasting.errors import ForecastingError
from serving.app import create_app
from serving.errors import ServiceError
from serving.http.problems import STATUS, status_of
from serving.settings import Settings

VALUES = [10.0, 10.5, 11.0, 10.2, 9.9, 9.5]
DAYS = [f"2024-03-{day:02}" for day in range(10, 16)]


def series(**changes):
    return {"series": [{"id": "a", "values": VALUES} | changes]}


def leaves(error):
    below = error.__subclasses__()
    return [leaf for one in below for leaf in leaves(one)] if below else [error]


@pytest.mark.parametrize("error", leaves(ForecastingError) + leaves(ServiceError))
def test_every_error_has_a_status(error):
    assert any(kind in STATUS for kind in error.__mro__)
    assert 400 <= status_of(error) < 600


def test_the_tree_of_the_docstring_is_the_tree_of_the_classes():
    for error in ServiceError.__subclasses__():
        assert f"── {error.__name__} " in serving.errors.__doc__


@pytest.mark.parametrize(
    ("path", "kind", "text"),
    [
        ("/nothing", "not-found", "/docs"),
        ("/v1/models/", "not-found", "/docs"),
        ("/docs/assets/nothing.js", "not-found", "/docs"),
        (
            "/v1/models/wave",
            "unknown-model",
            "There is: my steps, other, spare",
        ),
        ("/v1/models/waves?alias=best", "unknown-alias", "challenger, champion"),
        ("/v1/models/waves?version=9", "unknown-version", "There is: 4, 3, 2, 1."),
    ],
)
def test_what_is_not_there_is_answered_with_what_there_is(
    service, path, kind, text, assert_problem
):
    response = service.client.get(path)

    assert_problem(response, 404, kind, text)


@pytest.mark.parametrize("path", ["/v1/models", "/livez", "/"])
def test_another_method_is_refused(service, path, assert_problem):
    response = service.client.delete(path)

    assert_problem(response, 405, "method-not-allowed")
    assert response.headers["allow"] == "GET"


@pytest.mark.parametrize(
    ("query", "loc", "text"),
    [
        ("version=new", ["query", "version"], "valid integer"),
        ("version=0", ["query", "version"], 'greater than or equal to 1; found "0"'),
        ("alias=", ["query", "alias"], "at least 1 character"),
        ("alais=champion", ["query", "alais"], "unknown key; there is alias, version"),
        ("alias=champion&version=1", ["query"], "an alias or a version, not both"),
    ],
)
def test_a_wrong_query_is_refused(service, query, loc, text, assert_problem):
    response = service.client.post(f"/v1/models/waves/forecast?{query}")

    assert_problem(response, 422, "request-error", text, loc)


@pytest.mark.parametrize(
    ("text", "loc", "message"),
    [
        ("{", ["body"], "Invalid JSON"),
        ("[]", ["body"], "object"),
        ("null", ["body"], "object"),
        ("\x00\xff", ["body"], "Invalid JSON"),
        ('{"horizon": NaN}', ["body", "horizon"], "finite number"),
        ('{"horizon": 0}', ["body", "horizon"], "whole number of at least 1"),
        ('{"horizon": -3}', ["body", "horizon"], "at least 1 is needed; found -3"),
        ('{"horizon": 1.5}', ["body", "horizon"], "whole number or null is needed"),
        ('{"horizon": true}', ["body", "horizon"], "found true"),
        ('{"horizon": 101}', ["body", "horizon"], "at most 100 steps ahead; found 101"),
        ('{"horizon": 1' + "0" * 400 + "}", ["body", "horizon"], "at most 100"),
        ('{"levels": [0]}', ["body", "levels", 0], "at least 1 is needed"),
        ('{"levels": [100]}', ["body", "levels", 0], "at most 99 is needed; found 100"),
        ('{"levels": [Infinity]}', ["body", "levels", 0], "finite number"),
        ('{"levels": "80"}', ["body", "levels"], 'a list is needed; found "80"'),
        ('{"horizons": 3}', ["body", "horizons"], "unknown key; there is series"),
        ('{"series": []}', ["body", "series"], "at least 1 item"),
        ('{"series": [{"id": "a"}]}', ["body", "series", 0, "values"], "required"),
    ],
)
def test_a_body_that_is_no_request_is_refused(
    service, text, loc, message, assert_problem
):
    body = text.encode("latin-1")

    response = service.client.post("/v1/models/waves/forecast", content=body)

    assert_problem(response, 422, "request-error", message, loc)


@pytest.mark.parametrize(
    "body",
    [
        {"series": [{"id": "a", "values": VALUES, "x" * 90_000: 1}]},
        series(timestamps=["x" * 15_000] * 6),
        series(known_covariates={"x" * 90_000: [1.0]}),
        {"horizon": "x" * 90_000},
    ],
)
def test_an_error_does_not_send_back_all_that_was_sent(service, body, assert_problem):
    response = service.forecast(body=body)

    assert_problem(response, 422, response.json()["type"].rpartition(":")[2])
    assert len(response.content) < 8_000


@pytest.mark.parametrize(
    "path",
    ["/v1/models/waves/forecast", "/v1/models/waves/explain", "/invocations"],
)
def test_a_compressed_body_is_refused(service, path, assert_problem):
    headers = {"Content-Encoding": "gzip"}

    response = service.client.post(
        path, content=gzip.compress(json.dumps(series()).encode()), headers=headers
    )

    assert_problem(response, 415, "unsupported-media", "found Content-Encoding 'gzip'")


def test_more_levels_than_anybody_needs_are_refused(service, assert_problem):
    response = service.forecast(body={"levels": list(range(1, 50))})

    assert_problem(response, 422, "request-error", "at most 20", ["body", "levels"])


@pytest.mark.parametrize(
    "bad", ["NaN", "Infinity", "-Infinity", "1e400", "null", '"1"']
)
def test_values_that_are_no_finite_numbers_are_refused(service, bad, assert_problem):
    body = json.dumps(series()).replace("10.5", bad)

    response = service.client.post("/v1/models/waves/forecast", content=body)

    assert_problem(
        response, 422, "request-error", loc=["body", "series", 0, "values", 1]
    )


@pytest.mark.parametrize(
    ("body", "kind", "text", "loc"),
    [
        (series(id=""), "request-error", "at least 1 character", ["id"]),
        (series(values=[]), "request-error", "at least 1 item", ["values"]),
        (series(value=[1]), "request-error", "there is id, values", ["value"]),
        (
            series(values=VALUES[:5]),
            "series-too-short",
            "'a' has 5; at least 6 points are needed",
            ["values"],
        ),
        (
            series(timestamps=DAYS[:5]),
            "request-error",
            "6 values and 5 timestamps",
            ["timestamps"],
        ),
        (
            series(timestamps=[1, 2, 3, 4, 5, 6]),
            "request-error",
            "have dates",
            ["timestamps", 0],
        ),
        (
            series(timestamps=[*DAYS[:5], None]),
            "request-error",
            "a text is needed; found null",
            ["timestamps", 5],
        ),
        (
            series(timestamps=["yesterday"] * 6),
            "invalid-timestamps",
            "yesterday",
            ["timestamps"],
        ),
        (
            series(timestamps=[*DAYS[:5], DAYS[4]]),
            "duplicate-timestamps",
            "more than once",
            ["timestamps"],
        ),
        (
            series(timestamps=DAYS[::-1]),
            "irregular-timestamps",
            "Sort",
            ["timestamps"],
        ),
        (
            series(timestamps=[*DAYS[:5], "2024-03-20"]),
            "irregular-timestamps",
            "missing",
            ["timestamps"],
        ),
        (
            series(
                timestamps=[f"2024-{month:02}-01T12:30:00" for month in range(1, 7)]
            ),
            "irregular-timestamps",
            "missing",
            ["timestamps"],
        ),
    ],
)
def test_a_series_that_cannot_be_used_is_named_by_its_place(
    service, body, kind, text, loc, assert_problem
):
    response = service.forecast(body=body)

    assert_problem(response, 422, kind, text, ["body", "series", 0, *loc])


def test_values_that_no_forecast_can_follow_are_refused(service, assert_problem):
    response = service.forecast(body=series(values=[1e308, -1e308] * 3))

    assert_problem(
        response, 422, "data-error", "no finite forecast", ["body", "series"]
    )


def test_dates_are_refused_by_a_model_without_dates(service, assert_problem):
    response = service.forecast("my steps", series(timestamps=DAYS))

    place = ["body", "series", 0, "timestamps", 0]
    assert_problem(response, 422, "request-error", "have no dates", place)


def test_the_series_that_is_wrong_is_found_among_others(service, assert_problem):
    good = {"id": "a", "values": VALUES, "timestamps": DAYS}
    bad = {"id": "b", "values": VALUES, "timestamps": [*DAYS[:5], "2024-03-20"]}

    response = service.forecast(body={"series": [good, bad]})

    place = ["body", "series", 1, "timestamps"]
    problem = assert_problem(response, 422, "irregular-timestamps", loc=place)
    assert len(problem["errors"]) == 1


def test_an_id_that_comes_twice_is_refused(service, assert_problem):
    one = {"id": "a", "values": VALUES}

    response = service.forecast(body={"series": [one, one]})

    place = ["body", "series", 1, "id"]
    assert_problem(response, 422, "request-error", "'a' is the id of series 0", place)


def test_timestamps_are_for_all_series_or_none(service, assert_problem):
    dated = {"id": "a", "values": VALUES, "timestamps": DAYS}

    response = service.forecast(body={"series": [dated, {"id": "b", "values": VALUES}]})

    place = ["body", "series", 1, "timestamps"]
    assert_problem(response, 422, "request-error", "every series, or for none", place)


def test_the_first_flaw_of_a_body_ends_its_decoding(service, assert_problem):
    bad = [{"id": str(i), "values": [1.0, "x"]} for i in range(60)]

    response = service.forecast(body={"series": bad})

    place = ["body", "series", 0, "values", 1]
    text = 'a number is needed; found "x"'
    problem = assert_problem(response, 422, "request-error", text, place)
    assert len(problem["errors"]) == 1


def test_many_flaws_are_counted_and_some_shown(service, assert_problem):
    names = {f"x{k}": [1.0] * 6 for k in range(4)}
    bad = [{"id": str(i), "values": VALUES, "past_covariates": names} for i in range(9)]

    response = service.forecast(body={"series": bad})

    problem = assert_problem(response, 422, "request-error", "(20 in all)")
    assert len(problem["errors"]) == 20


def test_a_damaged_version_is_named_and_not_served(service, assert_problem):
    response = service.forecast(version=3)

    problem = assert_problem(response, 503, "version-unusable", "it is damaged")
    assert problem["detail"].startswith("Version 3 of model 'waves' cannot be used")
    assert response.headers["retry-after"] == "10"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/models/other/forecast"),
        ("POST", "/v1/models/other/forecast?version=1"),
        ("POST", "/v1/models/other/explain"),
        ("GET", "/v1/models/other"),
    ],
)
def test_a_version_that_recast_did_not_make_is_not_there_for_good(
    service, method, path, assert_problem
):
    shown = service.client.get("/openapi.json").json()["paths"]

    response = service.client.request(method, path)

    text = "Version 1 of model 'other' was not made by Recast"
    assert_problem(response, 404, "foreign-version", text)
    assert "GET /v1/models lists" in response.json()["detail"]
    assert "retry-after" not in response.headers
    template = path.partition("?")[0].replace("other", "{name}")
    assert "404" in shown[template][method.lower()]["responses"]


def test_what_fails_inside_is_told_to_the_log_alone(
    monkeypatch, caplog, tmp_path, assert_problem
):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/none.db")
    app = create_app(Settings())

    @app.get("/broken")
    def broken():
        raise RuntimeError(f"secret in {tmp_path}")

    async def ask():
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://localhost"
        ) as client:
            return await client.get("/broken", headers={"X-Request-ID": "it-was-me"})

    response = asyncio.run(ask())

    problem = assert_problem(response, 500, "internal-server-error", "Its log says why")
    assert "secret" not in problem["detail"]
    assert response.headers["x-request-id"] == "it-was-me"
    assert "secret" in caplog.text


@pytest.mark.parametrize("step", [2**53 + 1, -(2**70), 10**400])
def test_steps_that_are_no_exact_numbers_everywhere_are_refused(
    service, step, assert_problem
):
    stamps = [step, 2, 3, 4, 5, 6]

    response = service.forecast("my steps", series(timestamps=stamps))

    place = ["body", "series", 0, "timestamps"]
    assert_problem(response, 422, "request-error", "at most", place)
