"""Experiment with a model a series: backtests and fits by blocks of series."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from forecasting.blocks.processes import Work, run_blocks, split_blocks
from forecasting.blocks.tasks import (
    BlockResult,
    BlockTask,
    Choice,
    backtest_block,
    fit_block,
    read_choices,
)
from forecasting.data.forecast import Intervals
from forecasting.errors import SettingError
from forecasting.evaluation.backtest import forecast_table
from forecasting.evaluation.scores import NAIVE, score_by_series
from forecasting.forecaster.forecaster import Forecaster
from forecasting.forecaster.local.models import LocalModels, describe_normalizations
from forecasting.forecaster.local.packing import PackedModels
from forecasting.selection.guard import RUNGS
from forecasting.training.engines.distributed import num_processes
from forecasting.types import BoolArray, FloatArray, IntArray
from pipelines.config.job import Job
from pipelines.jobs.experiment import (
    BacktestResult,
    Experiment,
    OpenFolder,
    make_forecaster,
)

OnSeries = Callable[[int], None]
QUANTILES = (0.1, 0.5, 0.9)  # of the trainings, for the metrics


class LocalExperiment(Experiment):
    """The checked series of a job with a model a series.

    Series that are too short for a window have no model.

    Args:
        job: model, training and evaluation.
        open_folder: see `Experiment`.

    Raises:
        DataError: see `Experiment`.
        SettingError: see `Experiment`; or there are covariates, or torchrun has
            started several processes.
    """

    def __init__(self, job: Job, open_folder: OpenFolder | None = None) -> None:
        if num_processes() > 1:
            job.check_for_each("torchrun: recast starts the processes itself")
        _refuse_covariates(job)
        if job.training.device == "auto":  # small networks: a core each is fastest
            job = job.replace({"training.device": "cpu"})
        super().__init__(job, open_folder=open_folder)
        self._config = make_forecaster(self.job).config
        self.trained = np.flatnonzero(self.panel.lengths >= self._config.min_length)

    def _describe_unforecast(self, untrained: BoolArray) -> str:
        """Return in words the forecast of untrained series: they have no model."""
        return "; not forecast"

    @property
    def num_models(self) -> int:
        """Number of series that have a model."""
        return len(self.trained)

    @property
    def _ends(self) -> IntArray:
        """Observations before each fold, of the series in the folds."""
        return np.stack([fold.ends for fold in self.folds], axis=1)

    def evaluate_each(self, on_series: OnSeries | None = None) -> BacktestResult:
        """Fit a model of each series before the folds and backtest it on them.

        Args:
            on_series: called with the number of series that are done.
        """
        started, evaluation = time.perf_counter(), self.job.evaluation
        series, ends = self.folds[0].series, self._ends
        tasks = [
            BlockTask(
                panel=self.panel.select(series[block]),
                config=self._config,
                ends=ends[block],
                levels=evaluation.levels,
                refit=evaluation.refit,
            )
            for block in split_blocks(len(series))
        ]
        blocks = self._run(backtest_block, tasks, "backtest", on_series)
        model = self.job.model
        label = model.label
        table = self._make_table(label, blocks, "points")
        if model.guard:
            networks = self._make_table(model.cell, blocks, "networks")
            table = pd.concat([table, networks], ignore_index=True)
        choices = [choice for block in blocks for choice in read_choices(block)]
        return BacktestResult(
            label,
            table,
            time.perf_counter() - started,
            normalization=describe_normalizations(c.normalization for c in choices),
            methods=_count_methods(choices),
            blocks=tuple(blocks),
        )

    def fit_each(
        self, result: BacktestResult, on_series: OnSeries | None = None
    ) -> Forecaster:
        """Fit a model of each series on all observations, calibrated by its backtest.

        The normalization, and the method that forecasts, are those of the backtest.

        Args:
            result: of `evaluate_each`.
            on_series: called with the number of series that are done.
        """
        choices = [choice for block in result.blocks for choice in read_choices(block)]
        points = np.concatenate([block.arrays["points"] for block in result.blocks], 1)
        rows = np.full(len(self.panel), -1)
        rows[self.folds[0].series] = np.arange(len(choices))
        tasks = []
        for block in split_blocks(self.num_models):
            series = self.trained[block]
            row = rows[series]
            tasks.append(
                BlockTask(
                    panel=self.panel.select(series),
                    config=self._config,
                    ends=self._ends[row],
                    choices=[choices[r] if r >= 0 else None for r in row.tolist()],
                    points=points[:, row].swapaxes(0, 1),
                )
            )
        fitted = self._run(fit_block, tasks, "final", on_series)
        return Forecaster.of(LocalModels(PackedModels.join(map(_unpack, fitted))))

    def score_series(self, result: BacktestResult) -> pd.DataFrame:
        """Return a row a series: method, normalization, training, errors and skill.

        Args:
            result: of `evaluate_each`.
        """
        choices = [choice for block in result.blocks for choice in read_choices(block)]
        arrays = {
            name: np.concatenate([block.arrays[name] for block in result.blocks])
            for name in ("epochs", "losses")
        }
        series = self.folds[0].series
        table = pd.DataFrame(
            {
                "series_id": [
                    self.panel.series_ids[place] for place in series.tolist()
                ],
                "observations": self.panel.lengths[series],
                "method": [_method(choice) for choice in choices],
                "normalization": [choice.normalization for choice in choices],
                "epochs": arrays["epochs"],
                "validation_loss": arrays["losses"],
            }
        )
        errors = score_by_series(
            pd.concat([result.table, self.baselines], ignore_index=True),
            self.panel,
            self.folds,
            season_length=self.season_length,
        )
        served = table.join(errors.loc[result.label], on="series_id")
        naive = errors.loc[NAIVE]["mae"].reindex(table["series_id"]).to_numpy()
        with np.errstate(divide="ignore", invalid="ignore"):
            return served.assign(skill=1 - served["mae"].to_numpy() / naive)

    def _run(
        self,
        work: Work,
        tasks: Sequence[BlockTask],
        part: str,
        on_series: OnSeries | None,
    ) -> list[BlockResult]:
        """Run blocks; the part of the job names their checkpoints."""
        checkpoints = self.folder.checkpoints
        return run_blocks(
            work,
            tasks,
            checkpoints=None if checkpoints is None else checkpoints.under(part),
            on_series=on_series,
        )

    def _make_table(
        self, label: str, blocks: Sequence[BlockResult], name: str
    ) -> pd.DataFrame:
        """Return the backtest of all blocks, see `forecasting.evaluation.backtest`."""
        points = np.concatenate([block.arrays[name] for block in blocks], axis=1)
        bounds = np.concatenate([block.arrays["bounds"] for block in blocks], axis=2)
        levels = self.job.evaluation.levels if name == "points" else ()
        tables = []
        for fold, origins in enumerate(self.folds):
            intervals = _to_intervals(levels, bounds[fold])
            table = forecast_table(self.panel, origins, points[fold], intervals)
            table.insert(0, "model", label)
            table.insert(2, "fold", fold + 1)
            tables.append(table)
        return pd.concat(tables, ignore_index=True)


def summarise_trainings(result: BacktestResult) -> dict[str, float]:
    """Return quantiles over the series of epochs and of the best validation loss.

    The losses of each epoch of each series are not logged: they would be millions.

    Args:
        result: of `LocalExperiment.evaluate_each`.
    """
    metrics = {}
    for name, key in (("epochs", "epochs"), ("losses", "validation_loss")):
        values = np.concatenate([block.arrays[name] for block in result.blocks])
        for probability in QUANTILES:
            quantile = np.nanquantile(values, probability) if len(values) else np.nan
            metrics[f"training/{key}_q{100 * probability:.0f}"] = float(quantile)
    return metrics


def _refuse_covariates(job: Job) -> None:
    """Refuse settings that a model a series does not have.

    Raises:
        SettingError: the job has covariates, or features of the calendar.
    """
    data = dict(job.data)
    for role in ("known", "past", "static"):
        if columns := data[f"{role}_covariates"]:
            expected = f"left out with for_each: series (as {role}_covariates are then)"
            raise SettingError(f"data.{role}_covariates", list(columns), expected)
    if job.model.calendar_features:
        expected = "false with for_each: series"
        raise SettingError("model.calendar_features", True, expected)


def _method(choice: Choice) -> str:
    """Return the method that answers for a series."""
    if choice.rungs is None:
        return "network"
    return RUNGS[int(choice.rungs.by_series[0])]


def _count_methods(choices: Iterable[Choice]) -> dict[str, int]:
    return dict(Counter(map(_method, choices)).most_common())


def _to_intervals(levels: tuple[float, ...], bounds: FloatArray) -> Intervals:
    """Return bounds ``(2 * levels, series, horizon)`` as pairs by level, ascending."""
    ordered = sorted(levels)
    halves = bounds[: len(ordered)], bounds[len(ordered) :]
    pairs = zip(*halves, strict=True)
    return dict(zip(ordered, pairs, strict=True)) if ordered else {}


def _unpack(result: BlockResult) -> PackedModels:
    """Return the models of a fitted block."""
    tensors = {name: torch.from_numpy(array) for name, array in result.arrays.items()}
    return PackedModels.from_artifact(Path(), result.facts, tensors)
