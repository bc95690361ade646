"""Fitted scaling of series, and its inverse.

The statistics are fitted to the observations before the cutoff only, by one of the
methods of `forecasting.scaling.methods`.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from forecasting.data.panel import Panel, series_blocks
from forecasting.errors import InvalidValues, SettingError
from forecasting.scaling.methods import METHODS, Method, ScalingMethod, series_means
from forecasting.timestamps.calendar import format_timestamp
from forecasting.types import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class Normalizer:
    """Fitted statistics of every series, and the method of levelling windows.

    Attributes:
        method: one of `forecasting.scaling.methods`.
        center, scale: fitted statistics, ``(series,)``, in units of g(x).
        floor: with logarithms, the smallest value fitted on, ``(series,)``; it replaces
            later zeros, which have no logarithm. Else minus infinity.
        shift: added before the logarithm, ``(series,)``: with ``log_ets`` a twentieth
            of the mean of a series that has zeros, else 0.
    """

    method: Method
    center: FloatArray
    scale: FloatArray
    floor: FloatArray
    shift: FloatArray

    @property
    def scaling(self) -> ScalingMethod:
        """The method as an object."""
        return METHODS[self.method]

    @classmethod
    def fit(
        cls, panel: Panel, method: Method, *, seq_len: int, ends: IntArray | None = None
    ) -> "Normalizer":
        """Fit on the first ``ends[s]`` observations of each series, default all.

        A series that is constant there has scale 1.

        Raises:
            SettingError: there is no such method.
            InvalidValues: the method is ``log`` and a value fitted on is not positive.
        """
        if method not in METHODS:
            raise SettingError("normalization", method, f"one of {', '.join(METHODS)}")
        stops = panel.lengths if ends is None else ends
        parts = []
        for block in series_blocks(panel.offsets):
            begins = np.zeros_like(stops[block])
            series = np.arange(len(panel))[block]
            fitted_part = panel.pieces(series, begins, stops[block])
            parts.append(cls._fit_block(fitted_part, method, seq_len))
        names = ("center", "scale", "floor", "shift")
        return cls(
            method,
            *(
                np.concatenate([getattr(part, name) for part in parts])
                for name in names
            ),
        )

    @classmethod
    def _fit_block(cls, panel: Panel, method: Method, seq_len: int) -> "Normalizer":
        check_positive(panel, method)
        return fit_values(panel.values, panel.offsets, method, seq_len)

    def select(self, series: IntArray) -> "Normalizer":
        """Return the statistics of some series, ``(len(series),)``, in that order."""
        return Normalizer(
            self.method,
            self.center[series],
            self.scale[series],
            self.floor[series],
            self.shift[series],
        )

    def replace(self, rows: IntArray, other: "Normalizer") -> "Normalizer":
        """Return statistics with some rows replaced by those of another normalizer."""
        replaced = self.select(np.arange(len(self.center)))  # a copy
        for name in ("center", "scale", "floor", "shift"):
            getattr(replaced, name)[rows] = getattr(other, name)
        return replaced

    def scale_series(self, panel: Panel) -> Tensor:
        """Return u for a panel of the same series, ``(points,)``, float32."""
        scaled = torch.empty(len(panel.values))
        for block in series_blocks(panel.offsets):
            points = slice(panel.offsets[block.start], panel.offsets[block.stop])
            owner = np.repeat(np.arange(len(panel))[block], panel.lengths[block])
            u = self.scale_points(panel.values[points], owner)
            with np.errstate(over="ignore"):  # beyond float32 is infinite
                scaled[points] = torch.from_numpy(u.astype(np.float32))
        return scaled

    def scale_points(self, values: FloatArray, owner: IntArray) -> FloatArray:
        """Return u for values ``(points,)`` of the series ``owner``, ``(points,)``."""
        transformed = self.transform(values, self.floor[owner], self.shift[owner])
        return np.asarray((transformed - self.center[owner]) / self.scale[owner])

    def scale_values(self, values: FloatArray) -> FloatArray:
        """Return u for values ``(..., series, steps)``."""
        if self.scaling.is_logarithmic:
            values = self.transform(values, self.floor[:, None], self.shift[:, None])
        return np.asarray((values - self.center[:, None]) / self.scale[:, None])

    def transform(
        self, values: FloatArray, floor: FloatArray, shift: FloatArray
    ) -> FloatArray:
        """Return g(x) of values; floor and shift broadcast."""
        if not self.scaling.is_logarithmic:
            return values
        return np.asarray(np.log(np.where(values > 0, values, floor) + shift))

    @np.errstate(over="ignore")
    def unscale(self, u: FloatArray) -> FloatArray:
        """Return original units for u ``(..., series, steps)``.

        Infinite where the value exceeds the largest float.
        """
        values = u * self.scale[:, None] + self.center[:, None]
        if not self.scaling.is_logarithmic:
            return np.asarray(values)
        return np.asarray(np.exp(values) - self.shift[:, None])


def fit_values(
    values: FloatArray, offsets: IntArray, method: Method, seq_len: int
) -> Normalizer:
    """Compute the statistics of concatenated series of checked values.

    Args:
        values: of all series, ``(points,)``; positive where the method is ``log``, not
            negative where it is ``log_ets``.
        offsets: borders of the series, ``(series + 1,)``.
        method: how each window is levelled.
        seq_len: observations in a window.
    """
    floor, shift = _log_limits(values, offsets, method)
    limits = Normalizer(method, shift, shift + 1, floor, shift)  # no scaling yet
    if METHODS[method].is_logarithmic:
        owner = np.repeat(np.arange(len(shift)), np.diff(offsets))
        values = limits.transform(values, floor[owner], shift[owner])
    center, scale = METHODS[method].fit(values, offsets, seq_len)
    negligible = 1e-12 * np.maximum(np.abs(center), 1e-300)
    scale = np.where(scale > negligible, scale, 1.0)
    return Normalizer(method, center, scale, floor, shift)


def _log_limits(
    values: FloatArray, offsets: IntArray, method: Method
) -> tuple[FloatArray, FloatArray]:
    """Return floor and shift of every series, ``(series,)`` each."""
    none = np.zeros(len(offsets) - 1)
    if not METHODS[method].is_logarithmic:
        return none - np.inf, none
    lowest = np.minimum.reduceat(values, offsets[:-1])
    mean = series_means(np.abs(values), offsets)
    shift = np.where(lowest > 0, 0.0, np.where(mean > 0, mean, 1.0) / 20)
    return np.maximum(lowest, 0.0), shift


def check_positive(panel: Panel, method: Method) -> None:
    """Check that the method's logarithm takes every value of a panel.

    Raises:
        InvalidValues: values are zero, or below; the message names their timestamps.
    """
    scaling = METHODS[method]
    bad = scaling.unusable(panel.values)
    if len(bad):
        owner = np.searchsorted(panel.offsets, bad, side="right") - 1
        names = [panel.series_ids[position] for position in owner]
        stamps = [format_timestamp(stamp) for stamp in panel.timestamps[bad]]
        raise InvalidValues(
            panel.target,
            [f"{s} of series {n!r}" for s, n in zip(stamps, names, strict=True)],
            "values below zero" if scaling.takes_zero else "values of zero or less",
            "The logarithm needs positive values: choose another normalization.",
        )
