"""The routes of the nixtla client, requested without the client."""

import json

import msgspec
import numpy as np
import pandas as pd
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from forecasting.data.panel import Panel
from forecasting.errors import SeriesTooShort
from forecasting.timestamps.calendar import Calendar
from forecasting.zeroshot import zero_shot
from serving.api.nixtla.answers import forecast
from serving.api.nixtla.forecasters import TrainedForecaster
from serving.api.nixtla.frequencies import check_frequency
from serving.api.nixtla.requests import ForecastBody
from serving.api.nixtla.windows import latest, one_step, rolling
from serving.errors import RequestError, RequestTooLarge
from serving.settings import Settings

WAVE = [10 + np.sin(i / 3).item() for i in range(12)]


def make_body(y=WAVE, sizes=None, model="waves", **more):
    series = {"y": y, "sizes": sizes or [len(y)], "X": None, "X_future": None}
    return {"series": series, "model": model, "freq": "D", "h": 2} | more


def decode(body):
    return msgspec.json.decode(json.dumps(body), type=ForecastBody)


def test_plain_and_compressed_bodies_are_answered_alike(service):
    body = json.dumps(make_body()).encode()
    packed = zstandard.ZstdCompressor(level=1).compress(body)

    plain = service.client.post("/v2/forecast", content=body)
    unpacked = service.client.post(
        "/v2/forecast", content=packed, headers={"Content-Encoding": "zstd"}
    )

    assert plain.status_code == 200, plain.text
    assert unpacked.json() == plain.json()
    assert len(plain.json()["mean"]) == 2
    assert plain.json()["model"] == {
        "name": "waves",
        "version": "1",
        "alias": "champion",
    }


def test_a_body_may_be_several_frames_and_its_encoding_in_capitals(service):
    body = json.dumps(make_body()).encode()
    frames = [zstandard.ZstdCompressor().compress(p) for p in (body[:20], body[20:])]

    response = service.client.post(
        "/v2/forecast", content=b"".join(frames), headers={"Content-Encoding": "ZSTD"}
    )

    assert response.status_code == 200, response.text


def test_a_body_that_unpacks_to_too_much_is_refused(service, assert_problem):
    bomb = zstandard.ZstdCompressor().compress(b" " * 50_000_000)
    assert len(bomb) < 10_000

    response = service.client.post(
        "/v2/forecast", content=bomb, headers={"Content-Encoding": "zstd"}
    )

    assert_problem(response, 413, "body-too-large", "at most 100,000 bytes")


@pytest.mark.parametrize(
    ("content", "encoding", "text"),
    [
        (b"{}", "zstd", "cannot be unpacked"),
        (b"{}", "gzip", "zstd or none; found 'gzip'"),
        (
            zstandard.ZstdCompressor(
                compression_params=zstandard.ZstdCompressionParameters(
                    window_log=26, write_content_size=False
                )
            ).compress(b"{}" * 40_000_000),
            "zstd",
            "cannot be unpacked",
        ),
    ],
    ids=["no zstd", "gzip", "much to remember"],
)
def test_other_encodings_are_refused(service, content, encoding, text, assert_problem):
    response = service.client.post(
        "/v2/forecast", content=content, headers={"Content-Encoding": encoding}
    )

    loc = ["header", "content-encoding"]
    assert_problem(response, 422, "request-error", text, loc)


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        (make_body(sizes=[5, 5]), 422, "they add up to 10, and there are 12 values"),
        (make_body(y=[*WAVE, None]), 422, "body.series.y.12"),
        (make_body(y=WAVE[:3]), 422, "at least 6 points are needed"),
        (make_body(y=[1.0] * 21, sizes=[1] * 21), 413, "21 series; at most 20"),
        (make_body(y=[1.0] * 3001), 413, "3,001 observations; at most 3,000"),
        (make_body(h=101), 422, "at most 100 steps ahead; found 101"),
        (make_body(y=WAVE * 4, sizes=[12] * 4, h=100, level=[1, 2, 3, 4]), 413, "3,6"),
        (make_body(level=list(range(22))), 422, "at most 20 levels; found 21"),
        (make_body(level=[True]), 422, "body.level.0"),
        (make_body(model="timegpt-1"), 422, "give model= one of 'my steps', 'spare'"),
        (make_body(model="waves@nobody"), 404, "no alias 'nobody'"),
        (make_body(model="waves/77"), 404, "no version 77"),
        (make_body(model="other"), 404, "model 'other' was not made by Recast"),
    ],
)
def test_what_cannot_be_forecast_is_refused(service, body, status, text):
    response = service.client.post("/v2/forecast", json=body)

    assert response.status_code == status, response.text
    assert text in response.json()["detail"]


def test_levels_are_counted_once_as_quantiles_name_most_of_them_twice(service):
    below = list(
        range(95, 0, -5)
    )  # what the client makes of quantiles 0.025, 0.05, ...

    response = service.client.post(
        "/v2/forecast", json=make_body(level=[*below, 0, *below[::-1], 97])
    )

    assert response.status_code == 200, response.text
    assert len(response.json()["intervals"]) == 2 * 21


@pytest.mark.parametrize(
    ("limits", "more", "error", "loc", "text"),
    [
        ({"max_levels": 1}, {"level": [80, 95]}, RequestError, ["level"], "found 2"),
        ({"max_levels": 0}, {"level": [80]}, RequestError, ["level"], "found 1"),
        ({"max_horizon": 1}, {}, RequestError, ["h"], "at most 1 steps ahead; found 2"),
        ({"max_points": 11}, {}, RequestTooLarge, ["series"], "12 obs.*at most 11"),
        ({"max_points": 13}, {"h": 5, "level": [80]}, RequestTooLarge, [], "15 num"),
        ({"max_points": 14}, {"h": 5, "level": [0, 0]}, RequestTooLarge, [], "15 nu"),
    ],
)
def test_the_limits_are_those_of_the_settings(library, limits, more, error, loc, text):
    request = decode(make_body(**more))

    with pytest.raises(error, match=text) as caught:
        forecast(TrainedForecaster(library["waves", "1"]), request, Settings(**limits))

    assert caught.value.flaws[0].loc == ["body", *loc]


def test_a_median_is_no_interval(library):
    request = decode(make_body(level=[0]))

    forecaster = TrainedForecaster(library["waves", "1"])

    answer = forecast(forecaster, request, Settings(max_levels=0))

    assert answer["intervals"]["lo-0"] == answer["mean"]


def test_the_only_model_answers_to_the_clients_own_names(registry, running, tmp_path):
    for name in ("spare", "my steps"):  # which leaves one that is not ours beside it
        registry.client.delete_registered_model(name)
    with running(registry.uri, tmp_path) as service:
        service.wait_for(lambda: service.readyz().get("state") == "ready")

        answer = service.client.post("/v2/forecast", json=make_body(model="timegpt-1"))

    assert answer.json()["model"]["name"] == "waves"


def test_without_any_model_the_clients_own_names_give_zero_shot_forecasts(
    registry, running, tmp_path
):
    for name in ("spare", "my steps", "waves"):  # which leaves one that is not ours
        registry.client.delete_registered_model(name)
    with running(registry.uri, tmp_path) as service:
        service.wait_for(lambda: service.readyz().get("state") == "ready")

        answer = service.client.post("/v2/forecast", json=make_body(model="timegpt-1"))
        params = service.client.get("/model_params", params={"model": "timegpt-1"})
        unknown = service.client.post("/v2/forecast", json=make_body(model="waves"))

    assert answer.json()["model"]["name"] == "zero_shot"
    assert params.json() == {"detail": {"input_size": 2048, "horizon": 1000}}
    assert unknown.status_code == 404


LONG = [10 + np.sin(i / 3).item() + (i % 7 == 0) for i in range(60)]
STARTS = ["2024-01-01T00:00:00", "2024-01-08T00:00:00"]


def zero_shot_body(**more):
    body = make_body([*LONG, *LONG[7:]], [60, 53], "zero_shot", level=[80], **more)
    body["series"]["start_datetime"] = STARTS
    return body


def library_forecast(values, horizon, levels=(80.0,)):
    stamps = pd.date_range("2024-01-01", periods=len(values))
    panel = Panel.from_values({"a": values}, timestamps={"a": stamps}, freq="D")
    return zero_shot(panel, horizon=horizon, levels=levels)


def test_the_zero_shot_forecaster_can_be_named(service):
    response = service.client.post("/v2/forecast", json=zero_shot_body())

    answer = response.json()
    for row, values in enumerate((LONG, LONG[7:])):
        expected, part = library_forecast(values, 2), slice(2 * row, 2 * row + 2)
        assert answer["mean"][part] == expected.points[0].tolist()
        lower, upper = expected.intervals[80]
        assert answer["intervals"]["lo-80"][part] == lower[0].tolist()
        assert answer["intervals"]["hi-80"][part] == upper[0].tolist()


def test_zero_shot_windows_read_what_lies_before_their_origin_alone(service):
    body = zero_shot_body(n_windows=3, step_size=2)
    spoiled = zero_shot_body(n_windows=3, step_size=2)
    spoiled["series"]["y"][-1] = 1e9  # in the last window of the second series

    answer, other = (
        service.client.post("/v2/cross_validation", json=one).json()
        for one in (body, spoiled)
    )

    assert answer["sizes"] == [6, 6]
    assert answer["mean"] == other["mean"]
    assert answer["intervals"] == other["intervals"]
    for window, end in enumerate((54, 56, 58)):
        expected = library_forecast(LONG[:end], 2)
        part = slice(2 * window, 2 * window + 2)
        assert answer["mean"][part] == expected.points[0].tolist()
        assert answer["intervals"]["lo-80"][part] == (
            expected.intervals[80][0][0].tolist()
        )


def test_zero_shot_history_begins_at_the_fourth_value(service):
    body = zero_shot_body(n_windows=1, step_size=1, full_history=True)

    answer = service.client.post("/v2/cross_validation", json=body).json()

    assert answer["sizes"] == [57, 50]
    assert answer["mean"][40] == library_forecast(LONG[:43], 1).points[0, 0]


def test_zero_shot_anomalies_lie_outside_their_interval(service):
    body = zero_shot_body() | {"level": 99}
    body["series"]["y"][45] += 30

    answer = service.client.post("/v2/anomaly_detection", json=body).json()

    outside = [
        not low <= body["series"]["y"][at] <= high
        for at, low, high in zip(
            answer["idxs"],
            answer["intervals"]["lo-99"],
            answer["intervals"]["hi-99"],
            strict=True,
        )
    ]
    assert answer["anomaly"] == outside
    assert answer["anomaly"][answer["idxs"].index(45)]


@pytest.mark.parametrize(
    ("route", "body", "status", "text"),
    [
        ("forecast", {"freq": "often"}, 422, "freq"),
        ("forecast", {"level": [0.5]}, 422, "a percentage from 1 to 99; found 0.5"),
        ("forecast", {"h": 101}, 422, "at most 100 steps ahead; found 101"),
        (
            "cross_validation",
            {"n_windows": 40, "step_size": 2},
            422,
            "at least 83 points are needed",
        ),
    ],
)
def test_zero_shot_requests_that_cannot_be_answered_are_refused(
    service, route, body, status, text
):
    response = service.client.post(
        f"/v2/{route}", json=zero_shot_body(n_windows=1, step_size=1) | body
    )

    assert response.status_code == status, response.text
    assert text in response.json()["detail"]


def test_zero_shot_series_of_two_values_and_exogenous_ones_are_refused(service):
    short, exogenous = zero_shot_body(), zero_shot_body()
    short["series"] |= {"y": [1.0, 2.0], "sizes": [2], "start_datetime": STARTS[:1]}
    exogenous["series"]["X"] = [[1.0] * 113]

    answers = [
        service.client.post("/v2/forecast", json=body) for body in (short, exogenous)
    ]

    assert [answer.status_code for answer in answers] == [422, 422]
    assert "at least 3 points are needed" in answers[0].json()["detail"]
    assert answers[1].json()["errors"][0]["loc"] == ["body", "series", "X"]


def test_many_windows_of_the_zero_shot_forecaster_are_refused(service, assert_problem):
    body = make_body(WAVE * 80, model="zero_shot", n_windows=1, step_size=1)

    response = service.client.post(
        "/v2/cross_validation", json=body | {"full_history": True}
    )

    assert_problem(response, 413, "request-too-large", "at most 30,000")


def test_each_series_needs_its_own_start(service, assert_problem):
    body = make_body()
    body["series"]["start_datetime"] = ["2024-01-01", "2024-01-02"]

    response = service.client.post("/v2/forecast", json=body)

    loc = ["body", "series", "start_datetime"]
    assert_problem(response, 422, "request-error", "2 of them for 1 series", loc)


def test_windows_with_too_much_to_read_are_refused(service, assert_problem):
    body = make_body(y=WAVE * 80, n_windows=1, step_size=1, full_history=True)

    response = service.client.post("/v2/cross_validation", json=body)

    text = "observations to read, from the start of a series to each of its windows"
    assert_problem(response, 413, "request-too-large", text)


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4)
values = st.lists(st.floats() | st.integers(-50, 50), min_size=1, max_size=9)
bodies = st.fixed_dictionaries(
    {
        "series": st.fixed_dictionaries(
            {"y": values | scalars, "sizes": st.lists(st.integers(1, 9), max_size=2)},
            optional={
                "start_datetime": st.lists(
                    st.datetimes().map(str) | st.text(max_size=9), max_size=2
                )
            },
        ),
        "model": st.sampled_from(["waves", "my steps"]),
        "freq": st.sampled_from(["D", "1d", "MS"]) | st.text(max_size=4),
        "h": st.integers(0, 101) | scalars,
        "n_windows": st.integers(1, 3),
        "step_size": st.integers(1, 3) | scalars,
        "detection_size": st.integers(1, 3),
        "level": st.integers(0, 100) | st.lists(st.integers(0, 100) | scalars),
    }
)


@settings(max_examples=150, deadline=None)
@given(
    body=bodies,
    route=st.sampled_from(
        [
            "forecast",
            "cross_validation",
            "anomaly_detection",
            "online_anomaly_detection",
        ]
    ),
)
def test_any_body_is_answered_or_refused(service, body, route):
    body["series"]["sizes"] = body["series"]["sizes"] or [
        len(y) if isinstance(y := body["series"]["y"], list) else 1
    ]

    response = service.client.post(f"/v2/{route}", content=json.dumps(body))

    assert response.status_code in (200, 413, 422), response.text


@pytest.mark.parametrize(
    ("trained", "spelling"),
    [
        *[("D", "D"), ("D", "1d"), ("h", "H"), ("h", "1h"), ("15min", "15T")],
        *[("15min", "15m"), ("MS", "1MS"), ("ME", "M"), ("W-SUN", "W"), ("W", "1w")],
        *[("QS-OCT", "1q"), ("YS", "AS"), ("B", "B"), ("W-SUN", "W-MON")],
    ],
)
def test_a_frequency_is_known_by_every_spelling(trained, spelling):
    check_frequency(spelling, Calendar(trained))


@pytest.mark.parametrize("spelling", ["h", "2D", "1d12h", "", "MS", "-", "B"])
def test_another_frequency_is_refused(spelling):
    with pytest.raises(RequestError, match="the model was trained on 'D'; found"):
        check_frequency(spelling, Calendar("D"))


@pytest.fixture
def panel():
    return Panel.from_values({"a": range(10), "b": range(10, 17)})


def test_rolling_windows_end_with_their_series(panel):
    windows = rolling(panel, 2, steps=2, windows=2, stride=3)

    assert windows.origins.series.tolist() == [0, 0, 1, 1]
    assert windows.origins.ends.tolist() == [5, 8, 2, 5]
    assert panel.values[windows.places].tolist() == [[5, 6], [8, 9], [12, 13], [15, 16]]
    assert windows.sizes(2).tolist() == [4, 4]
    with pytest.raises(SeriesTooShort, match="'b' has 7; at least 8"):
        rolling(panel, 3, steps=2, windows=2, stride=3)


def test_one_step_windows_hit_all_that_has_enough_before_it(panel):
    windows = one_step(panel, 4)

    assert panel.values[windows.places].ravel().tolist() == [*range(4, 10), 14, 15, 16]
    assert windows.sizes(2).tolist() == [6, 3]
    with pytest.raises(SeriesTooShort, match="'b' has 7; at least 8"):
        one_step(panel, 7)


def test_the_latest_windows_leave_out_what_lies_behind_the_end(panel):
    windows = latest(panel, 2, count=5, steps=3)

    hit = panel.values[windows.places[windows.mask]]
    assert hit.tolist() == [*range(5, 10), *range(12, 17)]
    assert windows.origins.ends.tolist() == [5, 8, 2, 5]
    assert windows.sizes(2).tolist() == [5, 5]
    with pytest.raises(SeriesTooShort, match="'b' has 7; at least 8"):
        latest(panel, 3, count=5, steps=3)
