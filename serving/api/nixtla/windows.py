"""Windows of cross-validation: forecast origins and the observations to compare."""

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
        origins: forecast origins.
        places: indices of the forecast observations in the panel's values,
            ``(origins, steps)``.
        mask: True for steps within the series, ``(origins, steps)``.
    """

    origins: Origins
    places: IntArray
    mask: npt.NDArray[np.bool_]

    @property
    def steps(self) -> int:
        """Steps ahead."""
        return int(self.places.shape[1])

    def select(self, forecasts: FloatArray) -> FloatArray:
        """Return the masked values of forecasts ``(origins, steps)``, flat."""
        return np.asarray(forecasts[self.mask])

    def sizes(self, count: int) -> IntArray:
        """Return the number of forecast observations of each of ``count`` series."""
        steps = self.mask.sum(1)
        return np.bincount(self.origins.series, steps, count).astype(np.int64)


def rolling(
    panel: Panel, minimum: int, *, steps: int, windows: int, stride: int
) -> CrossValidationWindows:
    """Return windows at a stride, the last of which ends with its series.

    Args:
        panel: the series.
        minimum: minimum history of a forecast.
        steps: steps ahead.
        windows: number of windows per series.
        stride: steps between consecutive windows.

    Raises:
        SeriesTooShort: a series has too little before its first window.
    """
    reach = steps + stride * (windows - 1)
    _check_lengths(
        panel, minimum + reach, f"{windows} windows and {minimum} before them"
    )
    return _make_windows(panel, np.arange(-reach, 1 - steps, stride), steps)


def one_step(panel: Panel, minimum: int) -> CrossValidationWindows:
    """Return windows of one step, for every observation with enough history.

    Raises:
        SeriesTooShort: a series has no such observation.
    """
    _check_lengths(panel, minimum + 1, f"{minimum} and one to forecast")
    ends = np.concatenate([np.arange(minimum, length) for length in panel.lengths])
    series = np.repeat(np.arange(len(panel)), panel.lengths - minimum)
    return _windows_at(panel, Origins(series=series, ends=ends), 1)


def latest(
    panel: Panel, minimum: int, *, count: int, steps: int
) -> CrossValidationWindows:
    """Return windows of ``steps`` each over the last ``count`` observations.

    Raises:
        SeriesTooShort: a series has too little before them.
    """
    _check_lengths(panel, minimum + count, f"{minimum} and {count} to look at")
    return _make_windows(panel, np.arange(-count, 0, steps), min(steps, count))


def _make_windows(panel: Panel, starts: IntArray, steps: int) -> CrossValidationWindows:
    """Return windows of each series, at ``starts`` relative to its end."""
    ends = (panel.lengths[:, None] + starts).ravel()
    series = np.repeat(np.arange(len(panel)), len(starts))
    return _windows_at(panel, Origins(series=series, ends=ends), steps)


def _windows_at(panel: Panel, origins: Origins, steps: int) -> CrossValidationWindows:
    ahead = origins.ends[:, None] + np.arange(steps)
    places = panel.offsets[origins.series][:, None] + ahead
    return CrossValidationWindows(
        origins, places, ahead < panel.lengths[origins.series][:, None]
    )


def _check_lengths(panel: Panel, required: int, reason: str) -> None:
    short = np.flatnonzero(panel.lengths < required)
    if len(short):
        lengths = [(panel.series_ids[row], int(panel.lengths[row])) for row in short]
        raise SeriesTooShort(lengths, required, reason)
