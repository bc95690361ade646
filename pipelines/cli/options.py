"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

Time = Annotated[str | None, typer.Option(help="Column with the dates.")]


Target = Annotated[str | None, typer.Option(help="Column to forecast.")]


SeriesId = Annotated[str | None, typer.Option(help="Column that names the series.")]


TrainedModel = Annotated[
    str, typer.Argument(help="name, name@alias, name/version or a model folder.")
]


NewData = Annotated[
    Path | None, typer.Option(help="CSV with new observations. Default: as trained.")
]
