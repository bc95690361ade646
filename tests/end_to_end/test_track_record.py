"""The record of a version holds the very backtest of its run, whatever was trained."""

import gzip
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
import yaml
from rich.console import Console

from forecasting.track_record.storage import read_record
from pipelines.config.job import read_job
from pipelines.jobs.train import train
from serving.registry.loaded_model import load_model

DAYS, AHEAD = 90, 4
QUICK = {"training.epochs": 1, "model.hidden_size": 4, "evaluation.folds": 4}


def write_shops(folder, days=DAYS):
    """Write sales of three shops with promotions, and the plan of the days after."""
    frames = []
    for number, shop in enumerate(["north", "south", "<script>"]):
        rng, total = np.random.default_rng(number), days + AHEAD
        promo = rng.integers(0, 2, total)
        sales = 20 + np.arange(total) % 7 + 6 * promo + rng.normal(0, 0.5, total)
        sales[days:] = np.nan
        stamps = pd.date_range("2024-01-01", periods=total).strftime("%Y-%m-%d")
        columns = {"shop": shop, "day": stamps, "sales": sales, "promo": promo}
        columns["kind"] = np.where(promo, "flyer", "none")
        frames.append(pd.DataFrame(columns))
    table = pd.concat(frames)
    table.to_csv(folder / "shops.csv", index=False)
    data = {"path": "shops.csv", "time": "day", "target": "sales"}
    data |= {"series_id": "shop", "known_covariates": ["promo", "kind"]}
    job = {"name": "shops", "data": data, "windows": {"seq_len": 7, "horizon": AHEAD}}
    (folder / "shops.yaml").write_text(yaml.safe_dump(job))
    columns = ["shop", "day", "sales"]
    table.dropna()[columns].to_csv(folder / "plain.csv", index=False)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Trains a job: ``trained(source, start=None, **settings)`` is its outcome."""
    folder = tmp_path_factory.mktemp("track_record")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/mlflow.db")
        mlflow.MlflowClient(f"sqlite:///{folder}/mlflow.db").search_experiments()
        write_shops(folder)

        def run(source, start=None, **settings):
            overrides = {key.replace("__", "."): v for key, v in settings.items()}
            job = read_job(folder / source, QUICK | overrides)
            return train(job, Console(quiet=True), start=start)

        yield run


def download(outcome, folder):
    """Return the folder of a version, and the backtest of its run."""
    path = mlflow.artifacts.download_artifacts(
        f"models:/{outcome.name}/{outcome.version}", dst_path=str(folder)
    )
    table = mlflow.artifacts.download_artifacts(
        run_id=outcome.run_id, artifact_path="backtest.csv.gz", dst_path=str(folder)
    )
    with gzip.open(table) as file:
        return Path(path), pd.read_csv(file)


def check_rows(record, table):
    """Check that the record holds the rows of the served model, and of the baseline."""
    past, label = record.backtest, record.evaluation.label
    names = [record.history.series_ids[place] for place in past.series.tolist()]
    order = {name: place for place, name in enumerate(names)}
    for model, points in (
        (label, past.points),
        (record.evaluation.baseline, past.baseline),
    ):
        rows = table[table["model"] == model]
        rows = rows.assign(place=rows["series_id"].map(order))
        rows = rows.sort_values(["place", "fold", "step"])
        np.testing.assert_allclose(points.ravel(), rows["point"], rtol=1e-14)
        np.testing.assert_allclose(record.actual.ravel(), rows["actual"], rtol=1e-14)
        stamps = record.history.timestamps[past.places(record.history)].ravel()
        assert (stamps == pd.to_datetime(rows["timestamp"]).to_numpy()).all()
        if model == label:
            for place, name in enumerate(
                ["lower_80", "lower_95", "upper_80", "upper_95"]
            ):
                bounds = past.bounds[place].ravel()
                np.testing.assert_allclose(bounds, rows[name], rtol=1e-14)
    assert len(past.points.ravel()) == len(table[table["model"] == label])


def test_a_guarded_model_with_a_plan_is_recorded_as_it_is_served(trained, tmp_path):
    outcome = trained("shops.yaml")

    path, table = download(outcome, tmp_path)

    record = read_record(path)
    check_rows(record, table)
    evaluation = record.evaluation
    assert evaluation.label == "guarded lstm"
    assert evaluation.methods == outcome.methods
    assert {"lstm", "zero_shot", evaluation.baseline} < {*evaluation.leaderboard}
    scores = outcome.scores.loc["guarded lstm"]
    assert evaluation.leaderboard["guarded lstm"]["mae"] == scores["mae"]
    assert np.mean(evaluation.by_step["guarded lstm"]) == pytest.approx(scores["mae"])
    assert record.figures.mae.mean() == pytest.approx(scores["mae"])
    methods = pd.Series(record.figures.methods).value_counts().to_dict()
    assert methods == dict(outcome.methods)
    assert record.history.target == "sales"
    assert record.history.future["promo"].lengths.tolist() == [AHEAD] * 3
    assert set(record.history.covariates["kind"]) == {"flyer", "none"}
    loaded = load_model("shops", outcome.version, path, {})
    assert loaded.record.evaluation == evaluation


def test_a_model_a_series_and_a_fine_tuned_model_are_recorded(trained, tmp_path):
    each = trained("plain.csv", for_each="series", name="each", windows__horizon=4)
    path, table = download(each, tmp_path / "each")
    check_rows(read_record(path), table)

    first = trained("plain.csv", name="first", windows__horizon=4, windows__seq_len=7)
    table = pd.read_csv("plain.csv")
    later = table.assign(day=pd.to_datetime(table["day"]) + pd.Timedelta(days=DAYS))
    pd.concat([table.assign(day=pd.to_datetime(table["day"])), later]).to_csv(
        "later.csv", index=False
    )
    tuned = trained("later.csv", start=f"first/{first.version}", name="tuned")

    path, table = download(tuned, tmp_path / "tuned")
    record = read_record(path)
    check_rows(record, table)
    assert len(record.history.values) == 3 * 2 * DAYS
