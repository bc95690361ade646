"""Routes of the track record: pages of series, history, past forecasts and figures."""

import shutil

import numpy as np
import pytest

from forecasting.track_record.storage import read_record
from serving.registry.load_failures import LoadError
from serving.registry.loaded_model import load_model
from serving.schemas.records import (
    ModelEvaluation,
    SeriesBacktest,
    SeriesHistory,
    SeriesList,
)

MODEL = {"name": "waves", "version": "1", "alias": "champion"}


@pytest.fixture(scope="module")
def record(built):
    return read_record(built / "waves-1")


@pytest.fixture
def get(service):
    """Returns the response of a route: ``get("series", search="a")``."""

    def get(route, **query):
        return service.client.get(f"/v1/models/waves/{route}", params=query)

    return get


def test_the_series_are_listed_with_the_errors_of_their_past_forecasts(
    get, record, hostile
):
    answer = get("series").json()

    SeriesList.model_validate(answer)
    assert answer["model"] == MODEL
    assert (answer["total"], answer["offset"], answer["left_out"]) == (2, 0, 0)
    assert [entry["id"] for entry in answer["series"]] == [hostile, "a"]
    assert answer["series"][1] == {
        "id": "a",
        "method": "network",
        "observations": 80,
        "first": "2024-01-01T00:00:00",
        "last": "2024-03-20T00:00:00",
        "mae": record.figures.mae[0],
        "baseline_mae": record.figures.baseline_mae[0],
        "coverage": dict(
            zip(["80", "95"], record.figures.coverage[0].tolist(), strict=True)
        ),
    }


def test_series_are_searched_sorted_and_paged(get, record, hostile):
    by_error = [entry["id"] for entry in get("series", sort="error").json()["series"]]

    errors = dict(zip(record.figures.series_ids, record.figures.mae, strict=True))
    assert by_error == sorted(errors, key=errors.get, reverse=True)
    assert get("series", search="ALERT(1)").json()["series"][0]["id"] == hostile
    assert get("series", search="nothing").json()["total"] == 0
    page = get("series", offset=1, limit=1).json()
    assert ([entry["id"] for entry in page["series"]], page["total"]) == (["a"], 2)
    assert get("series", offset=9).json()["series"] == []


def test_a_history_is_that_of_the_training_and_its_pages_join_to_it(get, record):
    whole = get("history", id="a").json()

    SeriesHistory.model_validate(whole)
    assert whole["model"] == MODEL
    assert whole["values"] == record.history.series("a").tolist()
    assert whole["timestamps"][0] == "2024-01-01T00:00:00"
    assert (whole["total"], whole["freq"], whole["zone"]) == (80, "D", None)
    assert whole["known_covariates"] == {}
    assert whole["future"] == {
        "timestamps": [f"2024-03-{day}T00:00:00" for day in (21, 22, 23)],
        "known_covariates": {},
    }
    pages = [get("history", id="a", offset=k, limit=30).json() for k in (0, 30, 60)]
    assert [v for page in pages for v in page["values"]] == whole["values"]
    last = get("history", id="a", limit=7).json()
    assert (last["offset"], last["values"]) == (73, whole["values"][73:])
    assert get("history", id="a", offset=10**6).json()["values"] == []


def test_past_forecasts_are_those_of_the_record_beside_the_values_that_came(
    get, record, hostile
):
    answer = get("backtest", id=hostile).json()

    SeriesBacktest.model_validate(answer)
    assert (answer["total"], answer["baseline"]) == (4, "last value")
    assert answer["levels"] == [80, 95]
    past = record.backtest
    for fold, forecast in enumerate(answer["forecasts"]):
        end = int(past.ends[1, fold])
        assert forecast["point"] == past.points[1, fold].tolist()
        assert forecast["baseline_point"] == past.baseline[1, fold].tolist()
        values = record.history.series(hostile)
        assert forecast["actual"] == values[end : end + 3].tolist()
        day = np.datetime64("2024-01-01") + end - 1
        assert forecast["cutoff"] == f"{day}T00:00:00"
        assert forecast["timestamps"][0] == f"{day + 1}T00:00:00"
        bounds = forecast["intervals"]["95"]
        assert bounds["lower"] == past.bounds[1, 1, fold].tolist()
        assert bounds["upper"] == past.bounds[3, 1, fold].tolist()
    page = get("backtest", id=hostile, offset=2, limit=1).json()
    assert page["forecasts"] == answer["forecasts"][2:3]


def test_the_evaluation_has_the_figures_of_the_record(get, record, hostile):
    answer = get("evaluation").json()

    ModelEvaluation.model_validate(answer)
    evaluation = record.evaluation
    assert (answer["folds"], answer["origins"], answer["num_series"]) == (4, 8, 2)
    assert answer["evidence"] == "4 folds, 8 origins of 2 series"
    rows = {row["model"]: row for row in answer["leaderboard"]}
    assert {name for name, row in rows.items() if row["serves"]} == {"lstm"}
    scores = evaluation.leaderboard["last_value"]
    assert rows["last value"]["mae"] == scores["mae"]
    assert rows["last value"]["coverage"]["80"] == scores["coverage_80"]
    assert rows["lstm"]["skill_lower"] is None  # this leaderboard has none
    [step] = [row for row in answer["by_step"] if row["serves"]]
    assert step["mae"] == list(evaluation.by_step["lstm"])
    assert len(answer["worst_series"]) == 2
    worst = answer["worst_moments"][0]
    errors = np.abs(record.actual - record.backtest.points)
    assert abs(worst["error"]) == pytest.approx(errors.max())
    assert worst["error"] == worst["point"] - worst["actual"]
    assert worst["cutoff"] < worst["timestamp"]


def test_an_unknown_series_is_refused_with_names_near_it(get, assert_problem):
    for route in ("history", "backtest"):
        answer = get(route, id="aa")
        assert_problem(answer, 404, "unknown-series-id", "There is no series 'aa'")
        assert "Near it are: 'a'" in answer.json()["detail"]
    assert "'<img src=x onerror" in get("history", id="Img Src").json()["detail"]
    assert get("history", id="z" * 500).status_code == 404


def test_a_version_without_a_record_says_so(get, assert_problem):
    for route in ("series", "evaluation"):
        answer = get(route, version=2)
        assert_problem(answer, 404, "no-track-record", "version 2 of model 'waves'")
        assert "registered by an older Recast; train again" in answer.text


@pytest.mark.parametrize(
    ("route", "query", "loc", "text"),
    [
        ("history", {}, "id", "Field required"),
        ("history", {"id": "a", "limit": 100_001}, "limit", "less than or equal"),
        ("history", {"id": "a", "offset": -1}, "offset", "greater than or equal"),
        ("series", {"sort": "size"}, "sort", "'name' or 'error'"),
        ("series", {"find": "a"}, "find", "alias, version, search, offset, limit"),
        ("backtest", {"id": "a" * 501}, "id", "at most 500 characters"),
        ("evaluation", {"id": "a"}, "id", "unknown key; there is alias, version"),
    ],
)
def test_a_wrong_query_is_refused_at_its_place(
    get, assert_problem, route, query, loc, text
):
    problem = assert_problem(get(route, **query), 422, "request-error", text)

    assert [flaw["loc"] for flaw in problem["errors"]] == [["query", loc]]


def test_a_version_with_a_damaged_record_is_not_loaded(built, tmp_path):
    folder = shutil.copytree(built / "waves-1", tmp_path / "model")
    (folder / "track_record.safetensors").write_bytes(b"none")

    with pytest.raises(LoadError, match=r"damaged \(track_record.json: Safetensor"):
        load_model("waves", "1", folder, {})


def test_the_bytes_of_a_record_count_among_those_of_its_version(built, record):
    with_record = load_model("waves", "1", built / "waves-1", {})

    weights = with_record.forecaster.trained.num_bytes
    assert with_record.num_bytes == weights + record.num_bytes
    assert record.num_bytes > 2 * 80 * 16


def test_the_context_of_a_series_sent_back_gives_the_forecast_without_a_request(
    get, service, hostile
):
    for version in ("1", "2"):  # 2 has no record
        context = get("context", id=hostile, version=version).json()

        sent = service.forecast(body={"series": [context]}, version=version).json()
        alone = service.forecast(version=version).json()
        [expected] = [one for one in alone["forecasts"] if one["id"] == hostile]
        [found] = sent["forecasts"]
        # Alone or among others, the sums of a network differ in their last digits.
        assert found["point"] == pytest.approx(expected["point"], rel=1e-6)
        assert found["timestamps"] == expected["timestamps"]


@pytest.mark.parametrize("version", ["1", "2"])
def test_the_context_of_an_unknown_series_is_an_error_that_names_others(
    get, assert_problem, version
):
    answer = get("context", id="aa", version=version)

    assert_problem(answer, 404, "unknown-series-id", "'a'")
