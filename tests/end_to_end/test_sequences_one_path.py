"""Models of discrete series answer alike from the CLI, REST, pyfunc and the library."""

import json
import os
import sys

import httpx
import mlflow
import numpy as np
import pandas as pd
import pytest

from forecasting import load_sequence_model, read_sequence_file
from forecasting.sequences.answers.tables import predict_table
from pipelines.__main__ import main
from serving.client import Client

QUICK = {
    "bumps": "classify --set model.hidden_size=6 --set model.members=2",
    "states": "label --set model.hidden_size=6 --set training.window=20",
    "count": "next --set model.hidden_size=12 --set training.truncate=8",
}
FILES = {"bumps": "bumps.csv", "states": "states.csv", "count": "count.txt"}


def recast(*arguments):
    with pytest.raises(SystemExit) as end:
        main([str(argument) for argument in arguments])
    assert not end.value.code


def write_files(folder):
    """Write series with a bump early or late, series of states, and a text."""
    random = np.random.default_rng(0)
    bumps, states = [], []
    for number in range(24):
        values = random.normal(0, 0.1, 16)
        begin, kind = (2, "early") if number % 2 else (10, "late")
        values[begin : begin + 3] += 2
        frame = {"id": f"s{number:02d}", "x": values, "y": -values, "kind": kind}
        bumps.append(pd.DataFrame(frame))
        loud = np.repeat(random.integers(0, 2, 6), 5)
        names = np.where(loud, "loud", "calm")
        values = random.normal(size=30) * (1 + 9 * loud)
        states.append(pd.DataFrame({"id": number, "x": values, "state": names}))
    pd.concat(bumps).to_csv(folder / "bumps.csv", index=False)
    pd.concat(states).to_csv(folder / "states.csv", index=False)
    (folder / "count.txt").write_text("0123" * 100)


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    """A folder with three trained models in its store."""
    folder = tmp_path_factory.mktemp("sequences")
    write_files(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/mlflow.db")
        for name, options in QUICK.items():
            task = options.split()
            more = ["--set", "training.epochs=3"]
            recast("train", FILES[name], "--task", *task, *more)
        yield folder


@pytest.fixture(scope="module")
def url(workplace, servers):
    """The address of a service on the store."""
    port = servers.find_free_port()
    url = f"http://127.0.0.1:{port}"
    with servers.process_of(
        [sys.executable, "-m", "serving", "--port", str(port)],
        workplace / "service.log",
        lambda: servers.is_answering(f"{url}/readyz"),
        cwd=workplace,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    ):
        yield url


def read(name, model):
    return read_sequence_file(FILES[name], model.task, model.columns_, labelled=False)


def library(name):
    path = mlflow.artifacts.download_artifacts(f"models:/{name}@champion")
    return load_sequence_model(path)


@pytest.mark.parametrize("name", ["bumps", "states"])
def test_probabilities_are_the_same_everywhere(workplace, url, name):
    model = library(name)
    data = read(name, model)
    expected = predict_table(model, data)

    recast("predict", name, "--data", FILES[name], "--output", "table.csv")
    pyfunc = mlflow.pyfunc.load_model(f"models:/{name}@champion")
    by_pyfunc = pyfunc.predict(pd.read_csv(FILES[name], dtype={"id": str}))
    with Client(url) as client:
        call = client.classify if name == "bumps" else client.label
        by_rest = call(name, dict(zip(data.ids, data.series, strict=True)))

    by_cli = pd.read_csv("table.csv", dtype={"series_id": str})
    for table in (by_cli, by_pyfunc, by_rest):
        pd.testing.assert_frame_equal(table, expected, check_dtype=False, atol=1e-6)


def test_generated_symbols_are_the_same_everywhere(workplace, url, capsys):
    expected = library("count").sample(20, seed="01", random_state=3)
    capsys.readouterr()

    recast(
        *("generate", "count", "--seed", "01", "--length", 20),
        *("--random-state", 3, "--json"),
    )
    by_cli = json.loads(capsys.readouterr().out)
    with Client(url) as client:
        by_rest = client.generate("count", "01", length=20, random_state=3)

    assert by_cli["symbols"] == by_rest["symbols"] == expected


def test_a_trained_model_is_described_with_its_test_figures(workplace, url):
    models = httpx.get(f"{url}/v1/models").json()["models"]

    assert [(m["name"], m["task"], m["cell"]) for m in models] == [
        ("bumps", "classify", "gru"),
        ("count", "next", "gru"),
        ("states", "label", "gru"),
    ]
    assert all(0 <= m["metrics"]["accuracy"] <= 1 for m in models)
    assert models[0]["channels"] == ["x", "y"]
    assert models[1]["is_text"]
