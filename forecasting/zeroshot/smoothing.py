"""Exponential smoothing of series from several origins: forecasts and windows.

The season and the ensemble of damped trends are those of `forecasting.scaling.ets`.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from forecasting.scaling import ets_loops
from forecasting.scaling.ets import COLUMNS, DAMPINGS, GRID, scored_steps
from forecasting.types import FloatArray, IntArray
from forecasting.zeroshot.tracks import Tracks


class SmoothedTracks(NamedTuple):
    """Smoothed tracks, as seen from their origins.

    Attributes:
        forecasts: ``(origins, steps)``.
        windows: the values before each origin, less level and season, in units of the
            changes over a season, ``(origins, length)``.
        sizes: of the units, ``(origins,)``.
    """

    forecasts: FloatArray
    windows: npt.NDArray[np.float32]
    sizes: FloatArray


def smooth_tracks(
    tracks: Tracks, season_length: int, steps: int, length: int = 0
) -> SmoothedTracks:
    """Forecast tracks from their origins by exponential smoothing.

    Args:
        tracks: series with origins.
        season_length: steps of the season; 1 for none.
        steps: steps ahead.
        length: values in a window; 0 for no windows.
    """
    later, damped = _ahead(steps)
    return SmoothedTracks(
        *ets_loops.smooth_origins(
            tracks.values,
            tracks.offsets,
            tracks.ends,
            tracks.borders,
            season_length,
            later,
            GRID,
            COLUMNS,
            damped,
            length,
        )
    )


@lru_cache
def _ahead(steps: int) -> tuple[IntArray, FloatArray]:
    """Return the later scored steps, and the sums of each damping over the steps."""
    later = np.array(scored_steps(steps)[1:], dtype=np.int64)
    numbers = np.arange(1, steps + 1)
    return later, np.cumsum(np.array(DAMPINGS)[:, None] ** numbers, axis=1)
