"""Backtest job: every forecast with its cutoff, and nothing tracked."""

import json

import mlflow
import pandas as pd
import pytest

from forecasting import forecaster_for, read_csv

COLUMNS = [
    "model", "series_id", "fold", "cutoff", "step", "timestamp", "actual", "point",
    "lower_80", "upper_80", "lower_95", "upper_95",
]  # fmt: skip


@pytest.fixture
def backtest(workplace, recast, daily_csv):
    """Run `recast backtest` on 60 days and return the CSV that it wrote."""
    daily_csv("days.csv", 60)

    def run(*options):
        windows = () if "--horizon" in options else ("--seq-len", "5", "--horizon", "2")
        arguments = ("--epochs", "1", "--output", "out.csv", *windows, *options)
        result = recast("backtest", "days.csv", *arguments)
        assert result.code == 0, result.err
        return result, pd.read_csv("out.csv")

    return run


def test_five_folds_have_five_cutoffs_a_horizon_apart(backtest):
    _, table = backtest("--folds", "5", "--horizon", "3")

    assert list(table) == COLUMNS
    cutoffs = [f"2024-02-{day:02}" for day in (14, 17, 20, 23, 26)]
    assert sorted(table["cutoff"].unique()) == cutoffs
    assert set(table["model"]) >= {"lstm", "last_value", "zero_shot"}
    for _, fold in table.groupby(["model", "cutoff"]):
        assert fold["step"].tolist() == [1, 2, 3]
        assert (fold["timestamp"] > fold["cutoff"]).all()
    assert table["timestamp"].max() == "2024-02-29"


def test_actuals_and_the_naive_forecast_are_those_of_the_file(backtest):
    _, table = backtest("--folds", "4", "--full")

    days = pd.read_csv("days.csv").set_index("day")["sales"]
    naive = table[table["model"] == "last_value"]
    assert table["actual"].tolist() == days[table["timestamp"]].tolist()
    assert naive["point"].tolist() == pytest.approx(days[naive["cutoff"]].tolist())


def test_nothing_is_tracked_and_no_store_is_needed(backtest, workplace, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")

    result, table = backtest("--folds", "2")

    monkeypatch.undo()
    assert f"wrote {len(table)} rows to out.csv" in result.out
    assert not (workplace / "mlruns").exists()
    client = mlflow.MlflowClient(f"sqlite:///{workplace}/mlflow.db")
    assert [experiment.name for experiment in client.search_experiments()] == [
        "Default"
    ]


def test_refit_trains_anew_at_every_cutoff(backtest):
    _, once = backtest("--folds", "3")
    _, anew = backtest("--folds", "3", "--refit")

    assert anew["cutoff"].equals(once["cutoff"])
    is_network = once["model"] == "lstm"
    first, later = is_network & (once["fold"] == 1), is_network & (once["fold"] > 1)
    assert anew[first]["point"].equals(once[first]["point"])
    assert (anew[later]["point"] != once[later]["point"]).all()


def test_the_leaderboard_is_printed_best_first_within_80_columns(backtest, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")

    result, _ = backtest("--folds", "3")

    lines = result.out.splitlines()
    assert max(map(len, lines)) <= 80
    assert "days: 3 folds of 2 steps" in result.out
    start = next(i for i, line in enumerate(lines) if line.startswith("model "))
    header, rows = lines[start].split(), lines[start + 2 : start + 7]
    assert header[:3] == ["model", "MASE", "skill"]
    assert header[-2:] == ["MSIS", "95"]
    errors = [float(row[15:].split()[0]) for row in rows]
    assert errors == sorted(errors)
    assert any(row.startswith("seasonal naive") for row in lines)


@pytest.mark.parametrize("options", [(), ("--refit",)])
def test_a_forecaster_in_a_notebook_gets_the_figures_of_the_command(
    recast, workplace, daily_csv, options
):
    path = daily_csv("shops.csv", {"north": 70, "south": 60})
    windows = ("--seq-len", "5", "--horizon", "2", "--epochs", "2", "--folds", "4")
    recast("backtest", path, *windows, *options, "--full", "--output", "out.csv")
    printed = recast("backtest", path, *windows, *options, "--json").out
    given = {"windows.seq_len": 5, "training.epochs": 2}
    forecaster = forecaster_for(read_csv(path), horizon=2, given=given)

    result = forecaster.backtest(pd.read_csv(path), folds=4, refit=bool(options))

    command = pd.read_csv("out.csv")
    times = {name: pd.to_datetime(command[name]) for name in ("cutoff", "timestamp")}
    pd.testing.assert_frame_equal(
        result.table, command.assign(**times), rtol=1e-12, check_dtype=False
    )
    scores = {row["model"]: row for row in json.loads(printed)["scores"]}
    assert list(scores) == list(result.leaderboard.index)
    for model, row in result.leaderboard.iterrows():
        for name in ("mae", "mase", "skill", "skill_lower"):
            assert scores[model][name] == pytest.approx(row[name], nan_ok=True)
