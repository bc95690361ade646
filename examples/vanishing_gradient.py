"""Draw the sensitivity of RNN, LSTM and GRU to each lag.

First row: sunspots, with windows of three years of months and a horizon of one year.
Second row: a synthetic series that repeats its value of 20 steps ago, so that a single
lag matters for each step. The networks have no linear skip, which needs no memory.

    python examples/vanishing_gradient.py [FILE.png [EPOCHS]]      half a minute

FILE.png is vanishing-gradient.png in the working directory by default; the picture in
the documentation is docs/vanishing-gradient.png.
"""

import sys
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from forecasting import (
    Explanation,
    Forecaster,
    Panel,
    RecurrentConfig,
    TrainingConfig,
    WindowSpec,
    explain,
    read_csv,
)

ROOT = Path(__file__).resolve().parent.parent
CELLS = ("rnn", "lstm", "gru")
DELAY = 20


def main(path: Path = Path("vanishing-gradient.png"), max_epochs: int = 50) -> None:
    """Train six networks for at most ``max_epochs`` and draw their sensitivity."""
    sunspots = read_csv(ROOT / "data" / "sunspots.csv")
    tasks = {
        "sunspots": (sunspots, 36, 12, min(10, max_epochs)),
        f"an echo after {DELAY} steps": (make_echo(), 30, 5, max_epochs),
    }
    figure = Figure(figsize=(10, 5.2), layout="constrained")
    axes = figure.subplots(len(tasks), len(CELLS))
    for row, (title, (panel, seq_len, horizon, epochs)) in zip(
        axes, tasks.items(), strict=True
    ):
        for ax, cell in zip(row, CELLS, strict=True):
            spec = WindowSpec(seq_len=seq_len, horizon=horizon)
            image = draw(ax, train_and_explain(panel, cell, spec, epochs))
            ax.set_title(f"{cell.upper()}: {title}", loc="left", fontsize=10)
        row[0].set_ylabel("step ahead")
    for ax in axes[-1]:
        ax.set_xlabel("lag")
    label = "mean |gradient|, of the largest"
    figure.colorbar(image, ax=axes, label=label, extend="min")
    figure.savefig(path, dpi=110)


def make_echo(length: int = 3000) -> Panel:
    """Return ``x(t) = 0.9 x(t - 20) + noise``, of variance 1."""
    noise = np.random.default_rng(0).normal(size=length) * np.sqrt(1 - 0.9**2)
    values = np.random.default_rng(1).normal(size=length)
    for t in range(DELAY, length):
        values[t] = 0.9 * values[t - DELAY] + noise[t]
    return Panel.from_values({"echo": values})


def train_and_explain(
    panel: Panel, cell: str, windows: WindowSpec, epochs: int
) -> Explanation:
    """Train a network and return its explanation."""
    forecaster = Forecaster(
        windows=windows,
        model=RecurrentConfig(
            cell=cell, normalization="standard", linear_skip=False
        ),
        training=TrainingConfig(
            epochs=epochs, patience=epochs, learning_rate=0.005, batch_size=128,
            loss="mse", device="cpu",
        ),
    ).fit(panel)  # fmt: skip
    explanation = explain(forecaster, panel, part="network", windows=200)
    errors = min(record.validation_loss for record in forecaster.history)
    sensitivity = explanation.sensitivity.mean(0)
    shares = sensitivity / sensitivity.sum()
    print(
        f"{panel.series_ids[0]:9} {cell:4}  validation error {errors:.2f}   "
        f"last 6 lags {shares[-6:].sum():.0%}   oldest 12 {shares[:12].sum():.1%}"
    )
    return explanation


def draw(ax: Axes, explanation: Explanation) -> AxesImage:
    """Draw a heat map with logarithmic colours."""
    steps, seq_len = explanation.sensitivity.shape
    return ax.imshow(
        explanation.sensitivity / explanation.sensitivity.max(),
        norm=LogNorm(0.002, 1),
        aspect="auto",
        extent=(seq_len + 0.5, 0.5, steps + 0.5, 0.5),
    )


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]), *map(int, sys.argv[2:]))
