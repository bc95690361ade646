"""The moments with the largest errors."""

from dataclasses import dataclass

import numpy as np

from forecasting.track_record.record import TrackRecord


@dataclass(frozen=True, slots=True)
class Moment:
    """A step of a past forecast.

    Attributes:
        series: position of the series in the history.
        fold: number of the cutoff, from 0.
        step: number of the step, from 0.
        actual, point: the value that came, and the forecast.
    """

    series: int
    fold: int
    step: int
    actual: float
    point: float


def find_worst_moments(record: TrackRecord, count: int) -> list[Moment]:
    """Return the steps of past forecasts with the largest errors, largest first."""
    actual, points = record.actual, record.backtest.points
    errors = np.abs(actual - points).ravel()
    count = min(count, len(errors))
    if not count:
        return []
    first = np.argpartition(-errors, count - 1)[:count]
    places = first[np.argsort(-errors[first], kind="stable")]
    rows, folds, steps = np.unravel_index(places, points.shape)
    return [
        Moment(
            series=int(record.backtest.series[row]),
            fold=int(fold),
            step=int(step),
            actual=float(actual[row, fold, step]),
            point=float(points[row, fold, step]),
        )
        for row, fold, step in zip(rows, folds, steps, strict=True)
    ]
