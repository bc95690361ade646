"""Registered models through MLflow: types of their inputs, outputs and examples."""

import datetime
import json
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow.pyfunc.scoring_server import invocations

DAYS = 40


@pytest.fixture(scope="module")
def models(shared_workplace, daily_csv, train_job):
    """Return a model of days, one of steps and one of numbered shops with covariates.

    Each comes with new observations.
    """
    days = pd.read_csv(daily_csv("days.csv", DAYS))
    train_job("days.csv")
    steps = days[["sales"]]
    steps.to_csv("steps.csv", index=False)
    train_job("steps.csv")
    shops = pd.concat([days.assign(shop=name) for name in ("1", "02")])
    shops["promo"] = np.arange(len(shops)) % 2
    shops["kind"] = np.where(shops["promo"] == 1, "flyer", "none")
    shops.to_csv("shops.csv", index=False)
    roles = {"data__series_id": "shop", "data__target": "sales"}
    roles |= {"data__past_covariates": ["promo", "kind"]}
    train_job("shops.csv", **roles)
    return {
        "days": days.set_axis(["timestamp", "target"], axis=1),
        "steps": steps.set_axis(["target"], axis=1),
        "shops": shops.rename(
            columns={"day": "timestamp", "sales": "target", "shop": "series_id"}
        ).reset_index(drop=True),
    }


def load(name):
    return mlflow.pyfunc.load_model(f"models:/{name}@champion")


def stamps(frame):
    return pd.to_datetime(frame["timestamp"])


CHANGES = {
    "datetime64": lambda frame: frame.assign(timestamp=stamps(frame)),
    "seconds": lambda frame: frame.assign(
        timestamp=stamps(frame).astype("datetime64[s]")
    ),
    "dates": lambda frame: frame.assign(
        timestamp=pd.Series([t.date() for t in stamps(frame)], dtype=object)
    ),
    "datetimes": lambda frame: frame.assign(
        timestamp=pd.Series(
            [datetime.datetime(t.year, t.month, t.day) for t in stamps(frame)],
            dtype=object,
        )
    ),
    "periods": lambda frame: frame.assign(timestamp=stamps(frame).dt.to_period("D")),
    "text": lambda frame: frame,
    "index": lambda frame: frame.set_axis(range(5, 5 + len(frame))),
}


@pytest.mark.parametrize("change", CHANGES)
def test_timestamps_may_have_any_type(models, change):
    model, frame = load("days"), models["days"]
    expected = model.predict(frame)

    forecast = model.predict(CHANGES[change](frame))

    pd.testing.assert_frame_equal(forecast, expected)
    assert forecast["timestamp"].tolist() == [
        pd.Timestamp("2024-02-10"), pd.Timestamp("2024-02-11")
    ]  # fmt: skip


@pytest.mark.parametrize("kind", ["int64", "int16", "float32", "Int64", "category"])
def test_whole_numbers_may_have_any_type(models, kind):
    model, frame = load("days"), models["days"].round()
    expected = model.predict(frame)

    forecast = model.predict(frame.astype({"target": "int64"}).astype({"target": kind}))

    pd.testing.assert_frame_equal(forecast, expected)


def test_ids_sent_as_numbers_or_categories_are_those_of_the_training(models):
    model, frame = load("shops"), models["shops"]
    expected = model.predict(frame)

    for ids in (
        frame["series_id"].astype("category"),
        frame["series_id"].astype(int),
        frame["series_id"].astype(float),
    ):
        forecast = model.predict(frame.assign(series_id=ids))

        pd.testing.assert_frame_equal(forecast, expected)
    assert set(expected["series_id"]) == {"1", "02"}


def test_categories_may_be_categories(models):
    model, frame = load("shops"), models["shops"]

    forecast = model.predict(frame.astype({"kind": "category", "promo": "bool"}))

    pd.testing.assert_frame_equal(forecast, model.predict(frame))


@pytest.mark.parametrize("name", ["days", "steps", "shops"])
def test_a_model_takes_its_example_directly_and_as_served(models, name):
    model = load(name)

    forecast = model.predict(model.input_example)

    body = json.dumps(
        {"dataframe_split": model.input_example.to_dict(orient="split")}, default=str
    )
    answer = invocations(
        body, "application/json", model, model.metadata.get_input_schema()
    )
    assert answer.status == 200, answer.response
    served = json.loads(answer.response)["predictions"]
    assert [row["point"] for row in served] == forecast["point"].tolist()
    version = mlflow.MlflowClient().get_model_version_by_alias(name, "champion")
    uri = f"models:/{name}/{version.version}"
    example = mlflow.models.Model.load(uri).load_input_example(
        mlflow.artifacts.download_artifacts(uri)
    )
    pd.testing.assert_frame_equal(model.predict(example), forecast)


@pytest.mark.parametrize("name", ["days", "steps", "shops"])
def test_a_forecast_has_the_types_that_the_signature_declares(models, name):
    model = load(name)
    declared = model.metadata.get_output_schema()

    forecast = model.predict(models[name])

    assert list(forecast) == declared.input_names()
    kinds = dict(zip(declared.input_names(), declared.pandas_types(), strict=True))
    for column in ("step", "timestamp", "point", "lower_80"):
        assert forecast[column].dtype.kind == np.dtype(kinds[column]).kind, column


def test_a_forecast_can_be_sent_back_as_observations(models):
    model, frame = load("days"), models["days"]
    first = model.predict(frame)
    more = first.rename(columns={"point": "target"})[["timestamp", "target"]]

    second = model.predict(pd.concat([CHANGES["datetime64"](frame), more]))

    assert second["timestamp"].tolist() == [
        pd.Timestamp("2024-02-12"), pd.Timestamp("2024-02-13")
    ]  # fmt: skip


def test_steps_go_on_from_those_sent_as_numbers_or_text(models):
    model, frame = load("steps"), models["steps"].tail(10)

    for kind in (int, float, str):
        column = pd.Series(range(100, 110), index=frame.index).astype(kind)
        forecast = model.predict(frame.assign(timestamp=column))

        assert forecast["timestamp"].tolist() == [110, 111]


def test_numbers_for_the_dates_of_a_model_are_refused(models):
    frame = models["days"].assign(timestamp=range(DAYS))

    with pytest.raises(
        ValueError, match="0 is a number, and the series of the training have dates"
    ):
        load("days").predict(frame)


def test_the_requirements_are_packages_and_versions_of_pypi(models):
    path = mlflow.artifacts.download_artifacts("models:/days/1")
    lines = (Path(path) / "requirements.txt").read_text().splitlines()

    names = {line.partition("==")[0] for line in lines}
    assert {"torch", "numpy", "pandas", "numba", "mlflow"} <= names
    assert not any("recast" in line or "+" in line for line in lines)
