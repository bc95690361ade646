"""Track record of a finished backtest."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from forecasting.data.panel import Panel
from forecasting.data.schema import Schema
from forecasting.data.splits import Origins
from forecasting.track_record.bounds import count_figures, count_histories
from forecasting.track_record.facts import TrainingFacts
from forecasting.track_record.record import (
    Evaluation,
    PastForecasts,
    SeriesFigures,
    TrackRecord,
)
from forecasting.types import FloatArray


def build_record(
    evaluation: Evaluation,
    panel: Panel,
    folds: Sequence[Origins],
    table: pd.DataFrame,
    methods: Sequence[str],
    facts: TrainingFacts,
) -> TrackRecord:
    """Return the track record of a model.

    Args:
        evaluation: figures over all series.
        panel: series of the training.
        folds: origins of the backtest, oldest first, of the same series in order.
        table: backtest of the served model and of the best baseline, as returned by
            `forecasting.evaluation.backtest.backtest`.
        methods: method that forecasts each series; empty for none.
        facts: see `TrackRecord`.
    """
    history, past = _known_part(panel), _past_forecasts(evaluation, folds, table)
    figures = _measure(history, past, methods, len(evaluation.levels))
    shown = count_figures(figures.series_ids, len(evaluation.levels))
    stored = min(count_histories(history, past), shown)
    return TrackRecord(
        evaluation=evaluation,
        figures=figures.head(shown),
        history=history.select(np.arange(stored)),
        backtest=past.head(int(np.searchsorted(past.series, stored))),
        num_series=len(panel),
        facts=facts,
    )


def _known_part(panel: Panel) -> Panel:
    """Return the series with known covariates only, and without their schema."""
    names = [name for name, role in panel.roles.items() if role == "known"]
    return replace(
        panel,
        covariates={name: panel.covariates[name] for name in names},
        roles=dict.fromkeys(names, "known"),
        future={name: v for name, v in panel.future.items() if name in names},
        schema=Schema(),
        notes=(),
    )


def _past_forecasts(
    evaluation: Evaluation, folds: Sequence[Origins], table: pd.DataFrame
) -> PastForecasts:
    series = folds[0].series
    shape = len(folds), len(series), evaluation.horizon
    order = np.argsort(series, kind="stable")

    def arrange(rows: pd.DataFrame, column: str) -> FloatArray:
        """Return a column as ``(tested, folds, horizon)``."""
        values = rows[column].to_numpy(np.float64).reshape(shape)
        return np.ascontiguousarray(values.swapaxes(0, 1)[order])

    served = table[table["model"] == evaluation.label]
    simple = table[table["model"] == evaluation.baseline]
    names = [
        f"{side}_{level:g}"
        for side in ("lower", "upper")
        for level in evaluation.levels
    ]
    points = arrange(served, "point")
    bounds = [arrange(served, name) for name in names]
    return PastForecasts(
        series=series[order],
        ends=np.stack([fold.ends for fold in folds], axis=1)[order],
        points=points,
        baseline=arrange(simple, "point"),
        bounds=np.stack(bounds) if bounds else np.zeros((0, *points.shape)),
    )


def _measure(
    history: Panel, past: PastForecasts, methods: Sequence[str], num_levels: int
) -> SeriesFigures:
    """Return the figures of each series; NaN for those that were not tested."""
    actual = history.values[past.places(history)]
    mae, baseline_mae = np.full((2, len(history)), np.nan)
    coverage = np.full((len(history), num_levels), np.nan)
    mae[past.series] = np.abs(actual - past.points).mean(axis=(1, 2))
    baseline_mae[past.series] = np.abs(actual - past.baseline).mean(axis=(1, 2))
    lower, upper = past.bounds[:num_levels], past.bounds[num_levels:]
    inside = ((lower <= actual) & (actual <= upper)).mean(axis=(2, 3))
    coverage[past.series] = np.where(np.isnan(lower).all(axis=(2, 3)), np.nan, inside).T
    return SeriesFigures(
        series_ids=history.series_ids,
        methods=tuple(methods),
        observations=history.lengths,
        first=history.timestamps[history.offsets[:-1]],
        last=history.last_timestamps(),
        mae=mae,
        baseline_mae=baseline_mae,
        coverage=coverage,
    )
