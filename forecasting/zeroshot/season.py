"""The season length of each series: of its calendar, or of its autocorrelation."""

from itertools import pairwise
from typing import Literal

import numpy as np

from forecasting.data.panel import Panel
from forecasting.errors import SettingError
from forecasting.types import FloatArray, IntArray

MIN_HISTORY = 3  # values of a series
MAX_CONTEXT = 2048  # last values of a series that a forecast reads
MAX_SEASON_LENGTH = 1024
MIN_CYCLES = 3  # observed, to find a season that no calendar suggests
MIN_AUTOCORRELATION = 0.3  # of the changes, at the season
YEAR_OF_DAYS = 365
MAX_LAG = 400


def choose_season_lengths(
    panel: Panel, season_length: int | Literal["auto"] = "auto"
) -> IntArray:
    """Choose the season length of each series, ``(series,)``; 1 for none.

    With dates, the season of the calendar: 24 for hours, 7 for days, 52 for weeks, 12
    for months, 4 for quarters. Without dates, the lag with a clear peak of the
    autocorrelation of the changes, if the series holds three such cycles. A series is
    judged by its own last values alone, those that a forecast reads.

    Args:
        panel: the series.
        season_length: of all series, if it is a number.

    Raises:
        SettingError: the number is not a whole one from 1 to 1,024.
    """
    if season_length != "auto":
        return np.full(len(panel), check_season_length(season_length))
    if panel.calendar.freq is not None:
        return np.full(len(panel), panel.calendar.season_length)
    borders = panel.offsets
    return np.array(
        [
            find_season(panel.values[max(begin, end - MAX_CONTEXT) : end])
            for begin, end in pairwise(borders)
        ]
    )


def check_season_length(season_length: int) -> int:
    """Return a season length after a check of its range.

    Raises:
        SettingError: it is not a whole number from 1 to 1,024.
    """
    is_integer = isinstance(season_length, int | np.integer)
    if (
        not is_integer
        or isinstance(season_length, bool)
        or not 1 <= season_length <= MAX_SEASON_LENGTH
    ):
        expected = f"auto or a whole number from 1 to {MAX_SEASON_LENGTH}"
        raise SettingError("season_length", season_length, expected)
    return int(season_length)


def find_season(values: FloatArray) -> int:
    """Return the season of one series without a calendar; 1 for none.

    >>> find_season(np.array([float(t % 7 == 0) for t in range(70)]))
    7
    >>> find_season(np.arange(70.0) ** 2)
    1
    """
    changes = np.diff(values)
    deviation = changes - changes.mean() if len(changes) else changes
    power = float(deviation @ deviation)
    lags = min(MAX_LAG, len(deviation) // MIN_CYCLES)
    if lags < 3 or power <= 0:
        return 1
    size = 2 ** int(np.ceil(np.log2(2 * len(deviation))))
    spectrum = np.abs(np.fft.rfft(deviation, size)) ** 2
    unbiased = len(deviation) / (len(deviation) - np.arange(lags + 1))
    correlation = np.fft.irfft(spectrum, size)[: lags + 1] / power * unbiased
    inner = correlation[1:-1]
    is_peak = (inner > correlation[:-2]) & (inner >= correlation[2:])
    peaks = np.flatnonzero(is_peak) + 1
    clear = peaks[(peaks >= 2) & (correlation[peaks] > MIN_AUTOCORRELATION)]
    if not len(clear):
        return 1
    highest = correlation[clear].max()
    return int(clear[correlation[clear] > 0.9 * highest][0])  # not a multiple of it
