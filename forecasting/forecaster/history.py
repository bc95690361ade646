"""Observations before forecast origins: read, scaled, and extended by forecasts.

Observations after an origin are never read; only known covariates of the steps ahead
are. Many origins are read in blocks of bounded memory.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from forecasting.covariates.windows import CovariateWindows, read_covariates
from forecasting.data.panel import Panel
from forecasting.data.splits import Origins
from forecasting.errors import SeriesTooShort
from forecasting.forecaster.trained_model import ForecasterConfig, TrainedModel
from forecasting.intervals.volatility import window_volatility
from forecasting.scaling.normalization import Method, Normalizer
from forecasting.scaling.window_scaling import (
    ETS_METHODS,
    EtsStates,
    ScaledWindows,
    scale_window,
)
from forecasting.types import FloatArray, IntArray

ALL_ROWS = slice(None)


class WindowHistory:
    """The last observations before origins, extended by forecasts.

    Args:
        observed: u, ``(n, seq_len)``, or ``(n, season_length)`` if that is longer.
        config: settings of the windows and the season.
        method: normalisation of the windows, one without smoothing.
    """

    def __init__(
        self, observed: Tensor, config: ForecasterConfig, method: Method
    ) -> None:
        self.observed, self.config, self.method = observed, config, method

    def scaled_windows(self) -> ScaledWindows:
        """Return the scaled windows at the end of the history."""
        return self.scale_windows(self.observed[:, -self.config.windows.seq_len :])

    def scale_windows(self, window: Tensor) -> ScaledWindows:
        """Scale windows u that replace the observed ones."""
        recent = self.observed[:, -self.config.model.season_length :]
        return scale_window(window, self.method, recent)

    def extend(self, forecast: Tensor) -> "WindowHistory":
        """Return the history moved on by forecasts u ``(n, steps)``."""
        joined = torch.cat([self.observed, forecast.to(self.observed)], 1)
        recent = joined[:, -self.observed.shape[1] :]
        return WindowHistory(recent, self.config, self.method)


class SmoothedHistory:
    """The observations before origins, smoothed again when forecasts are added.

    Args:
        pieces: u of the observations before each origin, oldest first, ``(length,)``.
        config: settings of the windows and the season.
    """

    def __init__(self, pieces: list[FloatArray], config: ForecasterConfig) -> None:
        self.pieces, self.config = pieces, config

    def scaled_windows(self) -> ScaledWindows:
        """Return the scaled windows at the end of the histories."""
        lengths = np.array([len(piece) for piece in self.pieces])
        states = EtsStates.fit(
            np.concatenate(self.pieces),
            np.concatenate([[0], np.cumsum(lengths)]),
            season_length=self.config.model.season_length,
            horizon=self.config.windows.horizon,
        )
        series, ends = torch.arange(len(lengths)), torch.from_numpy(lengths)
        return states.frame(series, ends, self.config.windows.seq_len)

    def extend(self, forecast: Tensor) -> "SmoothedHistory":
        """Return the histories with forecasts u ``(n, steps)`` appended."""
        new = forecast.cpu().double().numpy()
        pairs = zip(self.pieces, new, strict=True)
        joined = [np.concatenate(pair) for pair in pairs]
        return SmoothedHistory(joined, self.config)


History = WindowHistory | SmoothedHistory


@dataclass(frozen=True, slots=True)
class PredictionBatch:
    """Scaled histories of forecast origins, with the statistics to unscale forecasts.

    Attributes:
        normalizer: fitted statistics, one row per origin.
        history: u of `forecasting.scaling.normalization`, one row per origin.
        frame: the scaled windows right before the origins, on the CPU.
        choices: the guard's rung of each origin, ``(origins,)``; None without a guard.
        floor: lower bound of forecasts, original units, ``(origins, 1)``: 0 if neither
            training nor the history has negative values, else minus infinity.
        covariates: of the windows and the steps ahead; None without any.
    """

    normalizer: Normalizer
    history: History
    frame: ScaledWindows
    floor: FloatArray
    covariates: CovariateWindows | None
    choices: Tensor | None = None

    def __len__(self) -> int:
        return len(self.floor)

    @property
    def size(self) -> FloatArray:
        """Scale of each window, in units of u, ``(origins, 1)``."""
        return self.frame.size.numpy().astype(np.float64)

    @property
    def volatility(self) -> FloatArray:
        """Volatility of each window, in units of its size, ``(origins,)``."""
        return window_volatility(self.frame.inputs.numpy().astype(np.float64))

    def scale(self, values: FloatArray) -> FloatArray:
        """Return u of values ``(origins, steps)``."""
        return self.normalizer.scale_values(values, ALL_ROWS)

    def unscale(self, scaled: FloatArray) -> FloatArray:
        """Return original units of u ``(..., origins, steps)``, not below the floor."""
        values = self.normalizer.unscale(scaled.swapaxes(0, -2), ALL_ROWS)
        return np.maximum(values.swapaxes(0, -2), self.floor)


def read_rows(
    fitted: TrainedModel, panel: Panel, origins: Origins, steps: int
) -> PredictionBatch:
    """Read and scale the observations before each origin.

    Args:
        fitted: the model.
        panel: the series.
        origins: the forecast origins.
        steps: steps ahead that known covariates must reach.

    Raises:
        SeriesTooShort: an origin has fewer observations than the model reads.
        InvalidValues: the model takes logarithms and a value of a series that it has
            not seen in training is not positive.
        MissingCovariates, SettingError: as
            `forecasting.covariates.windows.read_covariates`.
    """
    check_lengths(fitted, panel, origins)
    places = find_places(fitted, panel, origins)
    normalizer = _select_statistics(fitted, panel, origins, places)
    history, minima = _read_history(fitted, normalizer, panel, origins)
    covariates = read_covariates(
        fitted.covariates,
        panel,
        origins,
        seq_len=fitted.seq_len,
        horizon=fitted.horizon,
        steps=steps,
        calendar=fitted.context.calendar,
    )
    floor = np.where(fitted.non_negative & (minima >= 0), 0.0, -np.inf)
    choices = None if fitted.guard is None else fitted.guard.choices(places)
    frame = history.scaled_windows()
    return PredictionBatch(
        normalizer, history, frame, floor[:, None], covariates, choices
    )


def _read_history(
    fitted: TrainedModel, normalizer: Normalizer, panel: Panel, origins: Origins
) -> tuple[History, FloatArray]:
    """Return the scaled histories and the minimum of each, original units."""
    memory = fitted.memory
    begins = panel.offsets[origins.series]
    ends = begins + origins.ends
    if normalizer.method not in ETS_METHODS:  # padded with the first value
        back = np.arange(-memory, 0)
        observed = panel.values[np.maximum(ends[:, None] + back, begins[:, None])]
        u = normalizer.scale_rows(observed, ALL_ROWS)
        return WindowHistory(u, fitted.config, fitted.method), observed.min(1)
    counts = np.minimum(origins.ends, memory)
    offsets = np.concatenate([[0], np.cumsum(counts)])
    first = ends - counts - offsets[:-1]
    values = panel.values[np.arange(offsets[-1]) + np.repeat(first, counts)]
    scaled = normalizer.scale_values(values, np.arange(len(origins)).repeat(counts))
    history = SmoothedHistory(np.split(scaled, offsets[1:-1]), fitted.config)
    return history, np.minimum.reduceat(values, offsets[:-1])


def check_lengths(fitted: TrainedModel, panel: Panel, origins: Origins) -> None:
    """Refuse origins with fewer observations than the model reads.

    Raises:
        SeriesTooShort: names their series.
    """
    required = least_history(fitted)
    if origins.ends.min() >= required:
        return
    rows = np.flatnonzero(origins.ends < required)
    short = [(panel.series_ids[origins.series[i]], int(origins.ends[i])) for i in rows]
    raise SeriesTooShort(short, required, f"seq_len {fitted.seq_len}")


def least_history(fitted: TrainedModel) -> int:
    """Return the minimum number of observations before a forecast origin.

    With exponential smoothing it is one: the window is padded.
    """
    smoothed = fitted.normalizer.method in ETS_METHODS
    return 1 if smoothed else fitted.seq_len


def _select_statistics(
    fitted: TrainedModel, panel: Panel, origins: Origins, places: IntArray
) -> Normalizer:
    """Return statistics, one row per origin.

    Series seen in training keep their training statistics; others get those of the
    observations before their origin. A model of a single series treats every series as
    that one.
    """
    normalizer, new = fitted.normalizer, places < 0
    if len(places) == len(fitted.places) == 1:
        return normalizer
    statistics = normalizer.select(places)
    if not new.any():
        return statistics
    series, ends = origins.series[new], origins.ends[new]
    past = panel.pieces(series, np.zeros_like(ends), ends)
    fitted_new = Normalizer.fit(past, normalizer.method, seq_len=fitted.seq_len)
    for name in ("center", "scale", "floor", "shift"):
        getattr(statistics, name)[new] = getattr(fitted_new, name)
    return statistics


def find_places(fitted: TrainedModel, panel: Panel, origins: Origins) -> IntArray:
    """Return the position of each origin's series in the model, or -1, ``(origins,)``.

    A model of a single series treats every series as that one.
    """
    places = fitted.places
    if len(places) == 1:
        return np.zeros(len(origins), dtype=np.int64)
    names = panel.series_ids
    return np.array([places.get(names[s], -1) for s in origins.series.tolist()])


MAX_BLOCK_ORIGINS = 8192  # origins per block
MAX_BLOCK_POINTS = 2**20  # observations per block


def read_blocks(
    fitted: TrainedModel, panel: Panel, origins: Origins, steps: int
) -> Iterator[tuple[slice, PredictionBatch]]:
    """Read and scale many origins in blocks; see `read_rows`.

    Args:
        fitted, panel, origins, steps: see `read_rows`.

    Yields:
        The slice of the origins, and their scaled histories.

    Raises:
        SeriesTooShort, InvalidValues, MissingCovariates, SettingError: as `read_rows`.
    """
    if len(origins) == 1:
        yield slice(0, 1), read_rows(fitted, panel, origins, steps)
        return
    check_lengths(fitted, panel, origins)  # of all blocks, to name all series
    memory = fitted.memory
    is_trained = find_places(fitted, panel, origins) >= 0
    counts = np.minimum(origins.ends, memory)
    lengths_read = np.where(is_trained, counts, origins.ends)
    cumulative, begin = np.cumsum(lengths_read), 0
    while begin < len(origins):
        limit = cumulative[begin] - lengths_read[begin] + MAX_BLOCK_POINTS
        count = int(np.searchsorted(cumulative, limit, side="right")) - begin
        block = slice(begin, begin + min(max(count, 1), MAX_BLOCK_ORIGINS))
        part = Origins(series=origins.series[block], ends=origins.ends[block])
        yield block, read_rows(fitted, panel, part, steps)
        begin = block.stop
