"""The nixtla client's calls, with the real package against the real service."""

import json
import os
import re
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from forecasting.data.panel import Panel
from forecasting.zeroshot import zero_shot

FOLDER = Path(__file__).parent
PYTHON = FOLDER.parents[2] / ".nixtla" / "bin" / "python"
pytestmark = pytest.mark.skipif(
    not PYTHON.exists(), reason="the nixtla client is not here: `make nixtla`"
)
IDS = ["x", "y", "z"]


@pytest.fixture(scope="module")
def service_and_results(built, running, tmp_path_factory):
    """Run the client's calls; yield the service and the results."""
    folder = tmp_path_factory.mktemp("nixtla")
    uri = f"sqlite:///{built}/mlflow.db"
    with running(uri, folder, default_model="waves") as service:
        service.wait_for(lambda: service.readyz().get("state") == "ready")
        yield service, run_calls(service.url)


def run_calls(*arguments):
    """Run the client's calls and return their results."""
    done = subprocess.run(
        [PYTHON, FOLDER / "nixtla_calls.py", *arguments],
        env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def results(service_and_results):
    return service_and_results[1]


@pytest.fixture(scope="module")
def sent(results):
    """Return the values and dates of each series."""
    return {name: rows(results["sent"], name, "y", "ds") for name in IDS}


@pytest.fixture(scope="module")
def rest(service_and_results):
    """Forecast by the v1 route: ``rest(values, dates, horizon, levels)``."""

    def forecast(values, dates, horizon, levels=(80, 95)):
        series = {"id": "not seen in training", "values": values, "timestamps": dates}
        body = {"series": [series], "horizon": horizon, "levels": list(levels)}
        response = service_and_results[0].forecast(body=body)
        assert response.status_code == 200, response.text
        return response.json()["forecasts"][0]

    return forecast


def rows(frame, series_id, *columns):
    """Return columns of one series."""
    at = [i for i, name in enumerate(frame["unique_id"]) if name == series_id]
    return tuple([frame[column][i] for i in at] for column in columns)


def close(expected):
    return pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", ["forecast", "in parts"])
def test_a_forecast_is_that_of_our_own_route(results, sent, rest, name):
    for series_id in IDS:
        ours = rest(*sent[series_id], 5)

        dates, mean, low, high = rows(
            results[name], series_id, "ds", "TimeGPT", "TimeGPT-lo-80", "TimeGPT-hi-95"
        )

        assert dates == [stamp[:10] for stamp in ours["timestamps"]]
        assert mean == close(ours["point"])
        assert low == close(ours["intervals"]["80"]["lower"])
        assert high == close(ours["intervals"]["95"]["upper"])


@pytest.mark.parametrize("name", ["polars", "by default"])
def test_polars_and_the_default_model_give_the_same_forecast(results, name):
    assert results[name]["TimeGPT"] == close(results["forecast"]["TimeGPT"])
    assert results[name]["ds"] == results["forecast"]["ds"]


def test_a_series_without_ids_is_forecast_as_one_with_an_id(results):
    assert "unique_id" not in results["without ids"]
    assert results["without ids"]["TimeGPT"] == close(
        results["forecast"]["TimeGPT"][:5]
    )


def test_a_version_and_an_alias_can_be_named(results):
    assert results["of a version"]["TimeGPT"] == results["by alias"]["TimeGPT"]
    assert results["of a version"]["TimeGPT"] != results["forecast"]["TimeGPT"]


def test_quantiles_are_the_bounds_of_intervals_and_the_point(results):
    quantiles, intervals = results["quantiles"], results["forecast"]

    assert quantiles["TimeGPT-q-10"] == intervals["TimeGPT-lo-80"]
    assert quantiles["TimeGPT-q-50"] == intervals["TimeGPT"]
    assert quantiles["TimeGPT-q-90"] == intervals["TimeGPT-hi-80"]
    assert [name for name in results["deciles"] if "-q-" in name][8:] == [
        "TimeGPT-q-90"
    ]


def test_integer_timestamps_suit_a_model_without_dates(results):
    assert results["steps"]["ds"] == [40, 41, 42]
    assert results["steps"]["TimeGPT"][0] == pytest.approx(5, abs=2)


@pytest.mark.parametrize("name", ["history", "history in parts"])
def test_history_is_one_step_ahead_of_all_that_came_before(results, sent, rest, name):
    values, dates = sent["y"]

    shown, mean, low = rows(results[name], "y", "ds", "TimeGPT", "TimeGPT-lo-80")

    assert shown[:-5] == dates[6:]
    assert mean[-5:] == close(rows(results["forecast"], "y", "TimeGPT")[0])
    for end in (6, 7, 40, 69):
        ours = rest(values[:end], dates[:end], 1)
        assert mean[end - 6] == close(ours["point"][0])
        assert low[end - 6] == close(ours["intervals"]["80"]["lower"][0])


def test_cross_validation_forecasts_from_rolling_origins(results, sent, rest):
    for series_id in IDS:
        values, dates = sent[series_id]

        shown, cutoffs, actual, mean, high = rows(
            results["cross validation"],
            series_id,
            *("ds", "cutoff", "y", "TimeGPT", "TimeGPT-hi-90"),
        )

        ends = [len(values) - 3 - 2 * left for left in (3, 2, 1, 0)]
        assert cutoffs == [dates[end - 1] for end in ends for _ in range(3)]
        assert shown == [dates[end + i] for end in ends for i in range(3)]
        assert actual == close([values[end + i] for end in ends for i in range(3)])
        for row, end in enumerate(ends):
            ours = rest(values[:end], dates[:end], 3, [90])
            window = slice(3 * row, 3 * row + 3)
            assert mean[window] == close(ours["point"])
            assert high[window] == close(ours["intervals"]["90"]["upper"])


def test_cross_validation_in_parts_is_the_same(results):
    whole, parts = results["cross validation"], results["cross validation in parts"]

    assert parts["TimeGPT"] == close(whole["TimeGPT"])
    assert parts["cutoff"] == whole["cutoff"]


@pytest.mark.parametrize("name", ["anomalies", "anomalies in parts"])
def test_anomalies_lie_outside_their_interval(results, name):
    for series_id in IDS:
        dates, y, low, high, anomaly = rows(
            results[name],
            series_id,
            *("ds", "y", "TimeGPT-lo-99", "TimeGPT-hi-99", "anomaly"),
        )

        outside = [not a <= b <= c for a, b, c in zip(low, y, high, strict=True)]
        assert anomaly == outside
        assert len(dates) > 40
        assert anomaly[dates.index("2024-02-20")] == (series_id == "y")


def test_the_latest_anomalies_are_scored_in_units_of_their_interval(results):
    dates, anomaly, score = rows(
        results["latest anomalies"], "y", "ds", "anomaly", "anomaly_score"
    )

    assert len(dates) == 25
    assert dates[-1] == "2024-03-10"
    assert anomaly == [one > 1 for one in score]
    assert anomaly[dates.index("2024-02-20")]
    assert score[dates.index("2024-02-20")] == max(score)


def test_large_requests_come_compressed(results):
    assert "zstd" in results["encodings"]
    assert results["long"]["TimeGPT"][:2] == close(results["long"]["TimeGPT"][2:])


def test_models_are_listed_and_the_key_is_good(results):
    assert results["models"] == ["my steps", "spare", "waves"]
    assert results["good key"] is True


def test_a_version_that_recast_did_not_make_is_asked_for_once(results):
    assert results["tries"] == ["/model_params"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("unknown", "404.*There is no model 'nope'"),
        ("foreign", "404.*model 'other' was not made by Recast"),
        ("fine-tuning", "422.*models are not fine-tuned by requests here"),
        ("fine-tuned", "422.*models are not fine-tuned by requests here"),
        ("date features", "422.*or ask POST /v1/models/NAME/forecast"),
        ("contributions", "422.*ask POST /v1/models/NAME/explain"),
        ("multivariate", "422.*series are forecast one by one"),
        ("parameters", "422.*model_parameters: there are none here"),
        ("horizon", "422.*at most 1000 steps ahead; found 5000"),
        ("level", "422.*a number of at most 99 is needed; found 99.5"),
        ("low level", "422.*level must be a percentage from 1 to 99; found 0.5"),
        ("levels", "422.*body.level: at most 20 levels; found 21"),
        ("dates", "422.*make the time column integers"),
        ("frequency", "422.*the model was trained on 'D'; found 'h'"),
        ("short", "422.*at least 96 points are needed"),
        ("step", "422.*step_size: at most h, 2"),
        ("finetune", "501.*no fine-tuning"),
        ("usage", "501.*no usage is counted"),
        ("jobs", "501.*or job by this client here"),
    ],
)
def test_what_cannot_be_done_is_said(results, name, text):
    assert re.match(f"ApiError: status_code: {text}", results["refused"][name])


@pytest.fixture(scope="module")
def zero_shot_results(running, tmp_path_factory):
    """Run the client's calls of a service without any model; return the results."""
    folder = tmp_path_factory.mktemp("zero_shot")
    with running(None, folder) as service:
        service.wait_for(lambda: service.readyz().get("state") == "ready")
        yield run_calls(service.url, "zero_shot")


def zero_shot_forecast(values, dates, horizon, levels=()):
    stamps = {"a": pd.DatetimeIndex(dates)}
    panel = Panel.from_values({"a": values}, timestamps=stamps, freq="D")
    return zero_shot(panel, horizon=horizon, levels=levels)


@pytest.mark.parametrize("name", ["forecast", "older name", "named"])
def test_without_a_model_the_forecast_is_the_zero_shot_one(zero_shot_results, name):
    results = zero_shot_results
    for series_id in IDS:
        values, dates = rows(results["sent"], series_id, "y", "ds")
        expected = zero_shot_forecast(values, dates, 5, [80, 95])

        mean, low, high = rows(
            results[name], series_id, "TimeGPT", "TimeGPT-lo-80", "TimeGPT-hi-95"
        )

        assert mean == close(expected.points[0].tolist())
        assert low == close(expected.intervals[80][0][0].tolist())
        assert high == close(expected.intervals[95][1][0].tolist())


def test_the_other_calls_work_without_a_model(zero_shot_results):
    results = zero_shot_results
    values, dates = rows(results["sent"], "y", "y", "ds")
    mean = results["forecast"]["TimeGPT"]
    windows = rows(results["cross validation"], "y", "TimeGPT", "TimeGPT-hi-90")
    history = rows(results["history"], "y", "TimeGPT")[0]
    shown, anomaly = rows(results["anomalies"], "y", "ds", "anomaly")
    latest, latest_anomaly = rows(results["latest anomalies"], "y", "ds", "anomaly")

    assert results["quantiles"]["TimeGPT-q-50"] == mean
    assert results["polars"]["TimeGPT"] == close(mean)
    assert results["steps"]["ds"] == [40, 41, 42]
    for row, end in enumerate(len(values) - 3 - 2 * left for left in (3, 2, 1, 0)):
        expected = zero_shot_forecast(values[:end], dates[:end], 3, [90])
        part = slice(3 * row, 3 * row + 3)
        assert windows[0][part] == close(expected.points[0].tolist())
        assert windows[1][part] == close(expected.intervals[90][1][0].tolist())
    one_step = zero_shot_forecast(values[:40], dates[:40], 1)
    assert history[37] == close(one_step.points[0, 0])
    assert anomaly[shown.index("2024-02-20")]
    assert latest_anomaly[latest.index("2024-02-20")]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("exogenous", "422.*exogenous variables.*leave them out"),
        ("unknown", "404.*There is no model 'nope'"),
    ],
)
def test_without_a_model_the_rest_is_refused(zero_shot_results, name, text):
    refusal = zero_shot_results["refused"][name]

    assert re.match(f"ApiError: status_code: {text}", refusal)
