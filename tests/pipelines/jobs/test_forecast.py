"""Forecasts as a batch job: the same numbers as the library and MLflow's pyfunc."""

import mlflow
import numpy as np
import pandas as pd
import pytest

from forecasting.forecaster.forecaster import Forecaster
from forecasting.io import read_csv
from pipelines.tracking.models import load_forecaster
from pipelines.tracking.registry import find_version

BASE = ["series_id", "step", "timestamp", "point"]


@pytest.fixture(scope="module")
def shops(shared_workplace, daily_csv, train_job):
    """Train a model of two shops, and load its registered version."""
    daily_csv("shops.csv", {"north": 80, "south": 80})
    train_job("shops.csv", windows__horizon=3)
    return load_forecaster(find_version("shops"))


@pytest.fixture
def forecast(recast, tmp_path):
    """Run `recast forecast` and return the CSV that it wrote."""

    def run(*arguments):
        path = tmp_path / "forecast.csv"
        result = recast("forecast", *arguments, "--output", path, "--full")
        assert result.code == 0, result.err
        return pd.read_csv(path, dtype={"series_id": str})

    return run


def assert_same_forecast(frame, expected):
    """Compare a written forecast with the library's."""
    frame, expected = frame.copy(), expected.to_frame()
    frame["timestamp"] = frame["timestamp"].astype(expected["timestamp"].dtype)
    if "method" not in frame:  # pyfunc has it on request
        expected = expected.drop(columns="method")
    pd.testing.assert_frame_equal(
        frame, expected, check_dtype=False, rtol=1e-6, atol=1e-9
    )


def test_the_series_seen_in_training_go_on(shops, forecast):
    frame = forecast("shops")

    columns = [*BASE, "lower_80", "upper_80", "lower_95", "upper_95", "method"]
    assert list(frame) == columns
    assert frame["series_id"].tolist() == ["north"] * 3 + ["south"] * 3
    assert frame["step"].tolist() == [1, 2, 3] * 2
    assert frame["timestamp"].tolist() == ["2024-03-21", "2024-03-22", "2024-03-23"] * 2
    assert_same_forecast(frame, shops.predict())


@pytest.mark.parametrize("reference", ["shops@champion", "shops/1"])
def test_every_reference_to_a_version_gives_its_forecast(shops, forecast, reference):
    assert_same_forecast(forecast(reference), shops.predict())


def test_a_model_folder_needs_no_registry(shops, forecast, tmp_path, monkeypatch):
    shops.save(tmp_path / "model")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")

    assert_same_forecast(forecast(tmp_path / "model"), shops.predict())


def test_a_downloaded_mlflow_model_is_a_model_folder(shops, forecast, tmp_path):
    path = mlflow.artifacts.download_artifacts("models:/shops/1", dst_path=tmp_path)

    assert_same_forecast(forecast(path), shops.predict())


def test_new_observations_are_continued(shops, forecast, daily_csv, tmp_path):
    path = daily_csv(tmp_path / "new.csv", {"north": 100, "south": 90})

    frame = forecast("shops", "--data", path)

    assert frame["timestamp"].tolist()[::3] == ["2024-04-10", "2024-03-31"]
    assert_same_forecast(frame, shops.predict(read_csv(path)))


def test_a_horizon_beyond_the_trained_one_and_other_levels(shops, forecast):
    frame = forecast("shops", "--horizon", 10, "--level", 90, "--level", 50)

    bounds = ["lower_50", "upper_50", "lower_90", "upper_90"]
    assert list(frame) == [*BASE, *bounds, "method"]
    assert len(frame) == 20
    assert_same_forecast(frame, shops.predict(horizon=10, levels=(50.0, 90.0)))


def test_the_trained_target_is_found_among_other_columns(
    shops, forecast, daily_csv, tmp_path
):
    path = daily_csv(tmp_path / "new.csv", {"north": 90, "south": 90})
    table = pd.read_csv(path)
    table.assign(price=2.5).to_csv(path, index=False)

    frame = forecast("shops", "--data", path)

    assert_same_forecast(frame, shops.predict(read_csv(path, target="sales")))


def test_another_target_is_an_error_until_it_is_named(
    shops, forecast, daily_csv, tmp_path, recast
):
    path = daily_csv(tmp_path / "new.csv", {"north": 90, "south": 90})
    table = pd.read_csv(path).rename(columns={"sales": "revenue"})
    table.to_csv(path, index=False)
    expected = shops.predict(read_csv(path))

    refused = recast("forecast", "shops", "--data", path)

    assert refused.code == 2
    assert "no column 'sales'" in refused.err
    assert "--target" in refused.err
    assert_same_forecast(
        forecast("shops", "--data", path, "--target", "revenue"), expected
    )


def test_rows_without_dates_are_continued_by_number(shops, forecast, tmp_path):
    path = tmp_path / "new.csv"
    path.write_text("sales\n" + "\n".join(str(20 + i % 3) for i in range(12)))

    frame = forecast("shops", "--data", path)

    assert frame["timestamp"].tolist() == [13, 14, 15]


def test_a_few_rows_are_enough_to_tell_how_the_dates_go_on(shops, forecast, tmp_path):
    days = [f"2024-05-{day:02},{20 + day % 4}" for day in range(1, 6)]
    path = tmp_path / "new.csv"
    path.write_text("day,sales\n" + "\n".join(days))

    frame = forecast("shops", "--data", path)

    assert frame["timestamp"].tolist() == ["2024-05-06", "2024-05-07", "2024-05-08"]


def test_a_forecast_is_printed_when_no_file_is_asked_for(shops, recast, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")

    short = recast("forecast", "shops")
    long = recast("forecast", "shops", "--horizon", "30")

    assert "shops version 1" in short.out
    assert "2024-03-21" in short.out
    assert "80 % interval" in short.out
    assert "... 60 rows in all; --output FILE.csv writes them" in long.out
    assert max(map(len, long.out.splitlines())) <= 80


def test_a_file_that_is_there_is_replaced_whole(shops, recast, tmp_path):
    path = tmp_path / "out.csv"
    path.write_text("old\n" * 1000)

    result = recast("forecast", "shops", "--output", path)

    assert f"wrote 6 rows to {path}" in result.out
    assert len(pd.read_csv(path)) == 6
    assert list(tmp_path.iterdir()) == [path]


def test_pyfunc_gives_the_numbers_of_the_library(shops, shared_workplace):
    model = mlflow.pyfunc.load_model("models:/shops/1")
    panel = read_csv("shops.csv")
    frame = panel.to_frame().astype({"timestamp": str})

    answer = model.predict(frame, params={"horizon": 5, "levels": [50.0, 80.0]})

    assert_same_forecast(answer, shops.predict(panel, horizon=5, levels=(50, 80)))


def test_pyfunc_without_rows_continues_the_series_seen_in_training(shops):
    model = mlflow.pyfunc.load_model("models:/shops/1")

    answer = model.predict(pd.DataFrame({"target": np.array([], dtype=float)}))

    assert_same_forecast(answer, shops.predict())


def test_the_input_example_is_an_input(shops):
    model = mlflow.pyfunc.load_model("models:/shops/1")

    answer = model.predict(model.input_example)

    assert_same_forecast(answer, shops.predict())


def test_a_model_loads_where_mlflow_may_run_no_code(shops, forecast, monkeypatch):
    monkeypatch.setenv("MLFLOW_ALLOW_MODEL_CODE_EXECUTION", "false")

    assert_same_forecast(forecast("shops"), shops.predict())


def test_what_was_loaded_forecasts_like_the_artifact_on_disk(shops, tmp_path):
    shops.save(tmp_path / "model")

    again = Forecaster.load(tmp_path / "model", device="cpu").predict()

    np.testing.assert_array_equal(again.points, shops.predict().points)
