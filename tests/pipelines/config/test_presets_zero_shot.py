"""Jobs of the preset zero_shot: a registered version with no training."""

import json

import mlflow
import numpy as np
import pandas as pd
import pytest

from forecasting import Forecaster

FOLDS = ("--horizon", 4, "--folds", 3, "--device", "cpu")


@pytest.fixture(scope="module")
def months(shared_workplace):
    """Write the sales of 6 years by month."""
    rng, steps = np.random.default_rng(0), np.arange(72)
    frame = pd.DataFrame(
        {
            "month": pd.date_range("2018-01-01", periods=72, freq="MS"),
            "sales": 100 + 12 * np.sin(2 * np.pi * steps / 12) + rng.normal(0, 2, 72),
            "price": 3.0 + steps % 2,
        }
    )
    frame.to_csv("priced.csv", index=False)
    frame[["month", "sales"]].to_csv("months.csv", index=False)
    return shared_workplace


@pytest.fixture
def trained(months, recast):
    """Register a version, at the first test that needs it."""
    models = mlflow.MlflowClient().search_registered_models()
    if not any(model.name == "months" for model in models):
        result = recast("train", "months.csv", "--preset", "zero_shot", *FOLDS)
        assert result.code == 0, result.err
    return months


def test_it_is_registered_backtested_and_promoted_as_any_version(trained, recast):
    [version] = json.loads(recast("models", "months", "--json").out)
    assert version["aliases"] == ["champion"]
    assert np.isfinite(version["metrics"]["mase"])
    [run] = mlflow.search_runs(search_all_experiments=True, output_format="list")
    assert run.info.status == "FINISHED"
    assert run.data.params["preset"] == "zero_shot"
    assert run.data.params["training.epochs"] == "0"
    board = mlflow.load_table("leaderboard.json", run_ids=[run.info.run_id])
    assert {"guarded gru", "gru", "zero_shot", "last_value"} <= set(board["model"])


def test_command_line_pyfunc_and_library_forecast_the_same(trained, recast, tmp_path):
    rows = json.loads(recast("forecast", "months", "--json").out)["forecast"]
    points = [row["point"] for row in rows]
    uri = "models:/months@champion"

    loaded = mlflow.pyfunc.load_model(uri)
    frame = pd.read_csv("months.csv").rename(
        columns={"month": "timestamp", "sales": "target"}
    )
    answers = loaded.predict(frame)
    path = mlflow.artifacts.download_artifacts(uri, dst_path=str(tmp_path))
    library = Forecaster.load(path, device="cpu").predict().points[0]

    assert len(points) == 4
    np.testing.assert_allclose(answers["point"], points, rtol=1e-6)
    np.testing.assert_allclose(library, points, rtol=1e-6)


def test_it_is_explained(trained, recast):
    result = recast("explain", "months", "--network", "--json")

    assert result.code == 0, result.err
    assert json.loads(result.out)["importance"]


@pytest.mark.parametrize(
    ("command", "options", "message"),
    [
        ("train", ("--cell", "gru"), "model.cell must be left out with the preset"),
        ("train", ("--epochs", 3), "training.epochs must be left out with the preset"),
        ("train", ("--for-each", "series"), "for_each must be null"),
        ("train", ("--from", "months"), "preset must be classic, guarded or accurate"),
        (
            "train",
            ("--set", "evaluation.season_length=11"),
            "season_length must be one",
        ),
        ("compare", (), "preset must be classic, guarded or accurate"),
        ("tune", (), "preset must be classic or guarded"),
    ],
)
def test_what_it_does_not_train_is_refused_by_name(
    trained, recast, command, options, message
):
    before = len(mlflow.search_runs(search_all_experiments=True))

    result = recast(command, "months.csv", "--preset", "zero_shot", *options)

    assert result.code == 2
    assert message in result.err
    assert len(mlflow.search_runs(search_all_experiments=True)) == before


def test_covariates_are_refused_before_a_run_is_opened(trained, recast):
    before = len(mlflow.search_runs(search_all_experiments=True))
    roles = ("--target", "sales", "--known", "price")

    result = recast("train", "priced.csv", "--preset", "zero_shot", *roles, *FOLDS)

    assert result.code == 2
    assert "covariates must be left out with the preset zero_shot" in result.err
    assert len(mlflow.search_runs(search_all_experiments=True)) == before
