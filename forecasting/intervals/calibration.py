"""What is known of a model's errors, and the table of intervals that follows from it.

    split      every error counts alike: right where the future's are like the past's
    adaptive   errors are compared at their window's volatility, and each level's width
               follows the misses: a miss widens it, a hit narrows it a little

The latter is adaptive conformal inference (Gibbs and Candes 2021), which covers what it
says in the long run whatever the series does. It moves the width by a factor instead of
moving the level, so that it can go beyond the largest error seen, and its steps shrink
with time as far as `SLOWEST` (Angelopoulos, Barber and Bates 2024): fast while there is
little to go by, steady later, and never deaf to drift.
"""

from dataclasses import dataclass, replace
from typing import Literal, Self, get_args

import numpy as np

from forecasting.intervals.table import LEVELS, IntervalTable
from forecasting.intervals.volatility import Scaling
from forecasting.types import FloatArray, IntArray

IntervalMethod = Literal["adaptive", "split"]


INTERVAL_METHODS: tuple[str, ...] = get_args(IntervalMethod)


SLOWEST = 0.1  # least step of a factor's logarithm, for a share of misses 1 too high


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Errors of forecasts of what the model was not fitted to, and their table.

    Attributes:
        method: ``adaptive`` or ``split``.
        residuals: actual - forecast in units of the window, ``(origins, horizon)``;
            NaN = not observed.
        volatility: of the window before each origin, ``(origins,)``.
        factors: by which the central levels 1 to 99 are wider than the residuals say,
            ``(99,)``.
        moments: how many moments have moved the factors.
        table: what follows from all this.
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
        """Begin with the errors on held-out observations, which count alike."""
        calibration = cls(
            method=method,
            residuals=residuals,
            volatility=volatility,
            factors=np.ones(len(LEVELS)),
            moments=0,
            table=IntervalTable.from_residuals(residuals),
        )
        return calibration._tabulated()

    def learn(
        self, residuals: FloatArray, volatility: FloatArray, moments: IntArray
    ) -> Self:
        """Return what is known after some more errors, taken in moment by moment.

        Args:
            residuals: ``(origins, horizon)``, of forecasts made without having seen
                what came.
            volatility: of the window before each origin, ``(origins,)``.
            moments: when each forecast was made; those made together have the same
                number, later ones a larger one, ``(origins,)``.
        """
        if self.method == "split":
            return self._with(residuals, volatility)._tabulated()
        known = self
        for moment in np.unique(moments):
            now = moments == moment
            known = known._follow(residuals[now], volatility[now])
            known = known._with(residuals[now], volatility[now])._tabulated()
        return known

    def _follow(self, residuals: FloatArray, volatility: FloatArray) -> Self:
        """Widen the levels that missed too often, narrow those that did too rarely."""
        scaled = residuals / self.table.scaling.sizes(volatility)
        missed = self.table.levels_missed(scaled)
        if not len(missed):
            return self
        excess = np.mean(missed[:, None] >= LEVELS, axis=0) - (1 - LEVELS / 100)
        moments = self.moments + 1
        step = max(SLOWEST, moments**-0.5)
        factors = self.factors * np.exp(step * excess)
        return replace(self, factors=factors, moments=moments)

    def _with(self, residuals: FloatArray, volatility: FloatArray) -> Self:
        return replace(
            self,
            residuals=np.concatenate([self.residuals, residuals]),
            volatility=np.concatenate([self.volatility, volatility]),
        )

    def _tabulated(self) -> Self:
        if self.method == "split":
            table = IntervalTable.from_residuals(self.residuals)
            return replace(self, table=table)
        scaling = Scaling.fit(self.residuals, self.volatility)
        scaled = self.residuals / scaling.sizes(self.volatility)
        table = IntervalTable.from_residuals(scaled).widened(self.factors)
        return replace(self, table=replace(table, scaling=scaling))
