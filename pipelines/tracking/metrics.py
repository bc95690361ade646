"""The numbers of a run, sent to MLflow many at a time: one by one they take seconds."""

import math
import time

import mlflow
import pandas as pd
from mlflow.entities import Metric

from forecasting.training import EpochRecord

BATCH = 1000  # metrics in one call, MLflow's limit


FLUSH_SECONDS = 5.0  # how much of a loss curve a hard kill may cost


class EpochLog:
    """Sends each epoch's losses to a run, many at a time; the last ones at the end."""

    def __init__(self, run_id: str) -> None:
        self._run_id = run_id
        self._waiting: list[Metric] = []
        self._sent = -math.inf  # the first epoch shows at once

    def __call__(self, record: EpochRecord) -> None:
        """Take one epoch's record; of the first training only."""
        if record.refit:
            return
        now = int(time.time() * 1000)
        prefix = "" if record.member == 0 else f"member_{record.member}."
        for key, value in (
            ("train_loss", record.train_loss),
            ("validation_loss", record.validation_loss),
        ):
            if value == value:  # NaN: not measured
                self._waiting.append(Metric(prefix + key, value, now, record.epoch))
        full = len(self._waiting) >= BATCH - 2
        if full or time.monotonic() - self._sent > FLUSH_SECONDS:
            self._flush()

    def __enter__(self) -> "EpochLog":
        return self

    def __exit__(self, *_: object) -> None:
        self._flush()

    def _flush(self) -> None:
        _send(self._run_id, self._waiting)
        self._waiting, self._sent = [], time.monotonic()


def log_metrics(metrics: dict[str, float]) -> None:
    """Log the metrics that are numbers, in one call."""
    mlflow.log_metrics({k: v for k, v in metrics.items() if v == v})


def log_scores(
    scores: pd.DataFrame, by_step: pd.DataFrame, label: str, metric: str
) -> None:
    """Log a leaderboard to the open run.

    Args:
        scores: a row a model; the baselines' metrics get their names as a prefix.
        by_step: the same by model and step, logged at that step.
        label: the run's own model.
        metric: the one that the other models are shown by at each step.
    """
    now, metrics = int(time.time() * 1000), []
    for table in (scores, by_step):
        for place, row in table.to_dict("index").items():
            model, step = place if isinstance(place, tuple) else (place, 0)
            if step and model != label:
                row = {metric: row[metric]}
            prefix = ("" if model == label else f"{model}.") + ("step." if step else "")
            metrics += [
                Metric(f"{prefix}{name}", value, now, step)
                for name, value in row.items()
                if value == value  # NaN: undefined
            ]
    run = mlflow.active_run()
    assert run is not None
    _send(run.info.run_id, metrics)


def _send(run_id: str, metrics: list[Metric]) -> None:
    for start in range(0, len(metrics), BATCH):
        batch = metrics[start : start + BATCH]
        mlflow.MlflowClient().log_batch(run_id, metrics=batch, synchronous=True)
