"""Compare job: an RNN, an LSTM and a GRU under one budget."""

import mlflow
import numpy as np
import pandas as pd
import pytest

from pipelines.config.job import read_job
from pipelines.jobs.compare import compare_networks
from pipelines.jobs.experiment import Experiment


@pytest.fixture(scope="module")
def runs(shared_workplace, daily_csv):
    """Run `recast compare`; return its parent run, and the nested runs by name."""
    from pipelines.__main__ import main

    daily_csv("days.csv")
    with pytest.raises(SystemExit, match="0"):
        main(["compare", "days.csv", "--epochs", "2", "--folds", "4", "--seq-len", "8"])
    all_runs = mlflow.search_runs(experiment_names=["days"], output_format="list")
    parent = next(r for r in all_runs if "mlflow.parentRunId" not in r.data.tags)
    children = [r for r in all_runs if r is not parent]
    return parent, {r.data.params["model.cell"]: r for r in children}


def test_a_parent_run_holds_a_nested_run_for_each_cell(runs):
    parent, children = runs

    assert set(children) == {"rnn", "lstm", "gru"}
    for cell, child in children.items():
        assert child.data.tags["mlflow.parentRunId"] == parent.info.run_id
        assert child.info.run_name.startswith(f"days compare {cell} 20")
        [logged] = child.inputs.dataset_inputs
        assert logged.dataset.name == "days.csv"
        assert child.info.status == parent.info.status == "FINISHED"


def test_the_cells_have_the_same_budget_and_the_same_baselines(runs):
    _, children = runs

    first, *others = children.values()
    for other in others:
        differing = set(first.data.params.items()) ^ set(other.data.params.items())
        chosen = {"model.cell", "model.normalization"}
        assert {key for key, _ in differing} <= chosen
        for name in ("baselines/last_value/mase", "baselines/zero_shot/rmse"):
            assert other.data.metrics[name] == first.data.metrics[name]


def test_the_leaderboard_holds_the_cells_and_the_baselines(runs):
    parent, _ = runs

    board = mlflow.load_table("leaderboard.json", run_ids=[parent.info.run_id])

    baselines = {"last_value", "linear_ar", "zero_shot"}
    assert {"rnn", "lstm", "gru", *baselines} <= set(board["model"])
    assert board["mase"].is_monotonic_increasing


def test_the_winner_is_registered_once_from_the_parent_run(runs):
    parent, children = runs

    versions = mlflow.MlflowClient().search_model_versions("name='days'")

    winner = parent.data.tags["winner"]
    by_cell = {cell: child.data.metrics for cell, child in children.items()}
    networks = {c: metrics[f"networks/{c}/mase"] for c, metrics in by_cell.items()}
    assert networks[winner] == min(networks.values())
    error = by_cell[winner]["backtest/mase"]
    assert parent.data.metrics["backtest/mase"] == error
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


@pytest.fixture(scope="module")
def experiment(tmp_path_factory, daily_csv):
    path = daily_csv(tmp_path_factory.mktemp("days") / "days.csv", 120, noise=3)
    return Experiment(read_job(path, {"evaluation.folds": 12}))


def networks(experiment, shifts):
    """Return a backtest with networks that add a noise to the best baseline's points.

    Args:
        experiment: whose best baseline is the mean.
        shifts: by cell, the size of the noise.
    """
    baselines, comparison = experiment.baselines, experiment.comparison
    best = comparison.best_baseline(comparison.paired_errors(baselines))
    rows, random = baselines[baselines["model"] == best], np.random.default_rng(0)
    tables = [baselines]
    for cell, shift in shifts.items():
        points = rows["point"] + shift * random.normal(size=len(rows))
        tables.append(rows.assign(model=cell, point=points))
    return pd.concat(tables, ignore_index=True), best


def test_equal_networks_tie_and_none_is_better_than_the_baseline(experiment):
    table, best = networks(experiment, {"rnn": 0.0, "lstm": 0.0, "gru": 0.0})

    ties, simple = compare_networks(experiment, table, {"network": 1})

    start = "rnn, lstm and gru tie (no difference beyond one standard error over 12 "
    assert ties.startswith(f"{start}origins); the ")
    name = best.replace("_", " ")
    assert simple == f"none is clearly better than {name}, the best simple forecast"


def test_networks_that_lose_to_a_baseline_are_said_to_and_the_answer_is_named(
    experiment,
):
    table, best = networks(experiment, {"rnn": 20.0, "lstm": 9.0, "gru": 60.0})

    ties, simple = compare_networks(experiment, table, {best: 1})
    *_, other = compare_networks(experiment, table, {best: 1, "network": 2})

    assert ties == (
        "the lstm is better than rnn and gru by more than one standard error over 12 "
        "origins"
    )
    name = best.replace("_", " ")
    assert simple == f"all lose to {name}, which is what answers"
    assert other == f"all lose to {name}"


def test_a_better_network_comes_with_the_interval_of_its_skill(experiment):
    table, best = networks(experiment, {"rnn": 9.0, "lstm": 9.0, "gru": 0.0})
    better = table["model"] == "gru"
    error = table["point"] - table["actual"]
    table.loc[better, "point"] = (table["actual"] + error / 2)[better]

    _, simple = compare_networks(experiment, table, {"network": 1})

    assert simple == (
        f"the gru is better than {best.replace('_', ' ')}, the best simple forecast, "
        "by more than one standard error: +50.0% (95% interval +50% to +50%)"
    )
