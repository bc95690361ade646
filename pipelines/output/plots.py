"""Plots of a run: forecast, loss, residuals by step, importance, search."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from forecasting.data.forecast import Forecast
from forecasting.data.panel import Panel
from forecasting.explanation.explain import Explanation
from forecasting.training import EpochRecord
from forecasting.types import FloatArray, Timestamps

BLUE, ORANGE, GREY = "#1f6feb", "#d1570a", "#57606a"
MAX_SERIES = 4  # series in one figure
MAX_HISTORY = 96  # observations before the forecast


def plot_forecast(
    panel: Panel, forecast: Forecast | None, table: pd.DataFrame, caption: str = ""
) -> Figure:
    """Draw the end of the first series with its backtest and forecast.

    The title of a series names the method that forecasts it.

    Args:
        panel: the series.
        forecast: forecast after the end of the series, with intervals; None without.
        table: backtest of the model, without the baselines.
        caption: title of the figure, see `pipelines.output.evidence.make_caption`.
    """
    shown = panel.series_ids[:MAX_SERIES]
    figure = Figure(figsize=(9, 0.8 + 3.2 * len(shown)), layout="constrained")
    axes = figure.subplots(len(shown), squeeze=False)[:, 0]
    for row, (series_id, ax) in enumerate(zip(shown, axes, strict=True)):
        start, end = panel.offsets[row], panel.offsets[row + 1]
        first = max(start, end - MAX_HISTORY)
        stamps = panel.timestamps[first:end]
        ax.plot(stamps, panel.values[first:end], color=GREY, lw=1.2, label="observed")
        past, title = table[table["series_id"] == series_id], series_id
        _draw_backtest(ax, past[past["timestamp"] >= stamps[0]])
        if forecast is not None and series_id in forecast.series_ids:
            place = forecast.series_ids.index(series_id)
            last = panel.timestamps[[end - 1]], panel.values[[end - 1]]
            _draw_future(ax, *last, forecast, place)
            if forecast.methods:
                title = f"{series_id}: {forecast.methods[place].replace('_', ' ')}"
        ax.set_title(title, loc="left", fontsize=11)
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].legend(loc="best", frameon=False, fontsize=9)
    _add_caption(figure, caption)
    return figure


def png_settings(figure: Figure) -> dict[str, Any]:
    """Return settings for `Figure.savefig`: a PNG with a title in its metadata.

    The title joins those of the figure and of its axes, a line each.
    """
    parts = [figure.get_suptitle(), *(ax.get_title(loc="left") for ax in figure.axes)]
    return {"metadata": {"Title": "\n".join(part for part in parts if part)}}


def _add_caption(figure: Figure, caption: str) -> None:
    if caption:
        figure.suptitle(caption, fontsize=11, x=0.01, ha="left")


def _draw_backtest(ax: Axes, past: pd.DataFrame) -> None:
    """Draw the forecast of each fold as a separate line."""
    label: str | None = "backtest"
    for _, fold in past.groupby("cutoff"):
        ax.plot(
            fold["timestamp"], fold["point"], ".-", color=BLUE, lw=1, ms=3, alpha=0.7,
            label=label,
        )  # fmt: skip
        label = None


def _draw_future(
    ax: Axes, moment: Timestamps, last: FloatArray, forecast: Forecast, row: int
) -> None:
    """Draw a forecast that goes on from the last observation, ``(1,)``."""
    assert forecast.timestamps is not None
    future = np.concatenate([moment, forecast.timestamps[row]])
    for level, (lower, upper) in sorted(forecast.intervals.items(), reverse=True):
        ax.fill_between(
            future,
            np.concatenate([last, lower[row]]),
            np.concatenate([last, upper[row]]),
            color=ORANGE,
            alpha=0.6 * (1 - level / 110),
            lw=0,
            label=f"{level:g} % interval",
        )
    points = np.concatenate([last, forecast.points[row]])
    ax.plot(future, points, color=ORANGE, lw=2, label="forecast")


def plot_loss(history: list[EpochRecord], caption: str = "") -> Figure:
    """Draw training and validation loss by epoch, a pair of lines per member.

    Refits are left out: they have no validation loss.

    Args:
        history: records of the training.
        caption: title of the figure.
    """
    history = [record for record in history if not record.refit]
    figure, ax = _one_axes("epoch", "loss, normalised")
    for member in sorted({record.member for record in history}):
        records = [record for record in history if record.member == member]
        epochs = [record.epoch for record in records]
        label = {} if member else {"train": "training", "check": "validation"}
        ax.plot(
            epochs, [r.train_loss for r in records], color=BLUE, lw=1.2,
            label=label.get("train"),
        )  # fmt: skip
        ax.plot(
            epochs, [r.validation_loss for r in records], color=ORANGE, lw=1.6,
            label=label.get("check"),
        )  # fmt: skip
    ax.legend(frameon=False)
    _add_caption(figure, caption)
    return figure


def plot_residuals(table: pd.DataFrame, caption: str = "") -> Figure:
    """Draw box plots of actual minus forecast at every step of the backtest.

    Args:
        table: backtest of the model, without the baselines.
        caption: title of the figure, see `pipelines.output.evidence.make_caption`.
    """
    figure, ax = _one_axes("step ahead", "actual - forecast")
    errors = (table["actual"] - table["point"]).groupby(table["step"])
    steps = [int(step) for step, _ in errors]
    style: dict[str, Any] = {"color": BLUE, "linewidth": 1.2}
    ax.boxplot(
        [group.to_numpy() for _, group in errors],
        positions=steps,
        widths=0.6,
        showfliers=len(table) < 5000,
        flierprops={"markersize": 3, "markeredgecolor": GREY},
        boxprops=style,
        medianprops={"color": ORANGE, "linewidth": 1.6},
    )
    ax.axhline(0, color=GREY, lw=0.8)
    if len(steps) > 20:
        shown = steps[:: len(steps) // 10]
        ax.set_xticks(shown, labels=[str(step) for step in shown])
    _add_caption(figure, caption)
    return figure


def plot_explanation(explanation: Explanation) -> Figure:
    """Draw heat maps of importance by step and lag: the target's and each covariate's.

    All share one colour scale, so that a covariate can be compared with the target.
    """
    parts = explanation.by_feature()
    height = 1.4 + 2.6 * len(parts)
    figure = Figure(figsize=(9, height), layout="constrained")
    axes = figure.subplots(len(parts), squeeze=False)[:, 0]
    top = max(part.max() for part in parts.values()) or 1.0
    seq_len = explanation.lags[0]
    for ax, (name, part) in zip(axes, parts.items(), strict=True):
        steps, columns = part.shape
        edges = (seq_len + 0.5, seq_len - columns + 0.5, steps + 0.5, 0.5)
        image = ax.imshow(
            part, cmap="viridis", vmin=0, vmax=top, aspect="auto", extent=edges
        )
        ax.set_title(_name_part(explanation, name), loc="left", fontsize=11)
        ax.set_ylabel("step ahead")
        ax.yaxis.get_major_locator().set_params(integer=True)
        ax.xaxis.get_major_locator().set_params(integer=True)
    axes[-1].set_xlabel("lag: steps before the first one forecast")
    figure.colorbar(image, ax=list(axes), label="importance: mean |gradient x input|")
    return figure


def _name_part(explanation: Explanation, name: str) -> str:
    """Return the title of a heat map; that of the target names the explained part."""
    methods = sorted(set(explanation.methods.values()))
    if explanation.part == "network":
        methods = ["the network alone"]
    if name != explanation.target or not methods:
        return name
    return f"{name}: {', '.join(methods).replace('_', ' ')}"


def plot_search(trials: pd.DataFrame, metric: str) -> Figure:
    """Draw the error of each trial and the best so far; crosses for pruned trials.

    Args:
        trials: as returned by `pipelines.jobs.tune.list_trials`.
        metric: name of the error, for the axis.
    """
    figure, ax = _one_axes("trial", metric)
    complete = trials[trials["state"] == "complete"].sort_values("trial")
    pruned = trials[trials["state"] == "pruned"]
    ax.plot(
        complete["trial"], complete["value"], "o", color=BLUE, ms=4, label="complete"
    )
    ax.step(
        complete["trial"], complete["value"].cummin(), where="post", color=ORANGE,
        lw=1.6, label="best so far",
    )  # fmt: skip
    if len(pruned):
        level = np.full(len(pruned), complete["value"].max())
        ax.plot(pruned["trial"], level, "x", color=GREY, ms=5, label="pruned")
    ax.legend(frameon=False)
    return figure


def _one_axes(xlabel: str, ylabel: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(9, 4), layout="constrained")
    ax = figure.subplots()
    ax.set_xlabel(xlabel)
    ax.set_ylabel(ylabel)
    ax.spines[["top", "right"]].set_visible(False)
    return figure, ax
