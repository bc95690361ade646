"""Covariates over REST: the library's forecasts, and the location of each flaw."""

import copy
import json

import numpy as np
import pytest

from forecasting.data.panel import Panel
from forecasting.data.windows import WindowSpec
from forecasting.explanation.explain import explain
from forecasting.forecaster.forecaster import Forecaster
from forecasting.models.config import RecurrentConfig
from forecasting.training import TrainingConfig

DAYS, HORIZON, SEQ_LEN = 40, 2, 4
STAMPS = np.datetime64("2024-01-01", "ns") + np.arange(DAYS) * np.timedelta64(1, "D")


def shops(first=0):
    """Return the panel of two shops from a day on, with known covariates."""
    rng = np.random.default_rng(0)
    values, visits, promo, plan = {}, {}, {}, {}
    for name in ("north", "south"):
        on = rng.integers(0, 2, DAYS + HORIZON)
        sales = 10 + 5 * on[:DAYS] + rng.normal(0, 0.3, DAYS)
        values[name], visits[name] = sales[first:], sales[first:] * 3
        promo[name] = on[first:]
        plan[name] = np.where(on, "flyer", "none")[first:].tolist()
    return Panel.from_values(
        values,
        timestamps=dict.fromkeys(values, STAMPS[first:]),
        freq="D",
        past_covariates={"visits": visits},
        known_covariates={"promo": promo, "plan": plan},
        static_covariates={"kind": {"north": "mall", "south": "street"}},
    )


def make_body():
    """Return the last days of both shops as a request."""
    panel = shops(DAYS - SEQ_LEN)
    promo, plan = panel.future["promo"], panel.future["plan"]
    series = []
    for row, name in enumerate(panel.series_ids):
        rows = slice(panel.offsets[row], panel.offsets[row + 1])
        ahead = slice(promo.offsets[row], promo.offsets[row + 1])
        known_covariates = {
            "promo": [*panel.covariates["promo"][rows], *promo.values[ahead]],
            "plan": [*panel.covariates["plan"][rows], *plan.values[ahead]],
        }
        series.append(
            {
                "id": name,
                "values": panel.values[rows].tolist(),
                "timestamps": [str(t)[:10] for t in panel.timestamps[rows]],
                "past_covariates": {
                    "visits": panel.covariates["visits"][rows].tolist()
                },
                "known_covariates": known_covariates,
                "static_covariates": {"kind": ["mall", "street"][row]},
            }
        )
    return {"series": series}


@pytest.fixture(scope="module")
def forecaster():
    return Forecaster(
        windows=WindowSpec(seq_len=SEQ_LEN, horizon=HORIZON),
        model=RecurrentConfig(hidden_size=4, calendar_features=True),
        training=TrainingConfig(epochs=2, device="cpu"),
    ).fit(shops().with_future({"promo": {}, "plan": {}}))


@pytest.fixture(scope="module")
def own_service(forecaster, serving, tmp_path_factory):
    """Run a service with the shops' model, without their future covariates."""
    folder = tmp_path_factory.mktemp("shops")
    with serving("shops", forecaster, folder, max_points=200) as service:
        yield service


def test_series_with_covariates_are_forecast_as_by_the_library(own_service, forecaster):
    answer = own_service.forecast("shops", make_body()).json()

    expected = forecaster.predict(shops(DAYS - SEQ_LEN)).points
    points = [row["point"] for row in answer["forecasts"]]
    np.testing.assert_allclose(points, expected, rtol=1e-6)


def test_values_beyond_the_horizon_change_nothing(own_service):
    body = make_body()
    longer = copy.deepcopy(body)
    for series in longer["series"]:
        series["known_covariates"]["promo"] += [9, 9, 9]

    answers = [own_service.forecast("shops", one).json() for one in (body, longer)]

    assert answers[0]["forecasts"] == answers[1]["forecasts"]


def test_a_model_lists_its_covariates_by_role(own_service):
    details = own_service.client.get("/v1/models/shops").json()

    assert details["covariates"] == {
        "past": ["visits"],
        "known": ["promo", "plan"],
        "static": ["kind"],
    }
    assert details["context"][1]["static_covariates"] == {"kind": "street"}
    assert len(details["context"][1]["past_covariates"]["visits"]) == SEQ_LEN
    plain = own_service.client.get("/v1/models/waves").json()
    assert plain["covariates"] == {"past": [], "known": [], "static": []}


@pytest.mark.parametrize(
    ("role", "name", "value", "place", "text"),
    [
        ("known", "promo", None, ("promo",), "missing; 6 values are needed, one for"),
        ("known", "promo", [0] * 5, ("promo",), "5 values; 6 are needed"),
        ("known", "promo", [0, 1, "x", 0, 0, 0], ("promo", 2), "a number is needed"),
        ("known", "plan", [None] * 6, ("plan", 0), "text is needed"),
        (
            "known",
            "plan",
            ["none"] * 4 + [1, 2],
            ("plan", 4),
            "'plan' has categories ('flyer', 'none'): send text, not the number 1",
        ),
        ("static", "kind", 7, ("kind",), "'kind' has categories ('mall', 'street')"),
        ("past", "visits", [1.0] * 5, ("visits",), "5 values; 4 are needed"),
        ("past", "visits", [1.0, 2.0, True, 3.0], ("visits", 2), "a number is"),
        ("static", "kind", None, ("kind",), "missing; one value is needed"),
        ("static", "colour", "red", ("colour",), "no such static covariate; there"),
    ],
)
def test_what_is_missing_or_short_has_its_place(
    own_service, assert_problem, role, name, value, place, text
):
    body, field = make_body(), f"{role}_covariates"
    if value is None:
        del body["series"][1][field][name]
    else:
        body["series"][1][field][name] = value

    response = own_service.forecast("shops", body)

    loc = ["body", "series", 1, field, *place]
    assert_problem(response, 422, "request-error", text, loc)


@pytest.mark.parametrize("bad", ["NaN", "-Infinity", "1e400", "1" + "0" * 309])
def test_covariates_that_are_no_finite_numbers_are_refused(
    own_service, assert_problem, bad
):
    body = make_body()
    body["series"][1]["past_covariates"]["visits"] = [1.0, 2.0, 777.0, 3.0]
    text = json.dumps(body).replace("777.0", bad)

    response = own_service.client.post("/v1/models/shops/forecast", content=text)

    loc = ["body", "series", 1, "past_covariates", "visits", 2]
    assert_problem(response, 422, "request-error", "a finite number is needed", loc)


def test_seasons_need_timestamps(own_service, assert_problem):
    body = make_body()
    for series in body["series"]:
        del series["timestamps"]

    response = own_service.forecast("shops", body)

    loc = ["body", "series", 0, "timestamps"]
    assert_problem(response, 422, "request-error", "takes the seasons from", loc)


def test_without_series_what_is_known_ahead_is_asked_for(own_service, assert_problem):
    response = own_service.forecast("shops")

    text = "expected 2 steps ahead; found 0. Send the series, with known_covariates"
    loc = ["body", "series"]
    assert_problem(response, 422, "missing-covariates", text, loc)


def test_past_covariates_bound_the_horizon(own_service, assert_problem):
    body = make_body() | {"horizon": 3}
    for series in body["series"]:
        for values in series["known_covariates"].values():
            values.append(values[-1])

    response = own_service.forecast("shops", body)

    text = "horizon must be at most 2 with past covariates"
    assert_problem(response, 422, "setting-error", text, ["body", "horizon"])


def test_a_model_without_covariates_takes_none(own_service, assert_problem):
    series = {"id": "a", "values": [1.0] * 6, "past_covariates": {"x": [1.0] * 6}}

    response = own_service.forecast("waves", {"series": [series]})

    text = "the model has no such past covariate; there is: none"
    loc = ["body", "series", 0, "past_covariates", "x"]
    assert_problem(response, 422, "request-error", text, loc)


def test_an_explanation_has_each_number_by_name(own_service, forecaster):
    expected = explain(forecaster, shops(DAYS - SEQ_LEN))

    answer = own_service.explain("shops", make_body()).json()

    assert list(answer["covariates"]) == ["visits", "promo", "position in the week"]
    for name, grid in expected.by_feature().items():
        importance = answer["covariates"].get(name, answer["importance"])
        np.testing.assert_allclose(importance, grid, rtol=1e-5)
    assert np.shape(answer["covariates"]["promo"]) == (HORIZON, SEQ_LEN + HORIZON)


def test_without_a_future_nothing_can_be_explained(own_service, assert_problem):
    response = own_service.explain("shops")

    text = "at least seq_len 4 + horizon 2 steps"
    assert_problem(response, 422, "missing-covariates", text, ["body", "series"])


def test_the_numbers_of_covariates_count_as_well(
    forecaster, serving, tmp_path, assert_problem
):
    with serving("shops", forecaster, tmp_path, max_points=47) as service:
        body = make_body() | {"levels": []}

        response = service.explain("shops", body)
        shorter = service.explain("shops", body | {"horizon": 1})

    text = "48 numbers would be in the answer; at most 47"
    assert_problem(response, 413, "request-too-large", text, ["body"])
    assert shorter.status_code == 200
