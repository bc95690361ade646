"""The command ``recast explain``; torch is imported when it runs."""

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.options import (
    AsJson,
    Decimal,
    Encoding,
    Full,
    Missing,
    NewData,
    SeriesId,
    Target,
    Time,
    TimeFormat,
    TrainedModel,
)
from pipelines.cli.outputs import open_console
from pipelines.cli.sources import check_files
from pipelines.output.files import STANDARD_OUTPUT, TABLE_SUFFIXES, check_output

Output = Annotated[
    Path | None,
    typer.Option(
        help="Write all numbers to this file, .csv, .parquet or .json, or a heat map "
        "to a .png; - prints CSV. Default: print a table."
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
    full: Full = False,
    as_json: AsJson = False,
) -> None:
    """Show how strongly each forecast step depends on each observation.

    Importance is the mean of |gradient x input| over windows, as percent of each
    step. It is that of the method that answers: a copy of the last season is 100 %
    its lag.

    Of a classifier of series, it is the part of each step in the label: gradient x
    input of the label's logit, positive where the step speaks for it.

    Examples:
      recast explain sales
      recast explain sales --data latest.csv --output importance.png
      recast explain sales --json
      recast explain gestures --data new.csv --output parts.csv
    """
    check_files(data)
    check_output(output, (*TABLE_SUFFIXES, ".png"))
    console = open_console(output, as_json)
    from forecasting.forecaster.forecaster import Forecaster
    from pipelines.jobs.explain import explain_model, load_any, write_explanation

    forecaster, name = load_any(model)
    if not isinstance(forecaster, Forecaster):
        from pipelines.cli.sequences import explain_discrete

        explain_discrete(console, forecaster, name, data, output, full, as_json)
        return
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
    if as_json:
        from pipelines.cli.printing.as_json import plain_explanation, print_json

        print_json(plain_explanation(explanation, name, notes))
    else:
        from pipelines.cli.printing import tables

        tables.print_notes(console, notes)
        if output is None:
            tables.print_explanation(console, explanation, name)
    if output is not None:
        write_explanation(explanation, output, full=full)
        if output != STANDARD_OUTPUT:
            console.print(f"wrote {output}", soft_wrap=True)
