"""Presets: named sets of settings for everything that the user left open.

    classic    one network on min-max scaled windows, the textbook method
    guarded    the default settings, with `forecasting.selection.guard` on the network
    accurate   lookback, season and transform chosen on the data; exponential smoothing
               as the normalisation; a trained linear start; several networks over
               patches of the window; refitted on all data; guarded
    zero_shot  the network of the package for the season, without a training; guarded

The choices depend only on the panel that is passed.
"""

from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args

import numpy as np
import torch

from forecasting.data.panel import Panel
from forecasting.data.windows import WindowSpec
from forecasting.errors import SettingError
from forecasting.forecaster.forecaster import Forecaster
from forecasting.forecaster.storage.pretrained import (
    pretrained_season_lengths,
    read_pretrained,
)
from forecasting.models.config import RecurrentConfig
from forecasting.selection.lookback import LinearSearch, Settings, season_candidates
from forecasting.training import TrainingConfig

Preset = Literal["classic", "guarded", "accurate", "zero_shot"]
PRESETS: tuple[str, ...] = get_args(Preset)
MIN_MANY_SERIES = 30  # that validate on one horizon each
MAX_RECURRENT_STEPS = 24  # per window
MIN_SEASONS = 8  # per window, to read one season per recurrent step


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenSettings:
    """Settings that a preset fills in, with the reasons.

    Attributes:
        settings: by path, without those that the user set.
        reasons: one sentence for each choice made on the data.
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
    """Choose a preset's settings for a panel.

    Args:
        preset: its name.
        panel: training series, without the test part.
        horizon: steps ahead.
        season_length: set by the user; ``auto`` estimates it from dates and values.
        given: settings of the user, by path; they take precedence.

    Raises:
        SettingError: unknown preset, invalid season length, or a setting that the
            preset zero_shot does not take.
    """
    if preset not in PRESETS:
        raise SettingError("preset", preset, f"one of {', '.join(PRESETS)}")
    user_settings = dict(given or {})
    main_season = (
        panel.calendar.season_length if season_length == "auto" else season_length
    )
    if main_season < 1:
        raise SettingError("season_length", main_season, "auto or at least 1")
    if preset == "accurate":
        chosen = _choose_accurate(panel, horizon, main_season, user_settings)
    elif preset == "zero_shot":
        chosen = _choose_zero_shot(panel, horizon, main_season, user_settings)
    else:
        chosen = ChosenSettings(settings=dict(_CLASSIC))
        if preset == "guarded":
            chosen = ChosenSettings(
                settings={**_GUARDED, "model.season_length": main_season}
            )
    remaining = {k: v for k, v in chosen.settings.items() if k not in user_settings}
    return replace(chosen, settings=remaining)


def forecaster_for(
    panel: Panel,
    preset: Preset = "guarded",
    *,
    horizon: int,
    season_length: int | Literal["auto"] = "auto",
    given: Settings | None = None,
) -> Forecaster:
    """Create an untrained forecaster with a preset's settings.

    Args:
        panel: the training series.
        preset, horizon, season_length, given: see `choose_settings`.

    Raises:
        SettingError: unknown preset or setting.
    """
    user_settings = {**(given or {}), "windows.horizon": horizon}
    chosen = choose_settings(
        preset, panel, horizon=horizon, season_length=season_length, given=user_settings
    )
    merged = {**chosen.settings, **user_settings}
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
_NETWORK_GROUPS = ("windows", "model", "training")
_UNTRAINED = (  # settings of these groups that the preset zero_shot leaves to the user
    "windows.horizon",
    *("model.guard", "model.intervals"),
    *("training.validation", "training.device", "training.precision", "training.seed"),
)


def _choose_accurate(
    panel: Panel, horizon: int, main_season: int, user_settings: Settings
) -> ChosenSettings:
    search = LinearSearch(panel, horizon, main_season, user_settings)
    seasons, season_reason = season_candidates(panel, main_season, user_settings)
    method, season, seq_len = search.choose(seasons)
    windows = _count_windows(panel, horizon)
    steps = _num_steps(windows, seq_len)
    settings = {
        **_ACCURATE,
        "windows.seq_len": seq_len,
        "model.normalization": method,
        "model.season_length": season,
        "model.patch_len": _patch_len(seq_len, season)
        if _can_patch(user_settings)
        else 1,
        "training.steps": steps,
        "training.relative": 0.5 if method == "log_ets" else 0.0,
        "training.validation": _validation_share(panel),
    }
    if "training.epochs" in user_settings:  # steps would override epochs
        del settings["training.steps"]
    reasons = (
        f"season_length {season}: {season_reason}, tried {_join(seasons)}",
        f"normalization {method} and seq_len {seq_len}: the linear forecast errs least "
        f"with them ({search.summary()})",
        f"steps {steps}: {windows} windows to learn from",
    )
    shown_reasons = reasons if "training.steps" in settings else reasons[:-1]
    return ChosenSettings(settings=settings, reasons=shown_reasons)


def _choose_zero_shot(
    panel: Panel, horizon: int, season: int, user_settings: Settings
) -> ChosenSettings:
    """Return the settings of the package's network for a season, which stays as it is.

    Raises:
        SettingError: there is no network for the season or the horizon, the series have
            covariates, or a setting of the user has no effect.
    """
    for path, value in user_settings.items():
        if path.partition(".")[0] in _NETWORK_GROUPS and path not in _UNTRAINED:
            expected = "left out with the preset zero_shot, which trains no network"
            raise SettingError(path, value, expected)
    if panel.roles:
        expected = "left out with the preset zero_shot, which reads none"
        raise SettingError("covariates", sorted(panel.roles), expected)
    seasons = pretrained_season_lengths()
    if season not in seasons:
        names = ", ".join(map(str, seasons))
        expected = (
            f"one of {names} with the preset zero_shot: its networks have no other "
            "(--set evaluation.season_length=...); or choose the preset guarded"
        )
        raise SettingError("season_length", season, expected)
    config = read_pretrained(season, horizon, torch.device("cpu")).config
    windows, model = config.windows, config.model
    if horizon > windows.horizon:
        expected = f"at most {windows.horizon} with the preset zero_shot"
        raise SettingError("horizon", horizon, expected)
    settings = {
        "windows.seq_len": windows.seq_len,
        **{f"model.{key.name}": getattr(model, key.name) for key in fields(model)},
        "model.guard": True,
        "training.start": "pretrained",
        "training.epochs": 0,
        "training.refit": True,
        "training.validation": _validation_share(panel),
    }
    reason = f"season_length {season}: its pretrained network is used as it is"
    return ChosenSettings(settings=settings, reasons=(reason,))


def _can_patch(user_settings: Settings) -> bool:
    """Return whether the network may read several observations per step."""
    strategy = user_settings.get("model.strategy", "direct")
    return bool(
        strategy == "direct" and user_settings.get("model.loss_at", "end") == "end"
    )


def _validation_share(panel: Panel) -> float:
    """Return the validation share: so small for many series that a horizon remains."""
    return 0.001 if len(panel) >= MIN_MANY_SERIES else 0.2


def _count_windows(panel: Panel, horizon: int) -> int:
    return int(np.maximum(panel.lengths - 2 * horizon, 1).sum())


def _num_steps(windows: int, seq_len: int) -> int:
    """Return the optimizer steps: more for long windows, fewer for few windows."""
    target = min(max(1000, 8 * seq_len), 4000)
    return max(100, min(target, 10 * windows // 256))


def _patch_len(seq_len: int, season: int) -> int:
    """Return the patch length: a season, or the shortest that limits recurrent steps.

    It divides the window and, if possible, divides the season or is a multiple of it.
    """
    if season > 1 and seq_len % season == 0 and seq_len // season >= MIN_SEASONS:
        return season
    divisors = [p for p in range(1, seq_len + 1) if seq_len % p == 0]
    short = [p for p in divisors if seq_len // p <= MAX_RECURRENT_STEPS]
    aligned = [p for p in short if season % p == 0 or p % season == 0]
    patch_len = (aligned or short)[0]
    # A prime seq_len has no patches.
    return patch_len if patch_len < seq_len or seq_len == 1 else 1


def _make(kind: type[Any], settings: dict[str, Any]) -> Any:
    names = {field.name for field in fields(kind)}
    for name, value in settings.items():
        if name not in names:
            raise SettingError(name, value, f"one of {', '.join(sorted(names))}")
    return kind(**settings)


def _join(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers))
