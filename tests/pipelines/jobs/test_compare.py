"""Compare job: an RNN, an LSTM and a GRU under one budget."""

import mlflow
import pytest


@pytest.fixture(scope="module")
def runs(shared_workplace, daily_csv):
    """Run `recast compare`; return its parent run, and the nested runs by name."""
    from pipelines.__main__ import main

    daily_csv("days.csv")
    with pytest.raises(SystemExit, match="0"):
        main(["compare", "days.csv", "--epochs", "2", "--folds", "4", "--seq-len", "8"])
    all_runs = mlflow.search_runs(experiment_names=["days"], output_format="list")
    parent = next(r for r in all_runs if "mlflow.parentRunId" not in r.data.tags)
    return parent, {r.info.run_name: r for r in all_runs if r is not parent}


def test_a_parent_run_holds_a_nested_run_for_each_cell(runs):
    parent, children = runs

    assert set(children) == {"days rnn", "days lstm", "days gru"}
    for name, child in children.items():
        assert child.data.tags["mlflow.parentRunId"] == parent.info.run_id
        assert child.data.params["model.cell"] == name.split()[1]
        assert child.info.status == parent.info.status == "FINISHED"


def test_the_cells_have_the_same_budget_and_the_same_baselines(runs):
    _, children = runs

    first, *others = children.values()
    for other in others:
        differing = set(first.data.params.items()) ^ set(other.data.params.items())
        assert {key for key, _ in differing} == {"model.cell"}
        for name in ("last_value.mase", "linear_ar.rmse"):
            assert other.data.metrics[name] == first.data.metrics[name]


def test_the_leaderboard_holds_the_cells_and_the_baselines(runs):
    parent, _ = runs

    board = mlflow.load_table("leaderboard.json", run_ids=[parent.info.run_id])

    assert {"rnn", "lstm", "gru", "last_value", "linear_ar"} <= set(board["model"])
    assert board["mase"].is_monotonic_increasing


def test_the_winner_is_registered_once_from_the_parent_run(runs):
    parent, children = runs

    versions = mlflow.MlflowClient().search_model_versions("name='days'")

    winner = parent.data.tags["winner"]
    by_cell = {name.split()[1]: c.data.metrics for name, c in children.items()}
    networks = {cell: metrics[f"{cell}.mase"] for cell, metrics in by_cell.items()}
    assert networks[winner] == min(networks.values())
    assert parent.data.metrics["mase"] == by_cell[winner]["mase"]
    [version] = versions
    assert version.run_id == parent.info.run_id
    assert version.tags["label"] == f"guarded {winner}"


def test_the_command_prints_every_cell(workplace, recast, daily_csv):
    daily_csv("days.csv", 40)

    result = recast("compare", "days.csv", "--epochs", "1", "--folds", "2")

    assert result.code == 0
    assert result.err == ""
    for word in ("rnn", "lstm", "gru", "last value", "version 1", "now champion"):
        assert word in result.out
