"""Zero-shot forecasts as a baseline: the figure to beat by a training.

No rule is fitted and no interval calibrated: an origin gets the points and intervals
that `forecasting.zeroshot` gives for the observations up to it.
"""

from collections.abc import Iterable
from typing import Literal, Self

import numpy as np

from forecasting.data.forecast import Intervals, check_horizon, check_levels
from forecasting.data.panel import Panel
from forecasting.data.splits import Origins
from forecasting.errors import SeriesTooShort
from forecasting.types import FloatArray
from forecasting.zeroshot import MIN_HISTORY, choose_season_lengths, load_zero_shot

ZERO_SHOT = "zero_shot"  # name in a leaderboard


class ZeroShotBaseline:
    """The zero-shot forecast, with the interface of `Baseline`.

    Covariates of the series are not read.

    Args:
        horizon: steps ahead.
        season_length: steps of a season; ``auto`` takes that of the calendar,
            or finds one in the observations of each series up to the origin.
        levels: of the intervals that are computed beside the points, in percent; others
            cost a second forecast.
    """

    def __init__(
        self,
        *,
        horizon: int = 2,
        season_length: int | Literal["auto"] = "auto",
        levels: Iterable[float] = (80, 95),
    ) -> None:
        self.horizon = check_horizon(horizon)
        self.season_length = season_length
        self.levels = check_levels(levels)
        self._latest: tuple[FloatArray, FloatArray] | None = None  # points and bounds

    def fit(self, panel: Panel) -> Self:
        """Return self: nothing is fitted."""
        return self

    def forecast_at(
        self, panel: Panel, origins: Origins, horizon: int | None = None
    ) -> FloatArray:
        """Forecast from each origin, ``(origins, horizon)``, in original units.

        Only the first ``ends`` observations of each origin's series are used.

        Raises:
            SeriesTooShort: an origin has fewer than 3 observations.
            SettingError: the horizon or the season lies outside its range.
        """
        steps = self.horizon if horizon is None else check_horizon(horizon)
        self._latest = self._forecast(panel, origins, steps, self.levels)
        return self._latest[0]

    def intervals_at(
        self,
        panel: Panel,
        origins: Origins,
        points: FloatArray,
        levels: Iterable[float] = (80, 95),
    ) -> Intervals:
        """Return central intervals round forecasts ``(origins, horizon)``, by level.

        Raises:
            SeriesTooShort: an origin has fewer than 3 observations.
            SettingError: a level lies outside its range.
        """
        checked = check_levels(levels)
        if not checked:
            return {}
        latest = self._latest
        if latest is None or latest[0] is not points or checked != self.levels:
            latest = self._forecast(panel, origins, points.shape[1], checked)
        bounds = latest[1]
        lower, upper = bounds[: len(checked)], bounds[len(checked) :]
        return {
            level: (lower[place], upper[place]) for place, level in enumerate(checked)
        }

    def calibrate(self, panel: Panel, origins: Origins, points: FloatArray) -> Self:
        """Return self: the intervals come from each series' errors before an origin."""
        return self

    def _forecast(
        self, panel: Panel, origins: Origins, steps: int, levels: tuple[float, ...]
    ) -> tuple[FloatArray, FloatArray]:
        """Return points ``(origins, steps)`` and bounds ``(2 levels, origins, steps)``.

        The forecaster is passed copies of the observations up to each origin alone.
        """
        short = np.flatnonzero(origins.ends < MIN_HISTORY)
        if len(short):
            names = [
                (panel.series_ids[origins.series[row]], int(origins.ends[row]))
                for row in short
            ]
            reason = "for a forecast without training"
            raise SeriesTooShort(names, MIN_HISTORY, reason, "Give more history.")
        begins = np.zeros_like(origins.ends)
        seen = panel.pieces(origins.series, begins, origins.ends)
        points, bounds, _ = load_zero_shot().forecast(
            seen.values,
            seen.offsets,
            season_lengths=choose_season_lengths(seen, self.season_length),
            steps=steps,
            levels=levels,
        )
        return points, bounds
