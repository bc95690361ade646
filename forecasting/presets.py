"""Presets: whole sets of settings, by one name, where the user set nothing.

    classic    one network on min-max scaled windows, as in a first course
    guarded    the default settings, and `forecasting.guard` above the network
    accurate   lookback, season and transform chosen on the data; exponential smoothing
               as the normalisation; a trained linear start; several networks over
               patches of the window; trained again on everything; guarded

The choices look at nothing but the panel that they are given.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args

import numpy as np

from forecasting.choosing import linear_errors
from forecasting.configuration import RecurrentConfig
from forecasting.errors import SettingError
from forecasting.forecaster import Forecaster
from forecasting.normalization import Method
from forecasting.series import FloatArray, IntArray, Panel
from forecasting.timeline.seasonality import find_seasons
from forecasting.training import TrainingConfig
from forecasting.windows import WindowSpec

Preset = Literal["classic", "guarded", "accurate"]
PRESETS: tuple[str, ...] = get_args(Preset)

MANY = 30  # series that together validate on one horizon each
LONGEST = 512  # observations in a window
MOST_STEPS = 24  # recurrent steps that a window is read in, at most
MANY_SEASONS = 8  # a window that holds so many is read a season a step
CLOSE = 1.03  # the logarithm may be so much worse than none
MOST_SERIES, MOST_POINTS = 1000, 300_000  # that a choice is made on

Settings = Mapping[str, Any]  # by path: windows.seq_len, model.cell, training.steps


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What a preset fills in.

    Attributes:
        settings: by path, those that were not given.
        reasons: of the choices made on the data, a sentence each.
    """

    settings: dict[str, Any]
    reasons: tuple[str, ...] = ()


def choose_settings(
    preset: Preset,
    panel: Panel,
    *,
    horizon: int,
    season_length: int | Literal["auto"] = "auto",
    given: Settings | None = None,
) -> Chosen:
    """Return a preset's settings for a panel.

    Args:
        preset: its name.
        panel: what may be looked at: nothing that shall be a test later.
        horizon: steps ahead.
        season_length: if the user knows it; ``auto`` looks at dates and values.
        given: what the user set, by path; it stays, and the rest goes by it.

    Raises:
        SettingError: there is no such preset.
    """
    if preset not in PRESETS:
        raise SettingError("preset", preset, f"one of {', '.join(PRESETS)}")
    fixed = dict(given or {})
    told = panel.calendar.season_length if season_length == "auto" else season_length
    if preset == "accurate":
        chosen = _accurate(panel, horizon, told, fixed)
    else:
        chosen = Chosen(settings=dict(_CLASSIC))
        if preset == "guarded":
            chosen = Chosen(settings={**_GUARDED, "model.season_length": told})
    open_settings = {k: v for k, v in chosen.settings.items() if k not in fixed}
    return replace(chosen, settings=open_settings)


def forecaster_for(
    panel: Panel,
    preset: Preset = "guarded",
    *,
    horizon: int,
    season_length: int | Literal["auto"] = "auto",
    given: Settings | None = None,
) -> Forecaster:
    """Return a forecaster with a preset's settings, untrained.

    Args:
        panel: what it is going to be fitted to.
        preset, horizon, season_length, given: see `choose_settings`.

    Raises:
        SettingError: there is no such preset, or no such setting.
    """
    fixed = {**(given or {}), "windows.horizon": horizon}
    chosen = choose_settings(
        preset, panel, horizon=horizon, season_length=season_length, given=fixed
    )
    merged = {**chosen.settings, **fixed}
    groups: dict[str, dict[str, Any]] = {"windows": {}, "model": {}, "training": {}}
    for path, value in merged.items():
        group, _, name = path.partition(".")
        if group not in groups or not name:
            raise SettingError(path, value, "a path like model.cell or training.seed")
        groups[group][name] = value
    return Forecaster(
        windows=_make(WindowSpec, groups["windows"]),
        model=_make(RecurrentConfig, groups["model"]),
        training=_make(TrainingConfig, groups["training"]),
    )


_CLASSIC: Settings = {
    "model.normalization": "minmax",
    "model.linear_skip": False,
    "training.loss": "mse",
}
_GUARDED: Settings = {"model.guard": True, "training.refit": True}
_ACCURATE: Settings = {
    "model.cell": "gru",
    "model.hidden_size": 64,
    "model.members": 5,
    "model.train_skip": True,
    "model.guard": True,
    "training.balance": 0.5,
    "training.schedule": "one_cycle",
    "training.learning_rate": 3e-3,
    "training.refit": True,
}


def _accurate(panel: Panel, horizon: int, told: int, fixed: Settings) -> Chosen:
    search = _Search(panel, horizon, told, fixed)
    seasons, why = _season_candidates(panel, told, fixed)
    method, season, seq_len = search.choose(seasons)
    windows = _count_windows(panel, horizon)
    steps = _steps(windows, seq_len)
    settings = {
        **_ACCURATE,
        "windows.seq_len": seq_len,
        "model.normalization": method,
        "model.season_length": season,
        "model.patch_len": _patch_len(seq_len, season) if _patchable(fixed) else 1,
        "training.steps": steps,
        "training.relative": 0.5 if method == "log_ets" else 0.0,
        "training.validation": search.share,
    }
    if "training.epochs" in fixed:  # steps would win over them
        del settings["training.steps"]
    reasons = (
        f"season_length {season}: {why}, tried {_listed(seasons)}",
        f"normalization {method} and seq_len {seq_len}: the linear forecast errs least "
        f"with them ({search.said()})",
        f"steps {steps}: {windows} windows to learn from",
    )
    kept = reasons if "training.steps" in settings else reasons[:-1]
    return Chosen(settings=settings, reasons=kept)


def _patchable(fixed: Settings) -> bool:
    """Return whether the network may read several observations a step."""
    strategy = fixed.get("model.strategy", "direct")
    return bool(strategy == "direct" and fixed.get("model.loss_at", "end") == "end")


class _Search:
    """Tries linear forecasts on the last part of each series."""

    def __init__(
        self, panel: Panel, horizon: int, season_length: int, fixed: Settings
    ) -> None:
        self.panel, self.horizon, self.fixed = _sample(panel), horizon, fixed
        self.season_length = season_length
        self.non_negative = bool(panel.values.min() >= 0)  # all of it, no sample
        self.share = 0.001 if len(panel) >= MANY else 0.2
        self.median = int(np.median(self.panel.lengths))
        self.tried: dict[tuple[str, int, int], FloatArray] = {}

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
            )
            self.tried[key] = errors if len(errors) else np.array([np.inf])
        return self.tried[key]

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
        """Return the shortest lookback that is not clearly worse than the best."""
        choices = self.lookbacks(season)
        errors = [self.errors(method, season, choice) for choice in choices]
        best = min(errors, key=lambda own: own.mean())
        for choice, own in zip(choices, errors, strict=True):
            if own is best or _not_worse(own - best, self.horizon, len(self.panel)):
                return choice
        return choices[-1]

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


def _not_worse(excess: FloatArray, horizon: int, series: int) -> bool:
    """Return whether errors exceed others by less than two standard errors."""
    independent = max(len(excess) / horizon, min(series, len(excess)))
    return bool(excess.mean() <= 2 * excess.std() / np.sqrt(independent))


def _season_candidates(
    panel: Panel, told: int, fixed: Settings
) -> tuple[list[int], str]:
    """Return season lengths to try, and where they come from."""
    if "model.season_length" in fixed:
        return [fixed["model.season_length"]], "as given"
    found, most = find_seasons(_sample(panel)), int(panel.lengths.max()) / 2
    usable = [m for m in dict.fromkeys((1, told, *found)) if m < most]
    return usable or [1], "from the dates and the autocorrelation"


def _sample(panel: Panel) -> Panel:
    """Return at most so many series, and of each so many latest observations."""
    if len(panel) > MOST_SERIES:
        chosen = np.arange(MOST_SERIES) * len(panel) // MOST_SERIES
        ends = panel.lengths[chosen]
        panel = panel.pieces(chosen, np.zeros_like(ends), ends)
    return panel.tail(max(MOST_POINTS // len(panel), 100))


def _count_windows(panel: Panel, horizon: int) -> int:
    return int(np.maximum(panel.lengths - 2 * horizon, 1).sum())


def _steps(windows: int, seq_len: int) -> int:
    """Return optimizer steps: more for long windows, fewer for few of them."""
    wanted = min(max(1000, 8 * seq_len), 4000)
    return max(100, min(wanted, 10 * windows // 256))


def _patch_len(seq_len: int, season: int) -> int:
    """Return a season for windows of many, else the shortest that makes few steps.

    It divides the window, and the season or the other way round where it can.
    """
    if season > 1 and seq_len % season == 0 and seq_len // season >= MANY_SEASONS:
        return season
    divisors = [p for p in range(1, seq_len + 1) if seq_len % p == 0]
    short = [p for p in divisors if seq_len // p <= MOST_STEPS]
    aligned = [p for p in short if season % p == 0 or p % season == 0]
    return (aligned or short)[0]


def _make(kind: type[Any], settings: dict[str, Any]) -> Any:
    known = {field.name for field in fields(kind)}
    for name, value in settings.items():
        if name not in known:
            raise SettingError(name, value, f"one of {', '.join(sorted(known))}")
    return kind(**settings)


def _listed(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers))
