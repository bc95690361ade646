"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

Time = Annotated[
    str | None,
    typer.Option(help="Column with the timestamps. Default: the only date column."),
]

Target = Annotated[
    str | None,
    typer.Option(help="Column with the observations. Default: as in training."),
]

SeriesId = Annotated[
    str | None,
    typer.Option(help="Column that names the series. Default: inferred."),
]

TrainedModel = Annotated[
    str,
    typer.Argument(
        help="A registered model as name (its champion), name@alias or name/version; "
        "or a model folder."
    ),
]

NewData = Annotated[
    Path | None,
    typer.Option(
        help="CSV with the latest observations, at least one window of each series. "
        "Default: the training series."
    ),
]
