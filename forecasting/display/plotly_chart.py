"""Charts in Plotly, where it is installed: zoom, and numbers under the cursor."""

from collections.abc import Sequence
from html import escape
from typing import Any

from forecasting.display.series_chart import (
    BLUE,
    GREY,
    ORANGE,
    ForecastLine,
    SeriesChart,
)


def draw_series(charts: Sequence[SeriesChart], caption: str = "") -> Any:
    """Draw series below each other; return a `plotly.graph_objects.Figure`.

    Args:
        charts: the series.
        caption: title of the figure.
    """
    from plotly.subplots import make_subplots

    titles = [_plain(chart.title) for chart in charts]
    figure = make_subplots(rows=len(charts), cols=1, subplot_titles=titles)
    for row, chart in enumerate(charts, start=1):
        for trace in _traces(chart, is_first=row == 1):
            figure.add_trace(trace, row=row, col=1)
    figure.update_layout(
        title=_plain(caption), height=100 + 300 * len(charts), hovermode="x unified"
    )
    return figure


def _traces(chart: SeriesChart, *, is_first: bool) -> list[Any]:
    """Return the lines and areas of a series; the first one names them."""
    traces = [_line(chart.timestamps, chart.values, "observed", GREY, is_first)]
    for number, fold in enumerate(chart.past):
        is_named = is_first and number == 0
        traces.append(
            _line(fold.timestamps, fold.points, "backtest", BLUE, is_named, dash="dot")
        )
    if chart.ahead is not None:
        traces += _areas(chart.ahead, is_first)
        ahead = chart.ahead
        traces.append(
            _line(
                ahead.timestamps, ahead.points, "forecast", ORANGE, is_first, "dash"
            )
        )  # fmt: skip
    return traces


def _line(
    x: Any, y: Any, name: str, color: str, is_named: bool, dash: str = "solid"
) -> Any:
    from plotly.graph_objects import Scatter

    style = {"color": color, "width": 1.5, "dash": dash}
    return Scatter(
        x=x, y=y, name=name, mode="lines", line=style,
        legendgroup=name, showlegend=is_named,
    )  # fmt: skip


def _areas(ahead: ForecastLine, is_first: bool) -> list[Any]:
    """Return the areas of the intervals, the widest first."""
    from plotly.graph_objects import Scatter

    areas = []
    for level, (lower, upper) in sorted(ahead.intervals.items(), reverse=True):
        name = f"{level:g} % interval"
        edge = {"mode": "lines", "line": {"width": 0}, "legendgroup": name}
        areas += [
            Scatter(x=ahead.timestamps, y=upper, showlegend=False, **edge),
            Scatter(
                x=ahead.timestamps, y=lower, name=name, showlegend=is_first,
                fill="tonexty", fillcolor="rgba(209, 87, 10, 0.2)", **edge,
            ),
        ]  # fmt: skip
    return areas


def _plain(text: str) -> str:
    """Return text without markup: Plotly reads HTML, and formulas between dollars."""
    lines = escape(text, quote=False).replace("$", "&#36;").split("\n")
    return "<br>".join(lines)
