"""Forecast origins: the splits of series into training, validation and test parts.

All splits are by time. A split is a position in each series, counted from its end, so
that series of different length are cut at the same distance from their ends.
"""

from dataclasses import dataclass

import numpy as np

from forecasting.data.panel import Panel
from forecasting.errors import SeriesTooShort, SettingError
from forecasting.types import IntArray


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
    before the next. Every series takes part in every fold.

    Args:
        panel: the series.
        folds: number of folds.
        horizon: steps ahead.
        before: observations that every series must have before the first fold.

    Raises:
        SettingError: ``folds`` is not a whole number of at least 1.
        SeriesTooShort: a series has fewer observations before its first fold.
    """
    if not isinstance(folds, int) or isinstance(folds, bool) or folds < 1:
        raise SettingError("folds", folds, "a whole number of at least 1")
    _check_lengths(
        panel,
        folds * horizon + before,
        f"{folds} folds of horizon {horizon} and {before} before them",
    )
    all_series = np.arange(len(panel))
    return [
        Origins(series=all_series, ends=panel.lengths - remaining * horizon)
        for remaining in range(folds, 0, -1)
    ]


def automatic_folds(panel: Panel, *, seq_len: int, horizon: int) -> int:
    """Return the number of folds that test the latest fifth of the shortest series.

    At least one, and at most 500, or a million forecast values in all; one training
    window remains before the first fold.

    Raises:
        SeriesTooShort: a series has no training window before a single fold.
    """
    window = seq_len + horizon
    _check_lengths(
        panel,
        window + horizon,
        f"seq_len {seq_len} + horizon {horizon} to train on "
        f"and horizon {horizon} to test on",
    )
    shortest = int(panel.lengths.min())
    fifth = max(1, shortest // (5 * horizon))
    affordable = max(1, min(500, 1_000_000 // (len(panel) * horizon)))
    return min(fifth, affordable, (shortest - window) // horizon)


def _check_lengths(panel: Panel, required: int, reason: str) -> None:
    short = np.flatnonzero(panel.lengths < required)
    if len(short):
        raise SeriesTooShort(
            [(panel.series_ids[s], int(panel.lengths[s])) for s in short],
            required,
            reason,
        )
