"""Presets: whole sets of settings, by one name, where the user set nothing.

    classic    one network on min-max scaled windows, as in a first course
    guarded    the default settings, and `forecasting.selection.guard` above the network
    accurate   lookback, season and transform chosen on the data; exponential smoothing
               as the normalisation; a trained linear start; several networks over
               patches of the window; trained again on everything; guarded

The choices look at nothing but the panel that they are given.
"""

from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args

import numpy as np

from forecasting.data.panel import Panel
from forecasting.data.windows import WindowSpec
from forecasting.errors import SettingError
from forecasting.forecaster.forecaster import Forecaster
from forecasting.models.config import RecurrentConfig
from forecasting.selection.lookback import LinearSearch, Settings, season_candidates
from forecasting.training import TrainingConfig

Preset = Literal["classic", "guarded", "accurate"]


PRESETS: tuple[str, ...] = get_args(Preset)


MANY = 30  # series that together validate on one horizon each


MOST_STEPS = 24  # recurrent steps that a window is read in, at most


MANY_SEASONS = 8  # a window that holds so many is read a season a step


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenSettings:
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
) -> ChosenSettings:
    """Return a preset's settings for a panel.

    Args:
        preset: its name.
        panel: what may be looked at: nothing that shall be a test later.
        horizon: steps ahead.
        season_length: if the user knows it; ``auto`` looks at dates and values.
        given: what the user set, by path; it stays, and the rest goes by it.

    Raises:
        SettingError: there is no such preset, or season.
    """
    if preset not in PRESETS:
        raise SettingError("preset", preset, f"one of {', '.join(PRESETS)}")
    fixed = dict(given or {})
    told = panel.calendar.season_length if season_length == "auto" else season_length
    if told < 1:
        raise SettingError("season_length", told, "auto or at least 1")
    if preset == "accurate":
        chosen = _accurate(panel, horizon, told, fixed)
    else:
        chosen = ChosenSettings(settings=dict(_CLASSIC))
        if preset == "guarded":
            chosen = ChosenSettings(settings={**_GUARDED, "model.season_length": told})
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


def _accurate(panel: Panel, horizon: int, told: int, fixed: Settings) -> ChosenSettings:
    search = LinearSearch(panel, horizon, told, fixed)
    seasons, why = season_candidates(panel, told, fixed)
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
        "training.validation": _validation_share(panel),
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
    return ChosenSettings(settings=settings, reasons=kept)


def _patchable(fixed: Settings) -> bool:
    """Return whether the network may read several observations a step."""
    strategy = fixed.get("model.strategy", "direct")
    return bool(strategy == "direct" and fixed.get("model.loss_at", "end") == "end")


def _validation_share(panel: Panel) -> float:
    """Return the share that validates: of many series, one horizon each."""
    return 0.001 if len(panel) >= MANY else 0.2


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
    found = (aligned or short)[0]
    return found if found < seq_len or seq_len == 1 else 1  # a prime number of them


def _make(kind: type[Any], settings: dict[str, Any]) -> Any:
    known = {field.name for field in fields(kind)}
    for name, value in settings.items():
        if name not in known:
            raise SettingError(name, value, f"one of {', '.join(sorted(known))}")
    return kind(**settings)


def _listed(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers))
