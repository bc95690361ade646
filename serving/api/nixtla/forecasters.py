"""Forecasters of the client's series: registered models and the zero-shot one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from forecasting.data.forecast import Intervals, check_levels
from forecasting.data.panel import Panel
from forecasting.data.splits import Origins, last_origins
from forecasting.errors import SeriesTooShort
from forecasting.forecaster.forecaster import Forecaster
from forecasting.forecaster.predict import by_level, check_finite
from forecasting.types import FloatArray
from forecasting.zeroshot import MAX_CONTEXT, MIN_HISTORY
from serving.api.nixtla.panels import LOCATIONS, make_panel, make_plain_panel
from serving.api.nixtla.requests import NixtlaRequest
from serving.forecasts.zeroshot.model import ZeroShotModel
from serving.http.locations import located_errors

BLOCK_POINTS = 2**20  # observations copied at once


class SeriesForecaster(Protocol):
    """A forecaster of the series of a request."""

    @property
    def min_history(self) -> int:
        """Minimum observations before an origin."""

    @property
    def read_factor(self) -> int:
        """Maximum of observations read before all windows, in units of max_points."""

    def read(self, request: NixtlaRequest) -> Panel:
        """Return the series of a request as a panel.

        Raises:
            RequestError: they cannot be forecast.
        """

    def forecast(
        self, panel: Panel, steps: int, levels: Sequence[float]
    ) -> tuple[FloatArray, Intervals]:
        """Forecast the steps after the end of each series, ``(series, steps)``."""

    def forecast_at(
        self, panel: Panel, origins: Origins, steps: int, levels: Sequence[float]
    ) -> tuple[FloatArray, Intervals]:
        """Forecast from origins, ``(origins, steps)``, reading nothing after them."""

    def count_read(self, panel: Panel, origins: Origins) -> int:
        """Return the number of observations that forecasts from origins read."""


@dataclass(frozen=True, slots=True)
class TrainedForecaster:
    """A registered model. A new series is scaled at each origin by its history."""

    forecaster: Forecaster
    read_factor = 100

    @property
    def min_history(self) -> int:
        """Minimum observations before an origin."""
        return self.forecaster.trained.min_history

    def read(self, request: NixtlaRequest) -> Panel:
        """Return the series of a request as a panel on the model's calendar."""
        return make_panel(request, self.forecaster.trained)

    def forecast(
        self, panel: Panel, steps: int, levels: Sequence[float]
    ) -> tuple[FloatArray, Intervals]:
        """Forecast the steps after the end of each series."""
        with located_errors(LOCATIONS):
            result = self.forecaster.predict(panel, horizon=steps, levels=levels)
        return result.points, result.intervals

    def forecast_at(
        self, panel: Panel, origins: Origins, steps: int, levels: Sequence[float]
    ) -> tuple[FloatArray, Intervals]:
        """Forecast from origins."""
        with located_errors(LOCATIONS):
            points = self.forecaster.forecast_at(panel, origins, steps)
            return points, self.forecaster.intervals_at(panel, origins, points, levels)

    def count_read(self, panel: Panel, origins: Origins) -> int:
        """Return the number of observations that forecasts from origins read."""
        trained = self.forecaster.trained
        with located_errors(LOCATIONS):
            is_seen = trained.find_places(panel.series_ids)[origins.series] >= 0
        lengths = np.minimum(origins.ends, trained.memory)
        return int(np.where(is_seen, lengths, origins.ends).sum())


@dataclass(frozen=True, slots=True)
class ZeroShotSeriesForecaster:
    """The zero-shot forecaster, which reads the last observations of each series."""

    model: ZeroShotModel
    min_history = MIN_HISTORY
    read_factor = 10  # each window is a fit of its own

    def read(self, request: NixtlaRequest) -> Panel:
        """Return the series of a request as a panel on the calendar that it names."""
        return make_plain_panel(request)

    def forecast(
        self, panel: Panel, steps: int, levels: Sequence[float]
    ) -> tuple[FloatArray, Intervals]:
        """Forecast the steps after the end of each series."""
        return self.forecast_at(panel, last_origins(panel), steps, levels)

    def forecast_at(
        self, panel: Panel, origins: Origins, steps: int, levels: Sequence[float]
    ) -> tuple[FloatArray, Intervals]:
        """Forecast from origins, each from a copy of its observations alone."""
        with located_errors(LOCATIONS):
            checked = check_levels(levels)
            _check_lengths(panel, origins)
            begins = np.maximum(origins.ends - MAX_CONTEXT, 0)
            parts = [
                self.model.forecast_panel(
                    panel.pieces(
                        origins.series[rows], begins[rows], origins.ends[rows]
                    ),
                    steps,
                    checked,
                )
                for rows in _blocks(origins)
            ]
            points = np.concatenate([points for points, _ in parts])
            check_finite(points)
        bounds = np.concatenate([bounds for _, bounds in parts], axis=1)
        return points, by_level(checked, bounds)

    def count_read(self, _panel: Panel, origins: Origins) -> int:
        """Return the number of observations that forecasts from origins read."""
        return int(np.minimum(origins.ends, MAX_CONTEXT).sum())


def _check_lengths(panel: Panel, origins: Origins) -> None:
    short = np.flatnonzero(origins.ends < MIN_HISTORY)
    if len(short):
        lengths = [
            (panel.series_ids[origins.series[row]], int(origins.ends[row]))
            for row in short
        ]
        reason = "for a forecast without training"
        raise SeriesTooShort(lengths, MIN_HISTORY, reason, "Give more history.")


def _blocks(origins: Origins) -> Iterator[slice]:
    """Yield runs of origins with few enough observations for the memory."""
    rows = BLOCK_POINTS // MAX_CONTEXT
    for begin in range(0, len(origins), rows):
        yield slice(begin, begin + rows)
