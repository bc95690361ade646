"""Plots of a run: loss, residuals by step, search."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from forecasting.display.charts import add_caption, one_axes
from forecasting.display.series_chart import BLUE, GREY, ORANGE
from forecasting.training import EpochRecord


def png_settings(figure: Figure) -> dict[str, Any]:
    """Return settings for `Figure.savefig`: a PNG with a title in its metadata.

    The title joins those of the figure and of its axes, a line each.
    """
    parts = [figure.get_suptitle(), *(ax.get_title(loc="left") for ax in figure.axes)]
    return {"metadata": {"Title": "\n".join(part for part in parts if part)}}


def plot_loss(history: list[EpochRecord], caption: str = "") -> Figure:
    """Draw training and validation loss by epoch, a pair of lines per member.

    Refits are left out: they have no validation loss.

    Args:
        history: records of the training.
        caption: title of the figure.
    """
    history = [record for record in history if not record.refit]
    figure, ax = one_axes("epoch", "loss, normalised")
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
    add_caption(figure, caption)
    return figure


def plot_residuals(table: pd.DataFrame, caption: str = "") -> Figure:
    """Draw box plots of actual minus forecast at every step of the backtest.

    Args:
        table: backtest of the model, without the baselines.
        caption: title of the figure, see `forecasting.display.wording.make_caption`.
    """
    figure, ax = one_axes("step ahead", "actual - forecast")
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
    add_caption(figure, caption)
    return figure


def plot_search(trials: pd.DataFrame, metric: str) -> Figure:
    """Draw the error of each trial and the best so far; crosses for pruned trials.

    Args:
        trials: as returned by `pipelines.search.tune.list_trials`.
        metric: name of the error, for the axis.
    """
    figure, ax = one_axes("trial", metric)
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
