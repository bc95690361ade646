"""An MLflow store of its own with two versions of one model, of bundled data.

    python -m benchmarks.load.store FOLDER

Sunspots, LSTM 32, 24 months in and 12 out. The versions differ by their seed, so
that an answer shows which one made it.
"""

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import mlflow

from benchmarks.common.plan import sunspots
from benchmarks.common.timing import run_module
from forecasting import Forecaster, forecaster_for
from pipelines.tracking.models import log_model
from pipelines.tracking.registry import promote, register

NAME, ALIAS = "sunspots", "champion"
SEQ_LEN, HORIZON = 24, 12
VERSIONS = ("1", "2")
LEVELS = (80.0, 95.0)


@dataclass(frozen=True, slots=True)
class Store:
    """A tracking store in SQLite, with the registry in it.

    Attributes:
        uri: as MLflow takes it.
    """

    uri: str

    @classmethod
    def make(cls, folder: Path) -> "Store":
        """Train and register both versions, in a process of their own.

        Raises:
            ProcessFailed: that process did.
        """
        run_module(sys.executable, "benchmarks.load.store", folder)
        return cls(_uri(folder))

    def point_to(self, version: str) -> None:
        """Move the alias."""
        client = mlflow.MlflowClient(tracking_uri=self.uri, registry_uri=self.uri)
        client.set_registered_model_alias(NAME, ALIAS, version)


def main(folder: Path) -> None:
    """Make the store in a folder and print the versions in JSON."""
    os.environ["MLFLOW_TRACKING_URI"] = _uri(folder)
    os.chdir(folder)  # where artifacts go
    mlflow.MlflowClient().search_experiments()  # makes the store, however long it takes
    experiment = mlflow.create_experiment("serving")
    with mlflow.start_run(experiment_id=experiment) as run:
        for version in VERSIONS:
            logged = log_model(_fit(int(version)), LEVELS)
            register(NAME, logged, run.info.run_id, {})
    promote(NAME, VERSIONS[0], ALIAS)
    print(json.dumps({"versions": VERSIONS}))


def _fit(seed: int) -> Forecaster:
    """Train a little: what a forecast costs does not depend on how good it is."""
    panel = sunspots()
    given = {
        "windows.seq_len": SEQ_LEN,
        "model.hidden_size": 32,
        "training.epochs": 2,
        "training.device": "cpu",
        "training.seed": seed,
    }
    return forecaster_for(panel, "classic", horizon=HORIZON, given=given).fit(panel)


def _uri(folder: Path) -> str:
    return f"sqlite:///{folder.absolute()}/mlflow.db"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
