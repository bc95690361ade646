"""Lines on a terminal before a training starts: its series, its unfinished work."""

from collections.abc import Sequence

from rich.console import Console

from forecasting.data.panel import Panel
from forecasting.inspection.inspect import inspect_panel
from pipelines.config.job import Job


def show_series(console: Console, panel: Panel, job: Job) -> None:
    """Print the series, the roles of the columns and the training, a line each.

    Nothing is printed where the output is no terminal, as in a file.

    Args:
        console: output.
        panel: series of the job.
        job: settings of the training.
    """
    if not console.is_terminal:
        return
    inspection = inspect_panel(
        panel,
        windows=job.windows,
        evaluation=job.evaluation,
        source=str(job.data.path),
    )
    for line in inspection.summary():
        console.print(line, style="dim", markup=False, soft_wrap=True)


def show_notes(console: Console, notes: Sequence[str]) -> None:
    """Print sentences for the user, a line each."""
    for note in notes:
        console.print(note, markup=False, soft_wrap=True)
