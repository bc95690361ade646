"""The track record of a model: figures of its backtest, history, past forecasts.

It holds what is needed to draw a model without the file that it was trained on. All
figures are of the forecasts that the model would have served, the choice of a guard
included.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from forecasting.data.panel import Panel
from forecasting.track_record.facts import TrainingFacts
from forecasting.types import FloatArray, IntArray

Scores = Mapping[str, float]  # of a model, by metric; NaN where undefined


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Figures of a backtest over all series that were tested.

    Attributes:
        label: the served model in ``leaderboard``.
        baseline: the simple baseline with the lowest error.
        metric: that of the ranking.
        season_length: steps of a season.
        levels: of the central intervals, in percent, ascending.
        horizon: steps ahead.
        folds: number of cutoffs.
        origins: number of forecasts, one for each tested series and fold.
        evidence: size of the backtest and interval of the skill, in words.
        leaderboard: scores by model, the best first.
        by_step: mean absolute error by model, a value for each step.
        methods: number of series that each method forecasts, most frequent first.
    """

    label: str
    baseline: str
    metric: str
    season_length: int
    levels: tuple[float, ...]
    horizon: int
    folds: int
    origins: int
    evidence: str
    leaderboard: Mapping[str, Scores]
    by_step: Mapping[str, tuple[float, ...]]
    methods: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesFigures:
    """Figures of each series, in the order of the training data.

    Attributes:
        series_ids: names, ``(series,)``.
        methods: method that forecasts each series; empty for none, ``(series,)``.
        observations: number of observations, ``(series,)``.
        first, last: its first and last timestamp, ``(series,)``.
        mae: mean absolute error of the served model in the unit of the data; NaN
            where the series was not tested, ``(series,)``.
        baseline_mae: the same of the best baseline, ``(series,)``.
        coverage: share of the actual values inside each interval, 0 to 1,
            ``(series, levels)``.
    """

    series_ids: tuple[str, ...]
    methods: tuple[str, ...]
    observations: IntArray
    first: npt.NDArray[Any]
    last: npt.NDArray[Any]
    mae: FloatArray
    baseline_mae: FloatArray
    coverage: FloatArray

    def __len__(self) -> int:
        return len(self.series_ids)

    def head(self, count: int) -> "SeriesFigures":
        """Return the figures of the first series."""
        return SeriesFigures(
            series_ids=self.series_ids[:count],
            methods=self.methods[:count],
            observations=self.observations[:count],
            first=self.first[:count],
            last=self.last[:count],
            mae=self.mae[:count],
            baseline_mae=self.baseline_mae[:count],
            coverage=self.coverage[:count],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PastForecasts:
    """Forecasts of a backtest, of the series that took part in it.

    Attributes:
        series: position of each tested series in the history, ascending, ``(tested,)``.
        ends: observations before each cutoff, oldest first, ``(tested, folds)``.
        points: forecasts of the served model, ``(tested, folds, horizon)``.
        baseline: forecasts of the best baseline, ``(tested, folds, horizon)``.
        bounds: of the intervals, lower ones of all levels first,
            ``(2 * levels, tested, folds, horizon)``.
    """

    series: IntArray
    ends: IntArray
    points: FloatArray
    baseline: FloatArray
    bounds: FloatArray

    def head(self, count: int) -> "PastForecasts":
        """Return the forecasts of the first tested series (copies)."""
        return PastForecasts(
            series=self.series[:count].copy(),
            ends=self.ends[:count].copy(),
            points=self.points[:count].copy(),
            baseline=self.baseline[:count].copy(),
            bounds=self.bounds[:, :count].copy(),
        )

    def places(self, panel: Panel) -> IntArray:
        """Return the position of each forecast step in the values of the history.

        Args:
            panel: the history.

        Returns:
            ``(tested, folds, horizon)``.
        """
        starts = panel.offsets[self.series][:, None] + self.ends
        return np.asarray(starts[:, :, None] + np.arange(self.points.shape[2]))


@dataclass(frozen=True, kw_only=True)
class TrackRecord:
    """Figures, history and past forecasts of a registered model.

    Attributes:
        evaluation: figures over all series.
        figures: figures of each series.
        history: target and known covariates of the first series, with those of the
            steps ahead where the training data had them.
        backtest: forecasts of these series from past cutoffs.
        num_series: number of series of the training data.
        facts: origin of the model, for its report.
    """

    evaluation: Evaluation
    figures: SeriesFigures
    history: Panel
    backtest: PastForecasts
    num_series: int
    facts: TrainingFacts = field(default_factory=TrainingFacts)

    @property
    def left_out(self) -> int:
        """Number of series without a stored history, because of its size."""
        return self.num_series - len(self.history)

    @cached_property
    def places(self) -> dict[str, int]:
        """Position of each series in ``figures``, by id."""
        return {name: place for place, name in enumerate(self.figures.series_ids)}

    @cached_property
    def folded(self) -> tuple[str, ...]:
        """Names of the series in ``figures`` for a search that ignores capitals."""
        return tuple(name.casefold() for name in self.figures.series_ids)

    @cached_property
    def by_name(self) -> list[int]:
        """Positions in ``figures`` in the order of the names."""
        return sorted(range(len(self.folded)), key=self.folded.__getitem__)

    @cached_property
    def by_error(self) -> list[int]:
        """Positions in ``figures``, largest error first, untested series last."""
        return list(np.argsort(-self.figures.mae, kind="stable").tolist())

    @cached_property
    def tested(self) -> dict[int, int]:
        """Row in ``backtest`` of each tested series, by position in ``history``."""
        return {place: row for row, place in enumerate(self.backtest.series.tolist())}

    @cached_property
    def actual(self) -> FloatArray:
        """Values that came, ``(tested, folds, horizon)``."""
        return np.asarray(self.history.values[self.backtest.places(self.history)])

    @cached_property
    def num_bytes(self) -> int:
        """Bytes of all arrays and names."""
        figures, history, past = self.figures, self.history, self.backtest
        arrays: list[npt.NDArray[Any]] = [
            *(figures.observations, figures.first, figures.last),
            *(figures.mae, figures.baseline_mae, figures.coverage),
            *(history.values, history.offsets, history.timestamps),
            *history.covariates.values(),
            *(ahead.values for ahead in history.future.values()),
            *(past.series, past.ends, past.points, past.baseline, past.bounds),
        ]
        names = sum(map(len, figures.series_ids))
        return sum(int(array.nbytes) for array in arrays) + names
