"""Panels and forecasts in a line, and as cards for notebooks; both of bounded size."""

from collections import Counter

import numpy as np

from forecasting.data.forecast import Forecast
from forecasting.data.panel import Panel
from forecasting.display.html import MAX_ROWS, Card, Fact, Table, shorten_list
from forecasting.display.wording import count, describe_levels, describe_methods
from forecasting.timestamps.calendar import format_timestamp

MAX_NOTES = 10  # of a panel


def describe_panel(panel: Panel) -> str:
    """Describe a panel in one line: series, observations, dates, covariates."""
    size = f"{_count_series(panel)} of {panel.target!r}"
    text = f"Panel: {size}, {count(len(panel.values), 'observation')}"
    if len(panel.values):
        first, last = panel_span(panel)
        text += f", {first} to {last}"
    if panel.calendar.freq:
        text += f", frequency {panel.calendar.freq}"
    if panel.roles:
        text += f"; {shorten_list(_covariate_names(panel))}"
    return f"<{text}>"


def panel_card(panel: Panel) -> Card:
    """Return the card of a panel: facts, the first series, notes of the reader."""
    facts: list[Fact] = [("observations", len(panel.values))]
    if len(panel.values):
        facts.append(("dates" if panel.calendar.freq else "steps", _span_text(panel)))
    if panel.calendar.freq:
        season = panel.calendar.season_length
        facts.append(("frequency", f"{panel.calendar.freq}, season {season}"))
    if panel.roles:
        facts.append(("covariates", shorten_list(_covariate_names(panel))))
    notes = panel.notes[:MAX_NOTES]
    more = len(panel.notes) - len(notes)
    return Card(
        title=f"{_count_series(panel)} of {panel.target}",
        facts=facts,
        tables=[_series_table(panel)] if len(panel.values) else [],
        notes=[*notes, *([f"{count(more, 'further note')} in .notes"] if more else [])],
    )


def describe_forecast(forecast: Forecast) -> str:
    """Describe a forecast in one line: series, steps, start, intervals, methods."""
    series = count(len(forecast.series_ids), "series", "series")
    text = f"Forecast: {series}, {count(forecast.horizon, 'step')}"
    if forecast.timestamps is not None and forecast.timestamps.size:
        first = format_timestamp(forecast.timestamps.min(), forecast.zone)
        text += f" from {first}"
    if forecast.intervals:
        text += f"; intervals of {describe_levels(sorted(forecast.intervals))}"
    if forecast.methods:
        text += f"; {_methods_text(forecast)}"
    return f"<{text}>"


def forecast_card(forecast: Forecast) -> Card:
    """Return the card of a forecast: facts and its first rows."""
    facts: list[Fact] = [("steps ahead", forecast.horizon)]
    if forecast.intervals:
        facts.append(("intervals", describe_levels(sorted(forecast.intervals))))
    if forecast.methods:
        facts.append(("answers", _methods_text(forecast)))
    series = count(len(forecast.series_ids), "series", "series")
    return Card(
        title=f"Forecast of {series}",
        facts=facts,
        tables=[_forecast_table(forecast)],
    )


def panel_span(panel: Panel) -> tuple[str, str]:
    """Return the first and the last timestamp of a panel as text."""
    zone, stamps = panel.calendar.zone, panel.timestamps
    return format_timestamp(stamps.min(), zone), format_timestamp(stamps.max(), zone)


def _count_series(panel: Panel) -> str:
    return count(len(panel), "series", "series")


def _span_text(panel: Panel) -> str:
    first, last = panel_span(panel)
    zone = f", {panel.calendar.zone}" if panel.calendar.zone else ""
    return f"{first} to {last}{zone}"


def _covariate_names(panel: Panel) -> list[str]:
    return [f"{name} ({role})" for name, role in panel.roles.items()]


def _methods_text(forecast: Forecast) -> str:
    return describe_methods(dict(Counter(forecast.methods).most_common()))


def _series_table(panel: Panel) -> Table:
    """Return the table of the first series: length, dates, mean and last value."""
    rows, zone = [], panel.calendar.zone
    for row in range(min(len(panel), MAX_ROWS)):
        start, end = panel.offsets[row], panel.offsets[row + 1]
        stamps, values = panel.timestamps[start:end], panel.values[start:end]
        first, last = (format_timestamp(stamps[place], zone) for place in (0, -1))
        numbers = [values.min(), values.mean(), values.max(), values[-1]]
        rows.append(
            [panel.series_ids[row], len(values), first, last, *map(float, numbers)]
        )
    names = ("series", "values", "first", "last", "lowest", "mean", "highest", "latest")
    return Table(columns=names, rows=rows, total=len(panel))


def _forecast_table(forecast: Forecast) -> Table:
    """Return the table of the first rows: a series and step each."""
    total = forecast.points.size
    places = [
        np.unravel_index(at, forecast.points.shape) for at in range(total)[:MAX_ROWS]
    ]
    levels = sorted(forecast.intervals)
    rows: list[list[object]] = []
    for row, step in places:
        cells: list[object] = [forecast.series_ids[row], int(step) + 1]
        if forecast.timestamps is not None:
            stamp = forecast.timestamps[row, step]
            cells.append(format_timestamp(stamp, forecast.zone))
        cells.append(float(forecast.points[row, step]))
        for level in levels:
            cells += [float(bound[row, step]) for bound in forecast.intervals[level]]
        rows.append(cells)
    bounds = [f"{side} {level:g} %" for level in levels for side in ("lower", "upper")]
    stamps = ["timestamp"] if forecast.timestamps is not None else []
    columns = ["series", "step", *stamps, "point", *bounds]
    return Table(columns=columns, rows=rows, total=total)
