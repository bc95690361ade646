"""Season, transform and lookback: those that a linear forecast does best with."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from forecasting.data.panel import Panel
from forecasting.data.windows import WindowSpec
from forecasting.datasets.window_dataset import smooth_panel
from forecasting.scaling.normalization import Method, Normalizer
from forecasting.scaling.window_scaling import ETS_METHODS, EtsStates
from forecasting.selection.normalization import linear_errors
from forecasting.selection.seasonality import find_seasons
from forecasting.types import FloatArray, IntArray

LONGEST = 512  # observations in a window


CLOSE = 1.03  # the logarithm may be so much worse than none


ENOUGH = 8.0  # windows without a common target that a comparison needs


MOST_SERIES, MOST_POINTS = 1000, 300_000  # that a choice is made on


Settings = Mapping[str, Any]  # by path: windows.seq_len, model.cell, training.steps


class LinearSearch:
    """Tries linear forecasts on the last part of each series.

    Args:
        panel: the series; of many, or of long ones, a part is looked at.
        horizon: steps ahead.
        season_length: lag of the naive error that errors are measured in.
        fixed: settings that the user gave, by path.
    """

    def __init__(
        self, panel: Panel, horizon: int, season_length: int, fixed: Settings
    ) -> None:
        self.panel, self.horizon, self.fixed = sample_panel(panel), horizon, fixed
        self.season_length = season_length
        self.non_negative = bool(panel.values.min() >= 0)  # all of it, no sample
        self.median = int(np.median(self.panel.lengths))
        self.tried: dict[tuple[str, int, int], FloatArray] = {}
        self.smoothed: dict[tuple[str, int], EtsStates] = {}

    def errors(self, method: Method, season: int, seq_len: int) -> FloatArray:
        """Return a linear forecast's errors, a window each; infinite without any."""
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
        """Return what smoothing knows, the same for every lookback."""
        if method not in ETS_METHODS:
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
        """Return where the training parts end: three horizons, or a quarter, before."""
        lengths = self.panel.lengths
        later = np.clip(lengths // 4, self.horizon, 3 * self.horizon)
        ends = lengths - later
        return np.where(ends < self.horizon + 2, lengths, ends)

    def error(self, method: Method, season: int, seq_len: int) -> float:
        """Return the mean of those errors."""
        return float(self.errors(method, season, seq_len).mean())

    def choose(self, seasons: list[int]) -> tuple[Method, int, int]:
        """Return normalisation, season and lookback.

        The logarithm is taken unless it is clearly worse: these errors cannot see
        relative ones, which it makes small as well.
        """
        found: list[tuple[Method, int, int]] = []
        for method in self._methods():
            season = min(seasons, key=lambda m: self._shortest(method, m))
            found.append((method, season, self.lookback(method, season)))
        best = min(self.error(*choice) for choice in found)
        return next(c for c in found if self.error(*c) <= CLOSE * best)

    def _methods(self) -> list[Method]:
        if self.fixed.get("model.normalization", "auto") != "auto":
            return [self.fixed["model.normalization"]]
        return ["log_ets", "ets"] if self.non_negative else ["ets"]

    def _shortest(self, method: Method, season: int) -> float:
        return self.error(method, season, self.lookbacks(season)[0])

    def lookback(self, method: Method, season: int) -> int:
        """Return the shortest lookback that is not clearly worse than the best.

        Clear are two standard errors, if there are windows enough to tell.
        """
        choices = self.lookbacks(season)
        errors = [self.errors(method, season, choice) for choice in choices]
        best = min(errors, key=lambda own: own.mean())
        pairs = zip(choices, errors, strict=True)
        return next(c for c, own in pairs if own is best or self._alike(own, best))

    def _alike(self, errors: FloatArray, best: FloatArray) -> bool:
        """Return whether errors exceed the best by less than two standard errors."""
        count = len(errors)
        independent = max(count / self.horizon, min(len(self.panel), count))
        if independent < ENOUGH or count != len(best):
            return False
        excess = errors - best
        return bool(excess.mean() <= 2 * excess.std() / np.sqrt(independent))

    def lookbacks(self, season: int) -> list[int]:
        """Return the lookbacks to try, shortest first."""
        if "windows.seq_len" in self.fixed:
            return [self.fixed["windows.seq_len"]]
        most = min(LONGEST, max(4, self.median * 3 // 4))
        if season == 1:
            choices = [4, 8, 16, 32, 64]
        elif season > 26:
            choices = [season, 2 * season, 3 * season]
        else:
            choices = [season * count for count in (2, 3, 4, 7, 14, 21)]
        return [c for c in choices if c <= most] or [max(2, min(choices[0], most))]

    def said(self) -> str:
        """Return what was tried and how it erred, best first."""
        means = {key: float(errors.mean()) for key, errors in self.tried.items()}
        best = sorted(means.items(), key=lambda item: item[1])[:4]
        return ", ".join(f"{m} {season}/{n} {e:.4g}" for (m, season, n), e in best)


def season_candidates(
    panel: Panel, told: int, fixed: Settings
) -> tuple[list[int], str]:
    """Return season lengths to try, and where they come from."""
    if "model.season_length" in fixed:
        return [fixed["model.season_length"]], "as given"
    found, most = find_seasons(sample_panel(panel)), int(panel.lengths.max()) / 2
    usable = [m for m in dict.fromkeys((1, told, *found)) if m < most]
    return usable or [1], "from the dates and the autocorrelation"


def sample_panel(panel: Panel) -> Panel:
    """Return at most so many series, and of each so many latest observations."""
    if len(panel) > MOST_SERIES:
        chosen = np.arange(MOST_SERIES) * len(panel) // MOST_SERIES
        ends = panel.lengths[chosen]
        panel = panel.pieces(chosen, np.zeros_like(ends), ends)
    return panel.tail(max(MOST_POINTS // len(panel), 100))
