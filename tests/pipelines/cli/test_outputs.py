"""Results as files, on the standard output and as JSON; the names of their columns."""

import io
import json
from importlib.metadata import version

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from forecasting.data.forecast import Forecast
from pipelines.cli.printing import tables


@pytest.fixture(scope="module")
def trained(shared_workplace, train_job):
    """Train a model of sales by store and item."""
    days = pd.date_range("2024-01-01", periods=60).strftime("%Y-%m-%d")
    rng = np.random.default_rng(0)
    frames = [
        pd.DataFrame({"store": store, "item": "tea", "day": days, "sales": values})
        for store in ("north", "south")
        for values in [20 + np.arange(60) % 7 + rng.normal(0, 1, 60)]
    ]
    pd.concat(frames).to_csv("sales.csv", index=False)
    return train_job("sales.csv", data__series_id=["store", "item"])


def test_a_dash_prints_the_csv_alone(trained, recast):
    result = recast("forecast", "sales", "--output", "-", "--missing", "zero")

    assert result.code == 0, result.err
    table = pd.read_csv(io.StringIO(result.out))
    assert list(table)[:4] == ["series_id", "step", "timestamp", "point"]
    assert len(table) == 4


def test_the_columns_are_named_as_in_the_training_data(trained, recast):
    arguments = ("forecast", "sales", "--output", "-", "--column-names", "data")

    table = pd.read_csv(io.StringIO(recast(*arguments).out))

    assert list(table)[:5] == ["store", "item", "step", "day", "sales"]
    assert table["store"].tolist() == ["north"] * 2 + ["south"] * 2


def test_parquet_keeps_all_digits(trained, recast, tmp_path):
    for name in ("out.parquet", "out.csv"):
        assert recast("forecast", "sales", "--output", tmp_path / name).code == 0

    exact = pd.read_parquet(tmp_path / "out.parquet")["point"]
    rounded = pd.read_csv(tmp_path / "out.csv")["point"]

    assert not exact.equals(rounded)
    np.testing.assert_allclose(rounded, exact, rtol=1e-5)


def test_a_forecast_is_json(trained, recast):
    plain = json.loads(recast("forecast", "sales", "--json", "--level", "80").out)

    assert plain["model"] == "sales version 1"
    assert plain["forecast"][0]["timestamp"] == "2024-03-01T00:00:00"
    assert plain["forecast"][0]["lower_80"] < plain["forecast"][0]["upper_80"]


def test_a_listing_of_models_is_json(trained, recast):
    [row] = json.loads(recast("models", "--json").out)

    assert (row["name"], row["version"], row["aliases"]) == ("sales", "1", ["champion"])
    assert row["metrics"]["mase"] > 0


def test_an_explanation_is_json(trained, recast):
    plain = json.loads(recast("explain", "sales", "--json").out)

    assert {row["feature"] for row in plain["importance"]} == {"sales"}
    assert len(plain["importance"]) == 2 * 5


def test_a_backtest_is_json_beside_its_file(trained, recast, tmp_path):
    arguments = ("--epochs", 1, "--folds", 2, "--series-id", "store,item", "--json")
    path = tmp_path / "out.json"

    result = recast(
        "backtest", "sales.csv", *arguments, "--output", path, "--column-names", "data"
    )

    plain = json.loads(result.out)
    assert {"last_value", "lstm"} <= {row["model"] for row in plain["scores"]}
    assert any("windows: 14 in, 6 ahead" in note for note in plain["notes"])
    assert f"wrote {len(json.loads(path.read_text()))} rows to {path}" in result.err
    assert list(json.loads(path.read_text())[0])[:3] == ["model", "store", "item"]


def test_a_training_is_json(trained, recast):
    arguments = ("--epochs", 1, "--folds", 2, "--series-id", "store,item", "--json")

    plain = json.loads(recast("train", "sales.csv", "--name", "new", *arguments).out)

    assert (plain["name"], plain["version"], plain["promoted"]) == ("new", "1", True)
    assert sum(plain["methods"].values()) == 2
    assert plain["scores"][0]["mase"] <= plain["scores"][-1]["mase"]


def test_two_results_on_the_standard_output_are_refused(trained, recast):
    result = recast("forecast", "sales", "--json", "--output", "-")

    assert (result.code, result.out) == (2, "")
    assert "output must be a file where --json prints the result too" in result.err


def test_the_version_is_that_of_the_package(recast):
    result = recast("--version")

    assert (result.code, result.out) == (0, f"recast {version('recast-forecasting')}\n")


def test_large_numbers_on_the_terminal_have_no_power_of_ten(capsys):
    points = np.array([[123280.4, 98765.4], [0.51234, 0.04]])
    bounds = {80.0: (points * 0.9, points * 1.1)}
    forecast = Forecast(
        series_ids=("a", "b"), timestamps=None, points=points, intervals=bounds
    )

    tables.print_forecast(Console(width=80), forecast, "sales")

    shown = capsys.readouterr().out
    assert "123,280" in shown
    assert "88,889 to 108,642" in shown
    assert "0.04000" in shown
    assert "e+" not in shown
