"""Comparison of models beside baselines on the same folds of the same series."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from forecasting.data.panel import Panel
from forecasting.data.splits import Origins
from forecasting.evaluation.backtest import EvaluationConfig, Fit, backtest
from forecasting.evaluation.baselines import RULES, Baseline
from forecasting.evaluation.scores import score, score_by_series, score_by_step
from forecasting.evaluation.skill import Evidence, PairedErrors, skill_intervals
from forecasting.evaluation.zero_shot_baseline import ZERO_SHOT, ZeroShotBaseline
from forecasting.intervals.calibration import IntervalMethod
from forecasting.zeroshot import MIN_HISTORY


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Series, folds and settings that all models of a backtest share.

    Attributes:
        panel: the series.
        folds: origins of each fold, oldest first.
        horizon: steps ahead.
        evaluation: season length, levels, metric, refit.
    """

    panel: Panel
    folds: list[Origins]
    horizon: int
    evaluation: EvaluationConfig

    @property
    def season_length(self) -> int:
        """Steps of a season, the lag of the naive forecast; 1 for none."""
        return self.evaluation.seasons(self.panel)

    @property
    def origins(self) -> Origins:
        """All folds' origins, oldest fold first."""
        return Origins(
            series=np.concatenate([fold.series for fold in self.folds]),
            ends=np.concatenate([fold.ends for fold in self.folds]),
        )

    @property
    def baseline_names(self) -> tuple[str, ...]:
        """Names of the simple baselines, without a season no seasonal naive forecast.

        The promotion gate compares a version with the best of them.
        """
        return tuple(
            rule for rule in RULES if rule != "seasonal_naive" or self.season_length > 1
        )

    def backtest(
        self, fits: Mapping[str, Fit], levels: tuple[float, ...] | None = None
    ) -> pd.DataFrame:
        """Forecast every fold with every model.

        Args:
            fits: functions that fit a model to a panel, by name of the model.
            levels: of the intervals, in percent; default those of the evaluation.
        """
        return backtest(
            fits,
            self.panel,
            self.folds,
            horizon=self.horizon,
            levels=self.evaluation.levels if levels is None else levels,
            refit=self.evaluation.refit,
        )

    def backtest_baselines(
        self, *, seq_len: int, intervals: IntervalMethod
    ) -> pd.DataFrame:
        """Backtest the simple baselines and the zero-shot forecast.

        Args:
            seq_len: window of the autoregression, shortened so that it fits all series.
            intervals: method of the intervals of the simple baselines.
        """
        shortest = int(self.folds[0].ends.min())
        seq_len = min(seq_len, max(shortest - self.horizon, 1))
        fits: dict[str, Any] = {
            rule: Baseline(
                rule,
                seq_len=seq_len,
                horizon=self.horizon,
                season_length=self.season_length,
                intervals=intervals,
            ).fit
            for rule in self.baseline_names
        }
        if shortest >= MIN_HISTORY:
            fits[ZERO_SHOT] = ZeroShotBaseline(
                horizon=self.horizon,
                season_length=self.evaluation.season_length,
                levels=self.evaluation.levels,
            ).fit
        return self.backtest(fits)

    def scores(self, table: pd.DataFrame) -> pd.DataFrame:
        """Score the models of a backtest, best first.

        The columns ``skill_lower`` and ``skill_upper`` are the interval of the skill.
        """
        scores = score(
            table,
            self.panel,
            self.folds,
            season_length=self.season_length,
            metric=self.evaluation.metric,
        )
        if "skill" not in scores:
            return scores
        return scores.join(skill_intervals(self.paired_errors(table)))

    def scores_by_step(self, table: pd.DataFrame) -> pd.DataFrame:
        """Score the models of a backtest at every step ahead."""
        return score_by_step(
            table, self.panel, self.folds, season_length=self.season_length
        )

    def scores_by_series(self, table: pd.DataFrame) -> pd.DataFrame:
        """Score the models of a backtest on every series."""
        return score_by_series(
            table, self.panel, self.folds, season_length=self.season_length
        )

    def paired_errors(self, table: pd.DataFrame) -> PairedErrors:
        """Measure models on the same origins, for tests of their differences."""
        return PairedErrors.of(
            table,
            self.panel,
            self.folds,
            season_length=self.season_length,
            metric=self.evaluation.metric,
        )

    def best_baseline(self, errors: PairedErrors) -> str:
        """Return the name of the baseline with the lowest error."""
        return min(self.baseline_names, key=lambda name: errors.errors[name])

    def evidence(self, table: pd.DataFrame, label: str) -> Evidence:
        """Return the evidence for a model of a backtest, beside the baselines."""
        return Evidence(
            folds=len(self.folds),
            origins=len(self.origins),
            series=len(self.folds[0]),
            skill=self.paired_errors(table).skill(label),
        )
