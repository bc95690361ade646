"""Which season lengths the values themselves show: peaks of the autocorrelation."""

import numpy as np

from forecasting.data.panel import Panel
from forecasting.types import FloatArray

MOST_LAGS = 400


MOST_SERIES = 200


CLEAR = 0.1  # mean autocorrelation of a peak that is worth a try


MOST_SEASONS = 2


def find_seasons(panel: Panel) -> tuple[int, ...]:
    """Return the lags after which the changes of series repeat, clearest first.

    Args:
        panel: the series; the longest of them are looked at.

    >>> wave = [float(t % 7 == 0) for t in range(70)]
    >>> find_seasons(Panel.from_values({"wave": wave}))
    (7,)
    """
    longest = np.argsort(-panel.lengths, kind="stable")[:MOST_SERIES]
    found = []
    for place in longest:
        values = panel.values[panel.offsets[place] : panel.offsets[place + 1]]
        found.append(_autocorrelation(values))
    lags = min(len(one) for one in found[: max(1, len(found) // 2)])
    if lags < 4:
        return ()
    mean = np.mean([one[:lags] for one in found if len(one) >= lags], axis=0)
    inner = mean[1:-1]
    peaks = np.flatnonzero((inner > mean[:-2]) & (inner >= mean[2:])) + 1
    clear = [int(p) for p in peaks if p >= 2 and mean[p] > CLEAR]
    clear.sort(key=lambda p: -mean[p])
    seasons: list[int] = []
    for peak in clear:  # a multiple of a season is one, too
        if not any(peak % season == 0 for season in seasons):
            seasons.append(peak)
    return tuple(seasons[:MOST_SEASONS])


def _autocorrelation(values: FloatArray) -> FloatArray:
    """Return the autocorrelation of a series' changes, lags 0 to a third of it."""
    changes = np.diff(values)
    lags = min(MOST_LAGS, len(values) // 3)
    deviation = changes - changes.mean() if len(changes) else changes
    power = float(deviation @ deviation)
    if lags < 4 or power <= 0:
        return np.zeros(max(lags, 0))
    size = 2 ** int(np.ceil(np.log2(2 * len(deviation))))
    spectrum = np.abs(np.fft.rfft(deviation, size)) ** 2
    return np.asarray(np.fft.irfft(spectrum, size)[:lags] / power)
