"""Makes a small MLflow registry in a folder: python build_registry.py FOLDER.

waves   two daily series. Versions 1 (champion) and 2 (challenger) are good and differ,
        1 alone has a track record, 3 is damaged, 4 forecasts another frequency.
spare   the same as waves 1, twice: to be removed.
steps   one series without dates; its name in the registry has a space.
other   a model that is not Recast's.
"""

import json
import math
import sys
from pathlib import Path

import mlflow
import numpy as np

from forecasting.data.panel import Panel
from forecasting.data.splits import rolling_origins
from forecasting.data.windows import WindowSpec
from forecasting.evaluation.backtest import backtest
from forecasting.evaluation.baselines import Baseline
from forecasting.evaluation.scores import score, score_by_step
from forecasting.forecaster.forecaster import Forecaster
from forecasting.models.config import RecurrentConfig
from forecasting.track_record.build import build_record
from forecasting.track_record.facts import TrainingFacts
from forecasting.track_record.record import Evaluation
from forecasting.track_record.storage import write_record
from forecasting.training import TrainingConfig

DAYS = 80
HOSTILE = "<img src=x onerror=alert(1)>'\"&"


def fit(panel, linear_skip=True):
    return Forecaster(
        windows=WindowSpec(seq_len=6, horizon=3),
        model=RecurrentConfig(linear_skip=linear_skip),
        training=TrainingConfig(epochs=2, device="cpu"),
    ).fit(panel)


def waves(freq="D"):
    start = np.datetime64("2024-01-01", "ns")
    stamps = start + np.arange(DAYS) * np.timedelta64(1, freq)
    rng = np.random.default_rng(0)
    values = {
        "a": [10 + math.sin(i / 3) + rng.normal(0, 0.3) for i in range(DAYS)],
        HOSTILE: [20 + 2 * math.cos(i / 4) + rng.normal(0, 0.5) for i in range(DAYS)],
    }
    return Panel.from_values(
        values, timestamps=dict.fromkeys(values, stamps), freq=freq
    )


def steps():
    return Panel.from_values({"one": [5 + math.sin(i) for i in range(DAYS)]})


def damage(folder, copy):
    copy.mkdir()
    (copy / "config.json").write_bytes((folder / "config.json").read_bytes())
    content = (folder / "model.safetensors").read_bytes()
    (copy / "model.safetensors").write_bytes(content[: len(content) // 2])


def record(panel, levels=(80.0, 95.0), horizon=3):
    """Return the record of a network, backtested beside a naive forecast."""
    folds = rolling_origins(panel, folds=4, horizon=horizon, before=20)
    naive = Baseline("last_value", seq_len=6, horizon=horizon, season_length=7)
    fits = {"lstm": fit, "last_value": naive.fit}
    table = backtest(fits, panel, folds, horizon=horizon, levels=levels)
    scores = score(table, panel, folds, season_length=7)
    by_step = score_by_step(table, panel, folds, season_length=7)["mae"].unstack()
    evaluation = Evaluation(
        label="lstm",
        baseline="last_value",
        metric="mase",
        season_length=7,
        levels=levels,
        horizon=horizon,
        folds=len(folds),
        origins=sum(map(len, folds)),
        evidence="4 folds, 8 origins of 2 series",
        leaderboard=scores.to_dict("index"),
        by_step={model: tuple(errors) for model, errors in by_step.iterrows()},
        methods={"network": len(panel)},
    )
    methods = ["network"] * len(panel)
    return build_record(evaluation, panel, folds, table, methods, TrainingFacts())


def register(name, folder, loader="forecasting.pyfunc", metrics=None):
    info = mlflow.pyfunc.log_model(
        name="model",
        loader_module=loader,
        data_path=str(folder),
        registered_model_name=name,
        pip_requirements=["torch"],
    )
    version = str(info.registered_model_version)
    if metrics:
        mlflow.MlflowClient().set_model_version_tag(
            name, version, "metrics", json.dumps(metrics)
        )


def main(folder):
    mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
    client = mlflow.MlflowClient()
    experiment = client.create_experiment("all", (folder / "artifacts").as_uri())
    models = {
        "waves-1": fit(waves()),
        "waves-2": fit(waves(), linear_skip=False),
        "waves-4": fit(waves("h")),
        "steps-1": fit(steps()),
    }
    for name, forecaster in models.items():
        forecaster.save(folder / name)
    damage(folder / "waves-1", folder / "waves-3")
    write_record(folder / "waves-1", record(waves()))
    with mlflow.start_run(experiment_id=experiment):
        register("waves", folder / "waves-1", metrics={"mase": 0.9, "skill": 0.12})
        for number in (2, 3, 4):
            register("waves", folder / f"waves-{number}")
        for _ in range(2):
            register("spare", folder / "waves-1")
        register("my steps", folder / "steps-1")
        register("other", folder / "waves-1", loader="collections")
    client.set_registered_model_alias("waves", "champion", "1")
    client.set_registered_model_alias("waves", "challenger", "2")
    client.set_registered_model_alias("spare", "champion", "1")
    client.set_registered_model_alias("my steps", "champion", "1")
    client.set_registered_model_alias("other", "champion", "1")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
