"""A registry with small models of discrete series, built once, and a service on it."""

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import mlflow
import numpy as np
import pytest

from forecasting import (
    GRUClassifier,
    SequenceColumns,
    SequenceLabeler,
    SymbolModel,
    load_sequence_model,
    save_sequence_model,
)

EVENTS = ["login", "search", "buy", "logout"]
SMALL = {"hidden_size": 4, "epochs": 2, "random_state": 0}


@dataclass
class Models:
    """The models of the registry, loaded in this process, by name."""

    registry: object
    loaded: dict = field(default_factory=dict)

    def add(self, name, folder, model, columns=None, metrics=None):
        """Save a model, and register it as the champion of a name."""
        save_sequence_model(model, folder / name, columns)
        version = register(self.registry, name, folder / name, metrics)
        self.loaded[name] = load_sequence_model(folder / name)
        return version

    def __getitem__(self, name):
        return self.loaded[name]


def register(registry, name, folder, metrics=None):
    """Register a model's folder as an MLflow model, the champion of its name."""
    client = registry.client
    logged = folder.with_name(f"{folder.name}-logged")
    mlflow.pyfunc.save_model(
        logged,
        loader_module="forecasting.pyfunc",
        data_path=str(folder),
        pip_requirements=["torch"],
    )
    if name not in [model.name for model in client.search_registered_models()]:
        client.create_registered_model(name)
    tags = {"metrics": json.dumps(metrics or {}), "series": "20", "rows": "900"}
    made = client.create_model_version(name, logged.as_uri(), tags=tags)
    client.set_registered_model_alias(name, "champion", made.version)
    return str(made.version)


def classifier(seed=0):
    """Return a classifier of waves with two channels."""
    random = np.random.default_rng(seed)
    series = [random.normal(size=(n, 2)) for n in (20, 30, 25, 30)] * 3
    return GRUClassifier(**SMALL, members=2).fit(series, ["slow", "fast"] * 6)


def labeler():
    """Return a labeler of one channel, whose labels are numbers."""
    series = np.sin(np.arange(120.0) / 5)
    return SequenceLabeler(**SMALL, window=40).fit([series], [(series > 0).astype(int)])


@pytest.fixture(scope="session")
def models(copy_registry, tmp_path_factory):
    """A copy of the registry of forecasters with models of discrete series.

    hearts   a classifier with columns x and y
    states   a labeler with labels 0 and 1
    letters  a model of characters
    events   a model of symbols of several characters, with an unknown one
    """
    folder = tmp_path_factory.mktemp("sequences")
    models = Models(copy_registry(folder))
    columns = SequenceColumns(series_id=("beat",), channels=("x", "y"), label="kind")
    models.add("hearts", folder, classifier(), columns, {"accuracy": 0.9})
    models.add("states", folder, labeler())
    models.add("letters", folder, SymbolModel(**SMALL).fit("hello world " * 9))
    events = SymbolModel(**SMALL, unknown="?").fit([EVENTS * 5, EVENTS * 4])
    models.add("events", folder, events)
    return models


@pytest.fixture(scope="session")
def sequences(models, running, tmp_path_factory):
    """A service on that registry with small limits; tests must not change its state."""
    with running(
        models.registry.uri,
        tmp_path_factory.mktemp("sequence-service"),
        poll_seconds=0.5,
        max_body_bytes=100_000,
        max_series=20,
        max_points=3000,
        max_length=500,
    ) as service:
        service.wait_for(lambda: service.readyz().get("state") == "ready")
        yield service


@pytest.fixture
def ask(sequences):
    """Sends a body to a model: ``ask("hearts", "classify", body, **query)``."""

    def post(name, verb, body, **query):
        path = f"/v1/models/{name}/{verb}"
        return sequences.client.post(path, json=body, params=query)

    return post


@pytest.fixture
def copied_models(models, tmp_path):
    """A copy of the registry to change, and ``add(name, model or folder)``."""
    registry = type(models.registry)(
        shutil.copy(models.registry.path, tmp_path / "copy.db")
    )

    def add(name, model):
        folder = tmp_path / f"{name}-new"
        if isinstance(model, Path):
            shutil.copytree(model, folder)
        else:
            save_sequence_model(model, folder, models[name].columns_)
        return register(registry, name, folder)

    return registry, add
