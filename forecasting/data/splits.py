"""Forecast origins: the splits of series into training, validation and test parts.

All splits are by time. A split is a position in each series, counted from its end, so
that series of different length are cut at the same distance from their ends.
"""

from dataclasses import dataclass

import numpy as np

from forecasting.data.panel import Panel
from forecasting.errors import SeriesTooShort, SettingError
from forecasting.types import BoolArray, IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Origins:
    """Positions in series at which forecasts start.

    A forecast from origin ``i`` may read the first ``ends[i]`` observations of series
    ``series[i]`` and nothing after them.

    Attributes:
        series: position of the series in its panel, ``(origins,)``.
        ends: number of readable observations, ``(origins,)``.
    """

    series: IntArray
    ends: IntArray

    def __len__(self) -> int:
        return len(self.series)

    def select(self, rows: BoolArray | IntArray) -> "Origins":
        """Return some of the origins, by position or mask."""
        return Origins(series=self.series[rows], ends=self.ends[rows])


def last_origins(panel: Panel) -> Origins:
    """Return the end of every series: the origins of a forecast of the future."""
    return Origins(series=np.arange(len(panel)), ends=panel.lengths)


def timestamps_at(panel: Panel, origins: Origins) -> IntArray:
    """Return the time of each origin in steps from its series' end, ``(origins,)``.

    0 is the end, earlier origins are negative; the origins of a fold share one value.
    """
    return np.asarray(origins.ends - panel.lengths[origins.series])


def rolling_origins(
    panel: Panel, *, folds: int, horizon: int, before: int = 1
) -> list[Origins]:
    """Return the origins of each fold, the oldest fold first.

    The last fold's forecasts end with the series; each earlier fold lies one horizon
    before the next. Series that are too short for all folds take part in none.

    Args:
        panel: the series.
        folds: number of folds.
        horizon: steps ahead.
        before: observations that a series must have before the first fold.

    Raises:
        SettingError: ``folds`` is not a whole number of at least 1.
        SeriesTooShort: all series have fewer observations before the first fold.
    """
    if not isinstance(folds, int) or isinstance(folds, bool) or folds < 1:
        raise SettingError("folds", folds, "a whole number of at least 1")
    plural = "s" * (folds > 1)
    reason = f"{folds} fold{plural} of horizon {horizon} and {before} before them"
    series = _long_series(panel, folds * horizon + before, reason)
    return [
        Origins(series=series, ends=panel.lengths[series] - remaining * horizon)
        for remaining in range(folds, 0, -1)
    ]


def observed_by(panel: Panel, origins: Origins) -> Panel:
    """Return the series of a fold, each cut to the observations before its origin.

    Series without an origin are left out; there is one origin a series.
    """
    return panel.pieces(origins.series, np.zeros_like(origins.ends), origins.ends)


def automatic_folds(panel: Panel, *, seq_len: int, horizon: int) -> int:
    """Return the number of folds that test the latest fifth of the shortest series.

    At least one, and at most 500, or a million forecast values in all; one training
    window remains before the first fold. Series too short for that do not count.

    Raises:
        SeriesTooShort: no series has a training window before a single fold.
    """
    window = seq_len + horizon
    series = _long_series(
        panel,
        window + horizon,
        f"seq_len {seq_len} + horizon {horizon} to train on "
        f"and horizon {horizon} to test on",
    )
    shortest = int(panel.lengths[series].min())
    fifth = max(1, shortest // (5 * horizon))
    affordable = max(1, min(500, 1_000_000 // (len(series) * horizon)))
    return min(fifth, affordable, (shortest - window) // horizon)


def _long_series(panel: Panel, required: int, reason: str) -> IntArray:
    """Return the positions of the series with the required length.

    Raises:
        SeriesTooShort: there is none.
    """
    series = np.flatnonzero(panel.lengths >= required)
    if not len(series):
        lengths = zip(panel.series_ids, panel.lengths.tolist(), strict=True)
        raise SeriesTooShort(lengths, required, reason)
    return series


def drop_short(panel: Panel, required: int) -> Panel:
    """Return the series of a length; the same panel if all or none has it."""
    series = np.flatnonzero(panel.lengths >= required)
    if len(series) in (0, len(panel)):
        return panel
    return panel.pieces(series, np.zeros_like(series), panel.lengths[series])
