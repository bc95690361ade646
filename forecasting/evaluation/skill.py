"""Skill with its evidence: paired errors of models at the same cutoffs.

Errors at one cutoff are not independent, because the steps follow each other and the
series share their time; so a cutoff with all its series and steps is one observation.
The standard error is that of Diebold and Mariano 1995 for the mean difference of two
models' errors, with the weights of Newey and West 1987 for neighbouring cutoffs, and
with the correction and Student's t of Harvey, Leybourne and Newbold 1997 for few of
them. Errors that are no means (RMSE, RMSSE, the quotient itself) are linearised.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
from scipy.special import ndtr, stdtrit

from forecasting.data.panel import Panel
from forecasting.data.splits import Origins
from forecasting.evaluation.metrics import skill
from forecasting.evaluation.scores import NAIVE, find_scales
from forecasting.types import FloatArray

MIN_CUTOFFS = 3  # fewer say almost nothing, and have no standard error
LEVEL = 95.0  # percent, of the intervals that are shown
TIE_TOLERANCE = 1e-9  # relative; a smaller gain is rounding, of arithmetic or a CSV
SCALED, SQUARED = ("mase", "rmsse"), ("rmse", "rmsse")


@dataclass(frozen=True, slots=True)
class Skill:
    """Share of a rival's error that a model avoids, with its standard error.

    Attributes:
        value: 1 - error of the model / error of the rival; NaN if the rival makes none.
        error: standard error of ``value``; NaN below `MIN_CUTOFFS` cutoffs.
        cutoffs: number of cutoffs, the sample size of the standard error.
    """

    value: float
    error: float
    cutoffs: int

    @property
    def is_clear(self) -> bool:
        """Whether the model is better by more than one standard error.

        For few cutoffs the bound is the quantile of Student's t of the same probability
        (84 %). False below `MIN_CUTOFFS` cutoffs.
        """
        if not math.isfinite(self.error):
            return False
        bound = float(stdtrit(self.cutoffs - 1, ndtr(1.0))) * self.error
        return self.value > max(bound, TIE_TOLERANCE)

    def interval(self, level: float = LEVEL) -> tuple[float, float]:
        """Return the confidence interval of ``value``; NaN below `MIN_CUTOFFS`.

        Args:
            level: in percent.
        """
        if not math.isfinite(self.error):
            return math.nan, math.nan
        probability = (1 + level / 100) / 2
        width = float(stdtrit(self.cutoffs - 1, probability)) * self.error
        return self.value - width, min(self.value + width, 1.0)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Size of a test, and the skill that it found.

    Attributes:
        folds: number of folds.
        origins: number of forecasts, one for each series and fold.
        series: number of series tested.
        skill: skill over the last value.
    """

    folds: int
    origins: int
    series: int
    skill: Skill


@dataclass(frozen=True, slots=True)
class PairedErrors:
    """Errors of models on the same forecasts, overall and at each cutoff.

    Attributes:
        metric: that of the errors: the one asked for, or ``mae`` where it is undefined,
            as a scaled error is for constant series.
        errors: by model, as in the leaderboard.
        by_cutoff: by model, the linearised share of each cutoff in the error, oldest
            first, ``(cutoffs,)``; the mean is the error, or half of it with a root.
    """

    metric: str
    errors: Mapping[str, float]
    by_cutoff: Mapping[str, FloatArray]

    @classmethod
    def of(
        cls,
        table: pd.DataFrame,
        panel: Panel,
        folds: list[Origins],
        *,
        season_length: int,
        metric: str = "mase",
    ) -> Self:
        """Measure every model of a backtest.

        Args:
            table: as returned by `forecasting.evaluation.backtest.backtest`, with the
                same series, cutoffs and steps for each model.
            panel: the series of the backtest.
            folds: its origins; scales are computed before the first.
            season_length: lag of the naive forecast, the unit of the scaled errors.
            metric: one of `forecasting.evaluation.backtest.METRICS`.
        """
        scales = find_scales(table, panel, folds[0], season_length)
        losses = _losses(table, scales, metric)
        if not np.isfinite(losses).any():
            metric, losses = "mae", _losses(table, scales, "mae")
        rows = pd.DataFrame(
            {
                "model": table["model"],
                "cutoff": pd.factorize(table["cutoff"], sort=True)[0],
                "group": pd.factorize(table["series_id"])[0] * (metric in SCALED),
                "loss": losses,
            }
        )
        cutoffs = int(rows["cutoff"].max()) + 1
        rows = rows[np.isfinite(losses)]
        errors, by_cutoff = {}, {}
        for model, group in rows.groupby("model", sort=False):
            errors[str(model)], by_cutoff[str(model)] = _aggregate(
                group, cutoffs, has_root=metric in SQUARED
            )
        return cls(metric, errors, by_cutoff)

    def skill(self, model: str, rival: str = NAIVE) -> Skill:
        """Return the skill of a model over another."""
        new, old = self.errors[model], self.errors[rival]
        differences = self.by_cutoff[model]
        count, value = len(differences), skill(new, old)
        if count < MIN_CUTOFFS or not old > 0:
            return Skill(value, math.nan, count)
        differences = differences - new / old * self.by_cutoff[rival]
        return Skill(value, standard_error(differences) / old, count)


def standard_error(differences: FloatArray) -> float:
    """Return the standard error of the mean of differences in the order of time.

    Autocovariances up to the cube root of the count, less one, enter with the weights
    of Newey and West 1987; the correction is that of Harvey, Leybourne and Newbold
    1997, section 3.

    Args:
        differences: at least `MIN_CUTOFFS`, ``(cutoffs,)``.
    """
    count = len(differences)
    centred = differences - differences.mean()
    lags = round(count ** (1 / 3)) - 1
    variance = float(centred @ centred) / count
    for lag in range(1, lags + 1):
        covariance = float(centred[lag:] @ centred[:-lag]) / count
        variance += 2 * (1 - lag / (lags + 1)) * covariance
    steps = lags + 1
    correction = (count + 1 - 2 * steps + steps * (steps - 1) / count) / count
    return math.sqrt(max(variance, 0.0) / count / correction)


def skill_intervals(errors: PairedErrors) -> pd.DataFrame:
    """Return ``skill_lower`` and ``skill_upper`` of each model over the last value."""
    intervals = {model: errors.skill(model).interval() for model in errors.errors}
    columns = ["skill_lower", "skill_upper"]
    return pd.DataFrame.from_dict(intervals, orient="index", columns=columns)


def _losses(table: pd.DataFrame, scales: FloatArray, metric: str) -> FloatArray:
    """Return each row's share in a metric; NaN where the metric leaves the row out."""
    actual, point = table["actual"].to_numpy(), table["point"].to_numpy()
    error = np.abs(actual - point)
    bases = {
        "mape": np.abs(actual) / 100,
        "smape": (np.abs(actual) + np.abs(point)) / 200,
        "mase": scales[:, 0],
        "rmsse": scales[:, 1],
    }
    loss = error**2 if metric in SQUARED else error
    if metric not in bases:
        return np.asarray(loss)
    base = bases[metric]
    undefined = 0.0 if metric == "smape" else np.nan  # sMAPE of two zeros is 0
    losses = np.full(len(loss), undefined)
    losses[base > 0] = loss[base > 0] / base[base > 0]
    return losses


def _aggregate(
    rows: pd.DataFrame, cutoffs: int, *, has_root: bool
) -> tuple[float, FloatArray]:
    """Return a model's error, and the linearised share of each cutoff in it.

    Args:
        rows: columns ``cutoff``, ``group`` and ``loss``; groups count alike.
        cutoffs: their number.
        has_root: whether a group's error is the root of its mean loss.
    """
    groups, loss = rows["group"].to_numpy(), rows["loss"].to_numpy()
    counts = np.bincount(groups)
    present = counts > 0
    means = np.bincount(groups, loss)[present] / counts[present]
    weights = np.zeros(len(counts))
    weights[present] = 1 / counts[present] / present.sum()
    if has_root:  # the derivative of a root
        means = np.sqrt(means)
        slopes = np.divide(0.5, means, out=np.zeros_like(means), where=means > 0)
        weights[present] *= slopes
    shares = np.bincount(rows["cutoff"], weights[groups] * loss, minlength=cutoffs)
    return float(means.mean()), (cutoffs * shares).astype(np.float64)
