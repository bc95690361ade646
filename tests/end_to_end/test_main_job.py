"""The main job end to end: a new CSV through the commands that a user types."""

import csv
import io
import json
import math
import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent
TRAIN = ("--seq-len", "8", "--horizon", "3", "--epochs", "3", "--folds", "4")


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    """Train on a CSV of two shops, in a folder with a space in its name."""
    folder = tmp_path_factory.mktemp("a user's folder")
    (folder / "umsatz.csv").write_text(german_csv(120), encoding="utf-8")
    environment = dict(os.environ)
    environment.pop("MLFLOW_TRACKING_URI", None)  # MLflow's default: mlflow.db here
    environment["PATH"] = f"{BIN}{os.pathsep}{environment['PATH']}"  # to find uvicorn
    run(folder, environment, "train", "umsatz.csv", *TRAIN)
    return folder, environment


def german_csv(days):
    """Return a CSV with semicolons, decimal commas and the day first, of two shops."""
    rng = random.Random(7)
    rows = ["Filiale;Datum;Umsatz"]
    for shop, growth in (("Köln", 0.2), ("Bonn", 0.0)):
        for day in range(days):
            week = 10 * math.sin(2 * math.pi * day / 7)
            value = 100 + growth * day + week + rng.gauss(0, 1)
            date = time.strftime("%d.%m.%Y", time.gmtime(1_700_000_000 + 86_400 * day))
            rows.append(f"{shop};{date};" + f"{value:.2f}".replace(".", ","))
    return "\n".join(rows) + "\n"


def run(folder, environment, *arguments):
    done = subprocess.run(
        [BIN / "recast", *arguments],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=1800,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@contextmanager
def server(folder, environment, command, ready):
    """Run a server on a free port until the block ends; yield its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url, log = f"http://127.0.0.1:{port}", folder / f"{port}.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [*command, "--port", str(port)],
            cwd=folder, env=environment, stdout=output, stderr=output,
            start_new_session=True,
        )  # fmt: skip
    try:
        for _ in range(1800):
            assert process.poll() is None, log.read_text()
            try:
                urllib.request.urlopen(url + ready, timeout=10).close()
                break
            except OSError:
                time.sleep(0.1)
        yield url
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=180)


def post(url, body):
    request = urllib.request.Request(
        url, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=180) as response:
        return json.load(response)


def library_forecast(folder, environment):
    """Forecast by the library, from the model folder that MLflow stored."""
    from forecasting import Forecaster

    saved = next((folder / "mlruns").rglob("data/*/config.json")).parent
    return Forecaster.load(saved, device="cpu").predict(horizon=5, levels=[80, 95])


def test_four_ways_to_ask_give_one_answer(workplace):
    folder, environment = workplace
    expected = library_forecast(folder, environment).to_frame()
    names = ["point", "lower_80", "upper_80", "lower_95", "upper_95"]

    run(
        folder, environment, "forecast", "umsatz", "--horizon", "5", "--output", "f.csv"
    )
    rows = list(csv.DictReader(io.StringIO((folder / "f.csv").read_text())))
    with server(folder, environment, [BIN / "recast", "serve"], "/readyz") as url:
        answer = post(f"{url}/v1/models/umsatz/forecast", {"horizon": 5})
    code = (
        "import json, mlflow, pandas as pd\n"
        "model = mlflow.pyfunc.load_model('models:/umsatz@champion')\n"
        "empty = pd.DataFrame({'series_id': [], 'timestamp': [], 'target': []})\n"
        "empty = empty.astype({'series_id': str, 'timestamp': str, 'target': float})\n"
        "frame = model.predict(empty, params={'horizon': 5})\n"
        "print(json.dumps(frame.drop(columns='timestamp').to_dict('list')))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environment,
        capture_output=True, text=True, timeout=1800,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    pyfunc = json.loads(done.stdout)

    rest = [point for forecast in answer["forecasts"] for point in forecast["point"]]
    rest_lower = [
        bound
        for forecast in answer["forecasts"]
        for bound in forecast["intervals"]["95"]["lower"]
    ]
    for name in names:
        expected_value = pytest.approx(expected[name].tolist(), rel=1e-5)
        assert [float(row[name]) for row in rows] == expected_value
        assert pyfunc[name] == expected_value
    assert rest == pytest.approx(expected["point"].tolist(), rel=1e-5)
    assert rest_lower == pytest.approx(expected["lower_95"].tolist(), rel=1e-5)
    assert [row["timestamp"] for row in rows][:2] == ["2024-03-13", "2024-03-14"]
    assert answer["model"] == {"name": "umsatz", "version": "1", "alias": "champion"}


def test_new_observations_give_the_same_forecast_by_rest_cli_and_mlflow(workplace):
    folder, environment = workplace
    values = [100.0 + day % 7 for day in range(12)]
    dates = [f"2024-04-{day:02d}" for day in range(1, 13)]
    lines = "".join(f"Aachen,{d},{v}\n" for d, v in zip(dates, values, strict=True))
    (folder / "new.csv").write_text("Filiale,Datum,Umsatz\n" + lines)

    run(folder, environment, "forecast", "umsatz", "--data", "new.csv",
        "--series-id", "Filiale", "--output", "n.csv")  # fmt: skip
    rows = list(csv.DictReader(io.StringIO((folder / "n.csv").read_text())))
    body = {"series": [{"id": "Aachen", "values": values, "timestamps": dates}]}
    records = [
        {"series_id": "Aachen", "timestamp": date, "target": value}
        for date, value in zip(dates, values, strict=True)
    ]
    with server(folder, environment, [BIN / "recast", "serve"], "/readyz") as url:
        answer = post(f"{url}/v1/models/umsatz/forecast", body)
        service_answer = post(f"{url}/invocations", {"dataframe_records": records})
    command = [BIN / "mlflow", "models", "serve", "-m", "models:/umsatz@champion",
               "--env-manager", "local"]  # fmt: skip
    with server(folder, environment, command, "/ping") as url:
        mlflow_answer = post(f"{url}/invocations", {"dataframe_records": records})

    points = [float(row["point"]) for row in rows]
    assert [row["timestamp"] for row in rows] == [
        "2024-04-13",
        "2024-04-14",
        "2024-04-15",
    ]
    assert answer["forecasts"][0]["point"] == pytest.approx(points, rel=1e-5)
    assert [row["point"] for row in mlflow_answer["predictions"]] == pytest.approx(
        points, rel=1e-5
    )
    assert [list(row) for row in service_answer["predictions"]] == [
        list(row) for row in mlflow_answer["predictions"]
    ]
    for mine, theirs in zip(
        service_answer["predictions"], mlflow_answer["predictions"], strict=True
    ):
        for key, value in theirs.items():
            number = isinstance(value, float)
            expected_value = pytest.approx(value, rel=1e-5) if number else value
            assert mine[key] == expected_value


def test_training_again_keeps_the_champion_and_rollback_goes_back(workplace):
    folder, environment = workplace

    again = run(folder, environment, "train", "umsatz.csv", *TRAIN)
    run(folder, environment, "promote", "umsatz", "2")
    listed = run(folder, environment, "models", "umsatz")
    back = run(folder, environment, "rollback", "umsatz")

    assert "not champion" in again
    assert "champion" in next(line for line in listed.splitlines() if " 2 " in line)
    assert "version 1" in back
