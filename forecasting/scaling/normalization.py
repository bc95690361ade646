"""Normalization of series and windows to a common level and size, and its inverse.

Two affine steps, each with its inverse. The first is fitted to a series, on the
observations before the cutoff only; the second to the input of one window:

    u = (g(x) - center) / scale          g is the identity, or the logarithm
    z = (u - level(window)) / size(window)

A network reads z alone. The fitted statistics are those of scikit-learn's scalers, or,
for the methods with a level per window, the scale that gives z a root mean square of 1
over the training windows.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor

from forecasting.data.panel import Panel, series_blocks
from forecasting.errors import InvalidValues, SettingError
from forecasting.timestamps.calendar import format_timestamp
from forecasting.types import FloatArray, IntArray

Method = Literal[
    "none",
    "standard",
    "minmax",
    "robust",
    "last",
    "mean",
    "window",
    "log",
    "ets",
    "log_ets",
]

METHODS: tuple[str, ...] = get_args(Method)
LOG_METHODS = ("log", "log_ets")

# Methods that leave windows unchanged.
LEVEL_FREE_METHODS = ("none", "standard", "minmax", "robust")
MAX_WINDOWS = 128  # of a series: enough for a root mean square
BLOCK = 2**18  # values gathered at once for the root mean square
MIN_SCALE = 1e-3  # of a window, in units of the series: keeps flat windows finite


@dataclass(frozen=True, slots=True)
class Normalizer:
    """Fitted statistics of every series, and the method of levelling windows.

    Attributes:
        method: ``none``; fitted to the series ``standard``, ``minmax``, ``robust``;
            by the window ``last`` (minus its last value), ``mean`` (minus its mean),
            ``window`` (minus its mean, over its standard deviation), ``log`` (log,
            then minus the last value); by exponential smoothing of all earlier values
            ``ets`` and ``log_ets``, see `forecasting.scaling.window_scaling`.
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
            scaled[points] = self.scale_rows(panel.values[points], owner)
        return scaled

    def scale_rows(self, values: FloatArray, series: IntArray | slice) -> Tensor:
        """Return u for values of shape ``(n, ...)``, rows of ``series``, float32."""
        scaled = self.scale_values(values, series)
        with np.errstate(over="ignore"):  # beyond float32 is infinite
            return torch.from_numpy(scaled.astype(np.float32))

    def scale_values(self, values: FloatArray, series: IntArray | slice) -> FloatArray:
        """Return u for values of shape ``(n, ...)``, rows of ``series``."""
        center, scale = self._rows(series, values.ndim)
        return (self.transform(values, series) - center) / scale

    def transform(self, values: FloatArray, series: IntArray | slice) -> FloatArray:
        """Return g(x) for values of shape ``(n, ...)``, rows of ``series``."""
        if self.method not in LOG_METHODS:
            return values
        shape = (-1,) + (1,) * (values.ndim - 1)
        floor, shift = self.floor[series].reshape(shape), self.shift[series]
        usable = np.where(values > 0, values, floor) + shift.reshape(shape)
        return np.asarray(np.log(usable))

    def unscale(self, scaled: FloatArray, series: IntArray | slice) -> FloatArray:
        """Return original units for u of shape ``(n, ...)``, rows of ``series``.

        Infinite where the value exceeds the largest float.
        """
        center, scale = self._rows(series, scaled.ndim)
        with np.errstate(over="ignore"):
            values = scaled * scale + center
            if self.method not in LOG_METHODS:
                return values
            shift = self.shift[series].reshape(center.shape)
            return np.asarray(np.exp(values) - shift)

    def _rows(
        self, series: IntArray | slice, ndim: int
    ) -> tuple[FloatArray, FloatArray]:
        shape = (-1,) + (1,) * (ndim - 1)
        return self.center[series].reshape(shape), self.scale[series].reshape(shape)


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
    if method in LOG_METHODS:
        owner = np.repeat(np.arange(len(shift)), np.diff(offsets))
        values = limits.transform(values, owner)
    center, scale = _statistics(values, offsets, method, seq_len)
    negligible = 1e-12 * np.maximum(np.abs(center), 1e-300)
    scale = np.where(scale > negligible, scale, 1.0)
    return Normalizer(method, center, scale, floor, shift)


def window_level(inputs: Tensor, method: Method) -> tuple[Tensor, Tensor]:
    """Return level and size of windows ``(batch, seq_len)``, ``(batch, 1)`` each."""
    last = inputs[:, -1:]
    ones = torch.ones_like(last)
    if method in ("last", "log"):
        return last, ones
    if method == "mean":
        return inputs.mean(1, keepdim=True), ones
    if method == "window":
        variance, mean = torch.var_mean(inputs, 1, correction=0, keepdim=True)
        return mean, (variance + MIN_SCALE**2).sqrt()
    return torch.zeros_like(last), ones


def candidates(panel: Panel) -> tuple[Method, ...]:
    """Return the methods that ``auto`` tries; ``log`` if all values are positive."""
    methods: tuple[Method, ...] = ("last", "standard")
    return (*methods, "log") if panel.values.min() > 0 else methods


def _log_limits(
    values: FloatArray, offsets: IntArray, method: Method
) -> tuple[FloatArray, FloatArray]:
    """Return floor and shift of every series, ``(series,)`` each."""
    none = np.zeros(len(offsets) - 1)
    if method not in LOG_METHODS:
        return none - np.inf, none
    lowest = np.minimum.reduceat(values, offsets[:-1])
    mean = _means(np.abs(values), offsets)
    shift = np.where(lowest > 0, 0.0, np.where(mean > 0, mean, 1.0) / 20)
    return np.maximum(lowest, 0.0), shift


def find_unusable(values: FloatArray, method: Method) -> IntArray:
    """Return the positions of values that the method's logarithm does not take."""
    if method not in LOG_METHODS:
        return np.empty(0, np.int64)
    return np.flatnonzero(values < 0 if method == "log_ets" else values <= 0)


def check_positive(panel: Panel, method: Method) -> None:
    """Check that the method's logarithm takes every value of a panel.

    Raises:
        InvalidValues: values are zero, or below; the message names their timestamps.
    """
    bad = find_unusable(panel.values, method)
    if len(bad):
        owner = np.searchsorted(panel.offsets, bad, side="right") - 1
        names = [panel.series_ids[position] for position in owner]
        stamps = [format_timestamp(stamp) for stamp in panel.timestamps[bad]]
        raise InvalidValues(
            panel.target,
            [f"{s} of series {n!r}" for s, n in zip(stamps, names, strict=True)],
            "values below zero" if method == "log_ets" else "values of zero or less",
            "The logarithm needs positive values: choose another normalization.",
        )


def _statistics(
    values: FloatArray, offsets: IntArray, method: Method, seq_len: int
) -> tuple[FloatArray, FloatArray]:
    """Return center and scale of every series, ``(series,)`` each."""
    count = len(offsets) - 1
    if method in ("none", "log_ets"):
        return np.zeros(count), np.ones(count)
    if method == "minmax":
        lowest = np.minimum.reduceat(values, offsets[:-1])
        return lowest, np.maximum.reduceat(values, offsets[:-1]) - lowest
    if method == "robust":
        parts = np.split(values, offsets[1:-1])
        center, scale = np.array([_robust(part) for part in parts]).T
        return center, scale
    center = _means(values, offsets)
    if method in ("standard", "ets"):
        deviation = values - center.repeat(offsets[1:] - offsets[:-1])
        return center, np.sqrt(_means(deviation**2, offsets))
    return center, _window_sizes(values, offsets, method, seq_len)


def _means(values: FloatArray, offsets: IntArray) -> FloatArray:
    lengths = offsets[1:] - offsets[:-1]
    return np.asarray(np.add.reduceat(values, offsets[:-1]) / lengths)


def _window_sizes(
    values: FloatArray, offsets: IntArray, method: Method, seq_len: int
) -> FloatArray:
    """Return the root mean square of levelled inputs, over evenly spaced windows.

    A series shorter than seq_len has one window, padded in front with its first value.
    """
    lengths = np.diff(offsets)
    windows = np.maximum(lengths - seq_len, 0) + 1
    steps = -(-windows // MAX_WINDOWS)
    sampled = -(-windows // steps)
    owner = np.repeat(np.arange(len(lengths)), sampled)
    rank = np.arange(len(owner)) - np.repeat(np.cumsum(sampled) - sampled, sampled)
    last = (offsets[:-1] + np.minimum(seq_len, lengths) - 1)[owner] + rank * steps[
        owner
    ]
    lags = np.arange(seq_len)[::-1]
    squares = np.empty(len(owner))
    rows = max(BLOCK // seq_len, 1)
    for begin in range(0, len(owner), rows):
        block = slice(begin, begin + rows)
        positions = np.maximum(last[block, None] - lags, offsets[owner[block], None])
        sample = torch.from_numpy(values[positions])
        level, _ = window_level(sample, "mean" if method == "window" else method)
        squares[block] = (sample - level).square().mean(1).numpy()
    return np.sqrt(_means(squares, np.concatenate([[0], np.cumsum(sampled)])))


def _robust(values: FloatArray) -> tuple[float, float]:
    from sklearn.preprocessing import RobustScaler  # takes half a second

    scaler = RobustScaler().fit(values[:, None])
    return float(scaler.center_[0]), float(scaler.scale_[0])
