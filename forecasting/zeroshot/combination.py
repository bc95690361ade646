"""Forecasts of series: a weighted mean of unlike forecasts of each, with its errors.

Weights are inverse to the squared errors of a backtest of the series itself (Bates and
Granger 1969). Nothing is read from other series, so a forecast is the same alone and
among thousands. The work on each series is done in compiled loops.
"""

from dataclasses import dataclass

import numpy as np

from forecasting.types import FloatArray, IntArray
from forecasting.zeroshot.combination_loops import combine
from forecasting.zeroshot.intervals import error_sizes
from forecasting.zeroshot.network import network_for
from forecasting.zeroshot.regression import NONE, lookbacks, regress_tracks
from forecasting.zeroshot.smoothing import smooth_tracks
from forecasting.zeroshot.tracks import make_tracks


@dataclass(frozen=True, slots=True)
class Combined:
    """Forecasts of series.

    Attributes:
        points: ``(series, steps)``.
        sizes: expected absolute errors, ``(series, steps)``.
        methods: the forecasts that each is made of, joined by ``+``, ``(series,)``.
    """

    points: FloatArray
    sizes: FloatArray
    methods: tuple[str, ...]


def forecast_series(
    values: FloatArray,
    offsets: IntArray,
    season_length: int,
    steps: int,
    *,
    networks: bool = True,
) -> Combined:
    """Forecast series of one season length, each from its own values.

    Args:
        values: finite, of all series, ``(points,)``.
        offsets: borders of the series, ``(series + 1,)``.
        season_length: steps of the season; 1 for none.
        steps: steps ahead.
        networks: use the pretrained network of the season, where there is one.
    """
    tracks = make_tracks(values, offsets, steps)
    network = network_for(season_length, steps) if networks else None
    smoothed = smooth_tracks(
        tracks, season_length, steps, 0 if network is None else network.seq_len
    )
    regressed = np.empty_like(smoothed.forecasts)
    states = regress_tracks(
        tracks.values,
        tracks.offsets,
        tracks.ends,
        tracks.borders,
        steps,
        season_length,
        lookbacks(season_length),
        regressed,
    )
    changed = smoothed.forecasts[:0]  # no network
    if network is not None:
        changed = network.forecast(smoothed, tracks.borders[tracks.firsts])
    points, sums, counts = combine(
        tracks.series,
        offsets,
        tracks.ends,
        tracks.borders,
        tracks.firsts,
        smoothed.forecasts,
        regressed,
        states,
        changed,
    )
    sizes = error_sizes(tracks.series, offsets, sums, counts)
    units = tracks.units[:, None]
    names = [_name(state != NONE, network is not None) for state in range(3)]
    methods = [names[state] for state in states[tracks.firsts[:-1]].tolist()]
    return Combined(points * units, sizes * units, tuple(methods))


def _name(is_regressed: bool, has_network: bool) -> str:
    """Return the names of the forecasts in a combination."""
    parts = {"smoothing": True, "regression": is_regressed, "gru": has_network}
    return "+".join(name for name, is_used in parts.items() if is_used)
