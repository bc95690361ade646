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

from forecasting.intervals.errors import ForecastErrors
from forecasting.intervals.relative import prefers_relative, to_relative
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
        errors: of the forecasts so far; relative ones if the table says so.
        factors: widening of the central levels 1 to 99 beyond the residuals' quantiles,
            ``(99,)``.
        moments: number of forecast times that have moved the factors.
        table: the resulting intervals.
    """

    method: IntervalMethod
    errors: ForecastErrors
    factors: FloatArray
    moments: int
    table: IntervalTable

    @classmethod
    def start(cls, errors: ForecastErrors, method: IntervalMethod) -> Self:
        """Calibrate on held-out errors, all of the same weight.

        Those on logarithms are converted to relative errors, unless
        `forecasting.intervals.relative` finds logarithms clearly better.
        """
        relative = prefers_relative(errors, scaled=method == "adaptive")
        calibration = cls(
            method=method,
            errors=errors,
            factors=np.ones(len(LEVELS)),
            moments=0,
            table=IntervalTable.empty(errors.residuals.shape[1], relative=relative),
        )
        return replace(calibration, errors=calibration._convert(errors))._with_table()

    def update(self, errors: ForecastErrors, moments: IntArray) -> Self:
        """Return the calibration updated by later errors, one forecast time at a time.

        Args:
            errors: of out-of-sample forecasts.
            moments: time of each forecast, the same number for simultaneous ones and
                a larger one for later ones, ``(origins,)``.
        """
        errors = self._convert(errors)
        if self.method == "split":
            return replace(self, errors=self.errors.join(errors))._with_table()
        calibration = self
        for moment in np.unique(moments):
            now = errors.select(moments == moment)
            calibration = calibration._adapt_factors(now)
            joined = calibration.errors.join(now)
            calibration = replace(calibration, errors=joined)._with_table()
        return calibration

    def _convert(self, errors: ForecastErrors) -> ForecastErrors:
        """Return errors of the table's kind."""
        if not self.table.relative or errors.log_units is None:
            return errors
        relative = to_relative(errors.residuals, errors.log_units)
        return replace(errors, residuals=relative)

    def _adapt_factors(self, errors: ForecastErrors) -> Self:
        """Widen the levels that missed too often, narrow the others."""
        scaled = errors.residuals / self.table.scaling.sizes(errors.volatility)
        num_missed = self.table.levels_missed(scaled)
        if not len(num_missed):
            return self
        excess = np.mean(num_missed[:, None] >= LEVELS, axis=0) - (1 - LEVELS / 100)
        moments = self.moments + 1
        step = max(MIN_STEP, moments**-0.5)
        factors = self.factors * np.exp(step * excess)
        return replace(self, factors=factors, moments=moments)

    def _with_table(self) -> Self:
        errors, scaling = self.errors, VolatilityScaling()
        if self.method == "adaptive":
            scaling = VolatilityScaling.fit(
                errors.residuals, errors.volatility, errors.independent
            )
        scaled = errors.residuals / scaling.sizes(errors.volatility)
        table = IntervalTable.from_residuals(scaled).widened(self.factors)
        table = replace(table, scaling=scaling, relative=self.table.relative)
        return replace(self, table=table)
