"""`recast train --from MODEL`."""

import mlflow
import pytest
from rich.console import Console

from forecasting.errors import DataError, SettingError
from forecasting.forecaster.forecaster import Forecaster
from model_registry.errors import UnknownModel
from pipelines.config.job import read_job
from pipelines.jobs.fine_tuning import PretrainedModel
from pipelines.jobs.train import train
from pipelines.tracking.models import load_forecaster
from pipelines.tracking.registry import find_version

QUICK = {"training.epochs": 1, "evaluation.folds": 4}
SHAPE = {
    "model.cell": "gru",
    "model.hidden_size": 4,
    "windows.seq_len": 7,
    "windows.horizon": 2,
}


def run(source, start=None, **settings):
    return train(read_job(source, QUICK | settings), Console(quiet=True), start=start)


@pytest.fixture
def longer(workplace, daily_csv):
    """Register a model of 80 days; write them with the eight days after."""
    run(daily_csv("days.csv", 80), **SHAPE)
    return daily_csv("days.csv", 88)


def runs_of(name):
    return mlflow.search_runs(experiment_names=[name], output_format="list")


def test_the_windows_and_layers_of_the_model_are_taken_over(longer):
    outcome = run(longer, "days@champion", **{"name": "next"})

    tuned = load_forecaster(find_version("next/1"))
    assert tuned.model.cell == "gru"
    assert (tuned.model.hidden_size, tuned.windows.seq_len) == (4, 7)
    assert outcome.scores.index.str.contains("gru").any()


def test_run_and_version_say_what_they_were_fine_tuned_from(longer):
    run(longer, "days", **{"name": "next"})

    [done] = runs_of("next")
    assert done.data.tags["fine_tuned_from"] == "days/1"
    assert done.data.params["model.cell"] == "gru"
    assert find_version("next/1").tags["fine_tuned_from"] == "days/1"
    assert "fine_tuned_from" not in find_version("days/1").tags


def test_the_backtest_begins_behind_what_the_model_was_trained_on(longer):
    outcome = run(longer, "days", **{"evaluation.folds": 6})

    assert "tested on 4 of 6 folds: days/1 was trained on the others" in outcome.notes
    assert runs_of("days")[0].data.metrics["backtest/folds"] == 4


def test_where_nothing_new_is_left_to_test_on_nothing_is_trained(longer, daily_csv):
    daily_csv("days.csv", 81)

    message = r"days/1 was trained until 2024-03-20 of series 'sales', and 1 obs.* Give"
    with pytest.raises(DataError, match=message):
        run(longer, "days")

    assert len(runs_of("days")) == 1


def test_a_setting_of_the_job_that_contradicts_the_model_is_refused(longer):
    with pytest.raises(SettingError, match=r"cell must be 'gru', as in .* 'rnn'"):
        run(longer, "days", **{"model.cell": "rnn"})

    assert len(runs_of("days")) == 1


def test_a_job_may_do_without_the_guard_of_the_model_that_it_starts_from(longer):
    run(longer, "days", **{"name": "next", "model.guard": False})

    assert load_forecaster(find_version("days/1")).trained.guard is not None
    assert load_forecaster(find_version("next/1")).trained.guard is None


def test_a_model_that_is_not_there_is_named(longer):
    with pytest.raises(UnknownModel, match="days/7: there is no such version"):
        run(longer, "days/7")


def test_a_folder_can_be_the_start(longer, tmp_path):
    load_forecaster(find_version("days")).save("model")

    run(longer, "model", **{"name": "next"})

    assert find_version("next").tags["fine_tuned_from"] == str(tmp_path / "model")


def test_another_series_of_the_same_name_is_tested_on_every_fold(longer):
    model = load_forecaster(find_version("days"))
    panel = read_job(longer).read_panel()
    other = type(panel).from_values({"sales": panel.values[::-1]})
    folds = read_job(longer, QUICK).evaluation.origins(other, seq_len=7, horizon=2)

    unseen, notes = PretrainedModel(model, "days/1").select_unseen_folds(other, folds)

    assert isinstance(model, Forecaster)
    assert (len(unseen), notes) == (4, ())


def test_the_command_takes_a_model_to_start_from(longer, recast):
    result = recast(
        "train", "days.csv", "--from", "days", "--epochs", "1", "--folds", "4"
    )

    assert (result.code, result.err) == (0, "")
    assert "version 2 registered" in result.out
    assert find_version("days/2").tags["fine_tuned_from"] == "days/1"
