"""Batched logging of metrics to MLflow; one request per metric would take seconds."""

import json
import logging
import math
import time
from collections import Counter

import mlflow
import pandas as pd
from matplotlib.figure import Figure
from mlflow.entities import Metric, Run
from mlflow.exceptions import MlflowException
from mlflow.utils.mlflow_tags import MLFLOW_LOGGED_ARTIFACTS as LOGGED_TABLES

from forecasting.evaluation.baselines import RULES
from forecasting.evaluation.zero_shot_baseline import ZERO_SHOT
from forecasting.training import EpochRecord
from pipelines.errors import TrackingError
from pipelines.output.plots import png_settings
from pipelines.tracking.access import find_user_error

MAX_BATCH_METRICS = 1000  # metrics in one call, MLflow's limit
FLUSH_SECONDS = 5.0  # of a loss curve that a hard kill may lose

RETRY_SECONDS = 60.0  # until losses are sent again to a store that did not answer
log = logging.getLogger(__name__)

# Number of values by metric and step in each run that was opened again.
_logged: dict[str, Counter[tuple[str, int]]] = {}


class EpochLog:
    """Epoch callback that sends losses to a run in batches; a context manager.

    Args:
        run_id: the MLflow run.
    """

    def __init__(self, run_id: str) -> None:
        self._run_id = run_id
        self._pending: list[Metric] = []
        self._last_flush = -math.inf  # the first epoch is sent at once
        self._is_failing = False  # the store did not answer

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
            metric = Metric(prefix + key, value, now, record.epoch)
            if value == value and _is_new(self._run_id, metric):  # NaN: not measured
                self._pending.append(metric)
        full = len(self._pending) >= MAX_BATCH_METRICS - 2
        pause = FLUSH_SECONDS
        if self._is_failing:
            full, pause = False, RETRY_SECONDS
        if full or time.monotonic() - self._last_flush > pause:
            self._try_flush()

    def __enter__(self) -> "EpochLog":
        return self

    def __exit__(self, *_: object) -> None:
        self._flush()

    def _try_flush(self) -> None:
        """Send the losses; if the store does not answer, keep them for the next try.

        A store that restarts does not end a long training. The last flush must succeed.
        """
        try:
            self._flush()
            self._is_failing = False
        except MlflowException as error:
            user_error = find_user_error(error)
            if not isinstance(user_error, TrackingError):
                raise
            log.warning("the losses are sent later: %s", user_error)
            self._last_flush, self._is_failing = time.monotonic(), True

    def _flush(self) -> None:
        while self._pending:
            _log_batch(self._run_id, self._pending[:MAX_BATCH_METRICS])
            del self._pending[:MAX_BATCH_METRICS]
        self._last_flush = time.monotonic()


def log_plot(figure: Figure, name: str) -> None:
    """Log a figure to the open run as ``plots/NAME.png``."""
    settings = png_settings(figure)
    mlflow.log_figure(figure, f"plots/{name}.png", save_kwargs=settings)


def log_metrics(metrics: dict[str, float]) -> None:
    """Log the metrics that are not NaN to the open run, in one call."""
    now = int(time.time() * 1000)
    values = [Metric(k, float(v), now, 0) for k, v in metrics.items() if v == v]
    _send(_open_run_id(), values)


def log_table(table: pd.DataFrame, name: str) -> None:
    """Log a table to the open run as JSON, in place of an earlier one.

    MLflow's own function appends to an earlier one.
    """
    client, run_id = mlflow.MlflowClient(), _open_run_id()
    text = table.to_json(orient="split", index=False, date_format="iso")
    client.log_text(run_id, text, name)
    tables = json.loads(client.get_run(run_id).data.tags.get(LOGGED_TABLES, "[]"))
    entry = {"path": name, "type": "table"}
    if entry not in tables:
        client.set_tag(run_id, LOGGED_TABLES, json.dumps([*tables, entry]))


def recall_metrics(run: Run) -> None:
    """Note the metrics of a run that is opened again, so that none is logged twice."""
    client, run_id = mlflow.MlflowClient(), run.info.run_id
    _logged[run_id] = Counter(
        (metric.key, metric.step)
        for key in run.data.metrics
        for metric in client.get_metric_history(run_id, key)
    )


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
    now, metrics = int(time.time() * 1000), list[Metric]()
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
    _send(_open_run_id(), metrics)


def _section(model: str, label: str) -> str:
    if model == label:
        return "backtest/"
    is_baseline = model in (*RULES, ZERO_SHOT)
    return f"baselines/{model}/" if is_baseline else f"networks/{model}/"


def _open_run_id() -> str:
    run = mlflow.active_run()
    assert run is not None
    return str(run.info.run_id)


def _is_new(run_id: str, metric: Metric) -> bool:
    """Return whether a metric is not in its run yet; count off one that is."""
    place, logged = (metric.key, metric.step), _logged.get(run_id)
    if logged is None or not logged[place]:
        return True
    logged[place] -= 1
    return False


def _send(run_id: str, metrics: list[Metric]) -> None:
    metrics = [metric for metric in metrics if _is_new(run_id, metric)]
    for start in range(0, len(metrics), MAX_BATCH_METRICS):
        _log_batch(run_id, metrics[start : start + MAX_BATCH_METRICS])


def _log_batch(run_id: str, metrics: list[Metric]) -> None:
    mlflow.MlflowClient().log_batch(run_id, metrics=metrics, synchronous=True)
