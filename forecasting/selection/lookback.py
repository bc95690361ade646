"""Search for season, transform and lookback by the errors of linear forecasts."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from forecasting.data.panel import Panel
from forecasting.data.windows import WindowSpec
from forecasting.datasets.window_dataset import smooth_panel
from forecasting.scaling.methods import METHODS, Method
from forecasting.scaling.normalization import Normalizer
from forecasting.scaling.window_scaling import EtsStates
from forecasting.selection.normalization import linear_errors
from forecasting.selection.seasonality import find_seasons
from forecasting.types import FloatArray, IntArray

MAX_LOOKBACK = 512  # observations in a window
LOG_TOLERANCE = 1.03  # error ratio up to which the logarithm is preferred
MIN_INDEPENDENT_WINDOWS = 8.0  # without a common target, for a comparison
MAX_SERIES, MAX_POINTS = 1000, 300_000  # of the sample for the search
Settings = Mapping[str, Any]  # by path: windows.seq_len, model.cell, training.steps


class LinearSearch:
    """Search over linear forecasts, validated on the last part of each series.

    Args:
        panel: the series; a sample is used if they are many or long.
        horizon: steps ahead.
        season_length: lag of the naive error, the unit of errors.
        fixed: settings of the user, by path.
    """

    def __init__(
        self, panel: Panel, horizon: int, season_length: int, fixed: Settings
    ) -> None:
        self.panel, self.horizon, self.fixed = sample_panel(panel), horizon, fixed
        self.season_length = season_length
        self.non_negative = bool(panel.values.min() >= 0)  # of the full panel
        self.median = int(np.median(self.panel.lengths))
        self.tried: dict[tuple[str, int, int], FloatArray] = {}
        self.smoothed: dict[tuple[str, int], EtsStates] = {}

    def errors(self, method: Method, season: int, seq_len: int) -> FloatArray:
        """Return the linear forecast's error in each window; infinite without any."""
        key = (method, season, seq_len)
        if key not in self.tried:
            spec = WindowSpec(seq_len=seq_len, horizon=self.horizon)
            ends = self._ends()
            errors = linear_errors(
                self.panel,
                spec,
                ends,
                method,
                season_length=season,
                scale_lag=self.season_length,
                tolerance=0.0,
                states=self._states(method, season),
            )
            self.tried[key] = errors if len(errors) else np.array([np.inf])
        return self.tried[key]

    def _states(self, method: Method, season: int) -> EtsStates | None:
        """Return the smoothed panel, shared by all lookbacks; None if not needed."""
        if not METHODS[method].is_smoothed:
            return None
        key = (method, season)
        if key not in self.smoothed:
            normalizer = Normalizer.fit(
                self.panel, method, seq_len=1, ends=self._ends()
            )
            states = smooth_panel(self.panel, normalizer, self.horizon, season)
            self.smoothed[key] = states.with_padding(max(self.lookbacks(season)))
        return self.smoothed[key]

    def _ends(self) -> IntArray:
        """Return the ends of the training parts, up to three horizons from the end."""
        lengths = self.panel.lengths
        later = np.clip(lengths // 4, self.horizon, 3 * self.horizon)
        ends = lengths - later
        return np.where(ends < self.horizon + 2, lengths, ends)

    def error(self, method: Method, season: int, seq_len: int) -> float:
        """Return the mean of `errors`."""
        return float(self.errors(method, season, seq_len).mean())

    def choose(self, seasons: list[int]) -> tuple[Method, int, int]:
        """Return the best normalisation, season and lookback.

        The logarithm is preferred unless it is clearly worse: these absolute errors do
        not show its gain in relative errors.
        """
        choices: list[tuple[Method, int, int]] = []
        for method in self._methods():
            season = min(seasons, key=lambda m: self._shortest(method, m))
            choices.append((method, season, self.lookback(method, season)))
        best = min(self.error(*choice) for choice in choices)
        return next(c for c in choices if self.error(*c) <= LOG_TOLERANCE * best)

    def _methods(self) -> list[Method]:
        if self.fixed.get("model.normalization", "auto") != "auto":
            return [self.fixed["model.normalization"]]
        return ["log_ets", "ets"] if self.non_negative else ["ets"]

    def _shortest(self, method: Method, season: int) -> float:
        return self.error(method, season, self.lookbacks(season)[0])

    def lookback(self, method: Method, season: int) -> int:
        """Return the shortest lookback that is not clearly worse than the best.

        Clearly worse means by two standard errors, on a sufficient number of windows.
        """
        choices = self.lookbacks(season)
        errors = [self.errors(method, season, choice) for choice in choices]
        best = min(errors, key=lambda windows: windows.mean())
        pairs = zip(choices, errors, strict=True)
        return next(c for c, e in pairs if e is best or self._is_close(e, best))

    def _is_close(self, errors: FloatArray, best: FloatArray) -> bool:
        """Return whether errors exceed the best by less than two standard errors."""
        count = len(errors)
        independent = max(count / self.horizon, min(len(self.panel), count))
        if independent < MIN_INDEPENDENT_WINDOWS or count != len(best):
            return False
        excess = errors - best
        return bool(excess.mean() <= 2 * excess.std() / np.sqrt(independent))

    def lookbacks(self, season: int) -> list[int]:
        """Return the lookbacks to try, shortest first."""
        if "windows.seq_len" in self.fixed:
            return [self.fixed["windows.seq_len"]]
        longest = min(MAX_LOOKBACK, max(4, self.median * 3 // 4))
        if season == 1:
            choices = [4, 8, 16, 32, 64]
        elif season > 26:
            choices = [season, 2 * season, 3 * season]
        else:
            choices = [season * count for count in (2, 3, 4, 7, 14, 21)]
        return [c for c in choices if c <= longest] or [
            max(2, min(choices[0], longest))
        ]

    def summary(self) -> str:
        """Describe the four best trials and their errors, best first."""
        means = {key: float(errors.mean()) for key, errors in self.tried.items()}
        best = sorted(means.items(), key=lambda item: item[1])[:4]
        return ", ".join(f"{m} {season}/{n} {e:.4g}" for (m, season, n), e in best)


def season_candidates(
    panel: Panel, season_length: int, fixed: Settings
) -> tuple[list[int], str]:
    """Return season lengths to try, and their origin in words."""
    if "model.season_length" in fixed:
        return [fixed["model.season_length"]], "as given"
    longest = int(panel.lengths.max()) / 2
    seasons = (1, season_length, *find_seasons(sample_panel(panel)))
    usable = [m for m in dict.fromkeys(seasons) if m < longest]
    return usable or [1], "from the dates and the autocorrelation"


def sample_panel(panel: Panel) -> Panel:
    """Return a sample of the series, each with its latest observations only."""
    if len(panel) > MAX_SERIES:
        chosen = np.arange(MAX_SERIES) * len(panel) // MAX_SERIES
        ends = panel.lengths[chosen]
        panel = panel.pieces(chosen, np.zeros_like(ends), ends)
    return panel.tail(max(MAX_POINTS // len(panel), 100))
