"""Experiment: the series and folds of a job, and backtests of models on them."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from forecasting.covariates.encoding import check_names, check_static, check_strategy
from forecasting.data.panel import Panel
from forecasting.data.splits import Origins, observed_by
from forecasting.devices import check_precision, pick_device
from forecasting.errors import MAX_SHOWN, join_shown
from forecasting.evaluation.backtest import backtest
from forecasting.evaluation.baselines import RULES, Baseline
from forecasting.evaluation.scores import score, score_by_step
from forecasting.evaluation.skill import Evidence, PairedErrors, skill_intervals
from forecasting.forecaster.fine_tuning import check_start
from forecasting.forecaster.forecaster import Forecaster
from forecasting.scaling.normalization import Normalizer
from forecasting.training import EpochRecord
from forecasting.types import BoolArray
from pipelines.config.job import Job
from pipelines.config.presets import fill_preset, min_history
from pipelines.config.windows import fill_windows
from pipelines.output.evidence import count, make_caption
from pipelines.tracking.data_summary import DataSummary

if TYPE_CHECKING:  # a backtest does not import MLflow
    from pipelines.jobs.fine_tuning import PretrainedModel

OnEpoch = Callable[[EpochRecord], None]


@dataclass(frozen=True, slots=True)
class BacktestResult:
    """The backtest of one model, fitted on the observations before the folds.

    Attributes:
        label: name of the model in the leaderboard: the cell, or the guarded cell.
        forecaster: the model fitted before the first fold (before the last, if the
            model is fitted again at every fold).
        table: one row per series, cutoff and step; the networks by themselves follow
            where a guard chooses between them and simple forecasts.
        seconds: duration of fitting and forecasting.
    """

    label: str
    forecaster: Forecaster
    table: pd.DataFrame
    seconds: float


class Experiment:
    """The checked series of a job and the folds of its backtest.

    The settings of the job's preset are chosen on the observations before the folds.

    Args:
        job: model, training and evaluation.
        panel: series of the job; None to read them.
        pretrained: model to fine-tune; None to train from random weights.

    Raises:
        DataError: the series cannot be used. Nothing has been written.
        SettingError: the settings do not fit the series or this machine.
    """

    def __init__(
        self,
        job: Job,
        panel: Panel | None = None,
        pretrained: "PretrainedModel | None" = None,
    ) -> None:
        self.pretrained = pretrained
        device = make_forecaster(job).config.check()
        if panel is None:
            panel = job.read_panel() if pretrained is None else pretrained.read(job)
        self.panel: Panel = panel
        check_names(self.panel)
        self.notes = self.panel.notes
        if pretrained is None:
            job, notes = fill_windows(job, self.panel)
            self.notes += notes
        self.horizon = job.windows.horizon
        self.season_length = job.evaluation.seasons(self.panel)
        self.folds = job.evaluation.origins(
            self.panel, seq_len=min_history(job), horizon=self.horizon
        )
        if pretrained is None:
            job, reasons = fill_preset(job, observed_by(self.panel, self.folds[0]))
            self.notes += reasons
        check_precision(device, job.training.precision, job.model.cell)
        self.job = job
        self.notes += self._describe_short_series()
        if job.model.normalization != "auto":  # a method may refuse these values
            Normalizer.fit(
                self.panel, job.model.normalization, seq_len=job.windows.seq_len
            )
        check_static(self.panel)
        check_strategy(job.model.strategy, job.data.past_covariates)
        if pretrained is not None:
            config = make_forecaster(job).config
            check_start(pretrained.forecaster.trained, config, self.panel)
            self.folds, notes = pretrained.select_unseen_folds(self.panel, self.folds)
            self.notes += notes

    @cached_property
    def summary(self) -> DataSummary:
        """Summary of the series, for the promotion gate."""
        return DataSummary.of(self.panel)

    @property
    def settings(self) -> dict[str, Any]:
        """Values that were chosen for the settings that the job leaves open."""
        data, schema = dict(self.job.data), dict(self.panel.schema.to_plain())
        return {
            **{
                f"data.{name}": schema[name]
                for name, value in data.items()
                if value is None and schema.get(name) is not None
            },
            "evaluation.folds": len(self.folds),
            "evaluation.season_length": self.season_length,
            "training.device": str(pick_device(self.job.training.device)),
        }

    @property
    def origins(self) -> Origins:
        """All folds' origins, oldest fold first."""
        return Origins(
            series=np.concatenate([fold.series for fold in self.folds]),
            ends=np.concatenate([fold.ends for fold in self.folds]),
        )

    @property
    def baseline_names(self) -> tuple[str, ...]:
        """Names of the baselines; without a season, no seasonal naive forecast."""
        return tuple(
            rule for rule in RULES if rule != "seasonal_naive" or self.season_length > 1
        )

    @cached_property
    def baselines(self) -> pd.DataFrame:
        """Backtest of the baselines; the autoregression's window fits all series."""
        shortest = int(self.folds[0].ends.min())
        seq_len = min(self.job.windows.seq_len, max(shortest - self.horizon, 1))
        return self._backtest(
            {
                rule: Baseline(
                    rule,
                    seq_len=seq_len,
                    horizon=self.horizon,
                    season_length=self.season_length,
                    intervals=self.job.model.intervals,
                ).fit
                for rule in self.baseline_names
            },
            self.job.evaluation.levels,
        )

    def evaluate(self, job: Job, on_epoch: OnEpoch | None = None) -> BacktestResult:
        """Fit the job's model before the folds and backtest it on them."""
        start_seconds = time.perf_counter()
        cell, has_guard = job.model.cell, job.model.guard
        label = f"guarded {cell}" if has_guard else cell
        fitted: list[Forecaster] = []

        def fit(panel: Panel) -> Forecaster:
            first = fitted[0] if fitted else None
            fitted.append(self._fit(job, panel, on_epoch, first))
            return fitted[-1]

        table = self._backtest({label: fit}, job.evaluation.levels)
        if has_guard:
            alone = (forecaster.without_guard() for forecaster in fitted)
            networks = self._backtest({cell: lambda _: next(alone)}, levels=())
            table = pd.concat([table, networks], ignore_index=True)
        seconds = time.perf_counter() - start_seconds
        return BacktestResult(label, fitted[-1], table, seconds)

    def fit_final_model(
        self, job: Job, result: BacktestResult, on_epoch: OnEpoch | None = None
    ) -> Forecaster:
        """Fit the job's model on all observations, calibrated by its backtest.

        The normalization, and the method that forecasts each series, are those of the
        backtested model: its figures hold for the final one.
        """
        forecaster = self._fit(job, self.panel, on_epoch, result.forecaster)
        served = result.table[result.table["model"] == result.label]
        points = served["point"].to_numpy().reshape(-1, self.horizon)
        return forecaster.calibrate(self.panel, self.origins, points)

    def _describe_short_series(self) -> tuple[str, ...]:
        """Return notes on the series that training or the backtest leaves out."""
        lengths, config = self.panel.lengths, make_forecaster(self.job).config
        untrained = lengths < config.min_length
        untested = ~untrained
        untested[self.folds[0].series] = False
        unforecast = lengths < config.min_history
        outcome = ""
        if unforecast.any():
            outcome = "; not forecast"
            if self.job.model.guard:
                outcome = "; forecast by the last value"
            if not unforecast[untrained].all():
                outcome += f" below {config.min_history} observations"
        notes = []
        if untrained.any():
            notes.append(
                f"{int(untrained.sum())} series too short for a window of "
                f"{config.min_length}, left out of training and backtest"
                f"{outcome}: {self._name_lengths(untrained)}"
            )
        if untested.any():
            notes.append(
                f"{int(untested.sum())} series too short for the folds, left out of "
                f"the backtest: {self._name_lengths(untested)}"
            )
        return tuple(notes)

    def _name_lengths(self, mask: BoolArray) -> str:
        places = np.flatnonzero(mask)
        names = [
            f"{self.panel.series_ids[place]!r} ({self.panel.lengths[place]})"
            for place in places[:MAX_SHOWN]
        ]
        return join_shown(names, len(places))

    def scores(self, table: pd.DataFrame) -> pd.DataFrame:
        """Score the models of a backtest, best first.

        The columns ``skill_lower`` and ``skill_upper`` are the interval of the skill.
        """
        scores = score(
            table,
            self.panel,
            self.folds,
            season_length=self.season_length,
            metric=self.job.evaluation.metric,
        )
        if "skill" not in scores:
            return scores
        return scores.join(skill_intervals(self.paired_errors(table)))

    def paired_errors(self, table: pd.DataFrame) -> PairedErrors:
        """Measure models on the same origins, for tests of their differences."""
        return PairedErrors.of(
            table,
            self.panel,
            self.folds,
            season_length=self.season_length,
            metric=self.job.evaluation.metric,
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

    def caption(self, scores: pd.DataFrame, label: str, answers: str) -> str:
        """Return a plot's title: the methods, and the score with its evidence.

        Args:
            scores: the leaderboard.
            label: name of the model in it.
            answers: the methods that answer, in words.
        """
        folds, series = len(self.folds), len(self.folds[0])
        metric = self.job.evaluation.metric
        size = f"{count(folds, 'fold')} of {count(series, 'series', 'series')}"
        score = f"{metric} {float(scores[metric][label]):.4g} on {size}"
        return make_caption(label, answers, score)

    def scores_by_step(self, table: pd.DataFrame) -> pd.DataFrame:
        """Score the models of a backtest at every step ahead."""
        return score_by_step(
            table, self.panel, self.folds, season_length=self.season_length
        )

    def _fit(
        self,
        job: Job,
        panel: Panel,
        on_epoch: OnEpoch | None,
        first: Forecaster | None,
    ) -> Forecaster:
        """Fit a job's model with the normalization and methods of an earlier fit."""
        if first is not None:
            model = replace(job.model, normalization=first.trained.method)
            job = job.model_copy(update={"model": model})
        forecaster = make_forecaster(job)
        start = None if self.pretrained is None else self.pretrained.forecaster
        return forecaster.fit(panel, start=start, choices=first, on_epoch=on_epoch)

    def _backtest(
        self, fits: dict[str, Any], levels: tuple[float, ...]
    ) -> pd.DataFrame:
        return backtest(
            fits,
            self.panel,
            self.folds,
            horizon=self.horizon,
            levels=levels,
            refit=self.job.evaluation.refit,
        )


def make_forecaster(job: Job) -> Forecaster:
    """Return the untrained forecaster of a job."""
    return Forecaster(windows=job.windows, model=job.model, training=job.training)
