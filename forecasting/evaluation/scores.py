"""Scores of a backtest: a row for each model, a column for each metric."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from forecasting.data.panel import Panel
from forecasting.data.splits import Origins
from forecasting.evaluation import metrics
from forecasting.types import FloatArray

NAIVE = "last_value"  # reference of the skill


def score(
    table: pd.DataFrame,
    panel: Panel,
    folds: list[Origins],
    *,
    season_length: int,
    metric: str = "mase",
) -> pd.DataFrame:
    """Score every model of a backtest, over all folds, series and steps.

    Args:
        table: result of `forecasting.evaluation.backtest.backtest`.
        panel: the series of the backtest.
        folds: its origins; scales are computed before the first.
        season_length: lag of the naive forecast, the unit of the scaled errors.
        metric: the error compared by ``skill``, 1 - error / error of the last value,
            if that is in the table.

    Returns:
        Indexed by model, best first by ``metric``: ``mae, rmse, mape, smape, mase,
        rmsse, skill`` and, for each level, ``coverage_80, width_80, score_80,
        msis_80``.
    """
    scales = find_scales(table, panel, folds[0], season_length)
    scores = pd.DataFrame(
        {
            model: _score_rows(rows, scales[rows.index])
            for model, rows in table.groupby("model", sort=False)
        }
    ).T.rename_axis("model")
    if NAIVE in scores.index:
        errors = {str(model): float(error) for model, error in scores[metric].items()}
        skills = [metrics.skill(error, errors[NAIVE]) for error in errors.values()]
        scores.insert(len(_ERRORS) + 2, "skill", skills)
    return scores.sort_values(metric, kind="stable", na_position="last")


def score_by_step(
    table: pd.DataFrame, panel: Panel, folds: list[Origins], *, season_length: int
) -> pd.DataFrame:
    """Score every model at every step: indexed by ``(model, step)``."""
    scales = find_scales(table, panel, folds[0], season_length)
    scores = {
        key: _score_rows(rows, scales[rows.index])
        for key, rows in table.groupby(["model", "step"], sort=False)
    }
    return pd.DataFrame(scores).T.rename_axis(["model", "step"])


def score_by_series(
    table: pd.DataFrame, panel: Panel, folds: list[Origins], *, season_length: int
) -> pd.DataFrame:
    """Score every model on every series: indexed by ``(model, series_id)``.

    Args:
        table, panel, folds, season_length: see `score`.

    Returns:
        The columns ``mae, rmse, mase, rmsse``; scaled errors of a constant series are
        NaN.
    """
    error = table["actual"] - table["point"]
    scales = find_scales(table, panel, folds[0], season_length)
    rows = pd.DataFrame(
        {
            "model": table["model"],
            "series_id": table["series_id"],
            "mae": error.abs(),
            "rmse": error**2,
            "mase": scales[:, 0],
            "rmsse": scales[:, 1],
        }
    )
    scores = rows.groupby(["model", "series_id"], sort=False).mean()
    units = scores[["mase", "rmsse"]].where(scores[["mase", "rmsse"]] > 0)
    return scores.assign(
        rmse=np.sqrt(scores["rmse"]),
        mase=scores["mae"] / units["mase"],
        rmsse=np.sqrt(scores["rmse"] / units["rmsse"]),
    )


def find_scales(
    table: pd.DataFrame, panel: Panel, first: Origins, season_length: int
) -> FloatArray:
    """Return each row's in-sample naive error and squared error, ``(rows, 2)``.

    Args:
        table: rows of a backtest.
        panel: the series of the backtest.
        first: origins of the first fold; the scales are those of the observations
            before it.
        season_length: lag of the naive forecast.
    """
    by_series = {}
    for position, end in zip(first.series, first.ends, strict=True):
        start = panel.offsets[position]
        past = panel.values[start : start + end]
        by_series[panel.series_ids[position]] = (
            metrics.naive_scale(past, season_length),
            metrics.naive_squared_scale(past, season_length),
        )
    codes, names = pd.factorize(table["series_id"])
    scales: FloatArray = np.array([by_series[name] for name in names])[codes]
    return scales


def _score_rows(rows: pd.DataFrame, scales: FloatArray) -> dict[str, float]:
    actual, point = rows["actual"].to_numpy(), rows["point"].to_numpy()
    scores = {name: error(actual, point) for name, error in _ERRORS.items()}
    codes, _ = pd.factorize(rows["series_id"])
    counts, first = np.bincount(codes), np.unique(codes, return_index=True)[1]
    errors = np.abs(actual - point)
    # One mean error for each series, (series, 1): series differ in their rows.
    absolute = (np.bincount(codes, errors) / counts)[:, None]
    squared = np.sqrt(np.bincount(codes, errors**2) / counts)[:, None]
    none = np.zeros_like(absolute)
    scores["mase"] = metrics.mase(absolute, none, scales[first, :1])
    scores["rmsse"] = metrics.rmsse(squared, none, scales[first, 1:])
    for column in rows.columns:
        if not column.startswith("lower_"):
            continue
        level = column.removeprefix("lower_")
        lower, upper = rows[column].to_numpy(), rows[f"upper_{level}"].to_numpy()
        if np.isnan(lower).all():  # a model without intervals, beside others with them
            continue
        scores[f"coverage_{level}"] = metrics.coverage(actual, lower, upper)
        scores[f"width_{level}"] = metrics.interval_width(lower, upper)
        points = metrics.interval_scores(actual, lower, upper, float(level))
        scores[f"score_{level}"] = float(np.mean(points))
        # An interval from 0 to s around an actual 0 has score s: one for each series.
        means = (np.bincount(codes, points) / counts)[:, None]
        scores[f"msis_{level}"] = metrics.msis(
            none, none, means, float(level), scales[first, :1]
        )
    return scores


_ERRORS: dict[str, Callable[[FloatArray, FloatArray], float]] = {
    "mae": metrics.mae,
    "rmse": metrics.rmse,
    "mape": metrics.mape,
    "smape": metrics.smape,
}
