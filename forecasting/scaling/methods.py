"""Normalization methods: how series and their windows are scaled, a class for each.

    u = (g(x) - center) / scale          of a series; g is the identity, or a logarithm
    z = (u - level(window)) / size(window)

Center and scale are those of scikit-learn's scalers or, for methods with a level per
window, the scale that gives z a root mean square of 1 over the training windows.
To add a method, write a class, name it in `Method` and list it in `METHODS`.
"""

from typing import ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from forecasting.data.panel import Panel
from forecasting.scaling.window_scaling import ScaledWindows
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

MAX_WINDOWS = 128  # of a series: enough for a root mean square
BLOCK = 2**18  # values gathered at once for the root mean square
MIN_SCALE = 1e-3  # of a window, in units of the series: keeps flat windows finite
SMOOTHING_MEMORY = 4096  # maximum observations that exponential smoothing reads


class ScalingMethod:
    """Scaling of series and windows; this one leaves both unchanged.

    Attributes:
        is_logarithmic: g is a logarithm, which takes positive values.
        takes_zero: the logarithm takes zeros too, by a shift.
        is_smoothed: windows are scaled by exponential smoothing of all earlier
            observations (`forecasting.scaling.ets`), not by `level`; a window may begin
            before its series.
    """

    is_logarithmic: ClassVar[bool] = False
    takes_zero: ClassVar[bool] = False
    is_smoothed: ClassVar[bool] = False

    def fit(
        self, values: FloatArray, offsets: IntArray, seq_len: int
    ) -> tuple[FloatArray, FloatArray]:
        """Return center and scale of every series, ``(series,)`` each.

        Args:
            values: g(x) of all series, ``(points,)``.
            offsets: borders of the series, ``(series + 1,)``.
            seq_len: observations in a window.
        """
        count = len(offsets) - 1
        return np.zeros(count), np.ones(count)

    def level(self, windows: Tensor) -> tuple[Tensor, Tensor]:
        """Return level and size of windows u ``(n, seq_len)``, ``(n, 1)`` each."""
        last = windows[:, -1:]
        return torch.zeros_like(last), torch.ones_like(last)

    def scale_windows(self, windows: Tensor, recent: Tensor) -> ScaledWindows:
        """Scale windows u ``(n, seq_len)`` by statistics of the windows alone.

        Args:
            windows: to scale.
            recent: u of the last season before their ends, ``(n, season_length)``.
        """
        return ScaledWindows(windows, *self.level(windows), recent)

    def unusable(self, values: FloatArray) -> IntArray:
        """Return the positions of values that the logarithm does not take."""
        if not self.is_logarithmic:
            return np.empty(0, np.int64)
        return np.flatnonzero(values < 0 if self.takes_zero else values <= 0)

    def min_history(self, seq_len: int) -> int:
        """Return the minimum number of observations before a forecast origin."""
        return 1 if self.is_smoothed else seq_len

    def min_training_length(self, seq_len: int, horizon: int) -> int:
        """Return the minimum number of observations of a training series."""
        return horizon + 2 if self.is_smoothed else seq_len + horizon

    def memory(self, seq_len: int, season_length: int) -> int:
        """Return the maximum number of observations that a forecast depends on."""
        window = max(seq_len, season_length)
        return max(SMOOTHING_MEMORY, window) if self.is_smoothed else window


class Standard(ScalingMethod):
    """Mean 0 and standard deviation 1 of each series."""

    def fit(
        self, values: FloatArray, offsets: IntArray, seq_len: int
    ) -> tuple[FloatArray, FloatArray]:
        """Return mean and standard deviation of every series."""
        center = series_means(values, offsets)
        deviation = values - center.repeat(offsets[1:] - offsets[:-1])
        return center, np.sqrt(series_means(deviation**2, offsets))


class MinMax(ScalingMethod):
    """Values of each series from 0 to 1."""

    def fit(
        self, values: FloatArray, offsets: IntArray, seq_len: int
    ) -> tuple[FloatArray, FloatArray]:
        """Return minimum and range of every series."""
        lowest = np.minimum.reduceat(values, offsets[:-1])
        return lowest, np.maximum.reduceat(values, offsets[:-1]) - lowest


class Robust(ScalingMethod):
    """Median 0 and interquartile range 1 of each series."""

    def fit(
        self, values: FloatArray, offsets: IntArray, seq_len: int
    ) -> tuple[FloatArray, FloatArray]:
        """Return median and interquartile range of every series."""
        from sklearn.preprocessing import RobustScaler  # takes half a second

        scalers = [
            RobustScaler().fit(part[:, None])
            for part in np.split(values, offsets[1:-1])
        ]
        center, scale = (
            np.array([float(getattr(scaler, name)[0]) for scaler in scalers])
            for name in ("center_", "scale_")
        )
        return center, scale


class LastValue(ScalingMethod):
    """Windows less their last value."""

    def fit(
        self, values: FloatArray, offsets: IntArray, seq_len: int
    ) -> tuple[FloatArray, FloatArray]:
        """Return mean of every series, and root mean square of its levelled windows.

        The windows are evenly spaced. A series shorter than seq_len has one window,
        padded in front with its first value.
        """
        lengths = np.diff(offsets)
        windows = np.maximum(lengths - seq_len, 0) + 1
        steps = -(-windows // MAX_WINDOWS)
        sampled = -(-windows // steps)
        owner = np.repeat(np.arange(len(lengths)), sampled)
        rank = np.arange(len(owner)) - np.repeat(np.cumsum(sampled) - sampled, sampled)
        first = (offsets[:-1] + np.minimum(seq_len, lengths) - 1)[owner]
        last = first + rank * steps[owner]
        lags, squares = np.arange(seq_len)[::-1], np.empty(len(owner))
        rows = max(BLOCK // seq_len, 1)
        for begin in range(0, len(owner), rows):
            block = slice(begin, begin + rows)
            positions = np.maximum(
                last[block, None] - lags, offsets[owner[block], None]
            )
            sample = torch.from_numpy(values[positions])
            level, _ = self.level(sample)
            squares[block] = (sample - level).square().mean(1).numpy()
        borders = np.concatenate([[0], np.cumsum(sampled)])
        return series_means(values, offsets), np.sqrt(series_means(squares, borders))

    def level(self, windows: Tensor) -> tuple[Tensor, Tensor]:
        """Return the last value, and 1."""
        last = windows[:, -1:]
        return last, torch.ones_like(last)

    def scale_windows(self, windows: Tensor, recent: Tensor) -> ScaledWindows:
        """Scale windows by their level."""
        level, size = self.level(windows)
        return ScaledWindows(windows - level, level, size, recent)


class WindowMean(LastValue):
    """Windows less their mean."""

    def level(self, windows: Tensor) -> tuple[Tensor, Tensor]:
        """Return the mean, and 1."""
        return windows.mean(1, keepdim=True), torch.ones_like(windows[:, -1:])


class StandardizedWindow(WindowMean):
    """Windows less their mean, over their standard deviation."""

    def level(self, windows: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and standard deviation."""
        variance, mean = torch.var_mean(windows, 1, correction=0, keepdim=True)
        return mean, (variance + MIN_SCALE**2).sqrt()

    def scale_windows(self, windows: Tensor, recent: Tensor) -> ScaledWindows:
        """Scale windows by level and size."""
        level, size = self.level(windows)
        return ScaledWindows((windows - level) / size, level, size, recent)


class LogLastValue(LastValue):
    """Logarithms of windows less that of their last value."""

    is_logarithmic = True


class Smoothed(Standard):
    """Windows less the smoothed level and season, over the size of their changes."""

    is_smoothed = True


class LogSmoothed(ScalingMethod):
    """Smoothed, after a logarithm that takes zeros too."""

    is_logarithmic = takes_zero = is_smoothed = True


METHODS: dict[Method, ScalingMethod] = {
    "none": ScalingMethod(),
    "standard": Standard(),
    "minmax": MinMax(),
    "robust": Robust(),
    "last": LastValue(),
    "mean": WindowMean(),
    "window": StandardizedWindow(),
    "log": LogLastValue(),
    "ets": Smoothed(),
    "log_ets": LogSmoothed(),
}


def series_means(values: FloatArray, offsets: IntArray) -> FloatArray:
    """Return the mean of every series, ``(series,)``."""
    lengths = offsets[1:] - offsets[:-1]
    return np.asarray(np.add.reduceat(values, offsets[:-1]) / lengths)


def auto_methods(panel: Panel) -> tuple[Method, ...]:
    """Return the methods that ``auto`` tries; ``log`` if all values are positive."""
    methods: tuple[Method, ...] = ("last", "standard")
    return (*methods, "log") if panel.values.min() > 0 else methods
