"""Plots of predicted classes: confusion matrix, calibration."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from forecasting.display.charts import add_caption, one_axes
from forecasting.display.series_chart import BLUE, GREY
from forecasting.sequences.metrics import BINS
from forecasting.types import BoolArray, FloatArray, IntArray

MAX_NUMBERS = 20  # classes whose counts are written into the matrix


def plot_confusion(
    counts: IntArray, classes: Sequence[Any], caption: str = ""
) -> Figure:
    """Draw the counts of true and predicted classes as a heat map.

    Args:
        counts: a row for each true class, ``(classes, classes)``.
        classes: their names.
        caption: title of the figure.
    """
    figure, ax = one_axes("predicted class", "true class")
    figure.set_size_inches(7, 6)
    shares = counts / counts.sum(1, keepdims=True).clip(1)
    ax.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    if len(classes) <= MAX_NUMBERS:
        names = [str(label)[:20] for label in classes]
        places = range(len(classes))
        ax.set_xticks(places, labels=names, rotation=45, ha="right", parse_math=False)
        ax.set_yticks(places, labels=names, parse_math=False)
        for row, column in np.ndindex(counts.shape):
            color = "white" if shares[row, column] > 0.5 else "black"
            text = str(counts[row, column])
            ax.text(column, row, text, ha="center", va="center", color=color)
    add_caption(figure, caption)
    return figure


def plot_calibration(stated: FloatArray, right: BoolArray, caption: str = "") -> Figure:
    """Draw shares of right labels over their stated probabilities, by tenths.

    Args:
        stated: probability of each predicted label, ``(n,)``.
        right: whether it is right, ``(n,)``.
        caption: title of the figure.
    """
    figure, ax = one_axes("stated probability", "share of right labels")
    figure.set_size_inches(6, 5)
    bins = np.minimum((stated * BINS).astype(int), BINS - 1)
    occupied = np.unique(bins)
    means = [stated[bins == b].mean() for b in occupied]
    shares = [right[bins == b].mean() for b in occupied]
    sizes = [20 + 180 * (bins == b).mean() for b in occupied]
    ax.plot([0, 1], [0, 1], color=GREY, lw=0.8)
    ax.scatter(means, shares, s=sizes, color=BLUE)
    ax.set_xlim(0, 1.02)
    ax.set_ylim(-0.02, 1.02)
    add_caption(figure, caption)
    return figure
