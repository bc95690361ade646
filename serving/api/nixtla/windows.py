"""Where forecasts of observations that are already there begin, and what they hit."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from forecasting.data.panel import Panel
from forecasting.data.splits import Origins
from forecasting.errors import SeriesTooShort
from forecasting.types import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class CrossValidationWindows:
    """Forecasts of observations, series after series, oldest origin first.

    Attributes:
        origins: where they begin.
        places: of the observations forecast, in the panel's values,
            ``(origins, steps)``.
        kept: which of them are asked for, ``(origins, steps)``.
    """

    origins: Origins
    places: IntArray
    kept: npt.NDArray[np.bool_]

    @property
    def steps(self) -> int:
        """Steps ahead."""
        return int(self.places.shape[1])

    def flat(self, made: FloatArray) -> FloatArray:
        """Return what was asked for of forecasts ``(origins, steps)``, one by one."""
        return np.asarray(made[self.kept])

    def sizes(self, count: int) -> IntArray:
        """Return how many observations are forecast of each of ``count`` series."""
        kept = self.kept.sum(1)
        return np.bincount(self.origins.series, kept, count).astype(np.int64)


def rolling(
    panel: Panel, least: int, *, steps: int, windows: int, apart: int
) -> CrossValidationWindows:
    """Return forecasts of which the last ends with its series.

    Args:
        panel: the series.
        least: observations that a forecast needs.
        steps: ahead.
        windows: of each series.
        apart: steps from one to the next.

    Raises:
        SeriesTooShort: a series has too little before its first window.
    """
    reach = steps + apart * (windows - 1)
    _check_lengths(panel, least + reach, f"{windows} windows and {least} before them")
    return _windows(panel, np.arange(-reach, 1 - steps, apart), steps)


def one_step(panel: Panel, least: int) -> CrossValidationWindows:
    """Return forecasts one step ahead, of every observation that has enough before it.

    Raises:
        SeriesTooShort: a series has none.
    """
    _check_lengths(panel, least + 1, f"{least} and one to forecast")
    ends = np.concatenate([np.arange(least, length) for length in panel.lengths])
    series = np.repeat(np.arange(len(panel)), panel.lengths - least)
    return _at(panel, Origins(series=series, ends=ends), 1)


def latest(
    panel: Panel, least: int, *, count: int, steps: int
) -> CrossValidationWindows:
    """Return forecasts of the last ``count`` observations, so many steps at a time.

    Raises:
        SeriesTooShort: a series has too little before them.
    """
    _check_lengths(panel, least + count, f"{least} and {count} to look at")
    return _windows(panel, np.arange(-count, 0, steps), min(steps, count))


def _windows(panel: Panel, starts: IntArray, steps: int) -> CrossValidationWindows:
    """Return forecasts of each series, from ``starts`` counted from its end."""
    ends = (panel.lengths[:, None] + starts).ravel()
    series = np.repeat(np.arange(len(panel)), len(starts))
    return _at(panel, Origins(series=series, ends=ends), steps)


def _at(panel: Panel, origins: Origins, steps: int) -> CrossValidationWindows:
    ahead = origins.ends[:, None] + np.arange(steps)
    places = panel.offsets[origins.series][:, None] + ahead
    return CrossValidationWindows(
        origins, places, ahead < panel.lengths[origins.series][:, None]
    )


def _check_lengths(panel: Panel, required: int, reason: str) -> None:
    short = np.flatnonzero(panel.lengths < required)
    if len(short):
        found = [(panel.series_ids[row], int(panel.lengths[row])) for row in short]
        raise SeriesTooShort(found, required, reason)
