"""Progress of long work: a bar on a terminal, a line now and then elsewhere."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from forecasting.training import EpochRecord

LINE_SECONDS = 5.0  # between two lines where there is no terminal


@contextmanager
def training_progress(
    console: Console, title: str
) -> Iterator[Callable[[EpochRecord], None]]:
    """Show the epochs of one training; yields what to call after each."""
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
    said = time.monotonic()

    def advance(record: EpochRecord) -> None:
        nonlocal said
        if time.monotonic() - said > LINE_SECONDS:
            said = time.monotonic()
            console.print(
                f"{title}{_stage(record)}: epoch {record.epoch}/{record.epochs}, "
                f"loss {_loss(record):.4g}"
            )

    yield advance


def _stage(record: EpochRecord) -> str:
    """Return which member is trained, and whether again, on everything."""
    member = f", member {record.member + 1}" if record.member else ""
    return member + (", again on everything" if record.refit else "")


def _loss(record: EpochRecord) -> float:
    return record.train_loss if record.refit else record.validation_loss
