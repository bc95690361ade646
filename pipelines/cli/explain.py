"""The command ``recast explain``; torch is imported when it runs."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from pipelines.cli.options import (
    Decimal,
    Encoding,
    Missing,
    NewData,
    SeriesId,
    Target,
    Time,
    TimeFormat,
    TrainedModel,
)

Output = Annotated[
    Path | None,
    typer.Option(
        help="Write all numbers to this CSV file, or a heat map to this PNG file. "
        "Default: print a table."
    ),
]

Network = Annotated[
    bool,
    typer.Option(
        "--network",
        help="Explain the network alone, without the linear part. Default: the method "
        "that answers for each series, such as a seasonal naive forecast.",
    ),
]


def explain_command(
    model: TrainedModel,
    data: NewData = None,
    network: Network = False,
    time: Time = None,
    target: Target = None,
    series_id: SeriesId = None,
    time_format: TimeFormat = None,
    decimal: Decimal = None,
    encoding: Encoding = None,
    missing: Missing = None,
    output: Output = None,
) -> None:
    """Show how strongly each forecast step depends on each observation.

    Importance is the mean of |gradient x input| over windows, as percent of each
    step. It is that of the method that answers: a copy of the last season is 100 %
    its lag.

    Examples:
      recast explain sales
      recast explain sales --data latest.csv --output importance.png
    """
    from pipelines.cli import report
    from pipelines.jobs.explain import (
        check_explanation_output,
        explain_model,
        write_explanation,
    )
    from pipelines.jobs.forecast import load_model

    console = Console()
    check_explanation_output(output)
    forecaster, name = load_model(model)
    explanation, notes = explain_model(
        forecaster,
        data=data,
        columns={
            "time": time,
            "target": target,
            "series_id": series_id,
            "time_format": time_format,
            "decimal": decimal,
            "encoding": encoding,
            "missing": missing,
        },
        part="network" if network else "model",
    )
    report.print_notes(console, notes)
    if output is None:
        report.print_explanation(console, explanation, name)
    else:
        write_explanation(explanation, output)
        console.print(f"wrote {output}", soft_wrap=True)
