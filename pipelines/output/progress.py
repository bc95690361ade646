"""Progress of a job: one bar on a terminal, else a line every few seconds.

A job has parts of equal share: backtests, trials and the final training. A part has
trainings of equal share, each with its epochs. A training that stops early counts in
full when the next one begins.
"""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
from rich.table import Column

from forecasting.training import EpochRecord
from pipelines.config.job import Job

LINE_SECONDS = 5.0  # between two lines without a terminal
MIN_SHARE = 0.02  # of the work done, for an estimate of the time left
BAR_WIDTH = 20

OnEpoch = Callable[[EpochRecord], None]
Show = Callable[[str, float, str, list[str]], None]


class Work:
    """Share of a job that is done, and its display.

    Args:
        parts: number of parts.
        show: called with the title, the share from 0 to 1, the time left in words, and
            further facts.
    """

    def __init__(self, parts: int, show: Show) -> None:
        self._parts, self._show = parts, show
        self._start = time.monotonic()
        self._done, self._share = 0, 0.0

    @contextmanager
    def part(self, title: str, trainings: int) -> Iterator[OnEpoch]:
        """Show the progress of one part; yield the callback of an epoch's end.

        Args:
            title: of the part.
            trainings: expected number, of all members, folds and refits.
        """
        begun = 0
        last = (-1, math.inf, False)  # member, epoch and refit of the last record

        def advance(record: EpochRecord) -> None:
            nonlocal begun, last
            is_same = (record.member, record.refit) == (last[0], last[2])
            begun += not (is_same and record.epoch >= last[1])
            last = record.member, record.epoch, record.refit
            epochs = record.epoch / max(record.epochs, 1)
            done = min((begun - 1 + epochs) / max(trainings, begun), 1.0)
            self._advance(title + _stage(record), done, _describe_epoch(record))

        try:
            yield advance
        finally:
            self._done += 1

    @contextmanager
    def series(self, title: str, total: int) -> Iterator[Callable[[int], None]]:
        """Show the progress of one part with a model a series.

        Args:
            title: of the part.
            total: number of series.

        Yields:
            The callback of finished series, with their number.
        """
        finished = 0

        def advance(count: int) -> None:
            nonlocal finished
            finished += count
            facts = [f"{finished:,} of {total:,} series"]
            self._advance(title, finished / total, facts)

        try:
            yield advance
        finally:
            self._done += 1

    def _advance(self, title: str, done: float, facts: list[str]) -> None:
        self._share = max(self._share, (self._done + done) / self._parts)
        self._show(title, self._share, self._time_left(), facts)

    def _time_left(self) -> str:
        if self._share < MIN_SHARE:
            return ""
        elapsed = time.monotonic() - self._start
        return f"{describe_seconds(elapsed * (1 / self._share - 1))} left"


@contextmanager
def show_work(console: Console, parts: int) -> Iterator[Work]:
    """Show the progress of a job; yield its work.

    Args:
        console: a terminal shows one bar, which disappears at the end; any other
            output gets a line every few seconds.
        parts: number of its parts, of equal share.
    """
    if not console.is_terminal:
        yield Work(parts, _print_lines(console))
        return
    columns = (
        TextColumn(
            "{task.description}",
            table_column=Column(no_wrap=True, overflow="ellipsis", ratio=1),
        ),
        BarColumn(BAR_WIDTH),
        TaskProgressColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[left]:>12}", table_column=Column(no_wrap=True)),
    )
    with Progress(*columns, console=console, transient=True, expand=True) as bar:
        task = bar.add_task("reading", total=1.0, left="")

        def show(title: str, share: float, left: str, _: list[str]) -> None:
            bar.update(task, completed=share, description=title, left=left)

        yield Work(parts, show)


def _print_lines(console: Console) -> Show:
    last_line = time.monotonic()

    def show(title: str, share: float, left: str, facts: list[str]) -> None:
        nonlocal last_line
        if time.monotonic() - last_line <= LINE_SECONDS:
            return
        last_line = time.monotonic()
        shown = [*facts, f"{share:.0%} of the whole", *([left] if left else [])]
        console.print(f"{title}: {', '.join(shown)}", soft_wrap=True)

    return show


def _describe_epoch(record: EpochRecord) -> list[str]:
    """Return number and loss of an epoch in words."""
    loss = record.train_loss if record.refit else record.validation_loss
    facts = [f"epoch {record.epoch} of {record.epochs}"]
    return facts + ([f"loss {loss:.4g}"] if math.isfinite(loss) else [])


def count_trainings(job: Job, folds: int = 1) -> int:
    """Count the trainings of one part: of members, refits and folds.

    Args:
        job: its settings.
        folds: cutoffs of a backtest, which trains at each where ``refit`` is set.
    """
    fits = folds if job.evaluation.refit else 1
    return job.model.members * (1 + job.training.refit) * fits


def describe_seconds(seconds: float) -> str:
    """Describe a duration in its largest unit: ``40 s``, ``3 min``, ``2 h``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.0f} h"


def _stage(record: EpochRecord) -> str:
    """Return the suffix of the title: the member after the first, and a refit."""
    member = f", member {record.member + 1}" if record.member else ""
    return member + (", again on everything" if record.refit else "")
