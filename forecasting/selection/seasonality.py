"""Detection of season lengths: peaks of the autocorrelation."""

import numpy as np

from forecasting.data.panel import Panel
from forecasting.types import FloatArray

MAX_LAGS = 400
MAX_SERIES = 200
MIN_AUTOCORRELATION = 0.1  # mean over the series, of a peak
MAX_SEASONS = 2


def find_seasons(panel: Panel) -> tuple[int, ...]:
    """Find the lags with the largest autocorrelation of the changes, largest first.

    Args:
        panel: the series; only the longest are used.

    >>> wave = [float(t % 7 == 0) for t in range(70)]
    >>> find_seasons(Panel.from_values({"wave": wave}))
    (7,)
    """
    longest = np.argsort(-panel.lengths, kind="stable")[:MAX_SERIES]
    correlations = []
    for place in longest:
        values = panel.values[panel.offsets[place] : panel.offsets[place + 1]]
        correlations.append(_autocorrelation(values))
    lags = min(len(c) for c in correlations[: max(1, len(correlations) // 2)])
    if lags < 4:
        return ()
    mean = np.mean([c[:lags] for c in correlations if len(c) >= lags], axis=0)
    inner = mean[1:-1]
    peaks = np.flatnonzero((inner > mean[:-2]) & (inner >= mean[2:])) + 1
    clear = [int(p) for p in peaks if p >= 2 and mean[p] > MIN_AUTOCORRELATION]
    clear.sort(key=lambda p: -mean[p])
    seasons: list[int] = []
    for peak in clear:  # multiples of a season have peaks, too
        if not any(peak % season == 0 for season in seasons):
            seasons.append(peak)
    return tuple(seasons[:MAX_SEASONS])


def _autocorrelation(values: FloatArray) -> FloatArray:
    """Return the autocorrelation of a series' changes, lags 0 to a third of it."""
    changes = np.diff(values)
    lags = min(MAX_LAGS, len(values) // 3)
    deviation = changes - changes.mean() if len(changes) else changes
    power = float(deviation @ deviation)
    if lags < 4 or power <= 0:
        return np.zeros(max(lags, 0))
    size = 2 ** int(np.ceil(np.log2(2 * len(deviation))))
    spectrum = np.abs(np.fft.rfft(deviation, size)) ** 2
    return np.asarray(np.fft.irfft(spectrum, size)[:lags] / power)
