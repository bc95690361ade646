"""Covariates of a job file, from training to forecasts of a registered model."""

import mlflow
import numpy as np
import pandas as pd
import pytest
import yaml

from pipelines.models import load_forecaster
from pipelines.registry import find_version

DAYS, AHEAD = 70, 4
ROLES = {
    "past_covariates": ["visits"],
    "known_covariates": ["promo", "plan"],
    "static_covariates": ["kind"],
}


def make_table():
    """Return two shops' sales, and what is known of the days after them."""
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
    """A registered model of shops with covariates, as the library holds it."""
    seen, future = make_table()
    seen.to_csv("shops.csv", index=False)
    future.to_csv("future.csv", index=False)
    pd.concat([seen, future]).to_csv("whole.csv", index=False)
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
        said = recast("forecast", "shops", *arguments, "--output", path)
        assert said.code == 0, said.err
        return pd.read_csv(path)

    return run


def expected(model):
    _, future = make_table()
    known = {
        name: {shop: own[name].to_list() for shop, own in future.groupby("shop")}
        for name in ROLES["known_covariates"]
    }
    return model.predict(future=known).points.ravel()


def test_a_job_trains_on_the_covariates_that_it_names(model):
    found = model.fitted.covariates

    assert found.names("past") == ("visits",)
    assert found.names("known") == ("promo", "plan")
    assert found.names("static") == ("kind",)
    assert found.cycles == ("week",)


def test_a_file_of_the_future_says_what_is_known_ahead(model, forecast):
    frame = forecast("--future", "future.csv", "--series-id", "shop")

    np.testing.assert_allclose(frame["point"], expected(model), rtol=1e-6)
    promo = make_table()[1]["promo"].to_numpy() == 1
    assert frame["point"][promo].min() > frame["point"][~promo].max()


def test_rows_without_a_target_say_it_too(model, forecast):
    frame = forecast("--data", "whole.csv", "--time", "day", "--series-id", "shop")

    np.testing.assert_allclose(frame["point"], expected(model), rtol=1e-6)


def test_new_observations_and_a_file_of_the_future_go_together(model, forecast):
    columns = ("--time", "day", "--series-id", "shop")

    frame = forecast("--data", "shops.csv", "--future", "future.csv", *columns)

    np.testing.assert_allclose(frame["point"], expected(model), rtol=1e-6)


def test_without_the_future_one_message_says_what_to_give(model, recast):
    said = recast("forecast", "shops")

    assert said.code == 2
    assert "known covariate 'promo' of series 'north'" in said.err
    assert "expected 4 steps ahead; found 0" in said.err
    assert "--future FILE.csv" in said.err


def test_a_model_without_known_covariates_takes_no_future(
    model, recast, train_job, daily_csv
):
    train_job(daily_csv("plain.csv"))

    said = recast("forecast", "plain", "--future", "future.csv")

    assert said.code == 2
    assert "future must be left out: the model has no known covariates" in said.err


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

    said = recast("train", "wrong.yaml")

    assert said.code == 2
    assert "no column 'weather'" in said.err


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

    said = recast("backtest", "wrong.yaml")

    assert said.code == 2
    assert message in said.err
