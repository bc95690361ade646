"""Default lookback and horizon, by frequency and season.

The horizons are those of the M4 competition: Makridakis, Spiliotis and Assimakopoulos,
"The M4 Competition: 100,000 time series and 61 forecasting methods", International
Journal of Forecasting 36(1), 2020. The lookback covers at least two seasons where they
are short. Both are shortened for short series, to whole seasons where one fits.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

import numpy as np

from forecasting.data.panel import Panel
from forecasting.timestamps.frequency import DAY, WEEK, Rule, parse_frequency

MIN_LOOKBACK = 5
LONGEST_LOOKBACK, LONGEST_HORIZON = 96, 48
UNDATED = (12, 6)  # lookback and horizon, without season
YEARLY, QUARTERLY, MONTHLY = (12, 6), (16, 8), (24, 18)
WEEKLY, DAILY, HOURLY = (52, 13), (28, 14), (48, 48)
# A third of a series to read at most, and a tenth to forecast: a backtest on the latest
# fifth then has two cutoffs. More cutoffs, if set, are in the latest half.
SHARE_OF_LOOKBACK, SHARE_OF_HORIZON = 3, 10
AUTOMATIC_FOLDS, SHARE_OF_FOLDS = 2, 2
SHORT_SERIES = 0.1  # share of the series that may be too short


@dataclass(frozen=True, slots=True)
class ChosenWindows:
    """Lookback and horizon for a panel.

    Attributes:
        seq_len: observations of the input.
        horizon: steps ahead.
        reason: frequency and season, and the length that shortened them.
    """

    seq_len: int
    horizon: int
    reason: str

    def describe(self, names: Collection[str] = ("seq_len", "horizon")) -> str:
        """Describe the lengths in one line.

        Args:
            names: the lengths that were chosen, not set by the user.
        """
        lengths = {"seq_len": f"{self.seq_len} in", "horizon": f"{self.horizon} ahead"}
        shown = ", ".join(text for name, text in lengths.items() if name in names)
        options = " and ".join(f"--{name.replace('_', '-')}" for name in names)
        return f"windows: {shown} ({self.reason}; others by {options})"


def choose_windows(
    panel: Panel,
    *,
    season_length: int,
    seq_len: int | None = None,
    horizon: int | None = None,
    folds: int | Literal["auto"] = "auto",
) -> ChosenWindows:
    """Choose lookback and horizon by the frequency, the season and the lengths.

    Args:
        panel: the series; their values play no part.
        season_length: in steps; 1 for none.
        seq_len, horizon: set by the user; None chooses.
        folds: cutoffs of a backtest, one horizon apart.

    >>> panel = Panel.from_values({"a": [0.0] * 80})
    >>> choose_windows(panel, season_length=1).describe()
    'windows: 12 in, 6 ahead (no dates; others by --seq-len and --horizon)'
    """
    usual_lookback, usual_horizon = _usual_lengths(panel, season_length)
    length = int(np.quantile(panel.lengths, SHORT_SERIES, method="lower"))
    cutoffs = AUTOMATIC_FOLDS if folds == "auto" else folds
    is_shortened = False
    if horizon is None:
        limit = min(length // SHARE_OF_HORIZON, length // (SHARE_OF_FOLDS * cutoffs))
        if seq_len is not None:
            limit = min(limit, (length - seq_len) // (cutoffs + 1))
        horizon = max(1, _shorten(usual_horizon, limit, season_length))
        is_shortened = horizon < usual_horizon
    if seq_len is None:
        limit = min(length // SHARE_OF_LOOKBACK, length - (cutoffs + 1) * horizon)
        seq_len = max(MIN_LOOKBACK, _shorten(usual_lookback, limit, season_length))
        is_shortened |= seq_len < usual_lookback
    reason = "no dates"
    if panel.calendar.freq is not None:
        reason = f"frequency {panel.calendar.freq}"
    if season_length > 1:
        reason += f", season {season_length}"
    if is_shortened:
        reason += f", shortened for {length} observations"
    return ChosenWindows(seq_len, horizon, reason)


def _usual_lengths(panel: Panel, season_length: int) -> tuple[int, int]:
    """Return lookback and horizon for long series."""
    if panel.calendar.freq is None:
        return UNDATED if season_length == 1 else _by_season(season_length, 2, 1)
    rule = parse_frequency(panel.calendar.freq)
    if rule.unit == "months":
        return YEARLY if rule.size >= 12 else QUARTERLY if rule.size >= 3 else MONTHLY
    return _usual_lengths_of_days(rule, season_length)


def _usual_lengths_of_days(rule: Rule, season_length: int) -> tuple[int, int]:
    """Return lookback and horizon for weeks, days and shorter steps."""
    if rule.unit == "ticks" and rule.size >= WEEK:
        return WEEKLY
    if rule.unit == "days" or rule.size >= DAY:
        return DAILY if season_length == 1 else _by_season(season_length, 4, 2)
    return HOURLY if season_length == 1 else _by_season(season_length, 2, 2)


def _by_season(season_length: int, before: int, ahead: int) -> tuple[int, int]:
    """Return a number of seasons before and ahead, up to the longest lengths."""
    return (
        min(before * season_length, LONGEST_LOOKBACK),
        min(ahead * season_length, LONGEST_HORIZON),
    )


def _shorten(usual: int, limit: int, season_length: int) -> int:
    """Return a length up to a limit, in whole seasons where one fits."""
    if usual <= limit:
        return usual
    is_seasonal = 1 < season_length <= limit
    return limit // season_length * season_length if is_seasonal else limit
