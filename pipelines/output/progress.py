"""Training progress: a bar on a terminal, else a line every few seconds."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from forecasting.training import EpochRecord

LINE_SECONDS = 5.0  # between two lines without a terminal


@contextmanager
def training_progress(
    console: Console, title: str
) -> Iterator[Callable[[EpochRecord], None]]:
    """Show the progress of one training; yield the callback of an epoch's end."""
    if console.is_terminal:
        yield from _bar(console, title)
    else:
        yield from _lines(console, title)


def _bar(console: Console, title: str) -> Iterator[Callable[[EpochRecord], None]]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("epoch {task.completed}/{task.total}  loss {task.fields[loss]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(title, total=None, loss="")

        def advance(record: EpochRecord) -> None:
            progress.update(
                task,
                completed=record.epoch,
                total=record.epochs,
                loss=f"{_loss(record):.4g}",
                description=title + _stage(record),
            )

        yield advance


def _lines(console: Console, title: str) -> Iterator[Callable[[EpochRecord], None]]:
    last_line = time.monotonic()

    def advance(record: EpochRecord) -> None:
        nonlocal last_line
        if time.monotonic() - last_line > LINE_SECONDS:
            last_line = time.monotonic()
            console.print(
                f"{title}{_stage(record)}: epoch {record.epoch}/{record.epochs}, "
                f"loss {_loss(record):.4g}"
            )

    yield advance


def _stage(record: EpochRecord) -> str:
    """Return the suffix of the title: the member after the first, and a refit."""
    member = f", member {record.member + 1}" if record.member else ""
    return member + (", again on everything" if record.refit else "")


def _loss(record: EpochRecord) -> float:
    return record.train_loss if record.refit else record.validation_loss
