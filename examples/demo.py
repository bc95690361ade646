"""Demonstration of the main job, end to end, on the three series in data/.

Trains, tracks, registers and serves models, and requests forecasts, with the commands
that a user types. All output is written to demo-output/; nothing is left running.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
OUTPUT = ROOT / "demo-output"
RECAST = Path(sys.executable).with_name("recast")
MODELS = ("sunspots", "rainfall", "sp500")

console = Console()


def main() -> None:
    OUTPUT.mkdir(exist_ok=True)
    os.environ["MLFLOW_TRACKING_URI"] = "sqlite:///mlflow.db"
    os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"  # in this process too
    start_seconds = time.perf_counter()
    recast("compare", ROOT / "jobs" / "sunspots.yaml")
    recast("train", ROOT / "jobs" / "rainfall.yaml")
    recast("train", ROOT / "jobs" / "stocks.yaml")
    recast("models")
    plots = save_plots()
    with service() as url:
        console.rule("Forecasts over HTTP")
        for name in MODELS:
            show_forecast(name, ask(f"{url}/v1/models/{name}/forecast", {}))
        values = [58.0, 62.6, 70.0, 55.7, 85.0, 83.5] * 6
        body = {"series": [{"id": "mine", "values": values}], "levels": [50]}
        answer = ask(f"{url}/v1/models/sunspots/forecast", body)
        show_forecast("sunspots, 36 values of my own", answer)
    print_summary(plots, time.perf_counter() - start_seconds)


def recast(*arguments: object) -> None:
    """Print a recast command as a user types it, and run it in the output folder."""
    shown = [
        os.path.relpath(a, ROOT) if isinstance(a, Path) else str(a) for a in arguments
    ]
    console.rule(f"recast {' '.join(shown)}")
    subprocess.run([RECAST, *map(str, arguments)], cwd=OUTPUT, check=True)


@contextmanager
def service() -> Iterator[str]:
    """Run the service on a free port for the length of a block; yield its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    with open(OUTPUT / "service.log", "w") as log:
        process = subprocess.Popen(
            [RECAST, "serve", "--port", str(port)],
            cwd=OUTPUT, stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            wait_until_ready(url, process)
            yield url
        finally:
            process.terminate()
            process.wait(timeout=20)


def wait_until_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    log = (OUTPUT / "service.log").read_text()
    raise SystemExit(f"the service did not become ready:\n{log}")


def ask(url: str, body: dict[str, Any]) -> dict[str, Any]:
    request = urllib.request.Request(
        url, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        answer: dict[str, Any] = json.load(response)
    return answer


def show_forecast(title: str, answer: dict[str, Any]) -> None:
    model = answer["model"]
    table = Table(header_style="bold")
    forecast = answer["forecasts"][0]
    stamps = forecast["timestamps"] or range(1, len(forecast["point"]) + 1)
    for column in (
        "step" if forecast["timestamps"] is None else "timestamp",
        "point",
        *(f"{x} %" for x in forecast["intervals"]),
    ):
        table.add_column(column, justify="right")
    for step, point in enumerate(forecast["point"]):
        bounds = [
            f"{interval['lower'][step]:,.1f} to {interval['upper'][step]:,.1f}"
            for interval in forecast["intervals"].values()
        ]
        table.add_row(str(stamps[step])[:10], f"{point:,.1f}", *bounds)
    console.print(f"\n{title}, version {model['version']}")
    console.print(table)


def save_plots() -> list[Path]:
    """Copy the forecast plots of the newest versions out of MLflow."""
    import mlflow

    os.chdir(OUTPUT)
    client = mlflow.MlflowClient()
    saved = []
    for name in MODELS:
        newest = max(
            client.search_model_versions(f"name = '{name}'"),
            key=lambda v: int(v.version),
        )
        folder = mlflow.artifacts.download_artifacts(
            run_id=newest.run_id, artifact_path="plots"
        )
        saved.append(OUTPUT / "plots" / name)
        shutil.copytree(folder, saved[-1], dirs_exist_ok=True)
    return saved


def print_summary(plots: list[Path], seconds: float) -> None:
    console.rule("Results")
    for folder in plots:
        names = ", ".join(sorted(path.name for path in folder.glob("*.png")))
        console.print(f"plots       {os.path.relpath(folder, ROOT)}/  ({names})")
    console.print("\n[bold]cd demo-output[/], and then")
    for title, command, address in (
        ("models", "../.venv/bin/recast models", ""),
        ("MLflow UI", "../.venv/bin/mlflow ui", "http://127.0.0.1:5000"),
        ("the page", "../.venv/bin/recast serve", "http://127.0.0.1:8000"),
    ):
        console.print(f"{title:11} {command:28} {address}")
    console.print(f"\nDone in {seconds:.0f} s; nothing is left running.")


if __name__ == "__main__":
    main()
