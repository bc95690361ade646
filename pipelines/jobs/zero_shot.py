"""Forecast job of series without a training: nothing is tracked or registered.

It imports neither MLflow nor the trainer, so that it answers at once.
"""

from collections import Counter
from typing import Literal

import numpy as np

from forecasting.data.forecast import Forecast, check_horizon
from forecasting.data.panel import Panel
from forecasting.errors import MAX_SHOWN, join_shown
from forecasting.io.columns import COVARIATE_OPTIONS
from forecasting.types import IntArray
from forecasting.zeroshot import (
    MIN_HISTORY,
    choose_season_lengths,
    load_zero_shot,
    zero_shot,
)

HORIZON = 14  # steps


def forecast_panel(
    panel: Panel,
    *,
    horizon: int | None = None,
    season_length: int | None = None,
    levels: tuple[float, ...],
) -> tuple[Forecast, str, tuple[str, ...]]:
    """Forecast the series of a panel without a training.

    Args:
        panel: the series.
        horizon: steps ahead; None for 14.
        season_length: steps of a season of all series; None chooses that of each.
        levels: central intervals, in percent.

    Returns:
        The forecast, the name and version of the method, and notes: on columns that
        are not read, seasons, and series that are too short and left out.

    Raises:
        SeriesTooShort: all series are too short.
        SettingError: the horizon, the season or a level is out of range.
    """
    steps = HORIZON if horizon is None else check_horizon(horizon)
    season: int | Literal["auto"] = "auto" if season_length is None else season_length
    longer, short_notes = _leave_out_short(panel)
    prediction = zero_shot(longer, horizon=steps, season_length=season, levels=levels)
    notes = [_advise_training(note) for note in panel.notes]
    if season == "auto":
        notes.append(_describe_seasons(choose_season_lengths(longer)))
    name = f"zero_shot version {load_zero_shot().version}"
    return prediction, name, (*notes, *short_notes)


def _leave_out_short(panel: Panel) -> tuple[Panel, tuple[str, ...]]:
    """Return the series that are long enough, and a note on the others.

    Without any that is long enough, all are returned, for one error on them.
    """
    is_short = panel.lengths < MIN_HISTORY
    if not is_short.any() or is_short.all():
        return panel, ()
    places = np.flatnonzero(is_short)
    shown = [
        f"{panel.series_ids[i]!r} ({panel.lengths[i]})" for i in places[:MAX_SHOWN]
    ]
    names = join_shown(shown, len(places))
    series = np.flatnonzero(~is_short)
    longer = panel.pieces(series, np.zeros_like(series), panel.lengths[series])
    note = f"series with fewer than {MIN_HISTORY} observations, left out: {names}"
    return longer, (note,)


def _advise_training(note: str) -> str:
    """Return a note on unused columns with the command that reads covariates."""
    return note.replace(COVARIATE_OPTIONS, f"recast train with {COVARIATE_OPTIONS}")


def _describe_seasons(lengths: IntArray) -> str:
    """Return a note on the season lengths of the series, most frequent first."""
    counts = Counter(lengths.tolist()).most_common()
    names = [
        f"{'none' if length == 1 else length}"
        + (f" ({count} series)" if len(counts) > 1 else "")
        for length, count in counts
    ]
    return f"season_length: {join_shown(names)} (--season-length sets it)"
