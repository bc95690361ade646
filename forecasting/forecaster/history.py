"""What lies before origins, read and scaled; and what forecasts add to it.

Only what lies before the origins is read: nothing behind one is looked at, but known
covariates of the steps ahead.
"""

# MERGED """What lies before many origins, so much at a time as memory shall hold."""
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from forecasting.covariates.windows import CovariateWindows, read_covariates
from forecasting.data.panel import Panel
from forecasting.data.splits import Origins
from forecasting.errors import SeriesTooShort
from forecasting.forecaster.trained_model import TrainedModel
from forecasting.intervals.volatility import window_volatility
from forecasting.models.network import RecurrentNetwork
from forecasting.scaling.normalization import Method, Normalizer
from forecasting.scaling.window_scaling import (
    ETS_METHODS,
    EtsStates,
    ScaledWindows,
    scale_window,
)
from forecasting.types import FloatArray, IntArray

MEMORY = 4096  # observations that smoothing looks back at most


EVERY = slice(None)


class WindowHistory:
    """The last observations before origins, which forecasts may be added to.

    Args:
        observed: u, ``(n, seq_len)`` or, where a season is longer, as long as that.
        network: whose windows are wanted.
        method: that frames them by themselves.
    """

    def __init__(
        self, observed: Tensor, network: RecurrentNetwork, method: Method
    ) -> None:
        self.observed, self.network, self.method = observed, network, method

    def frame(self) -> ScaledWindows:
        """Return the frame of the windows."""
        return self.frame_of(self.observed[:, -self.network.seq_len :])

    def frame_of(self, window: Tensor) -> ScaledWindows:
        """Return the frame of windows u in place of those observed."""
        recent = self.observed[:, -self.network.config.season_length :]
        return scale_window(window, self.method, recent)

    def extend(self, forecast: Tensor) -> "WindowHistory":
        """Return the windows moved by forecasts u ``(n, steps)``."""
        joined = torch.cat([self.observed, forecast.to(self.observed)], 1)
        kept = joined[:, -self.observed.shape[1] :]
        return WindowHistory(kept, self.network, self.method)


class SmoothedHistory:
    """All that is kept of series before origins, smoothed anew when it grows.

    Args:
        pieces: u of each origin's past, oldest first, ``(length,)`` each.
        network: whose windows are wanted.
    """

    def __init__(self, pieces: list[FloatArray], network: RecurrentNetwork) -> None:
        self.pieces, self.network = pieces, network

    def frame(self) -> ScaledWindows:
        """Return the frame of the last windows."""
        lengths = np.array([len(piece) for piece in self.pieces])
        states = EtsStates.fit(
            np.concatenate(self.pieces),
            np.concatenate([[0], np.cumsum(lengths)]),
            season_length=self.network.config.season_length,
            horizon=self.network.horizon,
        )
        series, ends = torch.arange(len(lengths)), torch.from_numpy(lengths)
        return states.frame(series, ends, self.network.seq_len)

    def extend(self, forecast: Tensor) -> "SmoothedHistory":
        """Return the histories with forecasts u ``(n, steps)`` behind them."""
        new = forecast.cpu().double().numpy()
        pairs = zip(self.pieces, new, strict=True)
        joined = [np.concatenate(pair) for pair in pairs]
        return SmoothedHistory(joined, self.network)


History = WindowHistory | SmoothedHistory


@dataclass(frozen=True, slots=True)
class PredictionBatch:
    """What lies before origins, and how forecasts from there come back.

    Attributes:
        normalizer: fitted statistics, a row an origin.
        history: u of `forecasting.scaling.normalization`, a row an origin.
        frame: of the windows right before the origins, on the CPU.
        choices: the guard's rung of each origin, ``(origins,)``; None without one.
        floor: what no forecast goes below, original units, ``(origins, 1)``: 0 where
            neither training nor the history saw less, else minus infinity.
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
        """Of each window, in units of u, ``(origins, 1)``."""
        return self.frame.size.numpy().astype(np.float64)

    @property
    def volatility(self) -> FloatArray:
        """How much each window moves, in units of its size, ``(origins,)``."""
        return window_volatility(self.frame.inputs.numpy().astype(np.float64))

    def scale(self, values: FloatArray) -> FloatArray:
        """Return u of values ``(origins, steps)``."""
        return self.normalizer.scale_values(values, EVERY)

    def unscale(self, scaled: FloatArray) -> FloatArray:
        """Return original units of u ``(..., origins, steps)``, not below the floor."""
        values = self.normalizer.unscale(scaled.swapaxes(0, -2), EVERY)
        return np.maximum(values.swapaxes(0, -2), self.floor)


def read_rows(
    fitted: TrainedModel, panel: Panel, origins: Origins, steps: int
) -> PredictionBatch:
    """Gather and scale what lies before each origin.

    Args:
        fitted: the model.
        panel: the series.
        origins: where to stand.
        steps: steps ahead that known covariates must reach.

    Raises:
        SeriesTooShort: before an origin is less than the model reads.
        InvalidValues: the model takes logarithms and a value of a series that it has
            not seen in training is not positive.
        MissingCovariates, SettingError: as `forecasting.covariates.windows.read_covariates`.
    """
    check_lengths(fitted, panel, origins)
    network, places = fitted.networks[0], find_places(fitted, panel, origins)
    normalizer = _statistics_for(fitted, panel, origins, places)
    history, least = _read_history(network, normalizer, panel, origins)
    covariates = read_covariates(
        fitted.covariates,
        panel,
        origins,
        seq_len=network.seq_len,
        horizon=network.horizon,
        steps=steps,
        calendar=fitted.context.calendar,
    )
    floor = np.where(fitted.non_negative & (least >= 0), 0.0, -np.inf)
    choices = None if fitted.guard is None else fitted.guard.choices(places)
    frame = history.frame()
    return PredictionBatch(
        normalizer, history, frame, floor[:, None], covariates, choices
    )


def _read_history(
    network: RecurrentNetwork, normalizer: Normalizer, panel: Panel, origins: Origins
) -> tuple[History, FloatArray]:
    """Return what lies before origins, scaled, and the least value there of each."""
    most = required_memory(network, normalizer.method)
    begins = panel.offsets[origins.series]
    ends = begins + origins.ends
    if normalizer.method not in ETS_METHODS:  # the first one again and again before all
        back = np.arange(-most, 0)
        observed = panel.values[np.maximum(ends[:, None] + back, begins[:, None])]
        u = normalizer.scale_rows(observed, EVERY)
        return WindowHistory(u, network, normalizer.method), observed.min(1)
    counts = np.minimum(origins.ends, most)
    offsets = np.concatenate([[0], np.cumsum(counts)])
    first = ends - counts - offsets[:-1]
    values = panel.values[np.arange(offsets[-1]) + np.repeat(first, counts)]
    scaled = normalizer.scale_values(values, np.arange(len(origins)).repeat(counts))
    history = SmoothedHistory(np.split(scaled, offsets[1:-1]), network)
    return history, np.minimum.reduceat(values, offsets[:-1])


def check_lengths(fitted: TrainedModel, panel: Panel, origins: Origins) -> None:
    """Refuse origins before which is less than the model reads.

    Raises:
        SeriesTooShort: names them.
    """
    least = least_history(fitted)
    if origins.ends.min() >= least:
        return
    short = np.flatnonzero(origins.ends < least)
    found = [(panel.series_ids[origins.series[i]], int(origins.ends[i])) for i in short]
    raise SeriesTooShort(found, least, f"seq_len {fitted.networks[0].seq_len}")


def least_history(fitted: TrainedModel) -> int:
    """Return how many observations a forecast needs before its origin, at least.

    Where smoothing says level and size, one will do: the window is filled up.
    """
    smoothed = fitted.normalizer.method in ETS_METHODS
    return 1 if smoothed else fitted.networks[0].seq_len


def required_memory(network: RecurrentNetwork, method: Method) -> int:
    """Return how many observations before an origin a forecast rests on, at most."""
    least = max(network.seq_len, network.config.season_length)
    return max(MEMORY, least) if method in ETS_METHODS else least


def _statistics_for(
    fitted: TrainedModel, panel: Panel, origins: Origins, places: IntArray
) -> Normalizer:
    """Return statistics, a row an origin.

    Series seen in training keep theirs, others get those of what their origin sees; a
    model of one series takes whatever it is given for that series.
    """
    normalizer, new = fitted.normalizer, places < 0
    if len(places) == len(fitted.places) == 1:
        return normalizer
    statistics = normalizer.select(places)
    if not new.any():
        return statistics
    series, ends = origins.series[new], origins.ends[new]
    seen = panel.pieces(series, np.zeros_like(ends), ends)
    own = Normalizer.fit(seen, normalizer.method, seq_len=fitted.networks[0].seq_len)
    for name in ("center", "scale", "floor", "shift"):
        getattr(statistics, name)[new] = getattr(own, name)
    return statistics


def find_places(fitted: TrainedModel, panel: Panel, origins: Origins) -> IntArray:
    """Return where the model knows each origin's series, ``(origins,)``, or -1.

    A model of one series takes any for that one.
    """
    known = fitted.places
    if len(known) == 1:
        return np.zeros(len(origins), dtype=np.int64)
    names = panel.series_ids
    return np.array([known.get(names[s], -1) for s in origins.series.tolist()])


BLOCK = 8192  # origins at a time, and


POINTS = 2**20  # observations before them


def read_blocks(
    fitted: TrainedModel, panel: Panel, origins: Origins, steps: int
) -> Iterator[tuple[slice, PredictionBatch]]:
    """Yield what `read_rows` reads, block after block.

    Args:
        fitted, panel, origins, steps: see `read_rows`.

    Yields:
        Which of the origins, and what lies before them.

    Raises:
        SeriesTooShort, InvalidValues, MissingCovariates, SettingError: as `read_rows`.
    """
    if len(origins) == 1:
        yield slice(0, 1), read_rows(fitted, panel, origins, steps)
        return
    check_lengths(fitted, panel, origins)  # of all, to name all
    most = required_memory(fitted.networks[0], fitted.normalizer.method)
    known = find_places(fitted, panel, origins) >= 0
    read = np.where(known, np.minimum(origins.ends, most), origins.ends)
    until, begin = np.cumsum(read), 0
    while begin < len(origins):
        limit = until[begin] - read[begin] + POINTS
        held = int(np.searchsorted(until, limit, side="right")) - begin
        block = slice(begin, begin + min(max(held, 1), BLOCK))
        own = Origins(series=origins.series[block], ends=origins.ends[block])
        yield block, read_rows(fitted, panel, own, steps)
        begin = block.stop
