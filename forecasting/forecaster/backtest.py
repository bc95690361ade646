"""Backtest of a forecaster on rolling origins: its fits, guard included."""

from collections.abc import Callable

import pandas as pd

from forecasting.data.panel import Panel
from forecasting.data.splits import Origins
from forecasting.evaluation.backtest import EvaluationConfig
from forecasting.evaluation.comparison import Comparison
from forecasting.evaluation.leaderboard import Backtest
from forecasting.forecaster.forecaster import Forecaster
from forecasting.forecaster.trained_model import ForecasterConfig
from forecasting.models.config import RecurrentConfig
from forecasting.training import EpochRecord

MIN_OBSERVATIONS = 2  # of a series, before its first test

# Fits a forecaster to a panel, with the choices of the first one and its number.
FitForecaster = Callable[[Panel, Forecaster | None, int], Forecaster]


def backtest_forecaster(
    config: ForecasterConfig,
    panel: Panel,
    evaluation: EvaluationConfig,
    on_epoch: Callable[[EpochRecord], None] | None = None,
) -> Backtest:
    """Train forecasters of some settings before the folds, and forecast these.

    Args:
        config: settings of the forecaster.
        panel: the series.
        evaluation: folds, refit, season length, levels, metric.
        on_epoch: called after each epoch.

    Raises:
        SeriesTooShort: no series leaves a window to train on before the folds.
        SettingError: the settings contradict each other.
    """
    config.check()
    horizon = config.windows.horizon
    comparison = Comparison(
        panel=panel,
        folds=find_folds(config, panel, evaluation),
        horizon=horizon,
        evaluation=evaluation,
    )

    def fit(earlier: Panel, first: Forecaster | None, number: int) -> Forecaster:
        return untrained(config, first).fit(earlier, choices=first, on_epoch=on_epoch)

    table, fitted = backtest_model(comparison, config.model, fit)
    baselines = comparison.backtest_baselines(
        seq_len=config.windows.seq_len, intervals=config.model.intervals
    )
    return Backtest(
        comparison=comparison,
        label=config.model.label,
        table=pd.concat([table, baselines], ignore_index=True),
        methods=fitted[-1].trained.method_counts,
    )


def backtest_model(
    comparison: Comparison, model: RecurrentConfig, fit: FitForecaster
) -> tuple[pd.DataFrame, list[Forecaster]]:
    """Backtest one model; the networks by themselves follow where there is a guard.

    Args:
        comparison: series, folds and settings.
        model: settings of the networks.
        fit: fits a forecaster to the observations before a fold, with the choices of
            the first one.

    Returns:
        A row a series, cutoff and step, and the forecasters in the order of their fits.
    """
    fitted: list[Forecaster] = []

    def fit_next(panel: Panel) -> Forecaster:
        fitted.append(fit(panel, fitted[0] if fitted else None, len(fitted)))
        return fitted[-1]

    table = comparison.backtest({model.label: fit_next})
    if model.guard:
        alone = (forecaster.without_guard() for forecaster in fitted)
        networks = comparison.backtest({model.cell: lambda _: next(alone)}, levels=())
        table = pd.concat([table, networks], ignore_index=True)
    return table, fitted


def untrained(config: ForecasterConfig, first: Forecaster | None) -> Forecaster:
    """Return an untrained forecaster with the normalization of an earlier fit."""
    if first is not None:
        method = first.trained.as_global().method
        config = config.replace_model(normalization=method)
    return Forecaster(
        windows=config.windows, model=config.model, training=config.training
    )


def find_folds(
    config: ForecasterConfig, panel: Panel, evaluation: EvaluationConfig
) -> list[Origins]:
    """Return the origins of the folds, oldest first; before them, series are trained.

    Raises:
        SeriesTooShort: no series leaves a window to train on before the folds.
    """
    shortest = max(config.min_history, MIN_OBSERVATIONS)
    return evaluation.origins(panel, seq_len=shortest, horizon=config.windows.horizon)
