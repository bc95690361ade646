"""Display of a batch: a table on a terminal, else lines; and the summary at its end."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from forecasting.display.numbers import readable
from pipelines.batch.state import BatchState, JobState
from pipelines.output.progress import describe_seconds

MAX_RUNNING = 16  # rows of the table
MAX_ROWS = 40  # of the summary
REFRESHES = 2  # of the table a second


@contextmanager
def show_batch(
    console: Console, state: BatchState
) -> Iterator[Callable[[JobState], None]]:
    """Show the jobs of a batch; yield a function to call when a job has ended.

    Args:
        console: a terminal shows a table of the jobs that run, which disappears at the
            end; any output gets a line a job.
        state: of the batch, read at each refresh.
    """

    def print_end(job: JobState) -> None:
        style = "red" if job.status == "failed" else None
        line = f"[{state.ended} of {len(state.jobs)}] {describe_end(job)}"
        if not console.is_terminal:
            line += f"; {describe_rest(state)}"
        console.print(escape(line), style=style, highlight=False, soft_wrap=True)

    if not console.is_terminal:
        yield print_end
        return
    with Live(
        get_renderable=lambda: _draw(state),
        console=console,
        refresh_per_second=REFRESHES,
        transient=True,
    ):
        yield print_end


def describe_end(state: JobState) -> str:
    """Describe the end of a job in a line: version and score, or reason and log."""
    result = state.result
    assert result is not None
    name = state.job.name
    again = f", attempt {result.attempts}" if result.attempts > 1 else ""
    if result.status == "failed":
        return f"{name}: failed{again}: {result.error} (log: {result.log})"
    facts = [f"version {result.version}"]
    facts += [f"now {result.alias}"] if result.promoted else []
    if result.score is not None:
        facts.append(f"{result.metric} {readable(result.score)}")
    facts.append(describe_seconds(result.seconds))
    return f"{name}: {result.status}{again}: {', '.join(facts)}"


def describe_rest(state: BatchState) -> str:
    """Describe the number of failures and the time left."""
    left = state.seconds_left()
    facts = [f"{state.counts['failed']} failed"] if state.counts["failed"] else []
    facts.append(f"{state.counts['running']} running")
    facts += [] if left is None else [f"{describe_seconds(left)} left"]
    return ", ".join(facts)


def _draw(state: BatchState) -> Group:
    """Return the table of the jobs that run, and a bar."""
    table = _table("job", "attempt", "time", "place")
    running = state.running()
    for job in running[:MAX_RUNNING]:
        seconds = describe_seconds(time.monotonic() - job.since)
        table.add_row(Text(job.job.name), str(job.attempt), seconds, job.place)
    if len(running) > MAX_RUNNING:
        table.add_row(f"... {len(running)} jobs run", "", "", "")
    bar = Table.grid(padding=(0, 1))
    total = len(state.jobs)
    text = f"{state.ended} of {total} ended, {describe_rest(state)}"
    bar.add_row(ProgressBar(total, state.ended, width=20), text)
    return Group(table, bar)


def print_summary(console: Console, state: BatchState) -> None:
    """Print a row a job, the failures with reason and log, and the counts."""
    rows = [job for job in state.jobs if job.status in ("done", "unchanged")]
    if rows:
        console.print(_make_table(rows[:MAX_ROWS]))
    if len(rows) > MAX_ROWS:
        console.print(f"... {len(rows)} jobs in all; --report FILE.json lists them")
    failed = [job for job in state.jobs if job.status == "failed"]
    for job in failed[:MAX_ROWS]:
        line = describe_end(job)
        console.print(escape(line), style="red", highlight=False, soft_wrap=True)
    if len(failed) > MAX_ROWS:
        console.print(f"... {len(failed)} failures; --report FILE.json lists them")
    counts = [
        f"{state.counts[status]} {status}"
        for status in ("done", "unchanged", "failed", "running", "waiting")
        if state.counts[status]
    ]
    total = f"{len(state.jobs)} job{'s' * (len(state.jobs) != 1)}"
    console.print(
        f"{total}: {', '.join(counts)}; {describe_seconds(state.seconds)}",
        highlight=False,
    )


def _make_table(jobs: list[JobState]) -> Table:
    table = _table("job", "status", "version", "alias", "score", "evidence")
    for job in jobs:
        result = job.result
        assert result is not None
        score = "-"
        if result.score is not None:
            score = f"{result.metric} {readable(result.score)}"
        alias = (result.alias or "") if result.promoted else "-"
        table.add_row(
            Text(job.job.name),
            result.status,
            result.version or "-",
            alias,
            score,
            (result.evidence or "").replace("95% interval ", ""),
        )
    return table


def _table(*columns: str) -> Table:
    table = Table(
        header_style="bold",
        box=SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        collapse_padding=True,
    )
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
