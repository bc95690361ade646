"""Windows of plain values in NumPy: original units to z and back, without tensors.

What is done here is what `forecasting.normalization` and `forecasting.frames` do.
"""

from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from forecasting.normalization import LEVEL_0, TINY, Method, Normalizer
from forecasting.series import FloatArray

Array = npt.NDArray[np.float32]


class Windows(NamedTuple):
    """The end of histories u, and it in units of its own, see `forecasting.frames`."""

    history: Array
    z: Array
    base: Array
    size: Array

    def restore(self, z: Array) -> Array:
        """Return u of forecasts z, ``(series, steps)``."""
        return z * self.size + self.base

    def measure(self, u: Array) -> Array:
        """Return z of values u, ``(series, steps)``."""
        measured: Array = (u - self.base) / self.size
        return measured


class Units:
    """The statistics of rows as columns: original units to u, and back."""

    def __init__(self, scaler: Normalizer) -> None:
        self._center, self._scale = scaler.center[:, None], scaler.scale[:, None]
        self._floor = scaler.floor[:, None]
        self._log = scaler.method == "log"

    def scale(self, values: FloatArray) -> FloatArray:
        """Return u of values ``(..., series, steps)``."""
        if self._log:
            values = np.log(np.where(values > 0, values, self._floor))
        return (values - self._center) / self._scale

    def unscale(self, u: FloatArray) -> FloatArray:
        """Return original units of u ``(..., series, steps)``."""
        values = u * self._scale + self._center
        return np.exp(values) if self._log else values


def frame(history: Array, method: Method, seq_len: int) -> Windows:
    """Return the windows at the end of histories u, ``(series, memory)``."""
    window = history[:, -seq_len:]
    last = window[:, -1:]
    one = np.ones_like(last)
    if method in LEVEL_0:
        return Windows(history, window, np.zeros_like(last), one)
    if method in ("last", "log"):
        return Windows(history, window - last, last, one)
    mean = window.mean(1, keepdims=True)
    if method == "mean":
        return Windows(history, window - mean, mean, one)
    size = np.sqrt(window.var(1, keepdims=True) + np.float32(TINY**2))
    return Windows(history, (window - mean) / size, mean, size)


def last_values(values: Sequence[Sequence[float]], count: int) -> FloatArray:
    """Return the last values ``(series, count)``, the first one before too few."""
    kept = (_last(own, count) for own in values)
    numbers = np.fromiter(chain.from_iterable(kept), np.float64, len(values) * count)
    return numbers.reshape(-1, count)


def _last(values: Sequence[float], count: int) -> Sequence[float]:
    missing = count - len(values)
    if missing <= 0:
        return values[-count:] if missing else values
    return [values[0]] * missing + [*values]
