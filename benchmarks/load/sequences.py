"""Command that measures the service with models of discrete series.

    python -m benchmarks.load.sequences [--requests 500]

One client, over the loopback: the median time to classify one series of 150 steps, by
networks alone and mixed with random convolutions, and symbols generated a second. The
models have the default settings, and are hardly trained: their weights do not change
the time.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path

import mlflow
import numpy as np

from benchmarks.load.servers import HOST, Server, running
from forecasting import GRUClassifier, SymbolModel
from forecasting.kernels.compilation import load_loops
from forecasting.sequences.storage import SequenceModel, save_sequence_model

STEPS = 150
SYMBOLS = 3000  # generated in a request
WARM_UP = 20  # requests before those measured
TEXT = "To be, or not to be: that is the question. Whether 'tis nobler to suffer " * 40
GOALS = {"classify, GRU of 64, 5 members": "2 ms", "generate, GRU of 128": "2,000 /s"}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=500)
    requests = parser.parse_args().requests
    load_loops()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        uri = f"sqlite:///{folder}/mlflow.db"
        for model_name, model in train_models().items():
            register(uri, model_name, model, folder)
        command = [sys.executable, "-m", "serving", "--port", "{port}"]
        environment = {"MLFLOW_TRACKING_URI": uri}
        with running(command, "/readyz", folder, environment) as server:
            print("| work | measured | goal |\n|---|---|---|")
            for work, text in measure(server, requests).items():
                print(f"| {work} | {text} | {GOALS.get(work, '')} |", flush=True)


def train_models() -> dict[str, SequenceModel]:
    """Return the models by name."""
    series = np.random.default_rng(0).normal(size=(40, STEPS))
    labels = ["a", "b"] * 20
    mixed = GRUClassifier(epochs=1, features="convolutions", random_state=0)
    return {
        "networks": GRUClassifier(epochs=1, random_state=0).fit(series, labels),
        "mixed": mixed.fit(series, labels),
        "symbols": SymbolModel(epochs=1, random_state=0).fit(TEXT),
    }


def register(uri: str, name: str, model: SequenceModel, folder: Path) -> None:
    """Register a model as the champion of a name."""
    save_sequence_model(model, folder / name)
    logged = folder / f"{name}-logged"
    mlflow.pyfunc.save_model(
        logged,
        loader_module="forecasting.pyfunc",
        data_path=str(folder / name),
        pip_requirements=["torch"],
    )
    client = mlflow.MlflowClient(tracking_uri=uri, registry_uri=uri)
    client.create_registered_model(name)
    client.create_model_version(name, logged.as_uri())
    client.set_registered_model_alias(name, "champion", "1")


def measure(server: Server, requests: int) -> dict[str, str]:
    """Return the measured times and rates, by work."""
    values = np.random.default_rng(1).normal(size=STEPS).tolist()
    series = {"series": [{"id": "a", "values": values}]}
    generation = {"seed": "To ", "length": SYMBOLS, "random_state": 0}
    connection = HTTPConnection(HOST, server.port, timeout=60)
    networks = _times(connection, "networks/classify", series, requests)
    mixed = _times(connection, "mixed/classify", series, max(requests // 5, 1))
    drawn = _times(connection, "symbols/generate", generation, 5, warm_up=1)
    connection.close()
    return {
        "classify, GRU of 64, 5 members": _median(networks),
        "classify, mixed with random convolutions": _median(mixed),
        "generate, GRU of 128": f"{SYMBOLS / statistics.median(drawn):,.0f} /s",
    }


def _times(
    connection: HTTPConnection,
    path: str,
    body: object,
    requests: int,
    warm_up: int = WARM_UP,
) -> list[float]:
    """Return the seconds of each request.

    Raises:
        RuntimeError: the service refused one.
    """
    content = json.dumps(body)
    headers = {"Content-Type": "application/json"}

    def post() -> None:
        connection.request("POST", f"/v1/models/{path}", content, headers)
        response = connection.getresponse()
        answer = response.read()
        if response.status != 200:
            raise RuntimeError(answer.decode())

    for _ in range(warm_up):
        post()
    return [_seconds(post) for _ in range(requests)]


def _seconds(work: Callable[[], None]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _median(seconds: list[float]) -> str:
    return f"p50 {1000 * statistics.median(seconds):.2f} ms"


if __name__ == "__main__":
    main()
