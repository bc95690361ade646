"""Training progress: a bar on a terminal, else a line every few seconds."""

import io
import time

from rich.console import Console

from forecasting.training import EpochRecord
from pipelines.output.progress import LINE_SECONDS, training_progress


def record(epoch, member=0):
    return EpochRecord(
        member=member, epoch=epoch, epochs=9, train_loss=0.5, validation_loss=0.25,
        seconds=0.1,
    )  # fmt: skip


def test_short_work_says_nothing_off_a_terminal():
    file = io.StringIO()

    with training_progress(Console(file=file), "days: backtest") as show:
        for epoch in range(9):
            show(record(epoch))

    assert file.getvalue() == ""


def test_long_work_says_a_line_now_and_then_off_a_terminal():
    file = io.StringIO()

    with training_progress(Console(file=file, width=80), "days: backtest") as show:
        show(record(1))
        time.sleep(LINE_SECONDS + 0.1)
        show(record(2))
        show(record(3))

    assert file.getvalue() == "days: backtest: epoch 2/9, loss 0.25\n"


def test_a_terminal_shows_a_bar():
    file = io.StringIO()
    console = Console(file=file, width=120, force_terminal=True)

    with training_progress(console, "days: backtest") as show:
        show(record(3))
        show(record(4, member=1))

    assert "epoch 4/9" in file.getvalue()
    assert "days: backtest, member 2" in file.getvalue()
