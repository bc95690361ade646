"""``recast explain``: parse and call; torch is imported when it runs."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from pipelines.cli.options import NewData, SeriesId, Target, Time, TrainedModel

Output = Annotated[Path | None, typer.Option(help="CSV or PNG file to write.")]


Network = Annotated[
    bool, typer.Option("--network", help="The network alone, without its linear part.")
]


def explain_command(
    model: TrainedModel,
    data: NewData = None,
    network: Network = False,
    time: Time = None,
    target: Target = None,
    series_id: SeriesId = None,
    output: Output = None,
) -> None:
    """Show how strongly each step of a forecast depends on each observation."""
    from pipelines.cli import report
    from pipelines.jobs.explain import check_kind, explain_model, write_explanation
    from pipelines.jobs.forecast import load_model

    console = Console()
    check_kind(output)
    forecaster, name = load_model(model)
    made, said = explain_model(
        forecaster,
        data=data,
        columns={"time": time, "target": target, "series_id": series_id},
        part="network" if network else "model",
    )
    report.notes(console, said)
    if output is None:
        report.explanation(console, made, name)
    else:
        write_explanation(made, output)
        console.print(f"wrote {output}", soft_wrap=True)
