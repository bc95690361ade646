"""The command ``recast report``; torch is imported when it runs."""

import re
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from pipelines.cli.options import TrainedModel
from pipelines.output.files import check_output

SUFFIXES = (".html", ".htm")
Output = Annotated[
    Path | None,
    typer.Option(help="The file to write, .html. Default: NAME.html in this folder."),
]


def report_command(model: TrainedModel, output: Output = None) -> None:
    """Write a report of a model: one HTML file, to open offline, send or print.

    It has the error of the forecasts beside simple methods, charts of past forecasts,
    the method that answers for each series, intervals, the data, and the command that
    repeats the training. The same file lies among the artifacts of the run.

    Examples:
      recast report sales
      recast report sales/3 --output sales.html
    """
    check_output(output, SUFFIXES)
    from pipelines.output.files import write_text
    from pipelines.tracking.reports import report_model

    text, name = report_model(model)
    path = output or Path(re.sub(r"[^\w.-]+", "-", name) + ".html")
    check_output(path, SUFFIXES)
    write_text(text, path)
    Console().print(f"wrote {path}", soft_wrap=True)
