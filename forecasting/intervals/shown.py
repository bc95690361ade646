"""Range of values that series have shown, and the limits that follow for forecasts.

A forecast that is fed back may explode, and a quantile of errors may stem from a level
shift, an outlier or a run of zeros. Neither may leave the observed range by more than a
multiple of its width, which grows with the steps ahead as a straight line through the
series would. A series that has grown by a factor may go on growing by it.
"""

from dataclasses import astuple, dataclass

import numpy as np

from forecasting.data.panel import Panel
from forecasting.errors import ShapeError
from forecasting.types import BoolArray, FloatArray, IntArray

POINT_REACH = 1.0  # widths of the range that a point forecast may lie beyond it
BOUND_REACH = 2.0  # and a bound of an interval
MAX_EXPONENT = 700.0  # its exponential is a finite number


@dataclass(frozen=True, slots=True)
class ShownRange:
    """Lowest and highest observation of series, and the number of observations.

    Attributes:
        lowest, highest: original units, ``(series,)``.
        lengths: observations of each series, ``(series,)``.
        growth: mean increase of the natural logarithm per step, from the first half to
            the second, ``(series,)``; 0 for a decrease, or values of zero or less.

    >>> shown = ShownRange.from_panel(Panel.from_values({"a": [14.0, 10.0]}))
    >>> shown.clip(np.array([[99.0]]), reach=1.0).tolist()
    [[20.0]]
    """

    lowest: FloatArray
    highest: FloatArray
    lengths: FloatArray
    growth: FloatArray

    @classmethod
    def from_panel(cls, panel: Panel) -> "ShownRange":
        """Return the range of every series of a panel."""
        return cls.from_values(panel.values, panel.offsets)

    @classmethod
    def from_values(cls, values: FloatArray, offsets: IntArray) -> "ShownRange":
        """Return the range of concatenated series ``(points,)``.

        Args:
            values: of all series.
            offsets: borders of the series, ``(series + 1,)``.
        """
        lowest = np.minimum.reduceat(values, offsets[:-1])
        lengths = np.diff(offsets)
        return cls(
            lowest,
            np.maximum.reduceat(values, offsets[:-1]),
            lengths.astype(np.float64),
            _mean_growth(values, offsets, (lowest > 0) & (lengths > 1)),
        )

    def check(self, series: int) -> None:
        """Check that the ranges are those of a number of series.

        Raises:
            ShapeError: they belong to another number of series.
            ValueError: one is not finite, or has its lowest value above the highest.
        """
        if self.lowest.shape != (series,):
            raise ShapeError("shown", self.lowest.shape, (series,))
        finite = np.isfinite(astuple(self)).all()
        ordered = (self.lowest <= self.highest).all()
        if not (finite and ordered and (self.lengths >= 1).all()):
            raise ValueError("shown must be finite and ordered ranges of the series")

    def select(self, series: IntArray) -> "ShownRange":
        """Return the ranges of some series, in that order."""
        return ShownRange(
            self.lowest[series],
            self.highest[series],
            self.lengths[series],
            self.growth[series],
        )

    def replace(self, rows: IntArray, other: "ShownRange") -> "ShownRange":
        """Return the ranges with some rows replaced by those of another one."""
        changed = self.select(np.arange(len(self.lowest)))  # a copy
        for name in ("lowest", "highest", "lengths", "growth"):
            getattr(changed, name)[rows] = getattr(other, name)
        return changed

    def extend(self, observed: FloatArray, lengths: IntArray) -> "ShownRange":
        """Return the ranges with later observations included.

        Args:
            observed: the last observations, padded in front, ``(series, points)``.
            lengths: number of all observations, ``(series,)``.
        """
        return ShownRange(
            np.minimum(self.lowest, observed.min(1)),
            np.maximum(self.highest, observed.max(1)),
            np.maximum(self.lengths, lengths),
            self.growth,
        )

    def clip(self, values: FloatArray, reach: float, first: int = 0) -> FloatArray:
        """Return values within the limits of their step; NaN stays NaN.

        The limits lie ``reach`` * (1 + step / length) widths beyond the range, the
        upper one multiplied by the growth in ``step`` steps. A constant series has the
        size of its value for a width; one of zeros has no limits.

        Args:
            values: original units, ``(..., series, steps)``.
            reach: in widths of the range.
            first: steps before the first one.
        """
        lowest, highest = self.lowest[:, None], self.highest[:, None]
        width = highest - lowest
        is_constant = width == 0
        if is_constant.any():
            width = np.where(is_constant, np.abs(highest), width)
            width = np.where(width == 0, np.inf, width)
        beyond = reach * width
        below, above = lowest - beyond, highest + beyond
        if ((values >= below) & (values <= above)).all():
            return values
        steps = np.arange(first + 1, first + values.shape[-1] + 1)
        further = beyond * (steps / self.lengths[:, None])
        growth = np.exp(np.minimum(self.growth[:, None] * steps, MAX_EXPONENT))
        return np.clip(values, below - further, (above + further) * growth)


def _mean_growth(
    values: FloatArray, offsets: IntArray, usable: BoolArray
) -> FloatArray:
    """Return the growth of each series, 0 where it is not ``usable``."""
    if not usable.any():
        return np.zeros(len(usable))
    positive = np.where(np.repeat(usable, np.diff(offsets)), values, 1.0)
    lengths = np.diff(offsets)
    middles = offsets[:-1] + lengths // 2
    borders = np.column_stack([offsets[:-1], middles]).ravel()
    sums = np.add.reduceat(np.log(positive), borders).reshape(-1, 2)
    counts = np.column_stack([lengths // 2, lengths - lengths // 2])
    first, second = (sums / np.maximum(counts, 1)).T
    return np.where(usable, np.maximum(second - first, 0) / (lengths / 2), 0.0)
