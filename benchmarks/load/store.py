"""MLflow store for the load benchmark, with two versions of one model.

    python -m benchmarks.load.store FOLDER

The model is an LSTM of 32 on the bundled sunspots, with 24 months of input and 12 of
forecast. The versions differ by their seed, so that an answer shows its version.
"""

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import mlflow

from benchmarks.common.plan import read_sunspots
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
    """A tracking store and registry in SQLite.

    Attributes:
        uri: tracking URI for MLflow.
    """

    uri: str

    @classmethod
    def make(cls, folder: Path) -> "Store":
        """Train and register both versions in a separate process.

        Raises:
            ProcessFailed: the process failed.
        """
        run_module(sys.executable, "benchmarks.load.store", folder)
        return cls(_uri(folder))

    def point_to(self, version: str) -> None:
        """Move the alias to a version."""
        client = mlflow.MlflowClient(tracking_uri=self.uri, registry_uri=self.uri)
        client.set_registered_model_alias(NAME, ALIAS, version)


def main(folder: Path) -> None:
    """Make the store in a folder and print the versions in JSON."""
    os.environ["MLFLOW_TRACKING_URI"] = _uri(folder)
    os.chdir(folder)  # the folder of artifacts
    mlflow.MlflowClient().search_experiments()  # creates the store
    experiment = mlflow.create_experiment("serving")
    with mlflow.start_run(experiment_id=experiment) as run:
        for version in VERSIONS:
            logged = log_model(_fit(int(version)), LEVELS)
            register(NAME, logged, run.info.run_id, {})
    promote(NAME, VERSIONS[0], ALIAS)
    print(json.dumps({"versions": VERSIONS}))


def _fit(seed: int) -> Forecaster:
    """Train for two epochs: the cost of a forecast does not depend on its accuracy."""
    panel = read_sunspots()
    keys = {
        "windows.seq_len": SEQ_LEN,
        "model.hidden_size": 32,
        "training.epochs": 2,
        "training.device": "cpu",
        "training.seed": seed,
    }
    return forecaster_for(panel, "classic", horizon=HORIZON, given=keys).fit(panel)


def _uri(folder: Path) -> str:
    return f"sqlite:///{folder.absolute()}/mlflow.db"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
