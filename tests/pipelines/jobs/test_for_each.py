"""A job with a model a series: one registered model, tracked and promoted as others."""

import gzip
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest

from forecasting import Forecaster, Panel
from forecasting.training import CheckpointClock
from pipelines.checkpoints.work_folder import WorkFolder
from pipelines.config.job import plain_training, read_job
from pipelines.jobs.local_experiment import LocalExperiment

LENGTHS = {f"shop {number}": 40 + number for number in range(18)} | {"a": 5, "b": 6}


@pytest.fixture(scope="module")
def csv(shared_workplace, daily_csv):
    path = daily_csv("shops.csv", LENGTHS)
    table = pd.read_csv(path)
    table.loc[table["shop"] == "shop 3", "sales"] = 12.0  # it never changes
    table.to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def outcome(csv, train_job):
    return train_job(csv, for_each="series", model__guard=True, evaluation__folds=2)


@pytest.fixture(scope="module")
def run(outcome):
    return mlflow.MlflowClient().get_run(outcome.run_id)


def download(run, name):
    return Path(
        mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path=name)
    )


def read_artifact(run, name):
    with gzip.open(download(run, name)) as file:
        return pd.read_csv(file)


def test_one_version_holds_a_model_of_each_series_that_is_long_enough(outcome, recast):
    forecast = recast("forecast", "shops", "--output", "out.csv")

    assert forecast.code == 0, forecast.err
    table = pd.read_csv("out.csv")
    assert set(table["series_id"]) == set(LENGTHS) - {"a", "b"}
    assert (table["lower_80"] <= table["point"]).all()
    flat = table[table["series_id"] == "shop 3"]
    assert flat["point"].tolist() == pytest.approx([12.0, 12.0], rel=0.2)
    notes = " ".join(outcome.notes)
    assert "left out of training and backtest; not forecast" in notes
    assert outcome.verdict.promote


def test_the_leaderboard_has_the_models_their_networks_and_the_baselines(outcome):
    assert {"guarded lstm", "lstm", "last_value", "linear_ar"} <= {
        *outcome.scores.index
    }
    assert np.isfinite(
        outcome.scores.loc["guarded lstm", ["mase", "coverage_80"]]
    ).all()
    assert outcome.evidence.series == 18
    assert sum(outcome.methods.values()) == 18


def test_the_run_has_a_row_a_series_and_no_metric_of_one(run):
    table = read_artifact(run, "series.csv.gz").set_index("series_id")

    assert len(table) == 18
    assert {"method", "normalization", "epochs", "mae", "mase", "skill"} <= {*table}
    assert len(run.data.metrics) < 180
    assert not any("shop" in name for name in run.data.metrics)
    assert run.data.metrics["training/epochs_q50"] == table["epochs"].median()
    backtest = read_artifact(run, "backtest.csv.gz")
    errors = backtest[(backtest["model"] == "guarded lstm")].assign(
        error=lambda rows: (rows["actual"] - rows["point"]).abs()
    )
    means = errors.groupby("series_id")["error"].mean()
    np.testing.assert_allclose(table["mae"], means[table.index])


def test_a_forecast_is_that_of_a_forecaster_on_the_series_alone(outcome, run):
    name = "shop 5"
    job = read_job(download(run, "job.yaml"))
    table = pd.read_csv("shops.csv")
    values = table[table["shop"] == name]["sales"].to_numpy()
    backtest = read_artifact(run, "backtest.csv.gz")
    rows = backtest[
        (backtest["model"] == "lstm")
        & (backtest["series_id"] == name)
        & (backtest["fold"] == 1)
    ]
    seen = Panel.from_values({name: values[: len(values) - 4]})
    alone = Forecaster(
        windows=job.windows,
        model=job.model,
        training=plain_training(job.training),
    ).fit(seen)

    points = alone.without_guard().predict().points[0]

    assert rows["point"].tolist() == pytest.approx(points.tolist(), rel=1e-5)


def test_an_interrupted_job_goes_on_after_the_blocks_that_are_done(csv, tmp_path):
    quick = {"training.epochs": 1, "model.hidden_size": 4, "for_each": "series"}
    job = read_job(csv, quick | {"windows.seq_len": 5, "windows.horizon": 2})

    def start():
        folder = WorkFolder(tmp_path, {"job": "shops"}, CheckpointClock(0.0))
        return LocalExperiment(job, open_folder=lambda *_: folder)

    counts = []
    unbroken = LocalExperiment(job).evaluate_each()
    start().evaluate_each()  # and the process dies
    experiment = start()
    again = experiment.evaluate_each(counts.append)
    models = experiment.fit_each(again).trained.packed.tensors
    expected = LocalExperiment(job).fit_each(unbroken).trained.packed.tensors

    assert counts == [18]
    assert sorted(path.name for path in tmp_path.glob("*/*")) == 2 * [
        "block 0.safetensors"
    ]
    pd.testing.assert_frame_equal(again.table, unbroken.table)
    for name, tensor in expected.items():
        assert models[name].equal(tensor), name


def test_models_and_explanations_are_shown(outcome, recast):
    models, explanation = recast("models", "shops"), recast("explain", "shops")
    network = recast("explain", "shops", "--network")

    assert (models.code, explanation.code, network.code) == (0, 0, 0), explanation.err
    assert "champion" in models.out
    assert "mean of 18 windows" in explanation.out


def test_a_series_without_a_model_is_one_error(outcome, recast, daily_csv):
    path = daily_csv("new.csv", {"shop 1": 20, "shop 99": 20})

    refused = recast("forecast", "shops", "--data", path)

    assert refused.code == 2
    assert "unknown series 'shop 99'" in refused.err
    assert "model of its own" in refused.err


def test_a_later_version_is_compared_on_the_same_origins(outcome, csv, train_job):
    later = train_job(
        csv, for_each="series", model__guard=True, evaluation__folds=2, training__seed=1
    )

    assert later.version == "2"
    assert later.verdict.rival == "1"
    assert "on 36 origins" in later.verdict.reason


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("train", "--from", "shops"), "--from"),
        (("compare",), "compare"),
        (("tune",), "tune"),
        (("train", "--set", "model.calendar_features=true"), "model.calendar_features"),
    ],
)
def test_what_a_model_a_series_cannot_do_is_refused(csv, recast, arguments, message):
    command, *options = arguments

    refused = recast(command, csv, "--for-each", "series", *options)

    assert refused.code == 2
    assert message in refused.err
    assert "Traceback" not in refused.err


def test_covariates_are_refused_with_the_key_of_the_job(csv, recast):
    priced = pd.read_csv(csv).assign(price=lambda table: table.index % 7)
    priced.to_csv("priced.csv", index=False)

    refused = recast(
        "train", "priced.csv", "--for-each", "series", "--target", "sales",
        "--known", "price",
    )  # fmt: skip

    assert refused.code == 2
    assert "data.known_covariates must be left out with for_each: series" in refused.err


def test_a_model_a_series_is_no_start_for_fine_tuning(outcome, csv, recast):
    refused = recast("train", csv, "--from", "shops")

    assert refused.code == 2
    assert "from must be one model of all series" in refused.err


def test_an_unknown_value_is_one_error(csv, recast):
    refused = recast("train", csv, "--for-each", "shop")

    assert refused.code == 2
    assert "for_each: Input should be 'series' (found 'shop')" in refused.err


def test_a_backtest_needs_no_store(csv, recast):
    done = recast(
        "backtest", csv, "--for-each", "series", "--epochs", "1", "--horizon", "2",
        "--seq-len", "5", "--folds", "1", "--set", "model.hidden_size=4",
    )  # fmt: skip

    assert done.code == 0, done.err
    assert "guarded lstm" in done.out
