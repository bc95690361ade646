"""Covariates of a job file, from training to forecasts of a registered model."""

from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
import yaml
from rich.console import Console

from forecasting.errors import SettingError
from pipelines.config.job import read_job
from pipelines.jobs.train import train
from pipelines.search.tune import tune
from pipelines.tracking.models import load_forecaster
from pipelines.tracking.registry import find_version

DAYS, AHEAD = 70, 4
ROLES = {
    "past_covariates": ["visits"],
    "known_covariates": ["promo", "plan"],
    "static_covariates": ["kind"],
}


def make_table():
    """Return the sales of two shops, and the known covariates of the days after."""
    frames = []
    for number, (shop, kind) in enumerate({"north": "mall", "south": "street"}.items()):
        rng, total = np.random.default_rng(number), DAYS + AHEAD
        promo = rng.integers(0, 2, total)
        sales = 20 + 6 * promo + rng.normal(0, 0.5, total)
        columns = {
            "shop": shop,
            "day": pd.date_range("2024-01-01", periods=total).strftime("%Y-%m-%d"),
            "sales": sales,
            "visits": sales + rng.normal(0, 1, total),
            "promo": promo,
            "plan": np.where(promo, "flyer", "none"),
            "kind": kind,
        }
        frames.append(pd.DataFrame(columns))
    table = pd.concat(frames, ignore_index=True)
    later = table["day"] > table["day"].iloc[DAYS - 1]
    return table[~later], table[later].drop(columns=["sales", "visits"])


@pytest.fixture(scope="module")
def model(shared_workplace, train_job):
    """Train a model of shops with covariates, and load its registered version."""
    seen, future = make_table()
    seen.to_csv("shops.csv", index=False)
    future.to_csv("future.csv", index=False)
    pd.concat([seen, future]).to_csv("all.csv", index=False)
    data = {"path": "shops.csv", "time": "day", "target": "sales", "series_id": "shop"}
    job = {
        "name": "shops",
        "data": {**data, **ROLES},
        "windows": {"seq_len": 5, "horizon": 4},
        "model": {"calendar_features": True},
    }
    with open("shops.yaml", "w") as file:
        yaml.safe_dump(job, file)
    train_job("shops.yaml")
    return load_forecaster(find_version("shops"))


@pytest.fixture
def forecast(recast, tmp_path, model):
    """Run `recast forecast` and return the CSV that it wrote."""

    def run(*arguments):
        path = tmp_path / "forecast.csv"
        result = recast("forecast", "shops", *arguments, "--full", "--output", path)
        assert result.code == 0, result.err
        return pd.read_csv(path)

    return run


def expected(model):
    _, future = make_table()
    covariates = {
        name: {shop: rows[name].to_list() for shop, rows in future.groupby("shop")}
        for name in ROLES["known_covariates"]
    }
    return model.predict(future=covariates).points.ravel()


def test_a_job_trains_on_the_covariates_that_it_names(model):
    covariates = model.trained.covariates

    assert covariates.names("past") == ("visits",)
    assert covariates.names("known") == ("promo", "plan")
    assert covariates.names("static") == ("kind",)
    assert covariates.cycles == ("week",)


def test_a_file_of_the_future_says_what_is_known_ahead(model, forecast):
    frame = forecast("--future", "future.csv", "--series-id", "shop")

    np.testing.assert_allclose(frame["point"], expected(model), rtol=1e-6)
    promo = make_table()[1]["promo"].to_numpy() == 1
    assert frame["point"][promo].min() > frame["point"][~promo].max()


def test_rows_without_a_target_say_it_too(model, forecast):
    frame = forecast("--data", "all.csv", "--time", "day", "--series-id", "shop")

    np.testing.assert_allclose(frame["point"], expected(model), rtol=1e-6)


def test_new_observations_and_a_file_of_the_future_go_together(model, forecast):
    columns = ("--time", "day", "--series-id", "shop")

    frame = forecast("--data", "shops.csv", "--future", "future.csv", *columns)

    np.testing.assert_allclose(frame["point"], expected(model), rtol=1e-6)


def test_without_the_future_one_message_says_what_to_give(model, recast):
    result = recast("forecast", "shops")

    assert result.code == 2
    assert "known covariate 'promo' of series 'north'" in result.err
    assert "expected 4 steps ahead; found 0" in result.err
    assert "--future FILE.csv" in result.err


def test_a_model_without_known_covariates_takes_no_future(
    model, recast, train_job, daily_csv
):
    train_job(daily_csv("plain.csv"))

    result = recast("forecast", "plain", "--future", "future.csv")

    assert result.code == 2
    assert "future must be left out: the model has no known covariates" in result.err


def test_mlflow_takes_the_covariates_as_columns(model):
    loaded = mlflow.pyfunc.load_model("models:/shops/1")
    seen, future = make_table()
    frame = pd.concat([seen, future]).rename(
        columns={"shop": "series_id", "day": "timestamp", "sales": "target"}
    )
    frame = frame.astype({"promo": float})

    points = loaded.predict(frame)["point"]
    continued = loaded.predict(frame[frame["target"].isna()])["point"]

    np.testing.assert_allclose(points, expected(model), rtol=1e-6)
    np.testing.assert_allclose(continued, expected(model), rtol=1e-6)
    names = loaded.metadata.get_input_schema().input_names()
    assert names[3:] == ["visits", "promo", "plan", "kind"]


def test_the_input_example_can_be_forecast(model):
    loaded = mlflow.pyfunc.load_model("models:/shops/1")

    example = loaded.input_example

    assert example["target"].isna().sum() == 2 * AHEAD
    assert len(loaded.predict(example)) == 2 * AHEAD


def test_a_job_that_names_a_column_that_is_not_there_is_refused(model, recast):
    with open("shops.yaml") as file:
        job = yaml.safe_load(file)
    job["data"]["known_covariates"] = ["weather"]
    with open("wrong.yaml", "w") as file:
        yaml.safe_dump(job, file)

    result = recast("train", "wrong.yaml")

    assert result.code == 2
    assert "no column 'weather'" in result.err


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"strategy": "recursive"}, "direct or seq2seq with past covariates (visits)"),
        ({"static": "visits"}, "a static covariate with several values"),
    ],
)
def test_covariates_that_cannot_be_used_are_refused_before_training(
    model, recast, changes, message
):
    with open("shops.yaml") as file:
        job = yaml.safe_load(file)
    if "static" in changes:
        job["data"].update(past_covariates=[], static_covariates=["visits"])
    else:
        job["model"].update(changes)
    with open("wrong.yaml", "w") as file:
        yaml.safe_dump(job, file)

    result = recast("backtest", "wrong.yaml")

    assert result.code == 2
    assert message in result.err


def test_an_explanation_names_the_covariates(model, recast, tmp_path):
    path = tmp_path / "why.csv"

    result = recast("explain", "shops", "--data", "all.csv", "--output", path)
    shown = recast("explain", "shops", "--data", "all.csv")
    drawn = recast(
        "explain", "shops", "--data", "all.csv", "--output", tmp_path / "why.png"
    )

    assert (result.code, shown.code, drawn.code) == (0, 0, 0), result.err
    table = pd.read_csv(path)
    numbers = {"sales", "visits", "promo", "position in the week"}
    assert set(table["feature"]) == numbers
    assert table.groupby("feature")["lag"].min()["promo"] == 1 - model.windows.horizon
    assert all(name.split()[-1] in shown.out for name in numbers)


def test_without_data_that_reaches_ahead_what_to_give_is_said(model, recast):
    result = recast("explain", "shops")

    assert result.code == 2
    assert "at least seq_len 5 + horizon 4 steps of a series" in result.err


SMALL = {"training.epochs": 1, "evaluation.folds": 2}


def test_trials_with_covariates_are_compared_with_their_naive_loss(model):
    job = read_job(Path("shops.yaml"), SMALL | {"name": "tuned"})

    tuned = tune(job, Console(quiet=True), trials=2)

    assert tuned.trials["state"].isin(["complete", "pruned"]).all()
    assert find_version("tuned/1").tags["seq_len"] == "5"


@pytest.fixture
def longer(model):
    """A job on the model's days and the four after them."""
    table = pd.read_csv("all.csv").ffill()
    table.to_csv("longer.csv", index=False)
    return {"data.path": "longer.csv", "name": "next", **SMALL}


def test_training_goes_on_from_a_model_with_covariates(longer):
    job = read_job(Path("shops.yaml"), longer)

    outcome = train(job, Console(quiet=True), start="shops")

    assert outcome.version == "1"
    tuned = load_forecaster(find_version("next"))
    assert tuned.trained.covariates.names("known") == ("promo", "plan")


def test_other_covariates_than_the_models_are_refused_before_anything_is_written(
    longer,
):
    job = read_job(
        Path("shops.yaml"), longer | {"data.past_covariates": [], "name": "never"}
    )

    with pytest.raises(SettingError, match=r"past_covariates must be \('visits',\)"):
        train(job, Console(quiet=True), start="shops")

    assert mlflow.get_experiment_by_name("never") is None
