"""The command ``recast inspect``: a file as it is read; nothing is trained or written.

It imports neither torch nor MLflow, so that it answers at once.
"""

import inspect
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipelines.cli.job_options import (
    DATA_OPTIONS,
    JOB_OPTIONS,
    option_parameters,
    parameter,
    set_signature,
    take_overrides,
)
from pipelines.cli.sources import JOB_FILES, check_files

if TYPE_CHECKING:
    from forecasting.inspection.findings import Inspection

TRAINING_OPTIONS = {name: JOB_OPTIONS[name] for name in ("seq_len", "horizon", "folds")}
EXAMPLE_LENGTH = 24  # letters of a value in the table of columns


def add_inspect_command(app: typer.Typer) -> None:
    """Add the command to an application."""
    as_json = typer.Option("--json", help="Print the inspection as JSON.")
    source = typer.Argument(help="CSV file with the series, or a job file (.yaml).")
    set_signature(
        inspect_command,
        [
            parameter("source", Path, source, ...),
            *option_parameters(DATA_OPTIONS | TRAINING_OPTIONS),
            inspect.Parameter(
                "as_json",
                inspect.Parameter.POSITIONAL_OR_KEYWORD,
                default=False,
                annotation=Annotated[bool, as_json],
            ),
        ],
    )
    app.command("inspect")(inspect_command)


def inspect_command(source: Path, as_json: bool, **options: Any) -> None:
    """Show how a file is read, before anything is trained on it.

    Prints each column with its role and the reason, the series, the first rows as they
    were read, all open questions with the options that answer them, and the choices of
    a training. Writes nothing.

    Examples:
      recast inspect sales.csv
      recast inspect sales.csv --series-id store,item --known promo
      recast inspect umsatz.csv --decimal , --time-format %d.%m.%Y
      recast inspect sales.csv --json
    """
    check_files(source)
    from forecasting.evaluation.backtest import EvaluationConfig
    from forecasting.inspection.inspect import inspect_csv

    settings = take_overrides(DATA_OPTIONS | TRAINING_OPTIONS, options)
    if source.suffix.lower() in JOB_FILES:
        from pipelines.config.job import read_job

        job = read_job(source, settings)
        data, evaluation = dict(job.data), job.evaluation
        windows = {"seq_len": job.windows.seq_len, "horizon": job.windows.horizon}
        path = data.pop("path")
    else:
        path = source
        data = _section(settings, "data")
        windows = _section(settings, "windows")
        evaluation = EvaluationConfig(**_section(settings, "evaluation"))
    inspection = inspect_csv(path, evaluation=evaluation, **windows, **data)
    if as_json:
        plain = json.dumps(inspection.to_plain(), indent=2, ensure_ascii=False)
        typer.echo(plain)
    else:
        print_inspection(Console(), inspection)


def print_inspection(console: Console, inspection: "Inspection") -> None:
    """Print the columns, the series, their first rows, the questions and the training.

    Args:
        console: output.
        inspection: of a file.
    """
    from forecasting.inspection.findings import describe_series, describe_training

    console.print(_columns_table(inspection))
    if inspection.series is not None:
        _print_line(console, "series", describe_series(inspection.series))
        console.print(_rows_table(inspection))
    for note in inspection.notes:
        console.print(f"note: {note}", style="dim", markup=False)
    if inspection.training is not None:
        _print_line(console, "training", describe_training(inspection.training))
    for question in inspection.questions:
        console.print(Text(f"open: {question}", style="yellow"), soft_wrap=True)


def _columns_table(inspection: "Inspection") -> Table:
    table = Table(title=inspection.source, title_justify="left", box=None)
    for name in ("column", "role", "kind", "example", "reason"):
        table.add_column(name, overflow="fold")
    for column in inspection.columns:
        example = column.example
        if len(example) > EXAMPLE_LENGTH:
            example = f"{example[:EXAMPLE_LENGTH]}..."
        cells = (column.name, column.role or "-", column.kind, example, column.reason)
        table.add_row(*map(printable, cells))
    return table


def _rows_table(inspection: "Inspection") -> Table:
    table = Table(title="first rows as they were read", title_justify="left", box=None)
    for name in inspection.rows[0]:
        table.add_column(printable(name), overflow="fold")
    for row in inspection.rows:
        cells = (f"{v:.10g}" if isinstance(v, float) else str(v) for v in row.values())
        table.add_row(*map(printable, cells))
    return table


def printable(text: str) -> Text:
    """Return text of a file without markup and control characters."""
    return Text(
        "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    )


def _print_line(console: Console, title: str, text: str) -> None:
    console.print(
        Text(f"{title}: ", style="bold").append(
            text.removeprefix(f"{title}: "), style="not bold"
        ),
        soft_wrap=True,
    )


def _section(settings: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the settings of a section of the job file, by key."""
    return {
        path.partition(".")[2]: value
        for path, value in settings.items()
        if path.partition(".")[0] == name
    }
