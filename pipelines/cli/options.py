"""Options that several commands share."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

Time = Annotated[
    str | None,
    typer.Option(
        help="Column with the timestamps. Default: as in training, or inferred."
    ),
]

Target = Annotated[
    str | None,
    typer.Option(
        help="Column with the observations. Default: as in training, or inferred."
    ),
]

SeriesId = Annotated[
    str | None,
    typer.Option(
        help="Column that names the series, or several: store,item. Default: as in "
        "training, or inferred."
    ),
]

TimeFormat = Annotated[
    str | None,
    typer.Option(
        help="Form of the timestamps, as in Python: %d.%m.%Y. Default: as in training, "
        "or inferred."
    ),
]

Decimal = Annotated[
    str | None,
    typer.Option(
        help="Mark before the decimals: . or , Default: as in training, or inferred."
    ),
]

Encoding = Annotated[
    str | None,
    typer.Option(help="Encoding of the file: utf-8, cp1252, ... Default: inferred."),
]

Missing = Annotated[
    str | None,
    typer.Option(
        help="Treatment of missing values and moments: error, interpolate, forward, "
        "mean or zero. Default: as in training, or error."
    ),
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

Output = Annotated[
    Path | None,
    typer.Option(
        help="Write the forecasts to this file: .csv, .parquet or .json; - prints CSV. "
        "Default: no file."
    ),
]

Full = Annotated[
    bool,
    typer.Option(
        "--full", help="Write all digits to the file. Default: six significant digits."
    ),
]


class ColumnNames(StrEnum):
    """Names of the columns of an output table."""

    recast = "recast"
    data = "data"


ColumnNamesOption = Annotated[
    ColumnNames,
    typer.Option(
        "--column-names",
        help="Names of the columns in the file: those of recast (series_id, timestamp, "
        "point, ...), or those of the training data for id, time and target.",
    ),
]

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]

IfChanged = Annotated[
    bool,
    typer.Option(
        "--if-changed",
        help="Do nothing where a finished run of the same job, data and code has a "
        "registered version. Default: train again.",
    ),
]

Resume = Annotated[
    bool,
    typer.Option(
        "--resume",
        help="Go on where the same command on the same data was cut (killed, out of "
        "memory, Ctrl-C); the result is that of an unbroken run. Default: begin anew.",
    ),
]

WorkDir = Annotated[
    Path | None,
    typer.Option(
        "--work-dir",
        help="Folder for the unfinished work of jobs, such as a disk that outlives the "
        "machine. Default: recast-work beside a SQLite store, or here.",
    ),
]

Ray = Annotated[
    str | None,
    typer.Option(
        "--ray",
        metavar="ADDRESS|local",
        help="Run on the Ray cluster whose head node is HOST:PORT, or on one that is "
        "started for this command on this machine: local. Needs "
        "the package ray: docs/batch.md.",
    ),
]
