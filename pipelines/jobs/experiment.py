"""Experiment: the series and folds of a job, and backtests of models on them."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch

from forecasting.blocks.tasks import BlockResult
from forecasting.covariates.encoding import check_names, check_static, check_strategy
from forecasting.data.panel import Panel
from forecasting.data.splits import observed_by
from forecasting.devices import check_precision, pick_device
from forecasting.display.wording import count, make_caption
from forecasting.errors import MAX_SHOWN, join_shown
from forecasting.evaluation.comparison import Comparison
from forecasting.forecaster.backtest import backtest_model, untrained
from forecasting.forecaster.fine_tuning import check_start
from forecasting.forecaster.forecaster import Forecaster
from forecasting.scaling.normalization import Normalizer
from forecasting.training import EpochRecord
from forecasting.types import BoolArray
from pipelines.checkpoints.work_folder import WorkFolder
from pipelines.config.job import Job, plain_training
from pipelines.config.presets import choose_preset, min_history
from pipelines.config.windows import fill_windows
from pipelines.tracking.data_summary import DataSummary

if TYPE_CHECKING:  # a backtest does not import MLflow
    from pipelines.jobs.fine_tuning import PretrainedModel

OnEpoch = Callable[[EpochRecord], None]
OpenFolder = Callable[[Job, Panel], WorkFolder]


@dataclass(frozen=True, slots=True)
class BacktestResult:
    """The backtest of one model, fitted on the observations before the folds.

    Attributes:
        label: name of the model in the leaderboard: the cell, or the guarded cell.
        table: one row per series, cutoff and step; the networks by themselves follow
            where a guard chooses between them and simple forecasts.
        seconds: duration of fitting and forecasting.
        normalization: the chosen one, in words.
        methods: number of series that each method forecasts, most frequent first.
        forecaster: the model fitted before the first fold (before the last, if the
            model is fitted again at every fold); None for a model a series.
        blocks: results by block of series, of a model a series.
    """

    label: str
    table: pd.DataFrame
    seconds: float
    normalization: str
    methods: Mapping[str, int]
    forecaster: Forecaster | None = None
    blocks: tuple[BlockResult, ...] = ()


class Experiment:
    """The checked series of a job and the folds of its backtest.

    The settings of the job's preset are chosen on the observations before the folds.

    Args:
        job: model, training and evaluation.
        panel: series of the job; None to read them.
        pretrained: model to fine-tune; None to train from random weights.
        open_folder: returns the folder of the unfinished work of the job on its
            series; None to keep none.

    Raises:
        DataError: the series cannot be used. Nothing has been written.
        SettingError: the settings do not fit the series or this machine.
    """

    def __init__(
        self,
        job: Job,
        panel: Panel | None = None,
        pretrained: "PretrainedModel | None" = None,
        open_folder: "OpenFolder | None" = None,
    ) -> None:
        self.pretrained = pretrained
        device = make_forecaster(job).config.check()
        if panel is None:
            panel = job.read_panel() if pretrained is None else pretrained.read(job)
        self.panel: Panel = panel
        check_names(self.panel)
        self.folder = WorkFolder() if open_folder is None else open_folder(job, panel)
        with self.folder.released_on_error():
            self._prepare(job, pretrained, device)

    def _prepare(
        self, job: Job, pretrained: "PretrainedModel | None", device: torch.device
    ) -> None:
        """Choose the settings that the job leaves open, and check all against them."""
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
            settings, reasons = self.folder.facts(
                "preset",
                lambda: choose_preset(job, observed_by(self.panel, self.folds[0])),
            )
            job = job.replace(settings)
            self.notes += tuple(reasons)
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
            check_start(pretrained.trained, config, self.panel)
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
    def comparison(self) -> Comparison:
        """Series, folds and settings that the models of the backtest share."""
        return Comparison(
            panel=self.panel,
            folds=self.folds,
            horizon=self.horizon,
            evaluation=self.job.evaluation,
        )

    @cached_property
    def baselines(self) -> pd.DataFrame:
        """Backtest of the simple baselines and of the zero-shot forecast.

        The autoregression's window fits all series.
        """
        job = self.job
        return self.folder.table(
            "baselines",
            lambda: self.comparison.backtest_baselines(
                seq_len=job.windows.seq_len, intervals=job.model.intervals
            ),
        )

    def evaluate(
        self, job: Job, on_epoch: OnEpoch | None = None, part: str = "backtest"
    ) -> BacktestResult:
        """Fit the job's model before the folds and backtest it on them.

        The part of the job names its checkpoints.
        """
        start_seconds = time.perf_counter()

        def fit(panel: Panel, first: Forecaster | None, number: int) -> Forecaster:
            place = f"{part} {job.model.cell}/fit {number}"
            return self._fit(job, panel, on_epoch, first, place)

        table, fitted = backtest_model(self.comparison, job.model, fit)
        seconds = time.perf_counter() - start_seconds
        trained = fitted[-1].trained
        return BacktestResult(
            job.model.label,
            table,
            seconds,
            normalization=trained.normalization,
            methods=trained.method_counts,
            forecaster=fitted[-1],
        )

    def fit_final_model(
        self, job: Job, result: BacktestResult, on_epoch: OnEpoch | None = None
    ) -> Forecaster:
        """Fit the job's model on all observations, calibrated by its backtest.

        The normalization, and the method that forecasts each series, are those of the
        backtested model: its figures hold for the final one.
        """
        first = result.forecaster
        forecaster = self._fit(job, self.panel, on_epoch, first, "final")
        served = result.table[result.table["model"] == result.label]
        points = served["point"].to_numpy().reshape(-1, self.horizon)
        return forecaster.calibrate(self.panel, self.comparison.origins, points)

    def _describe_short_series(self) -> tuple[str, ...]:
        """Return notes on the series that training or the backtest leaves out."""
        lengths, config = self.panel.lengths, make_forecaster(self.job).config
        untrained = lengths < config.min_length
        untested = ~untrained
        untested[self.folds[0].series] = False
        outcome = self._describe_unforecast(untrained)
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

    def _describe_unforecast(self, untrained: BoolArray) -> str:
        """Return in words the forecast of untrained series; empty for the network's."""
        min_history = make_forecaster(self.job).config.min_history
        unforecast = self.panel.lengths < min_history
        if not unforecast.any():
            return ""
        outcome = "; not forecast"
        if self.job.model.guard:
            outcome = "; forecast by the last value"
        if not unforecast[untrained].all():
            outcome += f" below {min_history} observations"
        return outcome

    def _name_lengths(self, mask: BoolArray) -> str:
        places = np.flatnonzero(mask)
        names = [
            f"{self.panel.series_ids[place]!r} ({self.panel.lengths[place]})"
            for place in places[:MAX_SHOWN]
        ]
        return join_shown(names, len(places))

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

    def _fit(
        self,
        job: Job,
        panel: Panel,
        on_epoch: OnEpoch | None,
        first: Forecaster | None,
        part: str,
    ) -> Forecaster:
        """Fit a job's model with the normalization and methods of an earlier fit.

        The part of the job names its checkpoints.
        """
        forecaster = untrained(make_forecaster(job).config, first)
        start = None if self.pretrained is None else self.pretrained.forecaster
        checkpoints = self.folder.checkpoints
        return forecaster.fit(
            panel,
            start=start,
            choices=first,
            on_epoch=on_epoch,
            checkpoints=None if checkpoints is None else checkpoints.under(part),
        )


def make_forecaster(job: Job) -> Forecaster:
    """Return the untrained forecaster of a job."""
    training = plain_training(job.training)
    return Forecaster(windows=job.windows, model=job.model, training=training)
