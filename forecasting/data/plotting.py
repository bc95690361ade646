"""Plot of a panel with its backtest and forecast: the arrays of each series."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from forecasting.data.forecast import Forecast
from forecasting.data.panel import Panel
from forecasting.display.backends import Backend, draw
from forecasting.display.series_chart import ForecastLine, SeriesChart
from forecasting.errors import SettingError, UnknownSeries
from forecasting.timestamps.calendar import Calendar
from forecasting.timestamps.zones import to_wall

if TYPE_CHECKING:
    from forecasting.display.backends import Axes

MAX_SERIES = 4  # series in one figure, unless they are named
MAX_NAMED = 50  # series that can be named
MAX_HISTORY = 96  # observations before the forecast


def plot_series(
    panel: Panel,
    forecast: Forecast | None = None,
    table: pd.DataFrame | None = None,
    *,
    series: str | Sequence[str] | None = None,
    last: int | None = MAX_HISTORY,
    caption: str = "",
    ax: "Axes | None" = None,
    backend: Backend = "matplotlib",
) -> Any:
    """Draw the end of series with their backtest and forecast; return the figure.

    The title of a series names the method that forecasts it.

    Args:
        panel: the series.
        forecast: forecast after the end of the series, with intervals; None without.
        table: backtest of one model; None without.
        series: ids of the series to draw; default the first four.
        last: observations of each series that are drawn; None for all.
        caption: title of the figure, see `forecasting.display.wording.make_caption`.
        ax: axes of matplotlib for a single series; default a new figure.
        backend: ``matplotlib``, or ``plotly`` where that is installed.

    Raises:
        UnknownSeries: the panel lacks a series.
        SettingError: there are too many series, or see
            `forecasting.display.backends.draw`.
    """
    charts = [
        _make_chart(panel, row, forecast, table, last)
        for row in _choose_rows(panel, series)
    ]
    return draw(charts, caption=caption, ax=ax, backend=backend)


def _choose_rows(panel: Panel, series: str | Sequence[str] | None) -> list[int]:
    """Return the positions of the series to draw."""
    if series is None:
        return list(range(min(len(panel), MAX_SERIES)))
    names = [series] if isinstance(series, str) else list(series)
    if not 1 <= len(names) <= MAX_NAMED:
        raise SettingError("series", names, f"from 1 to {MAX_NAMED} ids")
    places = {name: place for place, name in enumerate(panel.series_ids)}
    if unknown := [name for name in names if name not in places]:
        raise UnknownSeries(unknown, panel.series_ids)
    return [places[name] for name in names]


def _make_chart(
    panel: Panel,
    row: int,
    forecast: Forecast | None,
    table: pd.DataFrame | None,
    last: int | None,
) -> SeriesChart:
    """Return the chart of the series at a position."""
    series_id, calendar = panel.series_ids[row], panel.calendar
    start, end = int(panel.offsets[row]), int(panel.offsets[row + 1])
    first = start if last is None else max(start, end - last)
    stamps = panel.timestamps[first:end]
    title, ahead = series_id, None
    if forecast is not None and series_id in forecast.series_ids:
        place = forecast.series_ids.index(series_id)
        ahead = _line_ahead(forecast, place)
        if forecast.methods:
            title = f"{series_id}: {forecast.methods[place].replace('_', ' ')}"
    past: list[ForecastLine] = []
    if table is not None:
        rows = table[table["series_id"] == series_id]
        past = _past_lines(rows[rows["timestamp"] >= stamps[0]], calendar)
    return SeriesChart(
        title=title,
        timestamps=calendar.wall_time(stamps),
        values=panel.values[first:end],
        past=past,
        ahead=ahead,
    )


def _line_ahead(forecast: Forecast, place: int) -> ForecastLine:
    if forecast.timestamps is None:
        expected = "a forecast with timestamps"
        raise SettingError("forecast", "none", expected)
    return ForecastLine(
        timestamps=to_wall(forecast.timestamps[place], forecast.zone),
        points=forecast.points[place],
        intervals={
            level: (lower[place], upper[place])
            for level, (lower, upper) in forecast.intervals.items()
        },
    )


def _past_lines(rows: pd.DataFrame, calendar: Calendar) -> list[ForecastLine]:
    """Return a line for each fold of a backtest of one series."""
    return [
        ForecastLine(
            timestamps=calendar.wall_time(fold["timestamp"].to_numpy()),
            points=fold["point"].to_numpy(),
        )
        for _, fold in rows.groupby("cutoff")
    ]
