"""Forecasts: points and intervals with their timestamps, and checks of their shape."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecasting.errors import SettingError
from forecasting.timestamps.zones import to_wall
from forecasting.types import FloatArray

if TYPE_CHECKING:
    from forecasting.data.panel import Panel
    from forecasting.display.backends import Axes, Backend

# By level in percent: lower and upper bounds, (series, horizon) each.
Intervals = Mapping[float, tuple[FloatArray, FloatArray]]

MAX_HORIZON = 10_000  # steps ahead in one forecast; more is a typing error


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Forecast:
    """Forecasts of one series or many, all over the same horizon, original units.

    Attributes:
        series_ids: one name a row, ``(series,)``.
        timestamps: of the forecast values, ``(series, horizon)``, in UTC where there is
            a zone; None when unknown.
        points: ``(series, horizon)``.
        intervals: central intervals by level in percent; each a pair (lower, upper)
            of ``(series, horizon)``.
        zone: time zone of the timestamps; None where they are naive.
        methods: the method that made each row, such as ``network`` or
            ``seasonal_naive``, ``(series,)``; empty when unknown.
        history: the series that the forecast continues, for `plot`; None without.
    """

    series_ids: tuple[str, ...]
    timestamps: npt.NDArray[Any] | None
    points: FloatArray
    intervals: Intervals
    zone: str | None = None
    methods: tuple[str, ...] = ()
    history: "Panel | None" = field(default=None, compare=False)

    def __repr__(self) -> str:
        from forecasting.data.cards import describe_forecast

        return describe_forecast(self)

    def _repr_html_(self) -> str:
        from forecasting.data.cards import forecast_card

        return forecast_card(self).to_html()

    @property
    def horizon(self) -> int:
        """Number of steps ahead."""
        return int(self.points.shape[1])

    def to_frame(self) -> pd.DataFrame:
        """Return one row a series and step.

        The columns are ``series_id, step, timestamp, point``, for each level
        ``lower_80, upper_80``, and ``method`` where it is known; ``timestamp`` is empty
        when unknown, and has the zone of the forecast.
        """
        rows, horizon = self.points.shape
        columns: dict[str, Any] = {
            "series_id": np.repeat(np.asarray(self.series_ids, dtype=object), horizon),
            "step": np.tile(np.arange(1, horizon + 1), rows),
            "timestamp": self._stamp_column(),
            "point": self.points.ravel(),
        }
        for level, (lower, upper) in self.intervals.items():
            columns[f"lower_{level:g}"] = lower.ravel()
            columns[f"upper_{level:g}"] = upper.ravel()
        if self.methods:
            methods = np.asarray(self.methods, dtype=object)
            columns["method"] = np.repeat(methods, horizon)
        return pd.DataFrame(columns)

    def plot(
        self,
        series: str | Sequence[str] | None = None,
        *,
        history: "Panel | None" = None,
        last: int | None = None,
        ax: "Axes | None" = None,
        backend: "Backend" = "matplotlib",
    ) -> Any:
        """Draw the forecast after the end of its series; return the figure.

        Args:
            series: ids of the series to draw; default the first four.
            history: the series before the forecast; default those that it continues.
            last: observations of each series that are drawn; default those of eight
                horizons, and 96 or more.
            ax: axes of matplotlib for a single series; default a new figure.
            backend: ``matplotlib``, or ``plotly`` where that is installed.

        Raises:
            SettingError: there is no history, or the backend is not installed.
            UnknownSeries: the history lacks a series.
        """
        from forecasting.data.plotting import MAX_HISTORY, plot_series

        panel = self.history if history is None else history
        if panel is None:
            raise SettingError("history", None, "the panel that the forecast continues")
        count = max(MAX_HISTORY, 8 * self.horizon) if last is None else last
        return plot_series(
            panel, self, series=series, last=count, ax=ax, backend=backend
        )

    def _stamp_column(self) -> Any:
        if self.timestamps is None:
            return np.full(self.points.size, None)
        flat = self.timestamps.ravel()
        if self.zone is None or flat.dtype.kind != "M":
            return flat
        return pd.DatetimeIndex(flat, tz="UTC").tz_convert(self.zone)

    def in_zone(self, zone: str | None) -> Self:
        """Return the forecast with timestamps in another zone, at the same moments.

        Args:
            zone: the zone; None makes them naive local times. A naive forecast stays
                as it is.
        """
        if self.timestamps is None or self.zone is None or zone == self.zone:
            return self
        stamps = to_wall(self.timestamps, self.zone) if zone is None else None
        return replace(
            self, timestamps=self.timestamps if stamps is None else stamps, zone=zone
        )


def check_horizon(horizon: int) -> int:
    """Return ``horizon`` as an int after a check of its range.

    Raises:
        SettingError: it is not a whole number from 1 to 10,000.
    """
    is_integer = isinstance(horizon, int | np.integer) and not isinstance(horizon, bool)
    if not is_integer or not 1 <= horizon <= MAX_HORIZON:
        raise SettingError(
            "horizon", horizon, f"a whole number from 1 to {MAX_HORIZON}"
        )
    return int(horizon)


def check_levels(levels: Iterable[float]) -> tuple[float, ...]:
    """Return interval levels in percent, sorted and without duplicates.

    Raises:
        SettingError: a level lies outside 1 to 99.
    """
    checked = sorted(set(levels))
    for level in checked:
        if not 1 <= level <= 99:
            raise SettingError("level", level, "a percentage from 1 to 99")
    return tuple(checked)
