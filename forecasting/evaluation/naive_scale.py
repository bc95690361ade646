"""Scale of the naive error: mean absolute change of a series up to each origin."""

from itertools import pairwise

import numpy as np

from forecasting.data.panel import Panel
from forecasting.data.splits import Origins
from forecasting.types import FloatArray, IntArray


def naive_scales(panel: Panel, origins: Origins, season_length: int) -> FloatArray:
    """Return `naive_scale` of each origin's past, 1 in place of 0, ``(origins, 1)``."""
    scales = _mean_change(panel, origins, 1)
    if season_length > 1:
        seasonal = _mean_change(panel, origins, season_length)
        scales = np.where(origins.ends > season_length, seasonal, scales)
    return np.where(scales == 0, 1.0, scales)[:, None]


def recent_windows(panel: Panel, origins: Origins, length: int) -> FloatArray:
    """Return the last ``length`` observations before each origin.

    ``(origins, length)``. Shorter series are padded in front with their first value.
    """
    positions = np.maximum(origins.ends[:, None] - np.arange(length, 0, -1), 0)
    return np.asarray(panel.values[panel.offsets[origins.series, None] + positions])


def _mean_change(panel: Panel, origins: Origins, lag: int) -> FloatArray:
    """Return the mean absolute change over ``lag`` steps before each origin, or 0."""
    changes = np.zeros_like(panel.values)
    changes[lag:] = np.abs(panel.values[lag:] - panel.values[:-lag])
    first = np.repeat(panel.offsets[:-1], panel.lengths)
    changes[np.arange(len(first)) - first < lag] = 0
    ends = panel.offsets[origins.series] + origins.ends
    total = running_sums(changes, panel.offsets)[ends - 1]
    return np.asarray(total / np.maximum(origins.ends - lag, 1))


def running_sums(values: FloatArray, offsets: IntArray) -> FloatArray:
    """Return cumulative sums within each series, ``(points,)``."""
    return np.concatenate([np.cumsum(values[a:b]) for a, b in pairwise(offsets)])
