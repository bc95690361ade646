"""Batched logging of metrics to MLflow; one request per metric would take seconds."""

import math
import time

import mlflow
import pandas as pd
from matplotlib.figure import Figure
from mlflow.entities import Metric

from forecasting.evaluation.baselines import RULES
from forecasting.training import EpochRecord
from pipelines.output.plots import png_settings

MAX_BATCH_METRICS = 1000  # metrics in one call, MLflow's limit
FLUSH_SECONDS = 5.0  # of a loss curve that a hard kill may lose


class EpochLog:
    """Epoch callback that sends losses to a run in batches; a context manager.

    Args:
        run_id: the MLflow run.
    """

    def __init__(self, run_id: str) -> None:
        self._run_id = run_id
        self._pending: list[Metric] = []
        self._last_flush = -math.inf  # the first epoch is sent at once

    def __call__(self, record: EpochRecord) -> None:
        """Add the losses of one epoch; those of a refit are left out."""
        if record.refit:
            return
        now = int(time.time() * 1000)
        member = "" if record.member == 0 else f"member_{record.member}/"
        prefix = f"training/{member}"
        for key, value in (
            ("loss", record.train_loss),
            ("validation_loss", record.validation_loss),
        ):
            if value == value:  # NaN: not measured
                self._pending.append(Metric(prefix + key, value, now, record.epoch))
        full = len(self._pending) >= MAX_BATCH_METRICS - 2
        if full or time.monotonic() - self._last_flush > FLUSH_SECONDS:
            self._flush()

    def __enter__(self) -> "EpochLog":
        return self

    def __exit__(self, *_: object) -> None:
        self._flush()

    def _flush(self) -> None:
        _send(self._run_id, self._pending)
        self._pending, self._last_flush = [], time.monotonic()


def log_plot(figure: Figure, name: str) -> None:
    """Log a figure to the open run as ``plots/NAME.png``."""
    settings = png_settings(figure)
    mlflow.log_figure(figure, f"plots/{name}.png", save_kwargs=settings)


def log_metrics(metrics: dict[str, float]) -> None:
    """Log the metrics that are not NaN, in one call."""
    mlflow.log_metrics({k: v for k, v in metrics.items() if v == v})


def log_scores(
    scores: pd.DataFrame, by_step: pd.DataFrame, label: str, metric: str
) -> None:
    """Log a leaderboard to the open run.

    Args:
        scores: a row per model. The sections are ``backtest/`` for the model of the
            run, ``baselines/NAME/``, and ``networks/NAME/`` for a network without its
            guard.
        by_step: a row per model and step, logged at that step as ``step/``.
        label: the model of the run.
        metric: the only metric by step that is logged for the other models.
    """
    now, metrics = int(time.time() * 1000), []
    for table in (scores, by_step):
        for index, row in table.to_dict("index").items():
            model, step = index if isinstance(index, tuple) else (index, 0)
            if step and model != label:
                row = {metric: row[metric]}
            prefix = _section(str(model), label) + ("step/" if step else "")
            metrics += [
                Metric(f"{prefix}{name}", value, now, step)
                for name, value in row.items()
                if value == value  # NaN: undefined
            ]
    run = mlflow.active_run()
    assert run is not None
    _send(run.info.run_id, metrics)


def _section(model: str, label: str) -> str:
    if model == label:
        return "backtest/"
    return f"baselines/{model}/" if model in RULES else f"networks/{model}/"


def _send(run_id: str, metrics: list[Metric]) -> None:
    for start in range(0, len(metrics), MAX_BATCH_METRICS):
        batch = metrics[start : start + MAX_BATCH_METRICS]
        mlflow.MlflowClient().log_batch(run_id, metrics=batch, synchronous=True)
