"""Calibration of prediction intervals on forecast errors, by one of two methods.

    split      every error has the same weight: right if future errors are like past
               ones
    adaptive   errors are scaled by their window's volatility, and each level's width
               follows the misses: a miss widens it, a hit narrows it a little

The latter is adaptive conformal inference (Gibbs and Candes 2021): its long-run
coverage is the nominal one for any series. It moves the width by a factor instead of
moving the level, so that it can exceed the largest error so far. Its steps shrink with
time, down to `MIN_STEP` (Angelopoulos, Barber and Bates 2024): fast while there are few
errors, steady later, and always able to follow a drift.
"""

from dataclasses import dataclass, replace
from typing import Literal, Self, get_args

import numpy as np

from forecasting.intervals.table import LEVELS, IntervalTable
from forecasting.intervals.volatility import VolatilityScaling
from forecasting.types import FloatArray, IntArray

IntervalMethod = Literal["adaptive", "split"]
INTERVAL_METHODS: tuple[str, ...] = get_args(IntervalMethod)
MIN_STEP = 0.1  # of a factor's logarithm, for a share of misses 1 too high


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Errors of out-of-sample forecasts, and the interval table computed from them.

    Attributes:
        method: ``adaptive`` or ``split``.
        residuals: actual - forecast in units of the window, ``(origins, horizon)``;
            NaN = not observed.
        volatility: of the window before each origin, ``(origins,)``.
        factors: widening of the central levels 1 to 99 beyond the residuals' quantiles,
            ``(99,)``.
        moments: number of forecast times that have moved the factors.
        table: the resulting intervals.
    """

    method: IntervalMethod
    residuals: FloatArray
    volatility: FloatArray
    factors: FloatArray
    moments: int
    table: IntervalTable

    @classmethod
    def start(
        cls, residuals: FloatArray, volatility: FloatArray, method: IntervalMethod
    ) -> Self:
        """Calibrate on held-out errors, all of the same weight."""
        calibration = cls(
            method=method,
            residuals=residuals,
            volatility=volatility,
            factors=np.ones(len(LEVELS)),
            moments=0,
            table=IntervalTable.from_residuals(residuals),
        )
        return calibration._with_table()

    def update(
        self, residuals: FloatArray, volatility: FloatArray, moments: IntArray
    ) -> Self:
        """Return the calibration updated by later errors, one forecast time at a time.

        Args:
            residuals: of out-of-sample forecasts, ``(origins, horizon)``.
            volatility: of the window before each origin, ``(origins,)``.
            moments: time of each forecast, the same number for simultaneous ones and
                a larger one for later ones, ``(origins,)``.
        """
        if self.method == "split":
            return self._with_errors(residuals, volatility)._with_table()
        calibration = self
        for moment in np.unique(moments):
            now = moments == moment
            errors = residuals[now], volatility[now]
            calibration = calibration._adapt_factors(*errors)
            calibration = calibration._with_errors(*errors)._with_table()
        return calibration

    def _adapt_factors(self, residuals: FloatArray, volatility: FloatArray) -> Self:
        """Widen the levels that missed too often, narrow the others."""
        scaled = residuals / self.table.scaling.sizes(volatility)
        num_missed = self.table.levels_missed(scaled)
        if not len(num_missed):
            return self
        excess = np.mean(num_missed[:, None] >= LEVELS, axis=0) - (1 - LEVELS / 100)
        moments = self.moments + 1
        step = max(MIN_STEP, moments**-0.5)
        factors = self.factors * np.exp(step * excess)
        return replace(self, factors=factors, moments=moments)

    def _with_errors(self, residuals: FloatArray, volatility: FloatArray) -> Self:
        return replace(
            self,
            residuals=np.concatenate([self.residuals, residuals]),
            volatility=np.concatenate([self.volatility, volatility]),
        )

    def _with_table(self) -> Self:
        if self.method == "split":
            table = IntervalTable.from_residuals(self.residuals)
            return replace(self, table=table)
        scaling = VolatilityScaling.fit(self.residuals, self.volatility)
        scaled = self.residuals / scaling.sizes(self.volatility)
        table = IntervalTable.from_residuals(scaled).widened(self.factors)
        return replace(self, table=replace(table, scaling=scaling))
