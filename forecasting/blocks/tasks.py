"""Backtests and fits of the series of one block, each by a model of its own.

Each model is that of `forecasting.forecaster.forecaster.Forecaster` on a panel of that
series alone: training, guard, backtest and calibration.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import numpy as np
import torch

from forecasting.data.panel import Panel
from forecasting.data.splits import Origins
from forecasting.errors import ForecastingError, SeriesFailed
from forecasting.evaluation.backtest import forecast_folds
from forecasting.forecaster.forecaster import Forecaster
from forecasting.forecaster.local.packing import PackedModels
from forecasting.forecaster.trained_model import ForecasterConfig
from forecasting.selection.guard import Rungs
from forecasting.training import TrainingState
from forecasting.types import FloatArray, IntArray

METHODS, BASES = "methods", "bases"  # facts of a backtested block
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class BlockResult:
    """Result of the work on a block, in a form that crosses processes and files.

    Attributes:
        arrays: by name.
        facts: numbers and text that JSON can hold.
    """

    arrays: dict[str, np.ndarray]
    facts: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def from_state(cls, state: TrainingState) -> "BlockResult":
        """Return the result in a checkpoint."""
        arrays = {name: tensor.numpy() for name, tensor in state.tensors.items()}
        return cls(arrays, state.facts)

    def to_state(self) -> TrainingState:
        """Return the result in the form of a checkpoint."""
        tensors = {k: torch.from_numpy(array) for k, array in self.arrays.items()}
        return TrainingState(tensors, self.facts)


@dataclass(frozen=True, slots=True)
class Choice:
    """Normalisation and method of a series, chosen by an earlier fit."""

    normalization: str
    rungs: Rungs | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockTask:
    """Series of a block, with the settings of their models.

    Attributes:
        panel: the series.
        config: settings of each model.
        ends: observations before each fold, oldest first, ``(series, folds)``.
        levels: central intervals of the backtest, in percent.
        refit: fit at every cutoff of the backtest instead of once.
        choices: for a fit on all observations, the choices of the backtest of each
            series; None for a series without one.
        points: forecasts of that backtest, ``(series, folds, horizon)``.
    """

    panel: Panel
    config: ForecasterConfig
    ends: IntArray
    levels: tuple[float, ...] = ()
    refit: bool = False
    choices: Sequence[Choice | None] = ()
    points: FloatArray | None = None


def backtest_block(task: BlockTask) -> BlockResult:
    """Backtest a model of each series.

    Returns:
        Arrays ``points`` and, with a guard, ``networks``, ``(folds, series, horizon)``
        each; ``bounds``, ``(folds, 2 * levels, series, horizon)``, the lower ones of
        every level first; ``epochs`` and ``losses`` of the validation, ``(series,)``;
        ``defaults`` and ``rungs`` of the guard, ``(series,)``. Facts: the
        normalisations and the bases of the guard.

    Raises:
        SeriesFailed: a model could not be trained; names its series.
    """
    rows = _map_series(task, partial(_backtest_series, task))
    arrays = {
        name: np.stack([row[name] for row, _ in rows], axis)
        for name, axis in _AXES.items()
        if name in rows[0][0]
    }
    choices = [choice for _, choice in rows]
    facts = {METHODS: [str(choice.normalization) for choice in choices]}
    rungs = [choice.rungs for choice in choices if choice.rungs is not None]
    if rungs:
        facts[BASES] = [rung.basis for rung in rungs]
        arrays["defaults"] = np.array([rung.default for rung in rungs])
        arrays["rungs"] = np.array([int(rung.by_series[0]) for rung in rungs])
    return BlockResult(arrays, facts)


_AXES = {"points": 1, "networks": 1, "bounds": 2, "epochs": 0, "losses": 0}


def fit_block(task: BlockTask) -> BlockResult:
    """Fit a model of each series on all observations, calibrated by its backtest.

    Returns:
        The models, see `PackedModels.to_artifact`.

    Raises:
        SeriesFailed: a model could not be trained; names its series.
    """
    models = _map_series(task, partial(_fit_series, task))
    config, tensors = PackedModels.of(
        [forecaster.trained.as_global() for forecaster in models]
    ).to_artifact()
    return BlockResult({k: tensor.numpy() for k, tensor in tensors.items()}, config)


def read_choices(result: BlockResult) -> list[Choice]:
    """Return the choices of a backtested block, one a series."""
    methods = result.facts[METHODS]
    if "rungs" not in result.arrays:
        return [Choice(method, None) for method in methods]
    defaults, rungs = (result.arrays[name].tolist() for name in ("defaults", "rungs"))
    return [
        Choice(method, Rungs(default=default, by_series=np.array([rung]), basis=basis))
        for method, default, rung, basis in zip(
            methods, defaults, rungs, result.facts[BASES], strict=True
        )
    ]


def _map_series(task: BlockTask, work: Callable[[Panel, int], Result]) -> list[Result]:
    """Return the result of each series, a panel of its own."""
    panel, results = task.panel, []
    for place, name in enumerate(panel.series_ids):
        try:
            results.append(work(panel.select(np.array([place])), place))
        except ForecastingError as error:
            raise SeriesFailed(name, str(error)) from error
    return results


def _backtest_series(
    task: BlockTask, panel: Panel, place: int
) -> tuple[dict[str, FloatArray | IntArray], Choice]:
    """Return the arrays of a backtest, without the axis of the series."""
    horizon, fitted = task.config.windows.horizon, list[Forecaster]()
    folds = _origins(task.ends[place])

    def fit(seen: Panel) -> Forecaster:
        choice = _choice_of(fitted[0]) if fitted else None
        fitted.append(_fit(task.config, seen, choice))
        return fitted[-1]

    points, bounds = [], []
    for _, forecast, intervals in forecast_folds(
        fit, panel, folds, horizon=horizon, levels=task.levels, refit=task.refit
    ):
        points.append(forecast[0])
        sides = [[pair[side][0] for pair in intervals.values()] for side in (0, 1)]
        bounds.append(np.array([*sides[0], *sides[1]]).reshape(-1, horizon))
    first = [r for r in fitted[0].history if not r.refit]
    arrays: dict[str, FloatArray | IntArray] = {
        "points": np.stack(points),
        "bounds": np.stack(bounds),
        "epochs": np.array(max(record.epoch for record in first)),
        "losses": np.array(min(record.validation_loss for record in first)),
    }
    if task.config.model.guard:
        alone = [forecaster.without_guard() for forecaster in fitted]
        arrays["networks"] = np.concatenate(
            [
                alone[fold if task.refit else 0].forecast_at(panel, origins, horizon)
                for fold, origins in enumerate(folds)
            ]
        )
    return arrays, _choice_of(fitted[-1])


def _fit_series(task: BlockTask, panel: Panel, place: int) -> Forecaster:
    choice = task.choices[place]
    forecaster = _fit(task.config, panel, choice)
    if choice is None or task.points is None:
        return forecaster
    folds = task.ends[place]
    origins = Origins(series=np.zeros_like(folds), ends=folds)
    return forecaster.calibrate(panel, origins, task.points[place])


def _fit(config: ForecasterConfig, panel: Panel, choice: Choice | None) -> Forecaster:
    rungs = None
    if choice is not None:
        config = config.replace_model(normalization=choice.normalization)
        rungs = choice.rungs
    forecaster = Forecaster(
        windows=config.windows, model=config.model, training=config.training
    )
    return forecaster.fit(panel, choices=rungs)


def _choice_of(forecaster: Forecaster) -> Choice:
    trained = forecaster.trained.as_global()
    guard = trained.guard
    rungs = None if guard is None else guard.rungs_of(np.zeros(1, dtype=np.int64))
    return Choice(trained.method, rungs)


def _origins(ends: IntArray) -> Sequence[Origins]:
    first = np.zeros(1, dtype=np.int64)
    return [Origins(series=first, ends=np.array([end])) for end in ends.tolist()]
