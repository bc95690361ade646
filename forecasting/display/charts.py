"""Charts in matplotlib: series with forecasts, heat maps, figures of one look.

No global state of matplotlib is used, and `pyplot` is not imported: a figure shows
itself in a notebook, and ``figure.savefig`` writes it.
"""

import io
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from forecasting.display.series_chart import (
    BLUE,
    GREY,
    ORANGE,
    ForecastLine,
    SeriesChart,
)
from forecasting.types import FloatArray, Timestamps


class Chart(Figure):
    """Figure that a notebook shows without `pyplot`."""

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        self.savefig(buffer, format="png")
        return buffer.getvalue()


def one_axes(xlabel: str, ylabel: str) -> tuple[Chart, Axes]:
    """Return a figure with a single pair of labelled axes."""
    figure = Chart(figsize=(9, 4), layout="constrained")
    ax = figure.subplots()
    ax.set_xlabel(xlabel)
    ax.set_ylabel(ylabel, parse_math=False)
    ax.spines[["top", "right"]].set_visible(False)
    return figure, ax


def rows_of_axes(rows: int, height: float, margin: float) -> tuple[Chart, list[Axes]]:
    """Return a figure with axes below each other.

    Args:
        rows: their number.
        height: of each, in inches.
        margin: height beside them, in inches.
    """
    figure = Chart(figsize=(9, margin + height * rows), layout="constrained")
    axes = figure.subplots(rows, squeeze=False)[:, 0]
    return figure, list(axes)


def add_title(ax: Axes, title: str) -> None:
    """Set a title as plain text: a name of the data is no formula."""
    ax.set_title(title, loc="left", fontsize=11, parse_math=False)


def add_caption(figure: Figure, caption: str) -> None:
    """Set the title of a figure as plain text, if there is one."""
    if caption:
        text = figure.suptitle(caption, fontsize=11, x=0.01, ha="left")
        text.set_parse_math(False)


def draw_series(
    charts: Sequence[SeriesChart], caption: str = "", ax: Axes | None = None
) -> Figure:
    """Draw series below each other: observed solid, past dotted, ahead dashed.

    Args:
        charts: the series.
        caption: title of the figure.
        ax: axes for a single series; default a new figure.
    """
    if ax is None:
        figure, axes = rows_of_axes(len(charts), height=3.2, margin=0.8)
    else:
        figure, axes = ax.figure, [ax]  # type: ignore[assignment]
    for chart, each in zip(charts, axes, strict=True):
        _draw_one(each, chart)
    if len(axes[0].get_legend_handles_labels()[1]) > 1:
        axes[0].legend(loc="best", frameon=False, fontsize=9)
    add_caption(figure, caption)
    return figure


def _draw_one(ax: Axes, chart: SeriesChart) -> None:
    ax.plot(chart.timestamps, chart.values, color=GREY, lw=1.2, label="observed")
    for number, fold in enumerate(chart.past):
        ax.plot(
            fold.timestamps, fold.points, ".-", color=BLUE, lw=1, ms=3, alpha=0.7,
            label=None if number else "backtest",
        )  # fmt: skip
    if chart.ahead is not None:
        last = chart.timestamps[-1:], chart.values[-1:]
        _draw_ahead(ax, *last, chart.ahead)
    add_title(ax, chart.title)
    ax.spines[["top", "right"]].set_visible(False)


def _draw_ahead(
    ax: Axes, moment: Timestamps, last: FloatArray, line: ForecastLine
) -> None:
    """Draw a forecast that goes on from the last observation, ``(1,)`` or none."""
    future = np.concatenate([moment, line.timestamps])
    for level, (lower, upper) in sorted(line.intervals.items(), reverse=True):
        ax.fill_between(
            future,
            np.concatenate([last, lower]),
            np.concatenate([last, upper]),
            color=ORANGE,
            alpha=0.6 * (1 - level / 110),
            lw=0,
            label=f"{level:g} % interval",
        )
    points = np.concatenate([last, line.points])
    ax.plot(future, points, "--", color=ORANGE, lw=2, label="forecast")


def draw_heat_maps(parts: Mapping[str, FloatArray], lags: int) -> Figure:
    """Draw a heat map for each input, all on one colour scale.

    Args:
        parts: by title, ``(steps, positions)``, the oldest position first.
        lags: steps from the oldest position to the first step of the forecast.
    """
    figure, axes = rows_of_axes(len(parts), height=2.6, margin=1.4)
    top = max(part.max() for part in parts.values()) or 1.0
    for ax, (title, part) in zip(axes, parts.items(), strict=True):
        steps, columns = part.shape
        edges = (lags + 0.5, lags - columns + 0.5, steps + 0.5, 0.5)
        image = ax.imshow(
            part, cmap="viridis", vmin=0, vmax=top, aspect="auto", extent=edges
        )
        add_title(ax, title)
        ax.set_ylabel("step ahead")
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_locator(MaxNLocator(steps=[1, 2, 5, 10], integer=True))
    axes[-1].set_xlabel("lag: steps before the first one forecast")
    figure.colorbar(image, ax=axes, label="importance: mean |gradient x input|")
    return figure
