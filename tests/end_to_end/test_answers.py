"""Cases of a new user: every place names the method, and the score is of its forecasts.

Each case is a file, trained on the command line with the default preset.
"""

import io
import json
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from threading import Thread

import httpx
import mlflow
import numpy as np
import pandas as pd
import pytest
import uvicorn
from PIL import Image

from forecasting.data.splits import Origins, observed_by
from forecasting.forecaster.forecaster import Forecaster
from pipelines.__main__ import main
from pipelines.config.job import read_job
from pipelines.tracking.models import open_model
from serving.app import create_app

UNTRAINED = {"last_value", "seasonal_naive", "smoothing"}  # they have no weights
WEEK = np.array([50.0, 90, 70, 60, 80, 120, 30])
SHOPS = ("north", "south", "west")
AHEAD = 28  # days of promotions after the end of the shops' sales


def days(values):
    stamps = pd.date_range("2024-01-01", periods=len(values)).strftime("%Y-%m-%d")
    return pd.DataFrame({"day": stamps, "sales": np.round(values, 3)})


def weekly(rng):
    return days(np.tile(WEEK, 16) + rng.normal(0, 2, 112))


def noise(rng):
    return days(rng.normal(100, 10, 120))


def walk(rng):
    return days(500 + np.cumsum(rng.normal(0, 5, 120)))


def trend(rng):
    return days(50 + 0.8 * np.arange(120) + rng.normal(0, 2, 120))


def level_shift(rng):
    return days(np.repeat([20.0, 60.0], [80, 40]) + rng.normal(0, 1, 120))


def fifteen(rng):
    months = pd.period_range("2024-01", periods=15, freq="M").strftime("%Y-%m")
    return pd.DataFrame({"month": months, "sales": rng.normal(30, 3, 15).round(1)})


def shops(rng):
    """Return the sales of three shops that differ in pattern, with promotions."""
    count, frames = 112, []
    patterns = [np.tile(WEEK, 16), np.full(count, 60.0), 60 + 0.5 * np.arange(count)]
    for shop, pattern in zip(SHOPS, patterns, strict=True):
        promo = np.arange(count) % 9 == SHOPS.index(shop)
        sales = pattern + 25 * promo + rng.normal(0, 2, count)
        frames.append(days(sales).assign(shop=shop, promo=promo.astype(int)))
    return pd.concat(frames)


def plan():
    """Return the promotions of the days after the end of the shops' sales."""
    stamps = pd.date_range("2024-01-01", periods=112 + AHEAD).strftime("%Y-%m-%d")
    rows = pd.DataFrame({"day": stamps[112:], "promo": ([0] * 6 + [1]) * (AHEAD // 7)})
    return pd.concat([rows.assign(shop=shop) for shop in SHOPS])


CASES = {
    "weekly": weekly,
    "noise": noise,
    "walk": walk,
    "trend": trend,
    "level_shift": level_shift,
    "fifteen": fifteen,
    "shops": shops,
}
OPTIONS = {"shops": ["--series-id", "shop", "--known", "promo"]}


def recast(*arguments):
    """Run a command in this process; return its output, which must be a success."""
    out, err = io.StringIO(), io.StringIO()
    with (
        redirect_stdout(out),
        redirect_stderr(err),
        pytest.raises(SystemExit) as done,
    ):
        main([str(argument) for argument in arguments])
    assert not done.value.code, err.getvalue()
    return out.getvalue()


@dataclass(frozen=True)
class Trained:
    """A case after its training: the terminal's output, the champion and its run."""

    name: str
    out: str

    @cached_property
    def champion(self):
        return open_model(self.name)

    @property
    def forecaster(self):
        return self.champion[0]

    @property
    def version(self):
        return self.champion[1]

    @cached_property
    def run(self):
        return mlflow.get_run(self.version.run_id)

    @cached_property
    def methods(self):
        """The method of each series, by the library."""
        trained = self.forecaster.trained
        ids, lengths = trained.context.series_ids, trained.context.lengths
        methods = trained.answering_methods(trained.find_places(ids), lengths)
        return dict(zip(ids, methods, strict=True))

    @cached_property
    def words(self):
        """The methods as every sentence should name them."""
        names = [method.replace("_", " ") for method in self.methods.values()]
        if len(set(names)) == 1:
            return [names[0]]
        return [f"{n} for {names.count(n)} of {len(names)} series" for n in set(names)]

    def artifact(self, path):
        return Path(
            mlflow.artifacts.download_artifacts(
                run_id=self.version.run_id, artifact_path=path
            )
        )

    def named_in(self, text):
        """Return whether a text has all methods in words; line breaks do not count."""
        plain = " ".join(text.split())
        return all(words in plain for words in self.words)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Train all cases in one store, and leave the folder and the store in place."""
    folder = tmp_path_factory.mktemp("cases")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/mlflow.db")
        patch.setenv("COLUMNS", "300")
        patch.setenv("MLFLOW_EXPERIMENT_ID", "")  # see tests/pipelines/conftest.py
        patch.delenv("MLFLOW_EXPERIMENT_ID")
        plan().to_csv("plan.csv", index=False)
        cases = {}
        for seed, (name, make) in enumerate(CASES.items()):
            make(np.random.default_rng(seed)).to_csv(f"{name}.csv", index=False)
            out = recast("train", f"{name}.csv", *OPTIONS.get(name, []))
            cases[name] = Trained(name, out)
        yield cases


@pytest.fixture(scope="module")
def client(trained, free_tcp_port_factory):
    """Serve the store in a thread of this process; yield a client."""
    port = free_tcp_port_factory()
    server = uvicorn.Server(uvicorn.Config(create_app(), port=port, log_config=None))
    thread = Thread(target=server.run)
    thread.start()
    transport = httpx.HTTPTransport(retries=10)  # the server may not listen yet
    url = f"http://127.0.0.1:{port}"
    try:
        with httpx.Client(base_url=url, timeout=60, transport=transport) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(params=CASES)
def case(request, trained):
    return trained[request.param]


def test_the_terminal_names_what_answers(case):
    [line] = [line for line in case.out.splitlines() if line.startswith("answers: ")]

    assert case.named_in(line)
    assert case.named_in(recast("models", case.name))


def test_the_forecast_names_what_answers(case):
    future = ["--future", "plan.csv"] if case.name == "shops" else []

    shown = recast("forecast", case.name, *future)
    recast("forecast", case.name, *future, "--output", "out.csv")

    table = pd.read_csv("out.csv", dtype=str)
    rows = zip(table.iloc[:, 0], table["method"], strict=True)
    assert dict(rows) == case.methods
    for method in case.methods.values():
        assert method.replace("_", " ") in shown


def test_the_service_names_what_answers(case, client):
    details = client.get(f"/v1/models/{case.name}").json()
    body = {}
    if case.name == "shops":
        horizon, future = details["horizon"], plan()
        body["series"] = [
            history
            | {
                "known_covariates": {
                    "promo": history["known_covariates"]["promo"]
                    + future[future["shop"] == history["id"]]["promo"].tolist()[
                        :horizon
                    ]
                }
            }
            for history in details["context"]
        ]

    answer = client.post(f"/v1/models/{case.name}/forecast", json=body)

    assert answer.status_code == 200, answer.text
    forecasts = answer.json()["forecasts"]
    assert {f["id"]: f["method"] for f in forecasts} == case.methods
    counts = pd.Series(case.methods).value_counts().to_dict()
    assert details["methods"] == counts
    [listed] = [
        m for m in client.get("/v1/models").json()["models"] if m["name"] == case.name
    ]
    assert listed["methods"] == counts


def test_the_page_shows_the_method_of_the_answer():
    folder = files("serving").joinpath("page", "static", "forecast")
    view = folder.joinpath("view.js").read_text(encoding="utf-8")

    assert "methodName(forecast.method)" in view


def test_pyfunc_names_what_answers_on_request(case):
    model = mlflow.pyfunc.load_model(f"models:/{case.name}@champion")
    history = pd.DataFrame({"target": []})
    if case.name == "shops":
        history = plan().rename(columns={"day": "timestamp", "shop": "series_id"})
        history = history.assign(target=np.nan)

    table = model.predict(history, params={"method": True})

    assert dict(zip(table["series_id"], table["method"], strict=True)) == case.methods
    assert "method" not in model.predict(history)


def test_mlflow_names_what_answers(case):
    run, version = case.run, case.version

    assert case.named_in(run.data.tags["answers"])
    assert case.named_in(run.data.params["answers"])
    assert case.named_in(version.tags["answers"])


@pytest.mark.parametrize("plot", ["forecast", "residuals", "loss", "explanation"])
def test_the_plots_name_what_answers(case, plot):
    with Image.open(case.artifact(f"plots/{plot}.png")) as image:
        title = image.text["Title"]

    names = {method.replace("_", " ") for method in case.methods.values()}
    assert all(name in title for name in names)
    if plot in ("forecast", "residuals"):
        assert case.named_in(title)
        assert f"{json.loads(case.version.tags['metrics'])['mase']:.4g}" in title


def test_the_explanation_names_what_answers(case):
    data = ["--data", "shops.csv"] if case.name == "shops" else []

    shown = recast("explain", case.name, *data)

    assert case.named_in(shown)


def read_folds(case, panel):
    """Return the recorded origins, oldest fold first, and the recorded rows."""
    table = pd.read_csv(case.artifact("backtest.csv.gz"), dtype={"series_id": str})
    table = table[table["model"] == case.version.tags["label"]]
    folds = []
    for _, rows in table[table["step"] == 1].groupby("fold"):
        series = [panel.series_ids.index(name) for name in rows["series_id"]]
        cutoffs = rows["cutoff"].to_numpy(dtype=panel.timestamps.dtype)
        ends = [
            int(np.searchsorted(panel.timestamps[b:e], cutoff)) + 1
            for b, e, cutoff in zip(
                panel.offsets[series], panel.offsets[1:][series], cutoffs, strict=True
            )
        ]
        folds.append(Origins(series=np.array(series), ends=np.array(ends)))
    return folds


def evaluate_afresh(case):
    """Return mae and mase of the served model on the recorded origins.

    The served weights have seen these days; a method that has weights is fitted again
    on the days before the first origin, with the registered settings and the served
    choice of methods. One without weights is served as it is.
    """
    job = read_job(case.artifact("job.yaml"))
    panel = job.read_panel()
    folds, horizon = read_folds(case, panel), job.windows.horizon
    forecaster = case.forecaster
    if not set(case.methods.values()) <= UNTRAINED:
        forecaster = Forecaster(
            windows=job.windows, model=job.model, training=job.training
        ).fit(observed_by(panel, folds[0]), choices=case.forecaster)
    errors = {place: [] for place in folds[0].series.tolist()}
    for fold in folds:
        points = forecaster.forecast_at(panel, fold, horizon)
        for place, end, row in zip(fold.series, fold.ends, points, strict=True):
            actual = panel.values[panel.offsets[place] + end :][:horizon]
            errors[int(place)].extend(np.abs(actual - row))
    season, scaled = job.evaluation.seasons(panel), []
    for place, end in zip(folds[0].series, folds[0].ends, strict=True):
        past = panel.values[panel.offsets[place] :][:end]
        lag = season if len(past) > season else 1
        scale = np.abs(past[lag:] - past[:-lag]).mean()
        scaled.append(np.mean(errors[int(place)]) / scale)
    return np.mean([*errors.values()]), np.mean(scaled)


def test_the_registered_score_is_that_of_the_served_model(case):
    mae, mase = evaluate_afresh(case)

    registered = json.loads(case.version.tags["metrics"])
    assert registered["mae"] == pytest.approx(mae, rel=1e-4)
    assert registered["mase"] == pytest.approx(mase, rel=1e-4)


@pytest.mark.parametrize("damage", ["zeros", "other unit"])
def test_a_training_on_a_corrupted_tail_is_not_promoted(trained, damage):
    table = weekly(np.random.default_rng(0))
    tail = table.index >= 90
    table.loc[tail, "sales"] *= 0 if damage == "zeros" else 1000
    folder = Path(damage.replace(" ", "_"))
    folder.mkdir()
    table.to_csv(folder / "weekly.csv", index=False)

    out = " ".join(recast("train", folder / "weekly.csv").split())

    assert "not champion: its series differ from those of champion (version 1)" in out
    assert "instead of" in out
    assert open_model("weekly")[1].version == trained["weekly"].version.version
