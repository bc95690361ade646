"""Prediction intervals from residuals: split conformal calibration, step by step.

The residuals are those of forecasts of values that the model was not fitted to. If
the next residual is exchangeable with the n residuals, it falls below the k-th smallest
of them with a probability of at most k / (n + 1). So the floor((n + 1) p)-th smallest
bounds a lower tail p, and the ceil((n + 1) (1 - p))-th an upper one, whatever the
residuals' distribution (Vovk, Gammerman and Shafer 2005; Lei et al. 2018, section 2).
"""

from dataclasses import dataclass, field, replace
from functools import lru_cache
from statistics import NormalDist
from typing import Self

import numpy as np

from forecasting.data.forecast import check_horizon, check_levels
from forecasting.intervals.volatility import VolatilityScaling
from forecasting.types import FloatArray, IntArray

# Row k - 1 is the probability k / 200; ranks are computed from k, without rounding.
_K = np.arange(1, 200)
_MEDIAN = 99  # row of probability 0.5; the bounds of a level are `level` rows away
_NORMAL = np.array([NormalDist().inv_cdf(k / 200) for k in range(1, 200)])
PROBABILITIES: FloatArray = _K / 200  # 0.005, 0.010, ..., 0.995
LEVELS: IntArray = np.arange(1, 100)  # central levels with a row for each bound


@dataclass(frozen=True, slots=True, eq=False)
class IntervalTable:
    """Quantiles of actual - forecast, by probability and step.

    Attributes:
        quantiles: quantiles of actual - forecast at `PROBABILITIES`, in the space in
            which they were calibrated, ``(199, horizon)``. Each column ascends. NaN
            where there was nothing to calibrate on.
        scaling: growth of the errors with the volatility of the window.
        relative: whether the offsets of a forecast on logarithms are relative ones: a
            bound is point * (1 + offset) instead of point * exp(offset).

    >>> table = IntervalTable.from_residuals(np.arange(-9.0, 10.0)[:, None])
    >>> lower, upper = table.offsets(80, horizon=1)
    >>> lower.tolist(), upper.tolist()
    ([-8.0], [8.0])
    """

    quantiles: FloatArray
    scaling: VolatilityScaling = field(default_factory=VolatilityScaling)
    relative: bool = False

    @classmethod
    def empty(cls, horizon: int, *, relative: bool = False) -> Self:
        """Return the table of no residuals: every quantile is NaN."""
        quantiles = np.full((len(PROBABILITIES), horizon), np.nan)
        return cls(quantiles, relative=relative)

    @classmethod
    def from_residuals(cls, residuals: FloatArray) -> Self:
        """Calibrate on residuals.

        A step with fewer than two residuals takes those of all steps together. A single
        one in all is taken for one of either sign; without any, every quantile is NaN.

        Where n residuals are too few for a tail (n < 39 for a level of 95), conformal
        theory allows no finite bound. The bound is then the normal distribution's, with
        the residuals' mean and standard deviation: a guess, but a finite one. It is at
        least as wide as the extreme residual, since a wider tail cannot end before one
        that the residuals themselves bound.

        Args:
            residuals: actual - forecast, ``(origins, horizon)``; NaN = not observed.
        """
        observed = residuals[~np.isnan(residuals)]
        if not len(observed):
            return cls.empty(residuals.shape[1])
        if len(observed) == 1:
            observed = np.array([-observed[0], observed[0]])
        is_scarce = np.sum(~np.isnan(residuals), axis=0) < 2
        quantiles = _quantiles(residuals)
        if is_scarce.any():
            quantiles = np.where(is_scarce, _quantiles(observed[:, None]), quantiles)
        return cls(quantiles)

    def check(self) -> Self:
        """Check that every bound is a number; return self.

        Raises:
            ValueError: a quantile or the scaling is not finite.
        """
        if not np.isfinite(self.quantiles).all():
            raise ValueError(
                "intervals.quantiles must be finite, found NaN or infinity"
            )
        exponent, typical = self.scaling.exponent, self.scaling.typical
        if not (np.isfinite([exponent, typical]).all() and typical > 0):
            raise ValueError(
                "intervals.scaling must be a finite exponent and a positive "
                f"volatility, found {exponent:g} and {typical:g}"
            )
        return self

    def widened(self, factors: FloatArray) -> Self:
        """Return the table with each level's offsets times a factor.

        Args:
            factors: of `LEVELS`, ``(99,)``. Where a level would become wider than the
                next, the next takes the same width.
        """
        by_row = np.append(1, factors)[:, None]
        upper = np.maximum.accumulate(self.quantiles[_MEDIAN:] * by_row)
        lower = np.minimum.accumulate(self.quantiles[_MEDIAN::-1] * by_row)
        return replace(self, quantiles=np.concatenate([lower[:0:-1], upper]))

    def levels_missed(self, residuals: FloatArray) -> IntArray:
        """Return the number of `LEVELS`, the narrowest first, that miss each residual.

        Args:
            residuals: ``(origins, horizon)``; NaN, and steps without a bound, are left
                out.

        Returns:
            0 to 99, ``(observed,)``.
        """
        counts = [np.empty(0, dtype=np.int64)]
        for column, quantiles in zip(residuals.T, self.quantiles.T, strict=True):
            if np.isnan(quantiles).any():
                continue
            observed = column[~np.isnan(column)]
            upper = np.maximum(quantiles[_MEDIAN + 1 :], 0)
            lower = np.minimum(quantiles[:_MEDIAN][::-1], 0)
            above, below = (
                upper.searchsorted(observed),
                (-lower).searchsorted(-observed),
            )
            counts.append(np.maximum(above, below))
        return np.concatenate(counts)

    def offsets(self, level: float, horizon: int) -> tuple[FloatArray, FloatArray]:
        """Return the offsets from a forecast to the bounds of its central interval.

        Levels between two of the table's are interpolated. Steps beyond the table, H
        long, take its last step's offsets times sqrt(step / H): a forecast that is fed
        back adds up its errors, and their variances add like a random walk's.

        Args:
            level: in percent, 1 to 99.
            horizon: steps ahead.

        Returns:
            Lower and upper offsets, ``(horizon,)`` each, lower <= 0 <= upper, in the
            space of the residuals.

        Raises:
            SettingError: the level or the horizon lies outside its range.
        """
        check_levels([level])
        steps = np.arange(1, check_horizon(horizon) + 1)
        table_steps = self.quantiles.shape[1]
        columns = self.quantiles[:, np.minimum(steps, table_steps) - 1]
        widening = np.sqrt(np.maximum(steps / table_steps, 1))
        lower = np.minimum(_row(columns, _MEDIAN - level), 0)
        upper = np.maximum(_row(columns, _MEDIAN + level), 0)
        return lower * widening, upper * widening

    @lru_cache(maxsize=64)  # noqa: B019 - tables are few and small
    def bounds(self, levels: tuple[float, ...], horizon: int) -> FloatArray:
        """Return the lower `offsets` of every level, then the upper ones.

        ``(2 * levels, horizon)``, read-only because the array is cached.
        """
        pairs = [self.offsets(level, horizon) for level in levels]
        sides = [*(low for low, _ in pairs), *(high for _, high in pairs)]
        bounds = np.reshape(sides, (len(sides), horizon))
        bounds.flags.writeable = False
        return bounds


def _row(quantiles: FloatArray, position: float) -> FloatArray:
    """Interpolate between the two rows next to ``position``."""
    below = int(position)
    part = position - below
    above = min(below + 1, len(quantiles) - 1)
    return np.asarray((1 - part) * quantiles[below] + part * quantiles[above])


def _quantiles(residuals: FloatArray) -> FloatArray:
    """Return the quantiles of each column without NaN, ``(199, columns)``."""
    ranked = np.sort(residuals, axis=0)  # NaN last
    counts = np.sum(~np.isnan(residuals), axis=0)
    low, high = _ranks(counts)
    below, above = _at_rank(ranked, low, counts), _at_rank(ranked, high, counts)
    quantiles = (below + above) / 2  # they differ at the median only
    normal = _normal_tails(residuals, counts)
    quantiles = np.where(low < 1, np.minimum(normal, ranked[0]), quantiles)
    largest = _at_rank(ranked, counts, counts)
    return np.where(high > counts, np.maximum(normal, largest), quantiles)


def _ranks(counts: IntArray) -> tuple[IntArray, IntArray]:
    """Return the ranks, from 1, of each probability, ``(199, columns)`` twice.

    The two are equal in either tail; at the median they are the two middle ranks.
    """
    scaled = (counts + 1) * _K[:, None]
    floor, ceil = scaled // 200, -(-scaled // 200)
    lower_tail, upper_tail = _K[:, None] <= 100, _K[:, None] >= 100
    return np.where(lower_tail, floor, ceil), np.where(upper_tail, ceil, floor)


def _at_rank(ranked: FloatArray, rank: IntArray, counts: IntArray) -> FloatArray:
    """Return the residuals of these ranks, the extreme ones for ranks beyond them."""
    index = np.clip(rank, 1, np.maximum(counts, 1)) - 1
    return np.take_along_axis(ranked, np.atleast_2d(index), axis=0)


def _normal_tails(residuals: FloatArray, counts: IntArray) -> FloatArray:
    mean = np.nansum(residuals, axis=0) / np.maximum(counts, 1)
    squares = np.nansum((residuals - mean) ** 2, axis=0)
    deviation = np.sqrt(squares / np.maximum(counts - 1, 1))
    return np.asarray(mean + _NORMAL[:, None] * deviation)
