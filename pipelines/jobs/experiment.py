"""One set of series and folds, on which models are measured beside the baselines."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from forecasting.covariates.encoding import check_static, check_strategy
from forecasting.data.panel import Panel
from forecasting.data.splits import Origins
from forecasting.devices import check_precision
from forecasting.evaluation.backtest import backtest
from forecasting.evaluation.baselines import RULES, Baseline
from forecasting.evaluation.scores import score, score_by_step
from forecasting.forecaster.fit import check_settings
from forecasting.forecaster.forecaster import Forecaster
from forecasting.scaling.normalization import Normalizer
from forecasting.training import EpochRecord
from pipelines.config.job import Job
from pipelines.config.presets import fill_preset, history_needed

if TYPE_CHECKING:  # a backtest need not wait for MLflow
    from pipelines.jobs.fine_tuning import StartModel
OnEpoch = Callable[[EpochRecord], None]


@dataclass(frozen=True, slots=True)
class Measured:
    """A model that was fitted before the folds and tested on them.

    Attributes:
        label: its name in the leaderboard: the cell.
        forecaster: as it was fitted before the first fold (the last, with refit).
        table: its own rows of the backtest.
        seconds: that fitting and forecasting took.
    """

    label: str
    forecaster: Forecaster
    table: pd.DataFrame
    seconds: float


class Experiment:
    """A job's series, read and checked, and the folds they are tested on.

    The job's preset is filled in by what lies before the folds.

    Args:
        job: what to measure.
        panel: its series, where they have been read already.
        start: the model that training starts from, if it does.

    Raises:
        DataError: the series cannot be used. Nothing has been written by then.
        SettingError: nor can the settings, with these series or on this machine.
    """

    def __init__(
        self,
        job: Job,
        panel: Panel | None = None,
        start: "StartModel | None" = None,
    ) -> None:
        self.start = start
        device = check_settings(job.model, job.training)
        self.panel: Panel = job.read_panel() if panel is None else panel
        self.notes = self.panel.notes
        self.horizon = job.windows.horizon
        self.season_length = job.evaluation.seasons(self.panel)
        self.folds = job.evaluation.origins(
            self.panel, seq_len=history_needed(job), horizon=self.horizon
        )
        if start is None:
            job, reasons = fill_preset(job, self.panel.until(self.folds[0].ends))
            self.notes += reasons
        check_precision(device, job.training.precision, job.model.cell)
        self.job = job
        if job.model.normalization != "auto":  # it may not take these values
            Normalizer.fit(
                self.panel, job.model.normalization, seq_len=job.windows.seq_len
            )
        check_static(self.panel)
        check_strategy(job.model.strategy, job.data.past_covariates)
        if start is not None:
            start.forecaster.as_start().check(job.windows, job.model, self.panel)
            self.folds, said = start.keep_unseen(self.panel, self.folds)
            self.notes += said

    @property
    def origins(self) -> Origins:
        """All folds' origins, oldest fold first."""
        return Origins(
            series=np.concatenate([fold.series for fold in self.folds]),
            ends=np.concatenate([fold.ends for fold in self.folds]),
        )

    @property
    def baseline_names(self) -> tuple[str, ...]:
        """The baselines that make sense: no season, no seasonal naive forecast."""
        return tuple(
            rule for rule in RULES if rule != "seasonal_naive" or self.season_length > 1
        )

    @cached_property
    def baselines(self) -> pd.DataFrame:
        """The baselines' backtest; the autoregression's window fits all series."""
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
            }
        )

    def measure(self, job: Job, on_epoch: OnEpoch | None = None) -> Measured:
        """Fit the job's model before the folds and test it on them."""
        began = time.perf_counter()
        label = job.model.cell
        fitted: list[Forecaster] = []

        def fit(panel: Panel) -> Forecaster:
            fitted.append(self._fit(make_forecaster(job), panel, on_epoch))
            return fitted[-1]

        table = self._backtest({label: fit})
        return Measured(label, fitted[-1], table, time.perf_counter() - began)

    def finish(
        self, job: Job, measured: Measured, on_epoch: OnEpoch | None = None
    ) -> Forecaster:
        """Fit the job's model on everything; its backtest calibrates the intervals."""
        assert measured.forecaster.fitted is not None
        chosen = measured.forecaster.fitted.normalizer.method
        model = replace(job.model, normalization=chosen)
        forecaster = make_forecaster(job.model_copy(update={"model": model}))
        self._fit(forecaster, self.panel, on_epoch)
        points = measured.table["point"].to_numpy().reshape(-1, self.horizon)
        return forecaster.calibrate(self.panel, self.origins, points)

    def scores(self, table: pd.DataFrame) -> pd.DataFrame:
        """Score a backtest's models, best first."""
        return score(
            table,
            self.panel,
            self.folds,
            season_length=self.season_length,
            metric=self.job.evaluation.metric,
        )

    def scores_by_step(self, table: pd.DataFrame) -> pd.DataFrame:
        """Score a backtest's models at every step."""
        return score_by_step(
            table, self.panel, self.folds, season_length=self.season_length
        )

    def _fit(
        self, forecaster: Forecaster, panel: Panel, on_epoch: OnEpoch | None
    ) -> Forecaster:
        start = None if self.start is None else self.start.forecaster
        return forecaster.fit(panel, start=start, on_epoch=on_epoch)

    def _backtest(self, fits: dict[str, Any]) -> pd.DataFrame:
        return backtest(
            fits,
            self.panel,
            self.folds,
            horizon=self.horizon,
            levels=self.job.evaluation.levels,
            refit=self.job.evaluation.refit,
        )


def make_forecaster(job: Job) -> Forecaster:
    """Return the job's forecaster, untrained."""
    return Forecaster(windows=job.windows, model=job.model, training=job.training)
