"""Tracks: series, and the logarithms of those that are positive, with origins.

Each series is forecast on both scales from the same origins. The tracks of a series are
neighbours in flat arrays, which compiled loops read.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from forecasting.jit import SUMS, compile_sums
from forecasting.types import FloatArray, IntArray

NUM_ORIGINS = 8  # of the backtest
MAX_SHARE = 3  # a third of the series may be forecast in the backtest


class Tracks(NamedTuple):
    """Series on their scales, and the origins of their backtests.

    Attributes:
        units: power of two near the largest value of each series, ``(series,)``.
        series: the values in these units, ``(values,)``.
        values: of all tracks: the series and their logarithms, ``(points,)``.
        offsets: borders of the tracks in ``values``, ``(tracks + 1,)``.
        ends: observations before each origin, ascending within a track; the last are
            all, ``(origins,)``.
        borders: of the tracks in ``ends``, ``(tracks + 1,)``.
        firsts: number of the first track of each series, and of all tracks,
            ``(series + 1,)``.
    """

    units: FloatArray
    series: FloatArray
    values: FloatArray
    offsets: IntArray
    ends: IntArray
    borders: IntArray
    firsts: IntArray


def make_tracks(values: FloatArray, offsets: IntArray, steps: int) -> Tracks:
    """Return the tracks of series.

    Args:
        values: of all series, ``(values,)``.
        offsets: borders of the series, ``(series + 1,)``.
        steps: steps ahead, which set the origins.
    """
    return Tracks(*_make_tracks(values, offsets, steps))


@compile_sums
def _make_tracks(values, offsets, steps):
    """Return the attributes of `Tracks`."""
    count = len(offsets) - 1
    units, series = np.empty(count), np.empty(len(values))
    firsts = np.zeros(count + 1, np.int64)
    num_points, num_origins = 0, 0
    for i in range(count):
        part = values[offsets[i] : offsets[i + 1]]
        _, exponent = math.frexp(np.abs(part).max())
        units[i] = math.ldexp(1.0, exponent - 1)  # a power of two changes no digit
        scaled = part / units[i]
        series[offsets[i] : offsets[i + 1]] = scaled
        scales = 2 if scaled.min() > 0 else 1
        firsts[i + 1] = firsts[i] + scales
        num_points += scales * len(part)
        num_origins += scales * _backtest(len(part), steps)[2]
    tracks, ends = np.empty(num_points), np.empty(num_origins, np.int64)
    borders = np.zeros((2, firsts[-1] + 1), np.int64)
    for i in range(count):
        part = series[offsets[i] : offsets[i + 1]]
        begin, stride, origins = _backtest(len(part), steps)
        for track in range(firsts[i], firsts[i + 1]):
            at, origin = borders[:, track]
            tracks[at : at + len(part)] = part if track == firsts[i] else np.log(part)
            for k in range(origins):
                ends[origin + k] = min(begin + stride * k, len(part))
            borders[0, track + 1] = at + len(part)
            borders[1, track + 1] = origin + origins
    return units, series, tracks, borders[0], ends, borders[1], firsts


@njit(**SUMS)
def _backtest(length, steps):
    """Return the first origin, the stride, and the number of origins with the end.

    The origins lie in the last two horizons, or the last third of a short series.
    """
    span = min(length // MAX_SHARE, 2 * steps)
    stride = max(1, span // NUM_ORIGINS)
    return length - span, stride, -(-span // stride) + 1
