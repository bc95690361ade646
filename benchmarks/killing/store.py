"""Content of an MLflow store after a job, without ids and times."""

import hashlib
import io
import json
import os
import re
import tempfile
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow.entities import Run

from forecasting.forecaster.forecaster import Forecaster

TRACKING = "MLFLOW_TRACKING_URI"
TIMES = ("timing/",)  # metrics that are durations
OWN_TAGS = re.compile(  # of the process, of the run's name and id, and of its size
    r"recast\.(process|host|heartbeat)|mlflow\.(runName|user|parentRunId|source\..*|"
    r"note\.content|log-model\.history)|best_trial_run"
)
BINARY = (".png", ".gz", ".pkl")  # with the time in them
DIGITS = re.compile(r"[0-9a-f]{32}|\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:[\d.]+)?")


def describe_store(folder: Path, name: str) -> dict[str, Any]:
    """Return all that a finished job leaves behind: runs, versions, weights, files.

    Args:
        folder: of the store.
        name: of the job.

    Returns:
        ``finished``: the runs, by name; ``unfinished``: the number of runs in each
        other state; ``versions`` with their tags and forecasts; ``aliases``; ``left``:
        files of the work folder.
    """
    earlier = os.environ.get(TRACKING)
    os.environ[TRACKING] = f"sqlite:///{folder}/mlflow.db"
    try:
        return _describe(folder, name)
    finally:
        del os.environ[TRACKING]
        if earlier is not None:
            os.environ[TRACKING] = earlier


def _describe(folder: Path, name: str) -> dict[str, Any]:
    client = mlflow.MlflowClient()
    experiment = client.get_experiment_by_name(name)
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id], max_results=1000)
    finished = [run for run in runs if run.info.status == "FINISHED"]
    versions = client.search_model_versions(f"name = '{name}'")
    return {
        "finished": sorted(
            (_describe_run(client, run) for run in finished), key=json.dumps
        ),
        "unfinished": sorted(
            run.info.status for run in runs if run.info.status != "FINISHED"
        ),
        "versions": [
            {
                "number": int(version.version),
                "tags": dict(version.tags),
                "model": _describe_model(str(version.source)),
            }
            for version in versions
        ],
        "aliases": dict(client.get_registered_model(name).aliases),
        "tags": dict(client.get_registered_model(name).tags),
        "models": len(client.search_logged_models([experiment.experiment_id])),
        "left": [str(path) for path in folder.glob("recast-work/**/*")],
    }


def _describe_run(client: mlflow.MlflowClient, run: Run) -> dict[str, Any]:
    run_id = run.info.run_id
    metrics = {
        key: [
            (metric.step, repr(metric.value))
            for metric in client.get_metric_history(run_id, key)
        ]
        for key in sorted(run.data.metrics)
        if not key.startswith(TIMES)
    }
    tags = {
        key: DIGITS.sub("", value)
        for key, value in run.data.tags.items()
        if not OWN_TAGS.match(key)
    }
    return {
        "name": DIGITS.sub("", str(run.info.run_name)),
        "params": dict(run.data.params),
        "metrics": metrics,
        "tags": tags,
        "inputs": len(run.inputs.dataset_inputs),
        "outputs": len(run.outputs.model_outputs) if run.outputs else 0,
        "artifacts": _describe_artifacts(client, run_id),
    }


def _describe_artifacts(client: mlflow.MlflowClient, run_id: str) -> dict[str, str]:
    """Return a digest of each file of a run; of a picture, the word ``file``."""
    with tempfile.TemporaryDirectory() as folder:
        client.download_artifacts(run_id, "", folder)
        return {
            str(path.relative_to(folder)): "file"
            if path.suffix in BINARY
            else _digest(DIGITS.sub("", _read(path)))
            for path in sorted(Path(folder).rglob("*"))
            if path.is_file()
        }


def _read(path: Path) -> str:
    """Return the text of a file; of a table of trials, without their seconds."""
    text = path.read_text("utf-8")
    if path.name != "trials.json":
        return text
    return (
        pd.read_json(io.StringIO(text), orient="split").drop(columns="seconds").to_csv()
    )


def _describe_model(source: str) -> dict[str, Any]:
    """Return digests of a model's weights and of its forecasts."""
    with tempfile.TemporaryDirectory() as folder:
        path = mlflow.artifacts.download_artifacts(source, dst_path=folder)
        forecaster = Forecaster.load(path)
        [tensors] = Path(path).rglob("model.safetensors")
        forecast = forecaster.predict(levels=(50, 80, 95)).to_frame()
        return {
            "weights": hashlib.sha256(tensors.read_bytes()).hexdigest(),
            "forecast": _digest(forecast.to_csv()),
        }


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def differences(found: Any, expected: Any, place: str = "") -> list[str]:
    """Return in words where two descriptions differ."""
    if isinstance(found, dict) and isinstance(expected, dict):
        keys = sorted({*found, *expected}, key=str)
        return [
            line
            for key in keys
            for line in differences(
                found.get(key), expected.get(key), f"{place}.{key}".lstrip(".")
            )
        ]
    are_lists = isinstance(found, list) and isinstance(expected, list)
    if are_lists and len(found) == len(expected):
        return [
            line
            for number, pair in enumerate(zip(found, expected, strict=True))
            for line in differences(*pair, f"{place}[{number}]")
        ]
    if found == expected:
        return []
    return [f"{place}: {found} instead of {expected}"]
